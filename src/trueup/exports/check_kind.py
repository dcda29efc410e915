"""Whether a file of nobody's known form may be what it is given as: orders, fills, positions or trades.

By its columns alone. An order has a status and what it filled, a fill an id of its own and neither; positions and
trades name no order. What could be either is taken as it was given, and what a person said (`--map`) is believed. Must
not read rows.
"""

from trueup.exports.mapping import Mapping
from trueup.exports.meanings import Source, find_columns, header_token
from trueup.model.errors import InputError

_FILL_IDS = frozenset({"fillid", "execid", "executionid"})
_OF_FILLS_ONLY = frozenset({"takerormaker", "ismaker", "makertaker", "lastqty", "execqty", "fillsz"})
_VENUE_ORDER_IDS = frozenset({"orderid", "orderno", "ordernumber", "ordid", "ordertxid"})
_CLIENT_ORDER_IDS = frozenset({"clientorderid", "clordid", "cliordid", "clientoid", "orderlinkid"})
_TELLS = {
    Source.LOCAL: ("status", "filled_qty"),
    Source.VENUE: ("status", "filled_qty"),
    Source.FILLS: ("fill_id",),
    Source.LOCAL_FILLS: ("fill_id",),
    Source.POSITIONS: ("qty",),
    Source.TRADES: ("trade_id",),
}  # what a person says of a file that is what it is given as


def check_kind(source: Source, columns: list[str], name: str, mapping: Mapping) -> None:
    """Raises InputError for a file that is of another kind than it is given as."""
    if any(mapping.column(source, meaning) for meaning in _TELLS[source]):
        return
    seen = _seen(source, columns)
    if seen is None:
        return
    what, option = seen
    given = f"give it as --{option} {name}, or " if option is not None else ""
    raise InputError(
        f"these look like {what}; {given}say --map {source}.{_TELLS[source][0]}=COLUMN if they are not", name
    )


def _seen(source: Source, columns: list[str]) -> tuple[str, Source | None] | None:
    """What it looks like, and what it should be given as; null where it may be what it is given as."""
    tokens = {header_token(column) for column in columns}
    if source in (Source.LOCAL, Source.VENUE) and are_fills(columns):
        return "fills, not orders", Source.LOCAL_FILLS if source is Source.LOCAL else Source.FILLS
    if source in (Source.FILLS, Source.LOCAL_FILLS) and (
        _are_orders(columns, tokens) or _has_one_id(columns, tokens)
    ):
        return "orders, not fills", Source.VENUE if source is Source.FILLS else Source.LOCAL
    if source is Source.TRADES and _are_orders(columns, tokens):
        return "orders, not trades", Source.LOCAL
    if source is Source.POSITIONS and tokens & (
        _FILL_IDS | _OF_FILLS_ONLY | _VENUE_ORDER_IDS | _CLIENT_ORDER_IDS
    ):
        return "orders or fills, not positions", None
    return None


def are_fills(columns: list[str]) -> bool:
    """Neither status nor filled quantity, and something that only fills have."""
    tokens = {header_token(column) for column in columns}
    if {"status", "filled_qty"} & find_columns(Source.VENUE, columns).keys():
        return False
    return bool(tokens & (_FILL_IDS | _OF_FILLS_ONLY | {"tradeid"})) or {"id", "order"} <= tokens


def _are_orders(columns: list[str], tokens: set[str]) -> bool:
    """A status beside what was ordered and what filled."""
    if tokens & (_FILL_IDS | _OF_FILLS_ONLY):
        return False
    return {"status", "qty", "filled_qty"} <= find_columns(Source.VENUE, columns).keys()


def _has_one_id(columns: list[str], tokens: set[str]) -> bool:
    """A status, and beside a client order id one id only, which of fills would be their own."""
    if tokens & (_FILL_IDS | _OF_FILLS_ONLY | _VENUE_ORDER_IDS | {"tradeid", "order"}):
        return False
    return bool({"id"} & tokens) and "status" in find_columns(Source.VENUE, columns)
