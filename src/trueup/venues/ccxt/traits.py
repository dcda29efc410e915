"""What must be known of single exchanges and cannot be read off ccxt's `has` and `features` (4.5.90). Facts only.

Each table says where its facts are from. An exchange that stands nowhere here works too: what is not known of it ends
as a partial read or an unknown answer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

Parameters = Mapping[str, Any]


class NextPage(Struct, frozen=True, kw_only=True):
    """How the next page of open orders is asked for: with `parameter`, whose value is found on the page before.

    `field`: of the first or last row's `info`; null: the venue order id of the oldest row.
    """

    parameter: str
    field: str | None = None


# ccxt's own names of one exchange under several domains.
_SIBLINGS = {
    "binancecoinm": "binance", "binanceusdm": "binance", "binanceus": "binance",
    "bybiteu": "bybit", "bybitid": "bybit", "gateeu": "gate", "kucoinfutures": "kucoin", "myokx": "okx", "okxus": "okx",
}  # fmt: skip


def family(exchange_id: str) -> str:
    """The exchange whose facts hold for this one."""
    return _SIBLINGS.get(exchange_id, exchange_id)


# -- conditional orders -----------------------------------------------------------------------------------------------

# What one listing of conditional orders leaves out, where `trigger: True` alone does (fetch_open_orders of each).
_CONDITIONAL_LISTS: dict[tuple[str, str], tuple[Parameters, ...]] = {
    ("okx", "*"): (
        {"trigger": True, "ordType": "conditional,oco"},
        {"trigger": True, "ordType": "trigger"},
        {"trailing": True},
    ),
    ("bitget", "swap"): (
        {"trigger": True, "planType": "normal_plan"},
        {"trigger": True, "planType": "profit_loss"},
        {"trailing": True},
    ),
    ("htx", "swap"): ({"trigger": True}, {"stopLossTakeProfit": True}, {"trailing": True}),
    ("htx", "future"): ({"trigger": True}, {"stopLossTakeProfit": True}, {"trailing": True}),
}
_CONDITIONAL_LISTS["bitget", "future"] = _CONDITIONAL_LISTS["bitget", "swap"]

# One order book of ids for both kinds: a triggered order goes on under its own id, at the ordinary endpoint.
SAME_ID_WHEN_TRIGGERED = frozenset({"bybit"})

# Where a conditional order's record names the order that it placed when it triggered (each one's documented payloads).
TRIGGERED_ID_FIELDS: dict[str, tuple[str, ...]] = {
    "binance": ("actualOrderId",),
    "bitget": ("executeOrderId",),
    "gate": ("trade_id", "fired_order_id"),
    "htx": ("relation_order_id",),
    "okx": ("ordId",),
}


def conditional_lists(
    exchange_id: str, market_type: str, *, trigger: bool, trailing: bool
) -> Sequence[Parameters]:
    """The further listings of open orders that must be read; `trigger`, `trailing`: as ccxt's features say."""
    known = _CONDITIONAL_LISTS.get((family(exchange_id), market_type)) or _CONDITIONAL_LISTS.get(
        (family(exchange_id), "*")
    )
    if known is not None:
        return known
    return [{name: True} for name, kept_apart in (("trigger", trigger), ("trailing", trailing)) if kept_apart]


# -- single orders ----------------------------------------------------------------------------------------------------

# fetch_order takes `clientOrderId` and finds orders of any age by it (read in each source). Left out on purpose: htx
# (forgets client ids after hours), kraken (userref names several orders), weex (only of live orders).
CLIENT_ID_LOOKUP = frozenset({
    "apex", "aster", "binance", "bitget", "bithumb", "bitrue", "bitstamp", "bitvavo", "coinbaseexchange", "coinsph",
    "delta", "extended", "grvt", "hyperliquid", "kucoin", "modetrade", "okx", "paradex", "phemex", "woo", "woofipro",
})  # fmt: skip
CLIENT_ID_LOOKUP_SPOT = frozenset(
    {"hashkey", "mexc"}
)  # their contracts' fetch_order leaves the client's id out

# fetch_order asks an endpoint that knows open orders only, or ended ones for seconds, so that its "not found" proves
# nothing (bitfinex "Retrieve Orders" lists active ones; Kraken Futures "orders which are open or were filled/cancelled
# in the last 5 seconds"). ccxt's emulations are no better: bitflyer's looks among the newest hundred.
FORGETS_ENDED = frozenset({"bitfinex", "krakenfutures"})

