"""ccxt's unified orders, trades, positions and balances as canonical values.

Rules: an amount is text that the venue wrote, never a float; a word that is not known stays a word and says nothing;
what ccxt computes where the venue was silent is not taken for what the venue said. Quantities of contracts stay in
contracts, as ccxt's orders, trades and positions all have them. A row that cannot be read raises ValueError: its
listing goes on without it and is partial. Must not know how rows were asked for, but for `conditional`.
"""

from decimal import Decimal

from trueup.exports.read_texts import read_status, word
from trueup.model.ids import USELESS_CLIENT_ORDER_IDS, normal_id
from trueup.model.money import amount, subtract, text
from trueup.model.snapshot import Fill, Position, VenueOrder
from trueup.model.vocabulary import Intent, PositionSide, Side, Status
from trueup.venues.ccxt.texts import (
    Row,
    first_text,
    lower_text,
    read_info,
    read_ms,
    read_number,
    read_price,
    read_text,
)
from trueup.venues.ccxt.traits import (
    CLIENT_ID_FIELD,
    PLACED_QTY_FIELD,
    SAME_ID_WHEN_TRIGGERED,
    TRIGGERED_ID_FIELDS,
    family,
)

# Keys of a venue's own record (`info`) that are asked where the unified row is silent, in this order.
_STATUS_FIELDS = (
    "finish_as",
    "status",
    "state",
    "orderStatus",
    "ordStatus",
    "order_status",
    "algoStatus",
    "planStatus",
)
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
_POSITION_INDEX = {"1": PositionSide.LONG, "2": PositionSide.SHORT}  # bybit's positionIdx; 0 is one-way
_OFFSETS = {"open": Intent.OPEN, "close": Intent.CLOSE}  # htx's `offset`, bitget's `tradeSide`
# What the venue says and ccxt's word for it hides: (ccxt's word, the venue's) → status.
_FLATTENED = {
    ("closed", "partiallyfilledcanceled"): Status.CANCELED,  # bybit
    ("closed", "partially_filled_cancelled"): Status.CANCELED,
    ("open", "pendingcancel"): Status.PENDING_CANCEL,  # bybit
    ("open", "pending_cancel"): Status.PENDING_CANCEL,
    ("canceled", "expired"): Status.EXPIRED,  # coinbase
    ("canceled", "failed"): Status.REJECTED,  # coinbase
}
_WHOLE_WORDS = frozenset({"filled", "fully_filled", "full_fill", "done", "finished"})
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
    qty, filled = _quantities(row, info, venue)
    order_type = lower_text(row.get("type"))
    kept_apart = conditional and venue not in SAME_ID_WHEN_TRIGGERED
    status, placed_id = _status(row, info, qty, filled, kept_apart=kept_apart)
    if status is Status.FILLED and order_type == "market" and qty != filled:
        qty = None  # placed by its cost: ccxt's amount is computed, and off by a rounding
    if status is None and kept_apart:
        filled = None
    position_side = _position_side(info)
    side = _side(row.get("side"))
    return VenueOrder(
        venue_order_id=read_text(row.get("id")),
        client_order_id=_client_id(row.get("clientOrderId") or info.get(CLIENT_ID_FIELD.get(venue, ""))),
        symbol=read_text(row.get("symbol")),
        side=side,
        order_type=order_type,
        qty=qty,
        limit_price=None if "market" in (order_type or "") else read_price(row, "price"),
        stop_price=read_price(row, "triggerPrice"),
        status=status,
        raw_status=first_text(info, _STATUS_FIELDS) or read_text(row.get("status")),
        status_reason=_reason(info, status),
        intent=_intent(row, info, position_side, side),
        position_side=position_side,
        filled_qty=filled,
        filled_avg_price=read_price(row, "average") if filled not in (None, "0") else None,
        replaces=read_text(info.get("replaces")),
        replaced_by=placed_id or read_text(info.get("replaced_by")),
        submitted_at=read_ms(row.get("timestamp")),
        updated_at=read_ms(row.get("lastUpdateTimestamp") or row.get("lastTradeTimestamp")),
    )


def read_fill(row: Row) -> Fill:
    """One unified trade of ours. Raises ValueError where it has no id: it could not be told from its duplicate."""
    fill_id, qty = read_text(row.get("id")), read_number(row, "amount")
    if fill_id is None or qty is None:
        raise ValueError(f"a fill of order {row.get('order')} without an id or a quantity")
    fee = _fee(row)
    return Fill(
        fill_id=fill_id,
        venue_order_id=read_text(row.get("order")),
        client_order_id=_client_id(row.get("clientOrderId")),
        symbol=read_text(row.get("symbol")),
        side=_side(row.get("side")),
        qty=qty,
        price=read_price(row, "price"),
        fee=None if fee is None else read_number(fee, "cost", signed=True),
        fee_currency=None if fee is None else read_text(fee.get("currency")),
        filled_at=read_ms(row.get("timestamp")),
    )


