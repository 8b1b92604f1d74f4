"""Letters: alerts and reports as mails in their reader's language and time zone."""

from __future__ import annotations

from chatops.alerts import alert_card, alert_title
from chatops.cards import Card, Text
from chatops.email.bodies import card_as_html, card_as_text
from chatops.reading import reference
from chatops.texts.speaker import Speaker
from desk.money import MoneyKind
from desk.ports import Letter
from desk.views import Alert, Member

#: Content id of the picture in a letter.
_PICTURE = "picture"
#: Subjects longer than this are cut by mail programs anyway.
_LONGEST_SUBJECT = 140


def render_alert(
    alert: Alert,
    member: Member,
    *,
    bot: str = "",
    account: str = "",
    money: MoneyKind | None = None,
    workspace: str = "",
    picture: bytes | None = None,
) -> Letter:
    """Give an alert as a letter to a member.

    The message id is made of alert and reader, so that a letter sent twice is one letter to mail programs.

    Args:
        bot, account: names of what it is about.
        money: whose money the account holds; None where nobody need be told.
        workspace: name shown in the footer; its id where none is given.
        picture: a PNG that is shown in the text.
    """
    speaker = Speaker(member.language or "en", member.time_zone or "UTC")
    subject = Text(
        "mail.subject",
        {"severity": Text(f"severity.{alert.severity.value}"), "title": alert_title(alert)},
    )
    note = Text("mail.to_act", {"id": reference(alert.id)})
    return letter_of(
        alert_card(alert, bot=bot, account=account, money=money),
        member,
        subject=speaker.say(subject),
        note=speaker.say(note),
        workspace=workspace or alert.workspace_id,
        message_id=f"{alert.id}.{member.user_id}@breakwater",
        picture=picture,
    )


def letter_of(
    card: Card,
    member: Member,
    *,
    subject: str = "",
    note: str = "",
    workspace: str = "",
    message_id: str,
    picture: bytes | None = None,
) -> Letter:
    """Give any card as a letter to a member: a report is a card with a picture."""
    speaker = Speaker(member.language or "en", member.time_zone or "UTC")
    footer = speaker.say(
        Text("mail.footer", {"workspace": workspace or member.workspace_id, "zone": speaker.time_zone})
    )
    below = f"{note} {footer}" if note else footer
    return Letter(
        recipient=member.email,
        subject=(subject or speaker.say(card.title))[:_LONGEST_SUBJECT],
        text=f"{card_as_text(card, speaker)}\n-- \n{below}\n",
        html=card_as_html(card, speaker, picture=_PICTURE if picture else "", footer=below),
        message_id=message_id,
        pictures={_PICTURE: picture} if picture else {},
    )
