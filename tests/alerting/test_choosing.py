"""What reaches whom, where, when and how loud."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from desk.alerting.channel import Reader
from desk.alerting.choosing import choices, end_of_quiet, mode_of, next_digest
from desk.alerting.values import Mode, NoticeSettings
from desk.identity import Role
from desk.views import Member
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
_PLAIN = NoticeSettings(user_id="u-1", workspace_id="w-1")
_BOTH = Reader(member=_ANN, addresses={"telegram": "4711", "email": "ann@example.org"})
_NIGHT = replace(_PLAIN, quiet_from=23 * 60, quiet_to=7 * 60)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("modes", "channel", "expected"),
    [
        ({}, "telegram", Mode.ON),
        ({}, "email", Mode.OFF),
        ({"email:info": Mode.ON}, "email", Mode.ON),
        ({"all:exit_filled": Mode.SILENT}, "telegram", Mode.SILENT),
        ({"all:exit_filled": Mode.SILENT, "telegram:exit_filled": Mode.ON}, "telegram", Mode.ON),
        ({"telegram:info": Mode.OFF, "all:exit_filled": Mode.DIGEST}, "telegram", Mode.DIGEST),
        ({"all:info": Mode.OFF}, "telegram", Mode.OFF),
    ],
)
def test_the_most_exact_word_of_the_person_counts(
    modes: dict[str, Mode], channel: str, expected: Mode
) -> None:
    settings = replace(_PLAIN, modes=modes)

    assert mode_of(settings, _BOTH, channel, "exit_filled", Severity.INFO) is expected


def test_somebody_with_mail_alone_gets_everything_there() -> None:
    reader = Reader(member=_ANN, addresses={"email": "ann@example.org"})

    assert mode_of(_PLAIN, reader, "email", "entry_filled", Severity.INFO) is Mode.ON
    assert mode_of(_PLAIN, reader, "email", "x", Severity.DEBUG) is Mode.OFF


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # Winter: Paris is one hour ahead of UTC.
        ("2026-01-10T21:59:00", "2026-01-10T21:59:00"),
        ("2026-01-10T22:00:00", "2026-01-11T06:00:00"),
        ("2026-01-11T05:59:00", "2026-01-11T06:00:00"),
        ("2026-01-11T06:00:00", "2026-01-11T06:00:00"),
        # Summer: two hours.
        ("2026-07-10T20:59:00", "2026-07-10T20:59:00"),
        ("2026-07-10T21:00:00", "2026-07-11T05:00:00"),
        # The night in which the clocks go forward is an hour shorter.
        ("2026-03-28T22:30:00", "2026-03-29T05:00:00"),
    ],
)
def test_quiet_hours_are_those_of_the_persons_clock(now: str, expected: str) -> None:
    assert end_of_quiet(_NIGHT, _ANN, at(now)) == at(expected)


def test_quiet_hours_by_day_and_none() -> None:
    siesta = replace(_PLAIN, quiet_from=13 * 60, quiet_to=14 * 60 + 30)

    assert end_of_quiet(siesta, _ANN, at("2026-01-10T12:30:00")) == at("2026-01-10T13:30:00")
    assert end_of_quiet(_PLAIN, _ANN, at("2026-01-10T12:30:00")) == at("2026-01-10T12:30:00")


def test_critical_alerts_pierce_quiet_hours_and_digests_and_others_wait() -> None:
    night = at("2026-01-10T23:30:00")
    settings = replace(_NIGHT, modes={"telegram:critical": Mode.DIGEST, "telegram:warning": Mode.DIGEST})
    loud = replace(an_alert("w-1"), severity=Severity.CRITICAL)
    quiet = replace(loud, severity=Severity.INFO)
    gathered = replace(loud, severity=Severity.WARNING)

    assert [(one.channel, one.at) for one in choices(loud, _BOTH, settings, night)] == [("telegram", night)]
    assert [one.at for one in choices(quiet, _BOTH, settings, night)] == [at("2026-01-11T06:00:00")]
    assert [one.at for one in choices(gathered, _BOTH, settings, night)] == [at("2026-01-11T07:00:00")]


def test_digests_leave_at_the_next_chosen_time() -> None:
    assert next_digest(_PLAIN, _ANN, at("2026-01-10T07:00:00")) == at("2026-01-10T17:00:00")
    assert next_digest(_PLAIN, _ANN, at("2026-01-10T17:00:00")) == at("2026-01-11T07:00:00")


def test_small_results_are_not_told_and_losses_count_like_gains() -> None:
    settings = replace(_PLAIN, least_pnl=Decimal(5))
    result = replace(an_alert("w-1"), severity=Severity.INFO, kind="exit_filled")

    def told(pnl: str) -> int:
        return len(choices(replace(result, params={"pnl": pnl}), _BOTH, settings, at("2026-01-10T12:00:00")))

    assert [told(one) for one in ("4.99", "5", "-4.99", "-5", "nonsense")] == [0, 1, 0, 1, 1]
    assert len(choices(replace(result, kind="entry_filled"), _BOTH, settings, at("2026-01-10T12:00:00"))) == 1