# Exchanges whose listings take an id: (parameter for the venue's id, for the client's). bybit's fetch_order sees only
# the last 500 orders; its listings by id see all.
LISTED_BY_ID: dict[str, tuple[str, str]] = {"bybit": ("orderId", "orderLinkId")}

# The same of conditional orders that no call returns one by one, open or ended (Bitget's documentation of its pending
# and past trigger orders). Both reach back three months, so that finding nothing proves nothing.
CONDITIONAL_LISTED_BY_ID: dict[tuple[str, str], tuple[str, str]] = {
    ("bitget", "swap"): ("orderId", "clientOid"),
    ("bitget", "future"): ("orderId", "clientOid"),
}


# What ccxt asks for and reading does not need: Hyperliquid's questions are public, by the wallet's address.
NEEDLESS_CREDENTIALS: dict[str, frozenset[str]] = {"hyperliquid": frozenset({"privateKey"})}


# -- reading only -----------------------------------------------------------------------------------------------------

# Whose reads are POSTs, or log in by one (the calls of each that trueup makes, and what these call).
READS_BY_POST = frozenset({
    "bitbns", "bitfinex", "bithumb", "bitstamp", "btcbox", "cex", "coinbaseinternational", "coinmate", "coinone",
    "coinspot", "cryptocom", "derive", "gemini", "grvt", "htx", "hyperliquid", "independentreserve", "indodax",
    "kraken", "lbank", "mercado", "nado", "p2b", "paradex", "whitebit", "zaif",
})  # fmt: skip

# What ccxt does besides at these, from within a read: it approves a fee for itself, or names a referrer.
WRITES_BY_POST: dict[str, str] = {"grvt": "authorize_builder", "hyperliquid": "/exchange"}


def is_read(exchange_id: str, method: str, url: str) -> bool:
    """Whether a request changes nothing, as far as its method and address tell."""
    known = family(exchange_id)
    if method == "POST" and known in READS_BY_POST:
        return known not in WRITES_BY_POST or WRITES_BY_POST[known] not in url
    return method == "GET"


# -- listings ---------------------------------------------------------------------------------------------------------

OPEN_ORDERS_NEXT: dict[str, NextPage] = {
    "bybit": NextPage(parameter="cursor", field="nextPageCursor"),
    "coinbase": NextPage(parameter="cursor", field="cursor"),
    "okx": NextPage(parameter="after"),
    "bitget": NextPage(parameter="idLessThan"),
}

# One answer holds every open order, however many (the exchanges' documentation).
OPEN_ORDERS_UNPAGED = frozenset({
    "binance", "bitfinex", "bitstamp", "coinbase", "deribit", "gemini", "hyperliquid", "kraken", "krakenfutures",
}) - {"coinbase"}  # fmt: skip

# What lists the orders of the past, where fetchOrders does not (Kraken Futures': the endpoint of FORGETS_ENDED).
HISTORY_METHODS: dict[str, tuple[str, ...]] = {"krakenfutures": ("fetchClosedOrders", "fetchCanceledOrders")}

# features say that a symbol is needed, and it is not: one listing holds all.
WHOLE_WITHOUT_SYMBOL = frozenset({"hyperliquid"})

# `until` works although features give no window for it (fetch_my_trades and the closed orders of each).
UNTIL_WORKS = frozenset({"kraken", "hyperliquid", "kucoin"})

# Longest span in days between since and until, where features are wrong or silent.
WINDOW_DAYS: dict[tuple[str, str, str], int] = {
    ("binance", "spot", "fetchOrders"): 1,  # startTime to endTime at most 24 hours
    ("binance", "spot", "fetchMyTrades"): 1,
}

# Without `since` the newest page of the whole history is returned, not of the last days.
NEWEST_WITHOUT_SINCE = frozenset({"binance"})

# Which of an exchange's settled currencies a listing without a symbol is of (its option).
SETTLE_OPTION = "defaultSettle"


# One call lists every position of the account, whatever the market, and only those that are held: of what has no row
# nothing is held (Kraken Futures: "all open positions in Futures contracts"; ccxt's fetch_positions drops none).
# Left out where one call lists one kind of market or one settled currency (binance, bybit, bitget, gate, okx, htx),
# where there are further books of account (hyperliquid), and where the documentation does not say it.
LISTS_HELD = frozenset({"krakenfutures"})


# -- accounts ---------------------------------------------------------------------------------------------------------

