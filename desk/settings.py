"""Settings: one frozen object, read once from `BREAKWATER_*`, passed down as arguments."""

# ruff: noqa: RUF009 - `setting` declares a field, and a `Secret` cannot change

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from desk.secrets import Secret
from trading.errors import BadSetting, nearest

#: Every setting's name begins with it.
PREFIX = "BREAKWATER_"

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

_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def setting(
    default: Any,
    text: str,
    *,
    read: Callable[[str, str], Any],
    group: str,
    example: str = "",
    unit: str = "",
) -> Any:
    """Declare a setting: default, one sentence, and the reader of its text."""
    metadata = {"text": text, "read": read, "group": group, "example": example, "unit": unit}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


def _refuse(name: str, found: str, allowed: str, hint: str = "") -> BadSetting:
    return BadSetting(f"Setting {name} is '{found}'; {allowed} is allowed.", hint=hint or None)


def a_text(name: str, found: str) -> str:
    """Take any text."""
    return found


def a_secret(name: str, found: str) -> Secret:
    """Take a secret; it is never shown again."""
    return Secret(found)


def a_path(name: str, found: str) -> Path:
    """Take a folder or file; `~` is the home folder."""
    return Path(found).expanduser()


def a_switch(name: str, found: str) -> bool:
    """Take yes or no."""
    if found.lower() not in _WORDS:
        raise _refuse(name, found, "true or false")
    return _WORDS[found.lower()]


def words(name: str, found: str) -> tuple[str, ...]:
    """Take a list with commas."""
    return tuple(word.strip() for word in found.split(",") if word.strip())


def origins(name: str, found: str) -> tuple[str, ...]:
    """Take web origins: scheme, host and optional port, nothing after it."""
    for one in words(name, found):
        parts = urlsplit(one)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
            raise _refuse(name, one, "an origin like https://desk.example.org, without a path")
    return words(name, found)


def whole(low: int, high: int) -> Callable[[str, str], int]:
    """Take a whole number in a range."""

    def read(name: str, found: str) -> int:
        allowed = f"a whole number from {low} to {high}"
        try:
            value = int(found)
        except ValueError:
            raise _refuse(name, found, allowed) from None
        if not low <= value <= high:
            raise _refuse(name, found, allowed)
        return value

    return read


def number(low: float, high: float) -> Callable[[str, str], float]:
    """Take a number in a range."""

    def read(name: str, found: str) -> float:
        allowed = f"a number from {low:g} to {high:g}"
        try:
            value = float(Decimal(found))
        except (ValueError, ArithmeticError):
            raise _refuse(name, found, allowed) from None
        if not low <= value <= high:
            raise _refuse(name, found, allowed)
        return value

    return read


def some_of(*choices: str) -> Callable[[str, str], tuple[str, ...]]:
    """Take one or more of a few words, with commas."""

    def read(name: str, found: str) -> tuple[str, ...]:
        return tuple(one_of(*choices)(name, word) for word in words(name, found))

    return read


def one_of(*choices: str) -> Callable[[str, str], str]:
    """Take one of a few words."""

    def read(name: str, found: str) -> str:
        if found.lower() not in choices:
            raise _refuse(name, found, ", ".join(choices), nearest(found.lower(), choices))
        return found.lower()

    return read


def web_url(name: str, found: str) -> str:
    """Take an http(s) or ws(s) address; a trailing slash is dropped."""
    parts = urlsplit(found)
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname:
        raise _refuse(name, found, "an address that begins with http://, https://, ws:// or wss://")
    return found.rstrip("/")


def snowflake(name: str, found: str) -> str:
    """Take an id of Discord."""
    if not (found.isascii() and found.isdigit() and 15 <= len(found) <= 20):
        raise _refuse(name, found, "an id of Discord, 15 to 20 digits")
    return found


def database_url(name: str, found: str) -> Secret:
    """Take a database address; it may hold a password, so it is a secret."""
    scheme = found.split(":", 1)[0]
    if ":" not in found or scheme not in {"sqlite", "postgres", "postgresql"}:
        raise _refuse(name, scheme, "sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME")
    return Secret(found)


