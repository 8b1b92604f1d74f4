"""Client order ids: short, readable back, and different whenever anything about them differs."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desk.bots.memory import LineMemory, LoopMemory, pack, unpack
from desk.execution.client_ids import Origin, client_order_id, owner_part, read_client_order_id, stable_id
from trading.errors import InvalidInput, StoreProblem

parts = st.tuples(st.uuids(), st.integers(0, 2**37), st.integers(0, 2**15 - 1), st.sampled_from(list(Origin)))


@settings(max_examples=100, derandomize=True)
@given(parts)
def test_an_id_can_be_read_back_and_fits_every_venue(found: tuple[object, int, int, Origin]) -> None:
    account, number, epoch, origin = str(found[0]), found[1], found[2], found[3]

    text = client_order_id(account, number=number, restore_epoch=epoch, origin=origin)

    assert len(text) <= 32
    assert text.isalnum()
    assert text == text.lower()
    parsed = read_client_order_id(text)
    assert parsed is not None
    assert (parsed.owner, parsed.number, parsed.restore_epoch, parsed.origin) == (
        owner_part(account),
        number,
        epoch,
        origin,
    )


@settings(max_examples=100, derandomize=True)
@given(parts, parts)
def test_different_parts_give_different_ids(
    one: tuple[object, int, int, Origin], other: tuple[object, int, int, Origin]
) -> None:
    texts = [client_order_id(str(a), number=n, restore_epoch=e, origin=o) for a, n, e, o in (one, other)]

    assert (texts[0] == texts[1]) == (one == other)


@settings(max_examples=60, derandomize=True)
@given(st.integers(0, 24), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_mistyped_id_is_not_ours(place: int, letter: str) -> None:
    text = client_order_id("account", number=77)

    changed = text[:place] + letter + text[place + 1 :]

    assert (read_client_order_id(changed) is not None) == (changed == text)


@pytest.mark.parametrize("foreign", ["", "x", "web_1234567890abcdefghijk", "bw" + "0" * 23])
def test_what_others_named_is_not_ours(foreign: str) -> None:
    assert read_client_order_id(foreign) is None


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is allowed"):
        client_order_id("account", number=2**40)


def test_row_ids_follow_from_what_they_name() -> None:
    assert stable_id("a", "fill", 1) == stable_id("a", "fill", 1)
    assert len({stable_id(a, k, n) for a in "ab" for k in ("fill", "order") for n in range(3)}) == 12


def test_the_loops_memory_is_read_back_as_it_was_written() -> None:
    memory = LoopMemory(venue="simulated-7", cash=Decimal("9999.123456789"))
    memory.lines["bot", "BTC/USDT"] = LineMemory(
        signal_id="s", entry_sequence=4, entry_value=Decimal("1.10"), trail_ratio=0.02, planned_stop="1.5"
    )
    memory.origins["bot", "BTC/USDT"] = 123
    memory.configs["bot"] = 2
    memory.failed["bot"] = "why"

    again, engine = unpack(pack(memory, b"\x00engine\xff"))

    assert again == memory
    assert engine == b"\x00engine\xff"
    with pytest.raises(StoreProblem, match="cannot be read"):
        unpack(b"something else")
