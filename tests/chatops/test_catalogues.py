"""Texts: both languages whole, and every code that may reach a card has one."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pytest

from chatops.alerts import parameter
from chatops.cards import Age, Money, Number, Price, Ratio, Text, Value
from chatops.commands import full_book
from chatops.texts.catalogue import LANGUAGES, catalogue, gaps
from chatops.texts.speaker import Speaker, harmless
from desk.alerting.rules import RULES
from desk.bots.checks import _CHECKS
from desk.commands import COMMANDS, Danger
from desk.identity import Role
from trading.backtest.metrics import REASONS
from trading.engine.records import BINDINGS, DENIALS
from trading.errors import BreakwaterError
from trading.events import Condition, Desired, Phase, Severity, TradingState
from trading.fills import Liquidity
from trading.orders import OrderState, OrderType, Reason, Side

_ROOT = Path(__file__).resolve().parents[2]
_SOURCES = sorted((_ROOT / "chatops").rglob("*.py"))


def test_both_languages_have_the_same_codes_and_gaps() -> None:
    english = catalogue("en")

    for language in LANGUAGES:
        other = catalogue(language)
        assert sorted(other) == sorted(english)
        differing = [code for code in english if gaps(other[code]) != gaps(english[code])]
        assert differing == []
        assert {
            code for code in english if isinstance(other[code], str) != isinstance(english[code], str)
        } == set()


def test_no_text_is_the_same_in_both_languages_by_oversight() -> None:
    english, french = catalogue("en"), catalogue("fr")
    long_texts = [
        code
        for code, text in english.items()
        if isinstance(text, str) and len(re.sub(r"\{\w+\}|·", "", text).split()) >= 4
    ]

    assert [code for code in long_texts if english[code] == french[code]] == []


def _literal_codes() -> set[str]:
    found: set[str] = set()
    for path in _SOURCES:
        source = path.read_text(encoding="utf-8")
        found |= set(re.findall(r'Text\(\s*"([a-zA-Z_0-9.]+)"', source))
        found |= {f"field.{one}" for one in re.findall(r'Field\(\s*"([a-z_0-9]+)"', source)}
        found |= {f"column.{one}" for one in re.findall(r'Column\(\s*"([a-z_0-9]+)"', source)}
        found |= {f"button.{one}" for one in re.findall(r'Button\(\s*name="([a-z_0-9]+)"', source)}
        found |= {f"problem.{one}" for one in re.findall(r'misheard\(\s*"([a-z_]+)"', source)}
        found |= {f"advice.{one}" for one in re.findall(r'advice="([a-z_]+)"', source)}
        found |= {f"error.{one}" for one in re.findall(r'problem="([a-z_]+)"', source)}
        found |= {f"table.{one}" for one in re.findall(r'name="([a-z_]+)",\s+is_titled=True', source)}
        found |= {f"{kind}.{one}" for kind, one in re.findall(r'label\(\s*"([a-z]+)", "([a-z_]+)"', source)}
    return found


def test_every_code_in_the_sources_has_a_text() -> None:
    codes = _literal_codes()

    assert len(codes) > 200
    assert sorted(codes - set(catalogue("en"))) == []


def _members(prefix: str, enum: type[StrEnum]) -> set[str]:
    return {f"{prefix}.{one.value}" for one in enum}


def test_every_code_that_the_desk_may_hand_over_has_a_text() -> None:
    wanted = (
        _members("desired", Desired) | _members("condition", Condition) | _members("trading", TradingState)
    )
    wanted |= _members("phase", Phase) | _members("reason", Reason) | _members("happened", Reason)
    wanted |= (
        _members("order_state", OrderState) | _members("order_side", Side) | _members("liquidity", Liquidity)
    )
    wanted |= _members("order_type", OrderType) | _members("severity", Severity) | _members("danger", Danger)
    for enum in (Desired, Condition, TradingState, Phase, OrderState):
        wanted |= _members("state_name", enum)
    wanted |= {f"role.{one.name.lower()}" for one in Role}
    wanted |= {f"alert.{rule.kind}" for rules in RULES.values() for rule in rules}
    wanted |= {f"undefined.{code}" for code in REASONS}
    wanted |= {f"refusal.{code}" for code in DENIALS if code}
    wanted |= {f"check.{name}" for name, _ in _CHECKS}
    wanted |= {f"limit.{name}" for name in BINDINGS}

    assert sorted(wanted - set(catalogue("en"))) == []


def test_every_error_has_a_title() -> None:
    def below(root: type[BreakwaterError]) -> set[str]:
        # A door may refine an error for itself; what the core and the desk raise reaches chats.
        known = (one for one in root.__subclasses__() if one.__module__.split(".")[0] in {"trading", "desk"})
        return {f"error.{root.code}"}.union(*(below(one) for one in known))

    assert sorted(below(BreakwaterError) - set(catalogue("en"))) == []


def test_every_dangerous_command_has_a_question() -> None:
    asked = {
        f"confirm.{name}" for name, command in COMMANDS.items() if command.policy.danger is not Danger.NONE
    }

    assert sorted(asked - set(catalogue("en"))) == []


def test_every_preview_code_and_gap_of_the_handlers_has_a_text() -> None:
    sources = "\n".join(
        path.read_text(encoding="utf-8") for path in (_ROOT / "desk" / "handlers").glob("*.py")
    )
    codes = set(re.findall(r'"(confirm\.[A-Za-z.]+)"', sources))

    assert len(codes) >= 8
    assert sorted(codes - set(catalogue("en"))) == []


def test_every_word_group_and_argument_of_the_book_is_explained() -> None:
    book = full_book()
    wanted = {f"summary.{one.name}" for one in book} | {f"table.{one.group.value}" for one in book}
    wanted |= {f"argument.{argument.name}" for one in book for argument in one.arguments}

    assert sorted(wanted - set(catalogue("en"))) == []


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (Money(Decimal("1234.5"), "USDT"), "1,234.50\u00a0USDT", "1\u202f234,50\u00a0USDT"),
        (Money(Decimal("-0.004"), "USDT", is_signed=True), "−0.004\u00a0USDT", "−0,004\u00a0USDT"),
        (Money(Decimal("0.12345678"), "BTC"), "0.12345678\u00a0BTC", "0,12345678\u00a0BTC"),
        (Money(Decimal(0), "USDT", is_signed=True), "0.00\u00a0USDT", "0,00\u00a0USDT"),
        (Price(Decimal("42000.1")), "42,000.10", "42\u202f000,10"),
        (Price(Decimal("0.00001234")), "0.00001234", "0,00001234"),
        (Price(Decimal("4.2E+4")), "42,000.00", "42\u202f000,00"),
        (Ratio(0.05), "5.00%", "5,00\u00a0%"),
        (Ratio(-0.123456, is_signed=True, digits=1), "−12.3%", "−12,3\u00a0%"),
        (Ratio(None), "–", "–"),
        (Ratio(float("nan")), "–", "–"),
        (Number(1.816), "1.82", "1,82"),
        (None, "–", "–"),
        (True, "yes", "oui"),
        (1234567, "1,234,567", "1\u202f234\u202f567"),
        (Decimal("0.500"), "0.5", "0,5"),
        (timedelta(hours=2, minutes=30), "2\u00a0h\u00a030\u00a0min", "2\u00a0h\u00a030\u00a0min"),
        (timedelta(days=1, hours=4, minutes=3), "1\u00a0d\u00a04\u00a0h", "1\u00a0j\u00a04\u00a0h"),
        (timedelta(seconds=0), "0\u00a0s", "0\u00a0s"),
    ],
)
def test_values_are_written_as_each_language_writes_them(value: Value, english: str, french: str) -> None:
    assert Speaker("en").value(value) == english
    assert Speaker("fr").value(value) == french


def test_times_are_told_in_the_persons_zone() -> None:
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)

    assert Speaker("en", "Europe/Paris").value(at) == "2 Jul 2026 00:30 CEST"
    assert Speaker("fr", "America/New_York").value(at) == "1 juil. 2026 18:30 EDT"
    assert Speaker("en", "Nowhere/Land").value(at) == "1 Jul 2026 22:30 UTC"
    assert Speaker("en").value(Age(at, at + timedelta(minutes=5))) == "5\u00a0min ago"


def test_plurals_follow_the_language() -> None:
    def title(language: str, n: int) -> str:
        return Speaker(language).say(Text("status.title", {"n": n}))

    assert [title("en", n) for n in (0, 1, 2)] == ["0 open positions", "1 open position", "2 open positions"]
    assert [title("fr", n) for n in (0, 1, 2)] == [
        "0 position ouverte",
        "1 position ouverte",
        "2 positions ouvertes",
    ]


def test_what_is_put_into_a_gap_is_never_read_for_gaps_again() -> None:
    text = Text("problem.missing", {"name": "{usage} {name}"})

    assert Speaker().say(text) == "{usage} {name} is missing."


def test_a_code_without_a_text_shows_its_last_part_and_parameters() -> None:
    assert Speaker().say(Text("limit.brand_new", {"n": 3})) == "brand new (n 3)"


def test_control_characters_and_direction_overrides_never_get_through() -> None:
    shown = harmless("a\x1b[31mb\nc\u202ed\x00e\ud800f\u2028g")

    assert "\x1b" not in shown
    assert shown == "a�[31mb c�d�e�f g"


def test_parameters_of_facts_become_values_that_people_read() -> None:
    assert parameter("pnl", "-12.50") == Money(Decimal("-12.50"), is_signed=True)
    assert parameter("stop", "41000") == Price(Decimal(41000))
    assert parameter("quantity", "0.5") == Decimal("0.5")
    assert parameter("pnl_ratio", 0.01) == Ratio(0.01, is_signed=True)
    assert parameter("reason", "take_profit_1") == Text("reason.take_profit_1")
    assert parameter("reason", "drawdown -20.00%") == Text("cause.drawdown", {"share": Ratio(-0.2)})
    assert parameter("reason", "the news") == "the news"
    assert parameter("targets", ["1", "2"]) == Text(
        "targets.of2", {"tp1": Price(Decimal(1)), "tp2": Price(Decimal(2))}
    )
    assert parameter("fill_ids", ["a", "b"]) == "a · b"
    assert parameter("until", "2026-01-05T12:00:00Z") == datetime(2026, 1, 5, 12, tzinfo=UTC)