def default_data_dir() -> Path:
    """Give the folder for data that the system proposes."""
    from platformdirs import user_data_path

    return user_data_path("breakwater", appauthor=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueSettings:
    """Where a venue is and with which key; empty means the venue's own address, no key.

    Attributes:
        api_passphrase: what some venues ask for beside key and secret.
        sandbox: the venue's test environment.
    """

    base_url: str = ""
    ws_url: str = ""
    ws_api_url: str = ""
    api_key: Secret = Secret("")
    api_secret: Secret = Secret("")
    api_passphrase: Secret = Secret("")
    sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that can be set from outside. Defaults are safe: paper trading on this machine only."""

    data_dir: Path = setting(
        default_data_dir,
        "Folder for the database, kernels, pictures and models.",
        read=a_path,
        group="House",
        example="/var/lib/breakwater",
    )
    database_url: Secret = setting(
        Secret(""),
        "Database; empty: a SQLite file in the data folder.",
        read=database_url,
        group="House",
        example="postgres://breakwater:PASSWORD@localhost/breakwater",
    )
    key_path: Path | None = setting(
        None,
        "File with the keys that seal personal data; empty: keys.json in the data folder.",
        read=a_path,
        group="House",
        example="/run/secrets/breakwater-keys.json",
    )
    two_person: str = setting(
        "live",
        "Where two people are needed to release a halt: with real money only, or always.",
        read=one_of("live", "always"),
        group="House",
    )
    strategy_path: Path | None = setting(
        None, "Folder of your own strategies, read as files.", read=a_path, group="House"
    )

    host: str = setting(
        "127.0.0.1",
        "Address that the web server listens on; only change it behind a TLS proxy.",
        read=a_text,
        group="Web",
    )
    port: int = setting(
        8080, "Port of the web server; 0 takes a free one.", read=whole(0, 65535), group="Web"
    )
    allowed_hosts: tuple[str, ...] = setting(
        (),
        "Host names besides the loopback ones that requests may name.",
        read=words,
        group="Web",
        example="desk.example.org",
    )
    origins: tuple[str, ...] = setting(
        (),
        "Web origins besides our own whose pages may call the API.",
        read=origins,
        group="Web",
        example="https://desk.example.org",
    )
    introspection: bool = setting(
        True, "Whether API clients may read the schema from the server.", read=a_switch, group="Web"
    )
    metrics_public: bool = setting(
        False,
        "Whether /metrics answers other machines without a token; loopback always may.",
        read=a_switch,
        group="Web",
    )
    api_requests_per_s: float = setting(
        2000.0,
        "Requests of one person; twice as many may come at once.",
        read=number(1, 1_000_000),
        group="Web",
        unit="requests/s",
    )
    api_points_per_s: float = setting(
        20_000.0,
        "Cost points that an owner's bucket refills with; other roles get a share of it.",
        read=number(50, 10_000_000),
        group="Web",
        unit="points/s",
    )
    api_documents: str = setting(
        "any",
        "Which documents the API answers: any, or only known ones (its own, and those of tokens with the scope adhoc).",
        read=one_of("any", "known"),
        group="Web",
    )
    api_new_documents_per_s: float = setting(
        5.0,
        "Documents of one person that this process has not read before; twenty seconds' worth may come at once.",
        read=number(0.1, 10_000),
        group="Web",
        unit="documents/s",
    )
    explorer: bool = setting(
        True,
        "Whether the API explorer is served at /explorer; it needs no network.",
        read=a_switch,
        group="Web",
    )
    api_in_flight: int = setting(
        100, "Operations of one person at the same time.", read=whole(1, 1000), group="Web"
    )

    log_level: str = setting(
        "info",
        "Least severity that is logged.",
        read=one_of("debug", "info", "warning", "error"),
        group="Logs",
    )
    log_format: str = setting(
        "auto",
        "Form of the log: auto is colour on a terminal and JSON elsewhere.",
        read=one_of("auto", "json", "colour"),
        group="Logs",
    )

    demo_seed: int = setting(7, "Seed of the simulated exchange.", read=whole(0, 2**31 - 1), group="Demo")
    demo_speed: float = setting(
        20.0, "Speed of the simulated exchange.", read=number(0.01, 100_000), group="Demo", unit="bars/s"
    )
    demo_capital: int = setting(
        10_000, "Paper money of the demo account.", read=whole(10, 10**9), group="Demo", unit="USDT"
    )

    market: str = setting(
        "",
        "Venue whose live prices are traded on; empty: the simulated exchange.",
        read=one_of("binance", "kraken", "okx", "coinbase", "cryptocom"),
        group="Market",
        example="binance",
    )
    market_pairs: tuple[str, ...] = setting(
        ("top-100",),
        "Pairs on offer: a list with commas, or top-N for the most traded ones.",
        read=words,
        group="Market",
        example="BTC/USDT,ETH/USDT",
    )
    market_quote: str = setting("USDT", "Currency that top pairs are priced in.", read=a_text, group="Market")
    market_least_age: int = setting(
        30, "Top pairs are traded for so long at least.", read=whole(0, 1000), group="Market", unit="days"
    )
    market_most_spread: float = setting(
        0.5, "Top pairs have at most this spread.", read=number(0.001, 100), group="Market", unit="%"
    )
    market_least_volatility: float = setting(
        0.1,
        "Top pairs move at least this much within a day.",
        read=number(0, 1000),
        group="Market",
        unit="%",
    )
    market_most_volatility: float = setting(
        60.0,
        "Top pairs move at most this much within a day.",
        read=number(0.01, 10_000),
        group="Market",
        unit="%",
    )
    market_second: str = setting(
        "coingecko",
        "Where prices come from while the market's venue is down, and what doubtful ones are compared with.",
        read=one_of("coingecko", "binance", "kraken", "okx", "coinbase", "cryptocom", "none"),
        group="Market",
    )
    candles: tuple[str, ...] = setting(
        (),
        "Series that are kept up to date besides those that are traded on, each as VENUE:PAIR:TIMEFRAME.",
        read=words,
        group="Market",
        example="binance:BTC/USDT:1h",
    )
    candles_history_days: int = setting(
        365,
        "Kept series are filled back so far; 0 leaves them as they begin.",
        read=whole(0, 7300),
        group="Market",
        unit="days",
    )
    candles_resample: tuple[str, ...] = setting(
        (),
        "Longer timeframes that are derived from the shortest series of each pair.",
        read=words,
        group="Market",
        example="4h,1d",
    )
    candles_keep: tuple[str, ...] = setting(
        (),
        "How long bars are kept, by timeframe; what is not named is kept for ever.",
        read=words,
        group="Market",
        example="1m=90d,5m=365d",
    )
    coingecko_url: str = setting(
        "https://api.coingecko.com/api/v3", "Address of CoinGecko.", read=web_url, group="Market"
    )

    owner_email: str = setting(
        "owner@localhost", "Mail address of the owner that the first start makes.", read=a_text, group="Mail"
    )
    smtp_host: str = setting("", "Mail server; empty: no mail is sent.", read=a_text, group="Mail")
    smtp_port: int = setting(587, "Port of the mail server.", read=whole(1, 65535), group="Mail")
    smtp_tls: str = setting(
        "starttls",
        "How the mail connection is secured.",
        read=one_of("none", "starttls", "implicit"),
        group="Mail",
    )
    smtp_user: str = setting("", "User at the mail server; empty: no sign-in.", read=a_text, group="Mail")
    smtp_password: Secret = setting(Secret(""), "Password at the mail server.", read=a_secret, group="Mail")
    smtp_from: str = setting(
        "breakwater@localhost", "Sender of our mails.", read=a_text, group="Mail", example="desk@example.org"
    )

    telegram_token: Secret = setting(
        Secret(""), "Token of the Telegram bot; empty: no Telegram.", read=a_secret, group="Telegram"
    )
    telegram_base_url: str = setting(
        "",
        "Address in place of Telegram's own.",
        read=web_url,
        group="Telegram",
        example="http://127.0.0.1:9000",
    )
    telegram_webhook_url: str = setting(
        "",
        "Public https address that Telegram calls; empty: Telegram is polled.",
        read=web_url,
        group="Telegram",
        example="https://desk.example.org/telegram",
    )
    telegram_webhook_secret: Secret = setting(
        Secret(""),
        "Secret that Telegram sends along with each call; needed with a webhook address.",
        read=a_secret,
        group="Telegram",
    )

    discord_token: Secret = setting(
        Secret(""), "Token of the Discord bot; empty: no Discord.", read=a_secret, group="Discord"
    )
    discord_guild_id: str = setting(
        "",
        "Discord server that gets the commands; empty: every server that the bot is on.",
        read=snowflake,
        group="Discord",
        example="112233445566778899",
    )
    discord_channel_id: str = setting(
        "",
        "Discord channel for everybody's alerts, in a thread per bot; empty: only to each person.",
        read=snowflake,
        group="Discord",
        example="112233445566778899",
    )
    discord_api_url: str = setting(
        "",
        "Address in place of Discord's own.",
        read=web_url,
        group="Discord",
        example="http://127.0.0.1:9000/api/v10",
    )
    discord_gateway_url: str = setting(
        "",
        "Address in place of Discord's own gateway.",
        read=web_url,
        group="Discord",
        example="ws://127.0.0.1:9000/gateway",
    )

    news_sources: tuple[str, ...] = setting(
        ("auto",),
        "Where news come from: cointelegraph, coindesk, reddit, fear_greed; auto: all of them with a live market, "
        "else those whose address is set; none: nowhere.",
        read=some_of("auto", "none", "cointelegraph", "coindesk", "reddit", "fear_greed"),
        group="News",
    )
    news_cointelegraph_url: str = setting(
        "https://cointelegraph.com/rss", "Feed of CoinTelegraph.", read=web_url, group="News"
    )
    news_coindesk_url: str = setting(
        "https://www.coindesk.com/arc/outboundfeeds/rss", "Feed of CoinDesk.", read=web_url, group="News"
    )
    news_reddit_url: str = setting(
        "https://www.reddit.com/r/CryptoCurrency+Bitcoin+ethereum/new/.rss",
        "Feed or JSON listing of Reddit.",
        read=web_url,
        group="News",
    )
    fear_greed_url: str = setting(
        "https://api.alternative.me/fng", "Address of the Fear & Greed index.", read=web_url, group="News"
    )
    news_languages: tuple[str, ...] = setting(
        ("en",),
        "Languages of headlines that are kept; all keeps every one.",
        read=some_of("all", "en", "de", "fr", "es", "pt", "it", "nl", "tr", "id"),
        group="News",
        example="en,de",
    )
    sentiment_model: str = setting(
        "",
        "What scores headlines: empty the model that comes along, else a folder with model.onnx and tokenizer.json, "
        "or a model of Hugging Face that has an ONNX file.",
        read=a_text,
        group="News",
        example="Xenova/finbert",
    )

    redis_url: Secret = setting(
        Secret(""),
        "Redis that carries word between the processes of one house at once; empty: they ask the database.",
        read=a_secret,
        group="House",
        example="redis://localhost:6379/1",
    )
    broker_url: Secret = setting(
        Secret(""),
        "Message broker of background jobs; empty: they run in this process.",
        read=a_secret,
        group="Jobs",
        example="redis://localhost:6379/0",
    )
    schedule: tuple[str, ...] = setting(
        (),
        "What is done by the clock at other times than usual, or not at all; breakwater jobs schedule lists it.",
        read=words,
        group="Jobs",
        example="day_summary=off, news=30m, candle_verify=mon 03:00",
    )
    jobs_keep_days: int = setting(
        90,
        "How long ended jobs are kept with their files.",
        read=whole(1, 3650),
        group="Jobs",
        unit="days",
    )

    #: By venue in lower case; each value as `BREAKWATER_<VENUE>_<KEY>`.
    venues: Mapping[str, VenueSettings] = field(default_factory=dict)


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

    return {name: value or "" for name, value in dotenv_values(path, interpolate=False).items()}


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