# An account's own id: implicit method, and the path to the id in its answer.
ACCOUNT_ID: dict[str, tuple[str, tuple[str, ...]]] = {
    "binance": ("privateGetAccount", ("uid",)),
    "bitget": ("privateSpotGetV2SpotAccountInfo", ("data", "userId")),
    "bybit": ("privateGetV5UserQueryApi", ("result", "userID")),
    "gate": ("privateAccountGetDetail", ("user_id",)),
    "okx": ("privateGetAccountConfig", ("data", "0", "uid")),
}

# -- quantities, sides, fees ------------------------------------------------------------------------------------------

# An order's quantity as it was placed, where ccxt's `amount` is what is left of it.
PLACED_QTY_FIELD = {"bitstamp": "amount_at_create"}

# What filled as the exchange writes it, where ccxt reckons it from what is left, or looks for another name (Bithumb's
# second API has null for what is left of a market buy; Hibachi's `availableQuantity` is not what is left of an order
# that ended; Orderly's brokers write `total_executed_quantity`; Zebpay's is not read at all).
FILLED_FIELD = {
    "bithumb": "executed_volume",
    "hibachi": "filledQuantity",
    "modetrade": "total_executed_quantity",
    "zebpay": "filled",
}

# Whose orders do not say what was ordered: ccxt adds what is left to what filled, and of an order that ended early
# nothing is left (Blockchain.com's `leavesQty`).
QTY_IS_ADDED_UP = frozenset({"blockchaincom"})

# What is left of it, where ccxt takes that for the amount and nothing says what was placed (Coincheck's open orders).
LEFT_QTY_FIELD = {"coincheck": "pending_amount"}

# What a record says whose quantities are of quote currency, ordered and filled (Kraken's "volume in quote currency").
QUOTE_AMOUNTS_MARK = {"kraken": ("oflags", "viqc"), "independentreserve": ("VolumeCurrencyType", "Secondary")}

# What a record says of which only the ordered quantity is of quote currency, what filled is of base, where ccxt takes
# it for one of base, or for a limit price: all of one of these (OKX: "for margin buy market orders" `sz` "refers to the
# quantity in quote currency", and `tgtCcy` says it of sales, too, and of Deepcoin's orders; Bybit's `marketUnit`; the
# `price` of Upbit's and Bithumb's orders of type `price`, and of their bids of type `best`).
ORDERED_IN_QUOTE: dict[str, tuple[Mapping[str, str], ...]] = {
    "bithumb": ({"ord_type": "price"}, {"ord_type": "best", "side": "bid"}),
    "bybit": ({"orderType": "market", "marketUnit": "quotecoin", "side": "sell"},),
    "deepcoin": ({"ordType": "market", "tgtCcy": "quote_ccy"},),
    "okx": (
        {"ordType": "market", "tgtCcy": "quote_ccy"},
        {"ordPx": "-1", "tgtCcy": "quote_ccy"},  # conditional, at the market price when it triggers
        {"slOrdPx": "-1", "tgtCcy": "quote_ccy"},
        {"tpOrdPx": "-1", "tgtCcy": "quote_ccy"},
        {"ordType": "market", "instType": "margin", "side": "buy"},
    ),
    "upbit": ({"ord_type": "price"}, {"ord_type": "best", "side": "bid"}),
}

# What was ordered stands under the name of the order's kind, of which ccxt knows some: where, in units of base or else
# of quote currency, and what says that it is the latter (Coinbase's `order_configuration`).
CONFIGURED_SIZE = {"coinbase": ("order_configuration", "base_size", "quote_size", "size_in_quote")}

# Spot market buys are ordered by what they may cost, and ccxt leaves that as their amount (create_order and parse_order
# of each); of Gate for accounts other than these, and then what filled is money, too: where the record has it in base
# currency, else what it cost and the average ("amount" of Gate's spot orders: "market buy: in quote currency").
MARKET_BUY_IS_COST = frozenset({"bitrue", "bittrade", "cryptomus", "digifinex", "gate", "toobit"})
ACCOUNTS_TURNED_TO_BASE = {"gate": frozenset({"spot", "unified"})}
FILLED_IN_BASE = {"gate": ("filled_amount", "filled_total", "avg_deal_price")}

