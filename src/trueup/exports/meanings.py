"""Which header means what, in the words that people's files use. A table; `columns` reads it, `connect` may.

Names compare without case, separators and a time zone in brackets (`Order Time(UTC+08:00)` = `order_time`). For one
meaning the names stand in tiers, best first; a tier's names are separated by blanks.
"""

import re
from enum import StrEnum
from functools import lru_cache

from trueup.model.ids import symbol_token


class Source(StrEnum):
    """What a file is given as; the first word of `--map`."""

    LOCAL = "local"
    VENUE = "venue"
    FILLS = "fills"
    LOCAL_FILLS = "local-fills"
    POSITIONS = "positions"
    TRADES = "trades"


_SYMBOL = (
    "symbol",
    "symbolname",
    "pair ticker instrument instid",
    "market product productid tradingpair tradingpairs currencypair spotpairs contract contracts instrumentname",
)
_VENUE_ID = "venueorderid exchangeorderid brokerorderid"
_IDS = {
    "venue_order_id": (_VENUE_ID, "orderid orderno ordernumber ordid ordertxid oid id", "extid"),
    "client_order_id": (
        "clientorderid clordid cliordid cloid clientoid clientid orderlinkid newclientorderid",
        "externaloid origclientorderid",
    ),
}
_FILLED = "filledqty filledquantity filled executedqty executedquantity executed cumqty cumexecqty accfillsz "
_AVERAGE = (
    "filledavgprice avgprice average averageprice avgfillprice avgfilledprice averagefilledprice avgpx "
)
_ORDER = _IDS | {
    "symbol": _SYMBOL,
    "sub_tag": ("subtag",),
    "side": ("side orderside", "direction dir"),
    "order_type": ("ordertype ordtype", "type", "kind"),
    "qty": (
        "qty quantity orderqty origqty origsz orderamount orderquantity ordersize",
        "amount size sz basesize",
        "lots",
    ),
    "qty_unit": ("tgtccy marketunit",),  # OKX's and Bybit's word for an amount in base or in quote currency
    "notional": ("notional quotesize quoteorderqty",),
    "filled_qty": (_FILLED + "filledamount filledsize dealsize dealamount fieldamount", "basevolume", "done"),
    "filled_avg_price": (_AVERAGE + "avgtradingprice avgdealprice priceavg", "filledprice"),
    "spent": ("cummulativequoteqty dealfunds",),  # of spot orders only: what all that filled cost
    "limit_price": ("limitprice limit limitpx",),
    "price": ("price requestedprice orderprice", "px"),
    "stop_price": ("stopprice triggerprice triggerpx",),
    "status": ("status orderstatus", "state orderstate ordstatus"),
    "position_side": ("positionside posside", "positionidx"),
    "submitted_at": (
        "submittedat",
        "createdat timestamp datetime createdtime createtime creationtime creationtimestamp ctime",
        "created orderdate ordertime",
        "time date ts",
    ),
}
_LOCAL = _ORDER | {
    "trade_id": ("tradeid",),
    "action": ("action",),
    "last_activity_at": (
        "lastactivityat",
        "updatedat lastupdatetimestamp updatetime updatedtime utime",
        "lasttradetimestamp orderupdatedate",
    ),
    "venue_updated_at": ("venueupdatedat",),
    "previous_venue_order_ids": ("previousvenueorderids",),
    "version": ("version",),
}
_VENUE = _ORDER | {
    "status_reason": ("statusreason rejectreason", "reason"),
    "intent": ("positionintent", "intent"),
    "reduce_only": ("reduceonly",),
    "replaces": ("replaces",),
    "replaced_by": ("replacedby",),
    "parent_venue_order_id": ("parentvenueorderid parentorderid",),
    "updated_at": (
        "updatedat lastupdatetimestamp lastupdatetime updatetime updatedtime utime",
        "lasttradetimestamp",
    ),
    "cost": ("cost", "cumquote cummulativequoteqty cumexecvalue quotevolume fieldcashamount filledtotal"),
}
_FILL = {
    "fill_id": ("fillid execid executionid", "tradeid", "id"),
    "venue_order_id": (
        "venueorderid exchangeorderid",
        "orderid order orderno ordernumber ordid ordertxid oid",
    ),
    "client_order_id": _IDS["client_order_id"],
    "symbol": _SYMBOL,
    "side": ("side", "direction", "isbuyer"),
    "qty": (
        "lastqty",
        "qty quantity execqty fillsz filledqty filledquantity filledamount executed",
        "amount size",
        "basevolume",
    ),
    "price": ("lastpx", "price execprice fillpx filledprice", "avgfilledprice priceavg"),
    "fee": ("fee feecost commission execfee feepaid", "fees"),
    "fee_currency": ("feecurrency commissionasset feeccy feecoin feeasset",),
    "filled_at": (
        "filledat transactiontime executedat tradetime exectime filledtime filltime",
        "timestamp datetime",
        "createdat",
        "time date ts",
    ),
    "inferred": ("inferred",),
}
MEANINGS: dict[Source, dict[str, tuple[str, ...]]] = {
    Source.LOCAL: _LOCAL,
    Source.VENUE: _VENUE,
    Source.FILLS: _FILL,
    Source.LOCAL_FILLS: _FILL,
    Source.POSITIONS: {
        "symbol": _SYMBOL,
        "qty": ("qty quantity contracts positionamt pos", "amount size"),
        "side": ("positionside posside holdside", "side", "direction dir"),
        "hedged": ("hedged",),
        "avg_entry_price": ("avgentryprice entryprice", "avgprice avgpx"),
        "mark_price": ("markprice markpx", "currentprice lastprice"),
    },
    Source.TRADES: {
        "trade_id": ("tradeid", "id"),
        "symbol": _SYMBOL,
        "side": ("side", "isshort"),
        "status": ("status state", "isopen"),
        "entry_qty": ("entryqty", "qty quantity amount"),
        "exit_qty": ("exitqty",),
        "entry_avg_price": ("entryavgprice entryprice openrate",),
        "fee_base_qty": ("feebaseqty",),
        "quarantined_by": ("quarantinedby",),
        "opened_at": ("openedat opendate", "createdat"),
        "version": ("version",),
    },
}
AMOUNTS = frozenset({
    "qty", "notional", "filled_qty", "filled_avg_price", "limit_price", "price", "stop_price", "fee", "cost", "spent",
    "entry_qty", "exit_qty", "entry_avg_price", "fee_base_qty", "avg_entry_price", "mark_price",
})  # fmt: skip
MONEY_COLUMNS = frozenset(
    {
        "notional",
        "quotesize",
        "quoteorderqty",
        "origquoteorderqty",
        "sizeinquote",
        "funds",
    }
)  # fmt: skip - where a file says apart what an order is to cost, its quantity is no money
NAMES = frozenset({"symbol", "venue_order_id", "client_order_id", "fill_id", "trade_id", "fee_currency"})
TIMES = frozenset(
    {"submitted_at", "last_activity_at", "venue_updated_at", "updated_at", "filled_at", "opened_at"}
)

