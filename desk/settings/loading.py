"""Settings from the environment, a file and secret files; what is unknown is refused with the nearest name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any

from desk.secrets import Secret
from desk.settings.table import Settings, VenueSettings
from desk.settings.values import PREFIX, a_switch, web_url
from trading.errors import BadSetting, nearest

#: Names with our prefix that belong to the test suite and are let through.
TEST_PREFIXES = ("BREAKWATER_TEST_", "BREAKWATER_SHARED_DATA")

#: Settings of one venue, each as `BREAKWATER_<VENUE>_<NAME>`.
VENUE_KEYS = ("BASE_URL", "WS_URL", "WS_API_URL", "API_KEY", "API_SECRET", "API_PASSPHRASE", "SANDBOX")

#: Venues that a misspelt name is compared with.
KNOWN_VENUES = ("BINANCE", "BYBIT", "OKX", "KRAKEN", "COINBASE", "KUCOIN", "BITGET", "BITSTAMP", "MT5")

#: First words of other settings, so that a slip in one is not taken for a venue.
NOT_VENUES = frozenset(
    {"SMTP", "DATABASE", "DEMO", "LOG", "TELEGRAM", "DISCORD", "NEWS", "FEAR", "SENTIMENT", "REDIS", "BROKER"}
)

_VENUE = re.compile(rf"^{PREFIX}([A-Z][A-Z0-9]*)_({'|'.join(VENUE_KEYS)})$")


def variable(one: Field[Any]) -> str:
    """Give the environment variable of a field."""
    return PREFIX + one.name.upper()


def single_settings() -> tuple[Field[Any], ...]:
    """Give the fields that have exactly one variable."""
    return tuple(one for one in fields(Settings) if "read" in one.metadata)


def default_of(one: Field[Any]) -> Any:
    """Give a field's default; those that depend on the machine are computed."""
    return one.default_factory() if one.default_factory is not MISSING else one.default


def load_settings(env: Mapping[str, str], *, env_file: Path | None = None) -> Settings:
    """Read the settings; an empty variable counts as not set, and the environment wins over the file.

    A secret may also come from a file: `BREAKWATER_<NAME>_FILE` names it.

    Raises:
        BadSetting: a name with our prefix is unknown (the nearest is named), or a value is not allowed.
    """
    given = {name: value for name, value in _from_file(env_file).items() if name.startswith(PREFIX)}
    given |= {name: value for name, value in env.items() if name.startswith(PREFIX)}
    given = {name: value.strip() for name, value in given.items() if value.strip()}
    given = {name: value for name, value in given.items() if not name.startswith(TEST_PREFIXES)}
    known = {variable(one): one for one in single_settings()}
    values: dict[str, Any] = {}
    venues: dict[str, dict[str, Any]] = {}
    for name, found in given.items():
        target, text = _secret_file(name, found, known)
        if target in known:
            values[known[target].name] = known[target].metadata["read"](target, text)
        elif (match := _VENUE.match(target)) and match[1] not in NOT_VENUES:
            venues.setdefault(_venue(target, match[1]), {})[match[2].lower()] = _venue_value(
                target, match[2], text
            )
        else:
            raise _unknown(target, known)
    return Settings(**values, venues={name: VenueSettings(**found) for name, found in venues.items()})


def _from_file(path: Path | None) -> dict[str, str]:
    if path is None or not path.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        found = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise BadSetting(
            f"Settings file '{path}' cannot be read: {reason}.",
            hint="Save it as UTF-8 text of lines NAME=VALUE that this user may read.",
        ) from error
    for name, value in found.items():
        if value is None and name.startswith(PREFIX):
            raise BadSetting(
                f"Settings file '{path}' names {name} without a value; NAME=VALUE is allowed.",
                hint="Write '=' and the value behind it, or take the line out.",
            )
    return {name: value or "" for name, value in found.items()}


def _secret_file(name: str, found: str, known: Mapping[str, Field[Any]]) -> tuple[str, str]:
    target = name.removesuffix("_FILE")
    one = known.get(target)
    is_secret = (one is not None and isinstance(one.default, Secret)) or target.endswith(
        ("_API_KEY", "_API_SECRET", "_API_PASSPHRASE")
    )
    if target == name or not is_secret:
        return name, found
    try:
        return target, Path(found).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise BadSetting(
            f"Setting {name} names '{found}', which cannot be read ({error.strerror}).",
            hint="Name a file that holds the secret and that this user may read.",
        ) from error


def _venue(variable_name: str, venue: str) -> str:
    hint = nearest(venue, KNOWN_VENUES)
    if venue not in KNOWN_VENUES and hint:
        raise BadSetting(f"Setting {variable_name} names the venue '{venue}', which is not known.", hint=hint)
    return venue.lower()


def _venue_value(name: str, key: str, found: str) -> Secret | str | bool:
    if key == "SANDBOX":
        return a_switch(name, found)
    return Secret(found) if key.startswith("API_") else web_url(name, found)


def _unknown(name: str, known: Mapping[str, Field[Any]]) -> BadSetting:
    hint = nearest(name, known) or "Settings are listed by `breakwater check` and in docs/settings.md."
    return BadSetting(
        f"Setting {name} is unknown; {len(known)} settings and those of venues are known.", hint=hint
    )