def read_position(row: Row) -> Position:
    """One unified position. A listed size of zero is an explicit flat; hedged accounts are told apart by side."""
    qty = read_number(row, "contracts", signed=True)
    side = lower_text(row.get("side"))
    hedged_side = _position_side(read_info(row)) or (
        PositionSide(side) if row.get("hedged") and side in ("long", "short") else None
    )
    if qty is None:
        raise ValueError(f"a position in {row.get('symbol')} without a size")
    if Decimal(qty) != 0 and side not in ("long", "short"):
        raise ValueError(f"a position in {row.get('symbol')} of {qty} without a side")
    short = (hedged_side is PositionSide.SHORT) if hedged_side is not None else side == "short"
    size = text(abs(amount(qty)))
    return Position(
        symbol=str(row.get("symbol")),
        qty=f"-{size}" if short and size != "0" else size,
        avg_entry_price=read_price(row, "entryPrice"),
        mark_price=read_price(row, "markPrice"),
        position_side=hedged_side,
    )


# -- status and quantity ----------------------------------------------------------------------------------------------


def _quantities(row: Row, info: Row, venue: str) -> tuple[str | None, str | None]:
    """Ordered and filled. Where `amount` is what is left of the order, both are told by what was placed."""
    qty, filled = read_number(row, "amount"), read_number(row, "filled")
    placed_field = PLACED_QTY_FIELD.get(venue, "")
    if placed_field not in info:
        return qty, filled
    placed = read_number(info, placed_field)
    if filled is None and placed is not None and qty is not None:
        filled = text(subtract(amount(placed), amount(qty)))
    return placed, filled


def _status(
    row: Row, info: Row, qty: str | None, filled: str | None, *, kept_apart: bool
) -> tuple[Status | None, str | None]:
    """The canonical status (null: not known), and the order that took this one's place."""
    said = read_text(row.get("status"))
    if said is None:
        return None, None
    own_word = word(first_text(info, _STATUS_FIELDS) or "")
    if kept_apart and word(said) not in ("open", "canceled", "canceling", "expired", "rejected"):
        placed_id = first_text(
            info, TRIGGERED_ID_FIELDS
        )  # it triggered; its fills are those of the order it placed
        return (Status.REPLACED, placed_id) if placed_id is not None else (None, None)
    if (
        word(said) == "closed"
        and own_word in _WHOLE_WORDS
        and row.get("type") == "market"
        and filled not in (None, "0")
    ):
        return Status.FILLED, None
    flattened = _FLATTENED.get((word(said), own_word))
    if flattened is not None:
        return flattened, None
    try:
        return read_status(said, qty, filled), None
    except KeyError:
        return None, None


def _reason(info: Row, status: Status | None) -> str | None:
    if status not in (Status.CANCELED, Status.EXPIRED, Status.REJECTED):
        return None
    own_word = first_text(info, _STATUS_FIELDS)
    return first_text(info, _REASON_FIELDS) or (
        own_word if own_word and word(own_word) != status.value else None
    )


# -- sides ------------------------------------------------------------------------------------------------------------


def _side(said: object) -> Side | None:
    lower = lower_text(said)
    return Side(lower) if lower in ("buy", "sell") else None


def _position_side(info: Row) -> PositionSide | None:
    """Long or short where the account is hedged; null for one-way (`BOTH`, `net`, index 0)."""
    said = (first_text(info, _POSITION_SIDE_FIELDS) or "").lower()
    if said in ("long", "short"):
        return PositionSide(said)
    return _POSITION_INDEX.get(str(info.get("positionIdx")))


def _intent(row: Row, info: Row, position_side: PositionSide | None, side: Side | None) -> Intent | None:
    if row.get("reduceOnly") is True:
        return Intent.CLOSE
    if position_side is not None and side is not None:
        return Intent.OPEN if (position_side is PositionSide.LONG) == (side is Side.BUY) else Intent.CLOSE
    return _OFFSETS.get(lower_text(info.get("offset") or info.get("tradeSide")) or "")


# -- fees and ids ------------------------------------------------------------------------------------------------------


def _fee(row: Row) -> Row | None:
    """The fee that matters to a quantity: one in the base currency where there is one, else the first."""
    fees = [one for one in [*(row.get("fees") or []), row.get("fee")] if one and one.get("cost") is not None]
    base = str(row.get("symbol") or "").partition("/")[0]
    return next((one for one in fees if one.get("currency") == base), fees[0] if fees else None)


def _client_id(said: object) -> str | None:
    client_id = read_text(said)
    return None if client_id is None or normal_id(client_id) in _MEANINGLESS_CLIENT_IDS else client_id
