"""What is particular to each venue, as one table: ids, stops, lists, silence, words of refusal, addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from desk.venue_port import Refusal, VenueRules
from desk.venues.wire_ids import from_uuid, to_uuid
from trading.errors import BadSetting, nearest

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quirks:
    """One venue.

    Attributes:
        exchange_id: ccxt's name of it.
        id_parameter: what ccxt passes our order id on as, when placing.
        stop_id_parameter: what stops take our id on besides, where they are kept apart.
        find_parameter: what an order is asked for by; empty: the open and the closed list are searched.
        search_parameter: what those lists are narrowed by to our id; empty: they are read whole.
        cancel_parameter: what an order is cancelled by; empty: by the venue's own id, which is looked up first.
        to_wire, from_wire: our id in the form the venue takes, and back.
        lists: parameters of each open list; some venues keep stops in a list of their own.
        stop_slack: share beside the trigger for venues that only have stop-limit orders; 0 = stop-market.
        market_buy_slack: where market buys are counted in money, a purchase goes as a limit so far above the price,
            filled at once or not at all; 0 = market buys are counted in coins.
        has_children: a stop that was triggered becomes an order with an id of its own.
        counts_trades_per_pair: trade ids repeat on other pairs.
        states: the venue's words for states that ccxt passes on as they are.
        changed_fields: where a row says in seconds, or as a date, when it was changed last, besides what ccxt reads.
        reasons: what an answer's text says, in order; the first that is found decides.
        unknown_words: error answers that do not say whether the order was accepted.
        busy_words: error answers that say "not accepted, try later".
        refuses_with_500: refusals with a named reason come with status 500 too.
        options: for ccxt.
        hosts: that may be spoken to.
        sandbox_hosts: of the test environment; empty: the venue has none.
        per_s, burst: budget in ccxt's cost units.
        closed_calls: what gives the orders that ended, ccxt's names.
        paging: how lists go on: "forward" from the time that was asked for; "back" from the newest row, by time; or
            "offset" from the newest row of all pairs, by number.
        page_rows: rows of a full page.
        balance_path: what an honest answer with balances has in it.
        account_look_s: the account is asked for news this often; 0 = it is told by websocket.
        has_candle_stream: whether candles come by websocket.
        candle_rows: rows of one question for candles at most; a longer span would come with a hole in it.
        ticker_parameters: what tickers by websocket are asked with; None: they are asked for again and again.
        clock_step_ms: the venue tells its time in steps of so much.
        needs_passphrase: a third secret belongs to the key.
        stream_login: parameters of the login after which the account's stream listens.
        has_growing_nonce: a nonce that is not above the last one is refused, whatever the time is.
    """

    exchange_id: str
    rules: VenueRules
    id_parameter: str = "clientOrderId"
    stop_id_parameter: str = ""
    find_parameter: str = "clientOrderId"
    search_parameter: str = ""
    cancel_parameter: str = "clientOrderId"
    to_wire: Callable[[str], str] = str
    from_wire: Callable[[str], str] = str
    lists: tuple[Mapping[str, Any], ...] = (_NOTHING,)
    stop_slack: float = 0.0
    market_buy_slack: float = 0.0
    has_children: bool = False
    counts_trades_per_pair: bool = False
    states: Mapping[str, str] = field(default_factory=dict)
    changed_fields: tuple[str, ...] = ()
    reasons: tuple[tuple[str, Refusal], ...] = ()
    unknown_words: tuple[str, ...] = ()
    busy_words: tuple[str, ...] = ()
    refuses_with_500: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    sandbox_hosts: frozenset[str] = frozenset()
    per_s: float = 10.0
    burst: float = 50.0
    closed_calls: tuple[str, ...] = ("fetch_orders",)
    paging: str = "back"
    page_rows: int = 100
    balance_path: tuple[str | int, ...] = ()
    account_look_s: float = 0.0
    has_candle_stream: bool = True
    candle_rows: int = 1000
    ticker_parameters: Mapping[str, Any] | None = None
    clock_step_ms: int = 1
    needs_passphrase: bool = False
    stream_login: Mapping[str, Any] = field(default_factory=dict)
    has_growing_nonce: bool = False


BINANCE = Quirks(
    exchange_id="binance",
    # Orders are in the lists at once on the matching engine's side; the lists are read from a cache that may lag.
    rules=VenueRules(visibility_delay_s=30.0, client_id_chars=36, has_oco=True, most_stop_orders=5),
    id_parameter="newClientOrderId",
    find_parameter="origClientOrderId",
    cancel_parameter="origClientOrderId",
    counts_trades_per_pair=True,
    reasons=(
        ("Duplicate order sent", Refusal.DUPLICATE_ID),
        ("insufficient balance", Refusal.BALANCE),
        ("would trigger immediately", Refusal.WOULD_TRIGGER),
        ("would immediately trigger", Refusal.WOULD_TRIGGER),
        ("relationship of the prices", Refusal.WOULD_TRIGGER),
        ("MAX_NUM_", Refusal.TOO_MANY),
        ("Market is closed", Refusal.HALTED),
        ("not available for trading", Refusal.HALTED),
        ("Filter failure", Refusal.FILTER),
        ('"code":-1013', Refusal.FILTER),
        ('"code":-1111', Refusal.FILTER),
        ('"code":-2011', Refusal.UNKNOWN_ORDER),
        ('"code":-2013', Refusal.UNKNOWN_ORDER),
        ('"code":-1021', Refusal.CLOCK),
        ('"code":-1022', Refusal.KEY),
        ('"code":-2014', Refusal.KEY),
        ('"code":-2015', Refusal.KEY),
        ('"code":-1002', Refusal.KEY),
    ),
    unknown_words=('"code":-1000', '"code":-1001', '"code":-1006', '"code":-1007'),
    options={
        "defaultType": "spot",
        "fetchMarkets": {"types": ["spot"]},
        "fetchMargins": False,
        "adjustForTimeDifference": False,
        "recvWindow": 5000,
        "warnOnFetchOpenOrdersWithoutSymbol": False,
    },
    hosts=frozenset(
        {"api.binance.com", "stream.binance.com", "ws-api.binance.com", "data-api.binance.vision"}
    ),
    sandbox_hosts=frozenset(
        {"testnet.binance.vision", "stream.testnet.binance.vision", "ws-api.testnet.binance.vision"}
    ),
    stream_login={"type": "spot"},
    # The small ticker says no bid and ask.
    ticker_parameters={"name": "ticker"},
    paging="forward",
    page_rows=1000,
    balance_path=("balances",),
    per_s=20.0,
    burst=200.0,
)

KRAKEN = Quirks(
    exchange_id="kraken",
    rules=VenueRules(visibility_delay_s=30.0, client_id_chars=36, most_stop_orders=None, dead_man_s=60.0),
    find_parameter="",
    search_parameter="clientOrderId",
    to_wire=to_uuid,
    from_wire=from_uuid,
    reasons=(
        ("Insufficient funds", Refusal.BALANCE),
        ("Invalid price", Refusal.FILTER),
        ("Invalid volume", Refusal.FILTER),
        ("volume minimum not met", Refusal.FILTER),
        ("cost minimum not met", Refusal.FILTER),
        ("Tick size check failed", Refusal.FILTER),
        ("Orders limit exceeded", Refusal.TOO_MANY),
        ("Positions limit exceeded", Refusal.TOO_MANY),
        ("Unknown order", Refusal.UNKNOWN_ORDER),
        ("Market in cancel_only mode", Refusal.HALTED),
        ("Market in post_only mode", Refusal.HALTED),
        ("Invalid key", Refusal.KEY),
        ("Invalid signature", Refusal.KEY),
        ("Permission denied", Refusal.KEY),
        ("Invalid nonce", Refusal.CLOCK),
    ),
    unknown_words=("EService:", "EGeneral:Internal error"),
    busy_words=("Rate limit exceeded", "EService:Throttled", "EGeneral:Temporary lockout"),
    changed_fields=("closetm",),
    hosts=frozenset({"api.kraken.com", "ws.kraken.com", "ws-auth.kraken.com"}),
    closed_calls=("fetch_closed_orders",),
    has_growing_nonce=True,
    paging="offset",
    # Both questions of a look take 9 of the units that grow by 1 a second.
    account_look_s=12.0,
    # Older ones than these are not told at all.
    candle_rows=720,
    clock_step_ms=1000,
    page_rows=50,
    balance_path=("result",),
    per_s=1.0,
    burst=15.0,
)

OKX = Quirks(
    exchange_id="okx",
    rules=VenueRules(visibility_delay_s=30.0, client_id_chars=32, most_stop_orders=None),
    stop_id_parameter="algoClOrdId",
    has_children=True,
    lists=(_NOTHING, MappingProxyType({"trigger": True, "ordType": "conditional"})),
    reasons=(
        ('"51008"', Refusal.BALANCE),
        ('"51020"', Refusal.FILTER),
        ('"51121"', Refusal.FILTER),
        ('"51006"', Refusal.FILTER),
        ('"51137"', Refusal.FILTER),
        ('"51138"', Refusal.FILTER),
        ('"51016"', Refusal.DUPLICATE_ID),
        ('"51400"', Refusal.UNKNOWN_ORDER),
        ('"51401"', Refusal.UNKNOWN_ORDER),
        ('"51402"', Refusal.UNKNOWN_ORDER),
        ('"51603"', Refusal.UNKNOWN_ORDER),
        ('"51028"', Refusal.HALTED),
        ('"51026"', Refusal.HALTED),
        ('"50102"', Refusal.CLOCK),
        ('"50103"', Refusal.KEY),
        ('"50105"', Refusal.KEY),
        ('"50111"', Refusal.KEY),
        ('"50113"', Refusal.KEY),
        ('"50110"', Refusal.KEY),
    ),
    unknown_words=('"50004"', '"50013"', '"50026"', '"51149"'),
    busy_words=('"50011"', '"50040"', '"50061"'),
    options={
        "defaultType": "spot",
        "fetchMarkets": {"types": ["spot"]},
        "adjustForTimeDifference": False,
    },
    hosts=frozenset({"www.okx.com", "ws.okx.com", "eea.okx.com", "wseea.okx.com"}),
    sandbox_hosts=frozenset({"www.okx.com", "wspap.okx.com"}),
    needs_passphrase=True,
    closed_calls=("fetch_closed_orders", "fetch_canceled_orders"),
    balance_path=("data", 0, "details"),
    account_look_s=3.0,
    # Some of its lists give 300, others the newest 100 of what was asked for.
    candle_rows=100,
    per_s=9.0,
    burst=30.0,
)

COINBASE = Quirks(
    exchange_id="coinbase",
    rules=VenueRules(
        visibility_delay_s=30.0, client_id_chars=36, most_stop_orders=None, can_find_by_client_id=False
    ),
    id_parameter="client_order_id",
    find_parameter="",
    cancel_parameter="",
    stop_slack=0.05,
    market_buy_slack=0.03,
    states={"PENDING": "open", "QUEUED": "open", "CANCEL_QUEUED": "open", "EDIT_QUEUED": "open"},
    changed_fields=("last_update_time", "last_fill_time"),
    reasons=(
        ("INSUFFICIENT_FUND", Refusal.BALANCE),
        ("INVALID_PRICE_PRECISION", Refusal.FILTER),
        ("INVALID_SIZE_PRECISION", Refusal.FILTER),
        ("INVALID_LIMIT_PRICE", Refusal.FILTER),
        ("COMMANDER_REJECTED", Refusal.FILTER),
        ("STOP_TRIGGERED", Refusal.WOULD_TRIGGER),
        ("STOP_PRICE_ABOVE_LAST_TRADE_PRICE", Refusal.WOULD_TRIGGER),
        ("STOP_PRICE_BELOW_LAST_TRADE_PRICE", Refusal.WOULD_TRIGGER),
        ("INVALID_STOP_PRICE", Refusal.WOULD_TRIGGER),
        ("DUPLICATE_CLIENT_ORDER_ID", Refusal.DUPLICATE_ID),
        ("UNKNOWN_CANCEL_ORDER", Refusal.UNKNOWN_ORDER),
        ("TRADING_DISABLED", Refusal.HALTED),
        ("Unauthorized", Refusal.KEY),
        ("PERMISSION_DENIED", Refusal.KEY),
    ),
    unknown_words=("UNKNOWN_FAILURE_REASON", "INTERNAL"),
    busy_words=("rate_limit_exceeded", "resource_exhausted"),
    # The older list of accounts shows no holds: what is locked would look free.
    options={"fetchBalance": "v3PrivateGetBrokerageAccounts"},
    hosts=frozenset(
        {"api.coinbase.com", "advanced-trade-ws.coinbase.com", "advanced-trade-ws-user.coinbase.com"}
    ),
    has_candle_stream=False,
    account_look_s=3.0,
    candle_rows=300,
    clock_step_ms=1000,
    balance_path=("accounts",),
    per_s=25.0,
    burst=30.0,
)

CRYPTOCOM = Quirks(
    exchange_id="cryptocom",
    rules=VenueRules(
        visibility_delay_s=30.0, client_id_chars=36, most_stop_orders=None, can_find_by_client_id=False
    ),
    id_parameter="client_oid",
    find_parameter="",
    cancel_parameter="",
    states={"NEW": "open", "PENDING": "open"},
    reasons=(
        ("INSUFFICIENT", Refusal.BALANCE),
        ("DUPLICATE_CLORDID", Refusal.DUPLICATE_ID),
        ("INVALID_PRICE", Refusal.FILTER),
        ("INVALID_ORDERQTY", Refusal.FILTER),
        ("BELOW_MIN", Refusal.FILTER),
        ("EXCEEDS_MAX", Refusal.FILTER),
        ("FAR_AWAY_LIMIT_PRICE", Refusal.FILTER),
        ("ORDERS_LIMIT", Refusal.TOO_MANY),
        ("INSTRUMENT_NOT_TRADABLE", Refusal.HALTED),
        ("ORDER_NOT_FOUND", Refusal.UNKNOWN_ORDER),
        ("INVALID_NONCE", Refusal.CLOCK),
        ("UNAUTHORIZED", Refusal.KEY),
        ("IP_ILLEGAL", Refusal.KEY),
    ),
    unknown_words=("SYS_ERROR", "INTERNAL_ERROR", "TIMEOUT"),
    busy_words=("RATE_LIMIT", "TOO_MANY_REQUESTS", "SYSTEM_MAINTENANCE"),
    refuses_with_500=True,
    account_look_s=3.0,
    candle_rows=300,
    options={"defaultType": "spot"},
    hosts=frozenset({"api.crypto.com", "stream.crypto.com"}),
    sandbox_hosts=frozenset({"uat-api.3ona.co", "uat-stream.3ona.co"}),
    balance_path=("result", "data"),
    per_s=10.0,
    burst=30.0,
)

#: Every venue that ccxt reaches for us.
QUIRKS: Mapping[str, Quirks] = {one.exchange_id: one for one in (BINANCE, KRAKEN, OKX, COINBASE, CRYPTOCOM)}


def quirks_of(venue: str) -> Quirks:
    """Give a venue's row.

    Raises:
        BadSetting: there is no such venue.
    """
    if venue not in QUIRKS:
        raise BadSetting(
            f"Venue '{venue}' was named; {', '.join(QUIRKS)} and mt5 are known.",
            hint=nearest(venue, QUIRKS) or None,
        )
    return QUIRKS[venue]
