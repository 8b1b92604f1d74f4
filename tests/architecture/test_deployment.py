"""docker-compose.yml and the Dockerfile, judged without a Docker engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]

SERVICE_KEYS = {
    "build", "image", "command", "environment", "secrets", "volumes", "tmpfs", "ports", "networks", "depends_on",
    "healthcheck", "deploy", "restart", "read_only", "cap_drop", "cap_add", "security_opt", "stop_grace_period", "logging",
}  # fmt: skip


def compose() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def test_compose_has_only_known_keys_and_every_reference_is_declared() -> None:
    house = compose()

    assert {one for one in house if not one.startswith("x-")} == {
        "name",
        "services",
        "networks",
        "volumes",
        "secrets",
    }
    for name, service in house["services"].items():
        assert set(service) <= SERVICE_KEYS, name
        assert set(service.get("networks", [])) <= set(house["networks"]), name
        assert set(service.get("secrets", [])) <= set(house["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(house["services"]), name
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in house["volumes"], name


def test_every_service_is_hardened() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name
        assert service["stop_grace_period"] == "35s", name


def test_nothing_is_published_beyond_the_machine_and_no_secret_is_written_down() -> None:
    for name, service in compose()["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        for key, value in service.get("environment", {}).items():
            assert not re.search(r"PASSWORD|TOKEN|SECRET|DATABASE_URL", key) or key.endswith("_FILE"), (
                name,
                key,
            )
            assert "://" not in str(value), (name, key)


def test_compose_settings_are_settings_of_the_program() -> None:
    from desk.settings import load_settings

    environment = {
        k: str(v)
        for k, v in compose()["services"]["breakwater"]["environment"].items()
        if not k.endswith("_FILE")
    }

    assert load_settings(environment).host == "0.0.0.0"


def dockerfile() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    lines = [one for one in text.splitlines() if one.strip() and not one.startswith("#")]
    return [(one.split(maxsplit=1)[0], one.split(maxsplit=1)[1]) for one in lines]


def test_the_image_pins_its_base_runs_as_nobody_and_copies_what_exists() -> None:
    steps = dockerfile()
    instructions = {one for one, _ in steps}

    assert instructions <= {
        "FROM",
        "RUN",
        "COPY",
        "WORKDIR",
        "ENV",
        "USER",
        "VOLUME",
        "EXPOSE",
        "STOPSIGNAL",
        "ENTRYPOINT",
        "CMD",
    }
    assert all(":" in rest and ":latest" not in rest for one, rest in steps if one == "FROM")
    assert [rest for one, rest in steps if one == "USER"][-1] == "10001:10001"
    assert "--require-hashes" in " ".join(rest for one, rest in steps if one == "RUN")
    for one, rest in steps:
        if one == "COPY" and "--from" not in rest:
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source


def test_the_image_carries_every_package_of_the_wheel() -> None:
    copied = {rest.split()[0] for one, rest in dockerfile() if one == "COPY" and "--from" not in rest}

    assert {
        "trading",
        "strategies",
        "desk",
        "chatops",
        "workers",
        "server",
        "graphql",
        "migrations",
    } <= copied