# The quantity of contracts as the exchange writes it, where ccxt multiplies orders and fills by the contract size but
# neither what it sends nor positions (parse_order, parse_trade and parse_position of xt): ordered, filled; of one fill,
# with the fields that only a fill of contracts has together.
CONTRACTS_OF_ORDER = {"xt": ("origQty", "executedQty")}
CONTRACTS_OF_FILL = {"xt": (frozenset({"execId", "contractSize", "quantity"}), "quantity")}

# Where ccxt takes what an order was to cost for what it did cost: its average is too high until all of it filled, and
# only the limit then (Latoken's `cost` of an order of which nothing filled; Indodax's `order_rp` of a buy). What was
# spent and for how much, where the record has it (Upbit's `executed_funds` of a market buy).
COST_IS_ORDERED = frozenset({"indodax", "latoken"})
SPENT_FIELDS = {"upbit": ("executed_funds", "executed_volume")}

# Whose money of an order and of a fill has the fee in it: of base, of quote, the fee. In Nado's archive a fill has no
# price of its own, and ccxt takes the order's limit for it.
FEE_IN_COST = {"nado": ("base_filled", "quote_filled", "fee")}

# Where ccxt's time of an order is that of its last change: what the record has of its submission (null: nothing).
SUBMITTED_FIELD: dict[str, str | int | None] = {"bitfinex": 4, "btcturk": "time", "dydx": None}

# Where ccxt calls every order a limit order, and the record says which are not (Toobit's contracts: a market order is
# sent as a limit order at the worst price that it takes).
TYPE_FIELD = {"coinone": "type", "indodax": "order_type", "toobit": "priceType"}

# Whose listings of the past are events that ccxt gives a status of its own: an order that was placed counts as closed
# or canceled. Their records have the first field, and tell what is left and what filled (Kraken Futures' order events).
EVENT_FIELDS = {"krakenfutures": ("tradeable", "quantity", "filled")}

# A close in a hedged account is written with the side of the position that it closes ("buy" closes a long), and ccxt
# turns it round in some records only: what such a record says (Bitget's classic account).
SIDE_OF_POSITION: dict[str, dict[str, str]] = {"bitget": {"posMode": "hedge_mode", "tradeSide": "close"}}

# What a contract's order of size 0 closes, all of it, where ccxt takes the size's sign for the side (Gate; nothing says
# it in an account that is not hedged).
CLOSE_ALL_FIELD = {"gate": "auto_size"}

# A contract's side that says by a number what is done to which position, where ccxt takes 2 for a sale and leaves 3 and
# 4 as they are, or turns all of them and keeps to itself which open: the field; side, then offset (MEXC: "1 open long,
# 2 close short, 3 open short, 4 close long"; Digifinex: "1 open long, 2 open short, 3 close long, 4 close short").
SIDES_OF_CONTRACTS: dict[str, tuple[str, dict[str, tuple[str, str]]]] = {
    "digifinex": (
        "type",
        {"1": ("buy", "open"), "2": ("sell", "open"), "3": ("sell", "close"), "4": ("buy", "close")},
    ),
    "mexc": (
        "side",
        {"1": ("buy", "open"), "2": ("buy", "close"), "3": ("sell", "open"), "4": ("sell", "close")},
    ),
}

# A contract's side with what is done by it ("BUY_OPEN", "BUY_CLOSE" of a short): ccxt takes Toobit's fills for sales
# and keeps to itself which orders open.
SIDE_WITH_OFFSET = frozenset({"hashkey", "toobit"})

# A fill's order and its quantity of base, where ccxt takes its own id and its cost for them (Zebpay).
FILL_FIELDS = {"zebpay": ("orderId", "quantity")}

# A position's size with its sign, where ccxt takes the sign of what it cost and an exposure for it: the fields that
# only such a record has together, and the one that counts (Backpack).
SIGNED_SIZE = (frozenset({"netQuantity", "netExposureQuantity"}), "netQuantity")

# Records in which a fee that was paid is positive, where ccxt turns its sign as in others: the fields that only such a
# record has together, and where the fee stands (Bitget's unified account, htx's v5).
PAID_FEE: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "bitget": (frozenset({"execId", "feeDetail"}), ("feeDetail", "0", "fee")),
    "htx": (frozenset({"fee_currency", "trade_fee"}), ("trade_fee",)),
}

# ccxt's reading of orders subtracts and compares numbers here, which texts cannot.
NUMBERS_ARE_COUNTED = frozenset({"coinbaseinternational"})

# Where ccxt leaves the client's own id in the venue's record (create_order of each sends it there).
CLIENT_ID_FIELD = {"deribit": "label", "mexc": "externalOid"}
