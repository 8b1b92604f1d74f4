"""Whether, where, when and how loud: a person's settings applied to an alert. Pure, in the person's own time zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from desk.alerting.channel import Reader
from desk.alerting.values import ALL_CHANNELS, CHANNELS, Mode, NoticeSettings
from desk.views import Alert, Member
from trading.events import Severity

#: Kinds that are no louder than this unless a person says so.
_QUIET_KINDS = {"service_started": Mode.SILENT}
#: Kinds that carry a finished trade's result, for the threshold.
_RESULTS = frozenset({"exit_filled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What becomes of an alert on one channel.

    Attributes:
        at: when it may leave; later than now during quiet hours and for digests.
    """

    channel: str
    recipient: str
    mode: Mode
    at: datetime


def primary_of(reader: Reader) -> str:
    """Give the channel that a person sees first; empty where none reaches them."""
    return next((one for one in CHANNELS if one in reader.addresses), "")


def mode_of(settings: NoticeSettings, reader: Reader, channel: str, kind: str, severity: Severity) -> Mode:
    """Give how loud an alert comes on a channel.

    What was said of this kind on this channel comes first, then of this kind anywhere, then of the severity. Without a
    word everything from "info" up comes on the channel that the person sees first; the others wait for an escalation.
    """
    for subject in (kind, severity.value):
        for where in (channel, ALL_CHANNELS):
            if (said := settings.modes.get(f"{where}:{subject}")) is not None:
                return said
    if severity is Severity.DEBUG or channel != primary_of(reader):
        return Mode.OFF
    return _QUIET_KINDS.get(kind, Mode.ON)


def choices(
    alert: Alert,
    reader: Reader,
    settings: NoticeSettings,
    now: datetime,
    *,
    channels: Iterable[str] | None = None,
) -> list[Choice]:
    """Give where an alert goes for one person, and when.

    Critical alerts pierce quiet hours and digests. `channels` overrules the settings: an escalation goes there.
    """
    if channels is not None:
        return [
            Choice(channel=one, recipient=reader.addresses[one], mode=Mode.ON, at=now)
            for one in channels
            if one in reader.addresses
        ]
    if _is_below(alert, settings.least_pnl):
        return []
    found = []
    for channel, recipient in reader.addresses.items():
        mode = mode_of(settings, reader, channel, alert.kind, alert.severity)
        if mode is Mode.OFF:
            continue
        at = now
        if alert.severity is Severity.CRITICAL:
            mode = Mode.ON
        elif mode is Mode.DIGEST:
            at = next_digest(settings, reader.member, now)
        elif mode is Mode.ON:
            # What comes without a sound wakes nobody.
            at = end_of_quiet(settings, reader.member, now)
        found.append(Choice(channel=channel, recipient=recipient, mode=mode, at=at))
    return found


def _is_below(alert: Alert, least: Decimal | None) -> bool:
    if least is None or alert.kind not in _RESULTS:
        return False
    try:
        return abs(Decimal(str(alert.params.get("pnl")))) < least
    except InvalidOperation:
        return False


def end_of_quiet(settings: NoticeSettings, member: Member, now: datetime) -> datetime:
    """Give when a person may be disturbed again: now, or the end of their quiet hours."""
    start, end = settings.quiet_from, settings.quiet_to
    if start is None or end is None or start == end:
        return now
    zone = zone_of(member)
    local = now.astimezone(zone)
    minute = local.hour * 60 + local.minute
    is_quiet = start <= minute < end if start < end else minute >= start or minute < end
    if not is_quiet:
        return now
    day = local.date() if minute < end else local.date() + timedelta(days=1)
    # In the hour that a clock change skips, the wall time does not exist; the end is then already over.
    return max(_moment(day, end, zone), now)


def next_digest(settings: NoticeSettings, member: Member, now: datetime) -> datetime:
    """Give when a person's next digest leaves."""
    zone = zone_of(member)
    today = now.astimezone(zone).date()
    moments = [
        _moment(today + timedelta(days=step), minute, zone)
        for step in range(3)
        for minute in sorted(settings.digest_at or (8 * 60,))
    ]
    return next(one for one in moments if one > now)


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60), zone).astimezone(UTC)


def zone_of(member: Member) -> ZoneInfo:
    """Give a person's time zone; an unknown one is UTC."""
    try:
        return ZoneInfo(member.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
