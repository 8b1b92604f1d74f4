"""Settings: read once, refused when unknown, documented, and their secrets never shown."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path

import orjson
import pytest

from desk.secrets import STARS, Secret
from desk.settings import Settings, load_settings, single_settings, variable
from desk.settings_pages import as_env_example, as_markdown
from trading.errors import BadSetting

ROOT = Path(__file__).resolve().parents[2]


def test_nothing_set_gives_safe_defaults() -> None:
    settings = load_settings({"PATH": "/bin"})

    assert (settings.host, settings.port, settings.metrics_public) == ("127.0.0.1", 8080, False)
    assert settings.origins == settings.allowed_hosts == ()
    assert not settings.database_url


def test_values_are_read_by_their_kind(tmp_path: Path) -> None:
    settings = load_settings(
        {
            "BREAKWATER_DATA_DIR": str(tmp_path),
            "BREAKWATER_PORT": " 9000 ",
            "BREAKWATER_SMTP_TLS": "NONE",
            "BREAKWATER_DEMO_SPEED": "1e3",
            "BREAKWATER_INTROSPECTION": "off",
            "BREAKWATER_ORIGINS": "https://a.example, http://b.example:81",
            "BREAKWATER_SMTP_HOST": "",
            "BREAKWATER_BINANCE_API_KEY": "key-1",
            "BREAKWATER_BINANCE_BASE_URL": "http://127.0.0.1:1/",
            "BREAKWATER_TEST_ANYTHING": "let through",
        }
    )

    assert (settings.data_dir, settings.port, settings.smtp_tls) == (tmp_path, 9000, "none")
    assert (settings.demo_speed, settings.introspection) == (1000.0, False)
    assert settings.origins == ("https://a.example", "http://b.example:81")
    assert settings.venues["binance"].api_key.reveal() == "key-1"
    assert settings.venues["binance"].base_url == "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("name", "found", "said"),
    [
        ("BREAKWATER_PROT", "1", "BREAKWATER_PORT"),
        ("BREAKWATER_SMTP_PASWORD", "1", "BREAKWATER_SMTP_PASSWORD"),
        ("BREAKWATER_PORT", "x", "from 0 to 65535"),
        ("BREAKWATER_PORT", "70000", "from 0 to 65535"),
        ("BREAKWATER_DEMO_SPEED", "nan", "a number from"),
        ("BREAKWATER_SMTP_TLS", "startls", "Did you mean 'starttls'?"),
        ("BREAKWATER_INTROSPECTION", "maybe", "true or false"),
        ("BREAKWATER_ORIGINS", "evil.example", "an origin like"),
        ("BREAKWATER_ORIGINS", "https://a.example/path", "an origin like"),
        ("BREAKWATER_DATABASE_URL", "mysql://x", "sqlite:PATH or postgres://"),
        ("BREAKWATER_BINANC_API_KEY", "x", "Did you mean 'BINANCE'?"),
        ("BREAKWATER_BINANCE_BASE_URL", "ftp://x", "an address that begins with"),
        ("BREAKWATER_DATABASE_BASE_URL", "http://x", "is unknown"),
        ("BREAKWATER_SMTP_PASSWORD_FILE", "/does/not/exist", "cannot be read"),
        ("BREAKWATER_PORT_FILE", "/etc/hostname", "is unknown"),
    ],
)
def test_what_is_wrong_is_refused_with_what_is_allowed(name: str, found: str, said: str) -> None:
    with pytest.raises(BadSetting) as refused:
        load_settings({name: found})

    assert said in str(refused.value)
    assert name.removesuffix("_FILE") in str(refused.value)


def test_a_refused_database_url_does_not_show_its_password() -> None:
    with pytest.raises(BadSetting) as refused:
        load_settings({"BREAKWATER_DATABASE_URL": "mysql://u:hunter2@host/db"})

    assert "hunter2" not in str(refused.value)


def test_a_secret_comes_from_a_file_and_the_environment_wins_over_the_env_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from-file\n")
    env_file = tmp_path / "env"
    env_file.write_text("BREAKWATER_PORT=1111\nBREAKWATER_SMTP_USER='a b'\nOTHER=1\n")

    settings = load_settings(
        {"BREAKWATER_SMTP_PASSWORD_FILE": str(tmp_path / "password"), "BREAKWATER_PORT": "2222"},
        env_file=env_file,
    )

    assert settings.smtp_password.reveal() == "from-file"
    assert (settings.port, settings.smtp_user) == (2222, "a b")


def test_a_secret_cannot_be_printed_by_any_way() -> None:
    secret = Secret("hunter2-hunter2")
    settings = dataclasses.replace(Settings(), smtp_password=secret)

    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret:>20}",
        "%s %r" % (secret, secret),  # noqa: UP031 - this way of printing is tried too
        json.dumps({"a": secret}, default=str),
        orjson.dumps({"a": secret}, default=str).decode(),
        repr(settings),
        repr(dataclasses.asdict(settings)),
        repr(pickle.dumps(secret)),
        repr(copy.deepcopy(secret)),
        str(pickle.loads(pickle.dumps(secret))),
    ]

    assert not [one for one in shown if "hunter2" in one]
    assert all(STARS in one for one in shown if "pickle" not in one)
    assert copy.deepcopy(secret).reveal() == "hunter2-hunter2"
    assert secret == Secret("hunter2-hunter2")
    assert secret != Secret("other")
    assert not Secret("")


def test_the_settings_page_and_the_example_file_are_what_the_code_gives() -> None:
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == as_markdown()
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == as_env_example()


def test_every_setting_is_documented_and_the_example_file_loads() -> None:
    page, example = as_markdown(), as_env_example()
    for one in single_settings():
        assert f"`{variable(one)}`" in page
        assert f"#{variable(one)}=" in example

    lines = [line.removeprefix("#") for line in example.splitlines() if line.startswith("#BREAKWATER_")]
    env = dict(line.split("=", 1) for line in lines)
    assert load_settings(env) == Settings()