_ZONE = re.compile(r"\(\s*(?:UTC|GMT)\s*(?P<offset>[+-]\d\d?(:?\d\d)?)?\s*\)", re.IGNORECASE)
_FOOTNOTES = str.maketrans("", "", "¹²³⁴⁵")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TELLING: dict[str, frozenset[str]] = {
    "quantity": frozenset({
        "qty", "quantity", "amount", "size", "lots", "lot", "vol", "volume", "executed", "filled", "done", "cum",
    }),
    "price": frozenset({"price", "px", "rate", "avg", "average"}),
    "fee": frozenset({"fee", "fees", "commission"}),
    "id": frozenset({"id", "no", "ref", "txid", "oid"}),
}  # fmt: skip
_OTHER_IDS = frozenset({
    "user", "uid", "account", "profile", "strategy", "bot", "portfolio", "wallet", "asset",
})  # fmt: skip
_OF_TIMES = (["at"], ["time"], ["date"])  # how `filled_at` and `Filled Time` end


@lru_cache(maxsize=4096)
def header_token(header: str) -> str:
    """`Order Time(UTC+08:00)` as `ordertime`, `Executed²` as `executed`: what names are compared by."""
    return symbol_token(_ZONE.sub("", header).translate(_FOOTNOTES))


def header_zone(header: str) -> str | None:
    """The time zone that a header names (`+08:00`, `Z`); null where it names none."""
    found = _ZONE.search(header)
    if found is None:
        return None
    sign_and_digits = (found["offset"] or "").replace(":", "")
    if not sign_and_digits.strip("+-0"):
        return "Z"
    digits = sign_and_digits[1:]
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "00")
    return f"{sign_and_digits[0]}{hours.zfill(2)}:{minutes}"


def header_tells(header: str) -> str | None:
    """What a header means at a glance: quantity, price, fee or id; null where it means none of them."""
    words = [one.lower() for one in _WORDS.findall(_ZONE.sub("", header))]
    if set(words) & _OTHER_IDS or words[-1:] in _OF_TIMES:
        return None
    return next((what for what, telling in _TELLING.items() if telling.intersection(words)), None)


def find_columns(source: Source, columns: list[str]) -> dict[str, list[str]]:
    """meaning → the columns that carry it: those of its first tier of which there is any."""
    by_token: dict[str, list[str]] = {}
    for column in columns:
        by_token.setdefault(header_token(column), []).append(column)
    found = {meaning: _first_tier(tiers, by_token) for meaning, tiers in MEANINGS[source].items()}
    return {meaning: names for meaning, names in found.items() if names}


def _first_tier(tiers: tuple[str, ...], by_token: dict[str, list[str]]) -> list[str]:
    for tier in tiers:
        columns = [column for token in tier.split() for column in by_token.get(token, ())]
        if columns:
            return columns
    return []
