"""Letters: alerts and reports as mail."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from chatops.alerts import alert_card
from chatops.cards import Card, Column, Field, Money, Table, Text, Tone
from chatops.email import letter_of, render_alert
from desk.alerting.rules import RULES
from desk.identity import Role
from desk.mail import as_message
from desk.views import Alert, Member
from tests.chatops.hostile import SEEDS
from tests.support.records import an_alert
from trading.events import Severity

_ANN = Member(
    user_id="u-1",
    workspace_id="w-1",
    name="Ann",
    email="ann@example.org",
    role=Role.OWNER,
    language="en",
    time_zone="Europe/Paris",
)


def _closed() -> Alert:
    return replace(
        an_alert("w-1"),
        severity=Severity.INFO,
        kind="exit_filled",
        pair="BTC/USDT",
        params={
            "occurred_at": "2026-01-05T12:00:00Z",
            "position_id": "p-1",
            "trade_id": "t-1",
            "exit_price": "43000.5",
            "pnl": "-12.50",
            "pnl_ratio": -0.0125,
            "reason": "stop_loss",
            "exit_tag": "",
        },
    )


def test_an_alert_is_told_in_its_readers_language_and_zone() -> None:
    english = render_alert(_closed(), _ANN, bot="demo", workspace="home")
    french = render_alert(_closed(), replace(_ANN, language="fr"), bot="demo", workspace="home")

    assert english.subject == "[information] Position closed: BTC/USDT"
    assert "5 Jan 2026 13:00 CET" in english.text
    assert "−12.50\n" in english.text
    assert french.subject == "[information] Position fermée : BTC/USDT"
    assert "−1,25\u00a0%" in french.text
    assert "p-1" not in english.text


def test_the_same_alert_to_the_same_reader_is_one_message() -> None:
    alert = _closed()

    assert render_alert(alert, _ANN).message_id == render_alert(alert, _ANN).message_id
    assert (
        render_alert(alert, replace(_ANN, user_id="u-2")).message_id != render_alert(alert, _ANN).message_id
    )


@pytest.mark.parametrize("kind", sorted({rule.kind for rules in RULES.values() for rule in rules}))
def test_every_kind_of_alert_has_a_letter_without_codes(kind: str) -> None:
    for language in ("en", "fr"):
        letter = render_alert(replace(an_alert("w-1"), kind=kind), replace(_ANN, language=language))
        assert f"alert.{kind}" not in letter.text + letter.html + letter.subject
        assert "{" not in letter.text


def test_a_letter_is_text_and_html_with_its_picture_inside() -> None:
    letter = render_alert(_closed(), _ANN, picture=b"\x89PNG\r\n\x1a\n")

    message = message_from_bytes(
        as_message(letter, sender="bw@example.org").as_bytes(), policy=policy.default
    )

    kinds = [part.get_content_type() for part in message.walk()]
    assert isinstance(message, EmailMessage)
    assert kinds == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    assert 'src="cid:picture"' in letter.html


@pytest.mark.parametrize("text", SEEDS)
def test_hostile_names_forge_no_header_and_no_markup(text: str) -> None:
    alert = replace(_closed(), pair=text, params={"reason": text, "detail": text})
    letter = render_alert(alert, _ANN, bot=text, workspace=text)

    assert "\n" not in letter.subject
    assert "<script" not in letter.html
    assert "<img" not in letter.html
    raw = as_message(letter, sender="bw@example.org").as_bytes()
    message = message_from_bytes(raw, policy=policy.default)
    assert message["Subject"] is not None
    assert [key for key in message if key == "Subject"] == ["Subject"]


def test_a_report_is_a_card_in_a_letter() -> None:
    card = Card(
        name="by_day",
        title=Text("periods.day", {"n": 7}),
        tone=Tone.GOOD,
        fields=(Field("closed_pnl", Money(Decimal("48.5"), "USDT", is_signed=True), Tone.GOOD),),
        tables=(
            Table(
                name="periods",
                columns=(Column("day"), Column("pnl")),
                rows=(("2026-01-05", Money(Decimal(1), "USDT")), ("2026-01-04", Money(Decimal(-20), "USDT"))),
            ),
        ),
    )

    letter = letter_of(card, _ANN, message_id="report-1@breakwater")

    assert letter.subject == "Profit of the last 7 days"
    assert "2026-01-05  1.00\u00a0USDT" in letter.text
    assert letter.html.count("<tr>") == 4


def test_an_acknowledged_alert_says_by_whom() -> None:
    alert = replace(_closed(), acknowledged_by="ann@console", acknowledged_at=_closed().created_at)

    assert alert_card(alert).notes == (Text("alert.acknowledged", {"by": "ann@console"}),)
    assert alert_card(alert).tone is Tone.BAD
