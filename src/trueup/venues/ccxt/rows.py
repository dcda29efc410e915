"""ccxt's unified orders, trades, positions and balances as canonical values.

Rules: an amount is text that the venue wrote, never a float; a word that is not known stays a word and says nothing;
what ccxt computes where the venue was silent is not taken for what the venue said. Quantities of contracts stay in
contracts, as ccxt's orders, trades and positions all have them. A row that cannot be read raises ValueError: its
listing goes on without it and is partial. Must not know how rows were asked for, but for `conditional`.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from msgspec.structs import replace

from trueup.exports.read_texts import word
from trueup.model.errors import brief_text
from trueup.model.ids import USELESS_CLIENT_ORDER_IDS, normal_id
from trueup.model.money import ZERO, amount, text
from trueup.model.snapshot import Fill, Position, VenueOrder
from trueup.model.vocabulary import CUT_SHORT, Intent, PositionSide, Side
from trueup.venues.ccxt.costs import read_average, read_fill_price
from trueup.venues.ccxt.order_end import OrderEnd, is_ordered_in_quote, read_end, read_type
from trueup.venues.ccxt.texts import (
    Row,
    first_text,
    lower_text,
    read_info,
    read_ms,
    read_number,
    read_price,
    read_text,
    read_told_price,
)
from trueup.venues.ccxt.traits import (
    CLIENT_ID_FIELD,
    CLOSE_ALL_FIELD,
    CONTRACTS_OF_FILL,
    FILL_FIELDS,
    PAID_FEE,
    SIDE_OF_POSITION,
    SIDE_WITH_OFFSET,
    SIDES_OF_CONTRACTS,
    SIGNED_SIZE,
    SUBMITTED_FIELD,
    family,
)

# Keys of a venue's own record (`info`) that are asked where the unified row is silent, in this order.
_REASON_FIELDS = (
    "rejectReason",
    "reject_reason",
    "cancelReason",
    "cancel_reason",
    "cancelSource",
    "reason",
    "failReason",
)
_POSITION_SIDE_FIELDS = ("positionSide", "posSide", "position_side", "holdSide")
_ORDER_ID_FIELDS = ("orderId", "order_id")
_REDUCE_ONLY_FIELDS = (
    "reduceOnly",
    "reduce_only",
    "is_reduce_only",
    "closePosition",
    "closeOrder",
    "is_close",
)
Fact = TypeVar("Fact")
_POSITION_INDEX = {"1": PositionSide.LONG, "2": PositionSide.SHORT}  # bybit's positionIdx; 0 is one-way
_HELD_BY = {"buy": "long", "sell": "short"}
_OFFSETS = {
    "open": Intent.OPEN,
    "close": Intent.CLOSE,
}  # htx's `offset`, bitget's `tradeSide`, bitrue's `action`
_MEANINGLESS_CLIENT_IDS = USELESS_CLIENT_ORDER_IDS | {
    "apiv4",
    "app",
    "web",
    "android",
    "ios",
    "ipad",
    "none",
    "null",
}


def read_order(row: Row, exchange_id: str, *, conditional: bool = False) -> VenueOrder:
    """One unified order. `conditional`: it came from an endpoint that holds orders until they trigger."""
    info, venue = read_info(row), family(exchange_id)
    end = read_end(row, info, venue, conditional=conditional)
    order_type, position_side, side = (
        read_type(row, info, venue),
        _position_side(info),
        _side(row, info, venue),
    )
    return VenueOrder(
        venue_order_id=read_text(row.get("id")),
        client_order_id=_client_id(row.get("clientOrderId") or info.get(CLIENT_ID_FIELD.get(venue, ""))),
        symbol=read_text(row.get("symbol")),
        side=side,
        order_type=order_type,
        qty=end.qty,
        limit_price=None
        if "market" in (order_type or "") or is_ordered_in_quote(info, venue)
        else read_price(row, "price"),
        stop_price=read_price(row, "triggerPrice"),
        status=end.status,
        raw_status=end.own_text or read_text(row.get("status")),
        status_reason=_reason(info, end),
        intent=_intent(row, info, position_side, side, _numbered_side(row, info, venue)),
        position_side=position_side,
        filled_qty=end.filled_qty,
        filled_avg_price=read_average(row, info, venue) if end.filled_qty not in (None, "0") else None,
        replaces=read_text(info.get("replaces")),
        replaced_by=end.placed_id or read_text(info.get("replaced_by")),
        by_notional=end.by_notional,
        end_derived=end.derived,
        submitted_at=_submitted_at(row, venue),
        updated_at=read_ms(row.get("lastUpdateTimestamp"))
        or read_ms(row.get("lastTradeTimestamp"))
        or (read_ms(row.get("timestamp")) if venue in SUBMITTED_FIELD else None),
    )


def _submitted_at(row: Row, venue: str) -> str | None:
    if venue not in SUBMITTED_FIELD:
        return read_ms(row.get("timestamp"))
    field = SUBMITTED_FIELD[venue]
    return None if field is None else read_ms(_at(row.get("info"), (str(field),)))


def read_fill(row: Row, exchange_id: str = "") -> Fill:
    """One unified trade of ours. `exchange_id` empty: not told, then a record's shape alone says whose it is.

    Raises ValueError where it has no id: it could not be told from its duplicate.
    """
    info, venue = read_info(row), family(exchange_id)
    fill_id, qty = read_text(row.get("id")), _fill_qty(row, info, venue)
    if fill_id is None or qty is None:
        raise ValueError(f"a fill of order {row.get('order')} without an id or a quantity")
    fee = _fee(row)
    order_field, _ = FILL_FIELDS.get(venue, ("", ""))
    return Fill(
        fill_id=fill_id,
        venue_order_id=read_text(info.get(order_field)) or read_text(row.get("order")) or _own_order_id(info),
        client_order_id=_client_id(row.get("clientOrderId")),
        symbol=read_text(row.get("symbol")),
        side=_side(row, info, venue),
        qty=qty,
        price=read_fill_price(row, info, venue),
        fee=None if fee is None else _fee_cost(row, fee, info, venue),
        fee_currency=None if fee is None else read_text(fee.get("currency")),
        filled_at=read_ms(row.get("timestamp")),
    )


def read_position(row: Row) -> Position:
    """One unified position. A listed size of zero is an explicit flat; hedged accounts are told apart by side."""
    qty = read_number(row, "contracts", signed=True)
    side = lower_text(row.get("side"))
    own_side = _position_side(read_info(row))
    marks, own_field = SIGNED_SIZE
    if marks <= read_info(row).keys():
        qty = read_number(read_info(row), own_field, signed=True)
        side = "short" if amount(qty) < ZERO else "long"
    is_hedged = bool(row.get("hedged")) and not _is_one_way(read_info(row))
    hedged_side = own_side or (PositionSide(side) if is_hedged and side in ("long", "short") else None)
    if qty is None:
        raise ValueError(f"a position in {row.get('symbol')} without a size")
    base, held = str(row.get("symbol")).partition("/")[0], read_text(read_info(row).get("posCcy"))
    if held not in (None, base):  # of OKX's margin: a short one is counted in quote currency
        raise ValueError(
            f"a position in {row.get('symbol')} of {qty} {held}, not of its base currency; not used"
        )
    if side not in ("long", "short"):  # `BOTH` of Poloniex, beside BUY or SELL
        side = _HELD_BY.get(side or "") or _HELD_BY.get(lower_text(read_info(row).get("side")) or "")
    if Decimal(qty) != 0 and side is None:
        raise ValueError(f"a position in {row.get('symbol')} of {qty} without a side")
    short = (hedged_side is PositionSide.SHORT) if hedged_side is not None else side == "short"
    size = text(abs(amount(qty)))
    return Position(
        symbol=str(row.get("symbol")),
        qty=f"-{size}" if short and size != "0" else size,
        avg_entry_price=read_told_price(row, "entryPrice"),
        mark_price=read_told_price(row, "markPrice"),
        position_side=hedged_side,
    )


def tell_sides(positions: list[Position]) -> list[Position]:
    """Two rows of one instrument, one held and one owed, are the sides of a hedged account, whether or not they say so.

    No account that nets them lists both (htx, Digifinex and Toobit write the side, and ccxt not that it is hedged).
    """
    rows_of: dict[str, list[Position]] = {}
    for position in positions:
        rows_of.setdefault(position.symbol, []).append(position)
    return [_with_side(position, rows_of[position.symbol]) for position in positions]


def _with_side(position: Position, rows: list[Position]) -> Position:
    signs = sorted(amount(row.qty).compare(ZERO) for row in rows)
    if signs != [-1, 1] or any(row.position_side is not None for row in rows):
        return position
    is_long = amount(position.qty) > ZERO
    return replace(position, position_side=PositionSide.LONG if is_long else PositionSide.SHORT)


def _fill_qty(row: Row, info: Row, venue: str) -> str | None:
    """Some exchanges write a sale as a negative quantity; its side says so, too."""
    if ":" in str(row.get("symbol")):
        for marks, field in _of_venue(CONTRACTS_OF_FILL, venue):
            if marks <= info.keys():
                return read_number(info, field)
    _, own_field = FILL_FIELDS.get(venue, ("", ""))
    qty = read_number(info, own_field, signed=True) or read_number(row, "amount", signed=True)
    return None if qty is None else text(abs(amount(qty)))


def _of_venue(table: Mapping[str, Fact], venue: str) -> list[Fact]:
    """What is known of this exchange; of every one where it was not told which."""
    return [known for name, known in table.items() if not venue or name == venue]


REASON_CHARS_MAX = 500  # a sentence or two: what is longer is cut


def _reason(info: Row, end: OrderEnd) -> str | None:
    if end.status is None or end.status not in CUT_SHORT:
        return None
    own = end.own_text
    said = first_text(info, _REASON_FIELDS) or (own if own and word(own) != end.status.value else None)
    return None if said is None else brief_text(said, REASON_CHARS_MAX)


# -- sides ------------------------------------------------------------------------------------------------------------


def _side(row: Row, info: Row, venue: str) -> Side | None:
    """What was traded, not which position: where the exchange writes the latter, its own record counts."""
    lower, numbered = lower_text(row.get("side")), _numbered_side(row, info, venue)
    if numbered is not None:
        lower = numbered[0]
    for said in _of_venue(SIDE_OF_POSITION, venue):
        if all(lower_text(info.get(key)) == value for key, value in said.items()):
            lower = _closes(info)
    if venue in CLOSE_ALL_FIELD and _put(info).get("size") in (0, "0"):
        lower = {"close_long": "sell", "close_short": "buy"}.get(
            lower_text(_put(info).get(CLOSE_ALL_FIELD[venue])) or ""
        )
    return Side(lower) if lower in ("buy", "sell") else None


def _closes(info: Row) -> str | None:
    """What closes the position that the record names, or whose side it has instead."""
    held = _position_side(info)
    if held is not None:
        return "sell" if held is PositionSide.LONG else "buy"
    return {"buy": "sell", "sell": "buy"}.get(lower_text(info.get("side")) or "")


def _put(info: Row) -> Row:
    """What a conditional order is to place, where its record has it inside (Gate)."""
    inside = info.get("initial")
    return inside if isinstance(inside, Mapping) else info


def _numbered_side(row: Row, info: Row, venue: str) -> tuple[str, str] | None:
    """Side and offset of a contract that the exchange writes as one number, or as one word."""
    if ":" not in str(row.get("symbol")):
        return None
    side, _, offset = (lower_text(info.get("side")) or "").partition("_")
    if venue in SIDE_WITH_OFFSET and offset in _OFFSETS:
        return side, offset
    field, sides = SIDES_OF_CONTRACTS.get(venue, ("", {}))
    return sides.get(read_text(info.get(field)) or "")


def _position_side(info: Row) -> PositionSide | None:
    """Long or short where the account is hedged; null for one-way (`BOTH`, `net`, index 0, or said apart)."""
    if _is_one_way(info):
        return None
    said = (first_text(info, _POSITION_SIDE_FIELDS) or "").lower()
    if said in ("long", "short"):
        return PositionSide(said)
    return _POSITION_INDEX.get(str(info.get("positionIdx")))


def _is_one_way(info: Row) -> bool:
    """Bitget and BingX name a side in one-way accounts, too, and say apart that there is only one."""
    if "one_way_mode" in (info.get("posMode"), info.get("holdMode")) or info.get("onlyOnePosition") is True:
        return True
    return (first_text(info, _POSITION_SIDE_FIELDS) or "").lower() in ("both", "net")


def _intent(
    row: Row,
    info: Row,
    position_side: PositionSide | None,
    side: Side | None,
    numbered: tuple[str, str] | None,
) -> Intent | None:
    if row.get("reduceOnly") is True or _is_reduce_only(info):
        return Intent.CLOSE
    if numbered is not None:
        return _OFFSETS[numbered[1]]
    if position_side is not None and side is not None:
        return Intent.OPEN if (position_side is PositionSide.LONG) == (side is Side.BUY) else Intent.CLOSE
    said = info.get("offset") or info.get("tradeSide") or info.get("action")
    return _OFFSETS.get(lower_text(said) or "")


def _is_reduce_only(info: Row) -> bool:
    """Where ccxt leaves it out (Deribit, Delta, htx's contracts, Poloniex, Crypto.com) the record says so.

    An order that closes a position whole says it in another way (Binance, KuCoin, Gate).
    """
    said = {str(_put(info).get(field)).lower() for field in _REDUCE_ONLY_FIELDS}
    marks = info.get("exec_inst")  # Crypto.com's list of them
    return bool(said & {"true", "1", "yes"}) or (isinstance(marks, list) and "REDUCE_ONLY" in marks)


# -- fees and ids ------------------------------------------------------------------------------------------------------


def _fee(row: Row) -> Row | None:
    """The fee that matters to a quantity: one in the base currency where there is one, else the first."""
    fees = [one for one in [*(row.get("fees") or []), row.get("fee")] if one and one.get("cost") is not None]
    base = str(row.get("symbol") or "").partition("/")[0]
    return next((one for one in fees if one.get("currency") == base), fees[0] if fees else None)


def _fee_cost(row: Row, fee: Row, info: Row, venue: str) -> str | None:
    """Positive where it was paid. A taker that is paid for it is a sign turned once too often: then it is not known."""
    for marks, path in _of_venue(PAID_FEE, venue):
        if marks <= info.keys():
            return read_number({"cost": _at(info, path)}, "cost", signed=True)
    cost = read_number(fee, "cost", signed=True)
    is_doubtful = cost is not None and cost.startswith("-") and row.get("takerOrMaker") == "taker"
    return None if is_doubtful else cost


def _at(info: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if isinstance(info, list):
            info = info[int(step)] if len(info) > int(step) else None
        else:
            info = info.get(step) if isinstance(info, Mapping) else None
    return info


def _own_order_id(info: Row) -> str | None:
    """Where ccxt does not say whose fill it is (Apex, dYdX, Foxbit), and its record does."""
    return first_text(info, _ORDER_ID_FIELDS)


def _client_id(said: object) -> str | None:
    client_id = read_text(said)
    return None if client_id is None or normal_id(client_id) in _MEANINGLESS_CLIENT_IDS else client_id
