"""Logs: one form for all, allow-listed keys, and no secret in any of them."""

from __future__ import annotations

import ast
import io
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
import structlog

from desk.logs import ALLOWED_KEYS, Redactor, set_up_logs
from desk.secrets import STARS, Secret

ROOT = Path(__file__).resolve().parents[2]

#: Forty things that must never be seen, of every kind that passes through the house.
CANARIES = [
    *(f"bwk_{'canary' * 3}{at:02d}abcdefgh" for at in range(8)),
    *(f"{1234567 + at}:AAcanaryTokenOfATelegramBot0123456{at}" for at in range(4)),
    *(f"eyJhbGciOiJFZERTQSJ9.eyJjYW5hcnkiOj{at}fQ.c2lnbmF0dXJl{at}" for at in range(4)),
    *(f"canary.person{at}@mail.example" for at in range(4)),
    *(f"+33 6 12 34 56 7{at}" for at in range(4)),
    *(f"known-secret-{at}-canary" for at in range(16)),
]


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """Put logging back as the test run had it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_ours_and_everybody_elses_lines_have_one_form() -> None:
    stream = io.StringIO()
    set_up_logs(form="json", stream=stream)
    structlog.get_logger("desk").info("order_filled", pair="BTC/USDT")
    logging.getLogger("uvicorn.error").warning("hello %s", "you")
    logging.getLogger("uvicorn.access").info("not this")
    structlog.get_logger("desk").debug("not this either")

    first, second = _lines(stream)
    assert (first["event"], first["pair"], first["level"]) == ("order_filled", "BTC/USDT", "info")
    assert (second["event"], second["logger"], second["level"]) == ("hello you", "uvicorn.error", "warning")
    assert str(first["timestamp"]).endswith("Z")


def test_unknown_keys_are_dropped_and_their_names_kept() -> None:
    stream = io.StringIO()
    set_up_logs(form="json", stream=stream)
    structlog.get_logger().info("x", pair="A", secret_thing="hunter2")

    (line,) = _lines(stream)
    assert (line["dropped"], "secret_thing" in line) == (["secret_thing"], False)


def _fail(secret: str) -> None:
    raise ValueError(f"failed with {secret}")


def test_forty_canaries_are_in_no_line_by_any_path() -> None:
    assert len(CANARIES) == 40
    stream = io.StringIO()
    set_up_logs(level="debug", form="json", stream=stream, secrets=[Secret(one) for one in CANARIES[24:]])
    log = structlog.get_logger("desk")
    for one in CANARIES:
        log.info("command_done", detail=one, subject=Secret(one), reason=[one, {"a": one}])
        log.debug(f"event with {one}")
        logging.getLogger("somebody").error("text with %s", one)
        try:
            _fail(one)
        except ValueError:
            log.exception("failed", error=f"because of {one}")

    text = stream.getvalue()
    assert [one for one in CANARIES if one in text] == []
    assert len(text.splitlines()) == 4 * len(CANARIES)


def test_the_canaries_are_also_hidden_on_a_terminal() -> None:
    stream = io.StringIO()
    set_up_logs(form="colour", stream=stream, secrets=[Secret(one) for one in CANARIES[24:]])
    for one in CANARIES:
        structlog.get_logger().info("x", detail=one)

    assert [one for one in CANARIES if one in stream.getvalue()] == []


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer abcdefghijklmnop",
        "postgres://user:hunter2@db/name",
        '{"password": "hunter2", "a": 1}',
        "token=hunter2&x=1",
        "api_key: hunter2",
    ],
)
def test_shapes_of_secrets_are_starred_and_the_rest_stays(text: str) -> None:
    shown = Redactor().text(text)

    assert STARS in shown
    assert "hunter2" not in shown
    assert "abcdefghijklmnop" not in shown


def test_plain_words_are_left_alone() -> None:
    text = "Order 01a2067c-00eb-7221-9602-6967266bbdb9 of BTC/USDT filled at 42000.10, 12:30:15, 3 of 5"

    assert Redactor().text(text) == text


def test_logs_go_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(form="json", stream=sys.stderr)
    structlog.get_logger().info("x")

    shown = capsys.readouterr()
    assert (shown.out, '"event":"x"' in shown.err) == ("", True)


def _logged_keys() -> dict[str, str]:
    keys: dict[str, str] = {}
    for room in ("desk", "server", "graphql/api", "chatops", "workers"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name)
                    and node.func.value.id == "log"
                    and node.func.attr in {"debug", "info", "warning", "error", "exception", "critical"}
                ):
                    for one in node.keywords:
                        if one.arg and one.arg != "exc_info":
                            keys[one.arg] = str(path.relative_to(ROOT))
    return keys


def test_every_key_that_the_code_logs_is_on_the_list() -> None:
    assert {key: where for key, where in _logged_keys().items() if key not in ALLOWED_KEYS} == {}
