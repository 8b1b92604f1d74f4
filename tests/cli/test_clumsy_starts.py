"""What a clumsy person gives the program is told in one sentence with what is allowed, before anything long begins."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from desk.settings import load_settings
from server.web import bound_socket
from tests.support.cli import breakwater
from trading.errors import BadSetting


@pytest.mark.parametrize("memory", ['{"replay": [', '{"replay": 5}', "[]", '{"speed": "fast"}'])
def test_a_damaged_memory_of_the_market_is_named_with_what_to_do(tmp_path: Path, memory: str) -> None:
    (tmp_path / "house.json").write_text(memory, encoding="utf-8")

    found = breakwater("console", "--data-dir", tmp_path, "/bots")

    assert found.code == 2
    assert "house.json' is damaged" in found.err
    assert "Remove it" in found.err


def test_a_candle_file_that_is_not_there_is_told_before_anything_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.up._warm", lambda: pytest.fail("it was compiled first"))

    found = breakwater("up", "--port", "0", "--data-dir", tmp_path, "--replay", tmp_path / "none.csv")

    assert found.code == 2
    assert "none.csv' was named and is not there" in found.err


@pytest.mark.parametrize("port", [65_536, 80_000_000])
def test_a_port_that_is_none_is_told_with_what_is_allowed(port: int) -> None:
    with pytest.raises(BadSetting, match=f"Port {port} was given; 0 to 65535 are allowed"):
        bound_socket("127.0.0.1", port)


def test_a_simulated_exchange_takes_no_port_that_is_none() -> None:
    found = breakwater("sim-exchange", "--port", "65536")

    assert found.code == 2
    assert "65535" in found.err


def test_an_end_of_the_input_where_a_question_was_asked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.cli.admin.done", lambda *_: None)
    monkeypatch.setattr("server.cli.people.done", lambda *_: _Draft())
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    found = breakwater("user", "totp", "owner", "--data-dir", tmp_path)

    assert found.code == 130
    assert "No answer came; nothing was changed." in found.err


class _Draft:
    uri = "otpauth://totp/x"
    secret = "x"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"\xff\xfe B", "it is no UTF-8 text"),
        (b"BREAKWATER_PORT\n", "names BREAKWATER_PORT without a value"),
        (b"# a note\nBREAKWATER_PROT=1\n", "BREAKWATER_PORT"),
    ],
)
def test_a_settings_file_that_is_half_edited_is_told(tmp_path: Path, text: bytes, told: str) -> None:
    path = tmp_path / ".env"
    path.write_bytes(text)

    with pytest.raises(BadSetting, match=told):
        load_settings({}, env_file=path)
