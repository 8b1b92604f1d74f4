"""Everything that can be set, with defaults, words and examples."""

# ruff: noqa: RUF009 - `setting` declares a field, and a `Secret` cannot change

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from desk.secrets import Secret
from desk.settings.values import (
    a_path,
    a_secret,
    a_switch,
    a_text,
    database_url,
    number,
    one_of,
    origins,
    setting,
    snowflake,
    some_of,
    storage_url,
    web_url,
    whole,
    words,
)


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
    on_stop: str = setting(
        "protect",
        "What a stop does on live accounts: leave everything as it is, protect (entries that would fill without "
        "their stop are cancelled, stops rest at the exchange), or close every position.",
        read=one_of("leave", "protect", "close"),
        group="House",
    )
    watchdog_s: int = setting(
        10,
        "A process whose event loop stands still for so long writes down where, and ends; 0 lets it stand.",
        read=whole(0, 3600),
        group="House",
        unit="s",
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
        100,
        "Operations of one person at the same time; more wait up to a second in line before they are refused.",
        read=whole(1, 1000),
        group="Web",
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
    storage_url: str = setting(
        "",
        "Where files of models lie: file:///FOLDER or s3://BUCKET/PATH; empty: the data folder. All processes need the same.",
        read=storage_url,
        group="Jobs",
        example="s3://trading/breakwater",
    )
    mlflow_url: str = setting(
        "",
        "MLflow server that is told of every trained model; empty: none. Needs breakwater[mlflow].",
        read=web_url,
        group="Jobs",
        example="http://localhost:5000",
    )
    jobs_keep_days: int = setting(
        90,
        "How long ended jobs are kept with their files.",
        read=whole(1, 3650),
        group="Jobs",
        unit="days",
    )
    journal_keep_days: int = setting(
        365,
        "How long facts are kept in the journal, for subscribers and reports; orders, trades and the audit stay.",
        read=whole(30, 3650),
        group="Jobs",
        unit="days",
    )
    messages_keep_days: int = setting(
        30,
        "How long it is remembered what was received or answered, so that the same again has no effect, and dead "
        "letters that were settled.",
        read=whole(7, 3650),
        group="Jobs",
        unit="days",
    )

    #: By venue in lower case; each value as `BREAKWATER_<VENUE>_<KEY>`.
    venues: Mapping[str, VenueSettings] = field(default_factory=dict)
