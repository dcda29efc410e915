"""What ccxt's row and the exchange's own record say together of an order: its quantities, its status, its end.

Rules: the exchange's own word settles ccxt's (`words`); "filled" with less filled than ordered is no end; that nothing
is left of a canceled order says nothing of what it filled; what a
conditional order's endpoint says of it after it triggered is not what became of the order that it placed; an end that
no word of the exchange names is derived.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec import Struct

from trueup.exports.read_texts import read_status, word
from trueup.model.money import add, amount, divide, is_same, parse, subtract, text
from trueup.model.notional import COST_OFF_MAX, costs_about, is_cost
from trueup.model.vocabulary import CUT_SHORT, TERMINAL, Status
from trueup.venues.ccxt.texts import Row, first_text, lower_text, read_number, read_price, read_text
from trueup.venues.ccxt.traits import (
    ACCOUNTS_TURNED_TO_BASE,
    CONFIGURED_SIZE,
    CONTRACTS_OF_ORDER,
    EVENT_FIELDS,
    FILLED_FIELD,
    FILLED_IN_BASE,
    LEFT_QTY_FIELD,
    MARKET_BUY_IS_COST,
    ORDERED_IN_QUOTE,
    PLACED_QTY_FIELD,
    QTY_IS_ADDED_UP,
    QUOTE_AMOUNTS_MARK,
    SAME_ID_WHEN_TRIGGERED,
    TRIGGERED_ID_FIELDS,
    TYPE_FIELD,
)
from trueup.venues.ccxt.words import (
    CONDITIONAL_ENDS,
    DEFINED,
    ENDED_WORDS,
    Own,
    end_of,
    own_word,
    settle,
    word_token,
)

# Keys of a venue's own record that hold its status word, in this order.
STATUS_FIELDS = (
    "finish_as", "status", "state", "orderStatus", "ordStatus", "order_status", "algoStatus", "planStatus",
    "strategyStatus", "order_state", "orderState", "OrderState", "child_order_state", "Status", "os",
)  # fmt: skip
_TRIGGER_LIVES = ("open", "canceled", "canceling", "expired", "rejected")  # of a conditional order itself
_WHOLE_WORDS = frozenset({"done", "finished"})  # of market orders: they are placed by their cost
# Names under which exchanges write what an order filled.
_FILLED_NAME = re.compile(r"(?i)(fill|field|exec|deal|cum|done|trade|match|base_?volume)")
_COMPUTED_OFF_MAX = Decimal("0.05")  # how much of an amount that ccxt computed from a cost may be missing


class OrderEnd(Struct, frozen=True, kw_only=True):
    """`placed_id`: the order that took this one's place when it triggered; `by_notional`: ordered by its cost."""

    qty: str | None
    filled_qty: str | None
    status: Status | None
    own_text: str | None = None
    placed_id: str | None = None
    by_notional: bool = False
    derived: bool = False


def read_end(row: Row, info: Row, venue: str, *, conditional: bool) -> OrderEnd:
    """`venue`: the exchange's family. Raises ValueError for quantities that are none."""
    own_text = first_text(info, STATUS_FIELDS)
    qty, filled = _quantities(row, info, venue)
    if qty == "0":  # of a stop that closes all there is (Hyperliquid, Bybit)
        qty = None
    kept_apart = conditional and venue not in SAME_ID_WHEN_TRIGGERED
    ended = CONDITIONAL_ENDS.get((venue, word_token(own_text))) if kept_apart else None
    if ended not in (None, Status.REPLACED):
        return OrderEnd(qty=qty, filled_qty="0", status=ended, own_text=own_text)
    is_waiting = word(read_text(row.get("status")) or "open") in _TRIGGER_LIVES and ended is None
    if kept_apart and not is_waiting:
        placed_id = _placed_id(info, venue)  # its fills are that order's
        status = None if placed_id is None else Status.REPLACED
        return OrderEnd(
            qty=qty,
            filled_qty=None if status is None else "0",
            status=status,
            own_text=own_text,
            placed_id=placed_id,
        )
    if _is_all_spent(row, qty, filled):
        status, qty = settle(Status.FILLED, own_word(own_text, venue)), None
    else:
        status = _status(row, venue, own_text, qty, filled)
    if status in CUT_SHORT and _is_only_not_left(row, info, qty, filled):
        filled = None
    if _is_of_quote(info, venue):  # how much of base filled its fills say, and they alone
        known = None if status in (Status.FILLED, Status.PARTIALLY_FILLED) else status
        return OrderEnd(qty=None, filled_qty=None, status=known, own_text=own_text, by_notional=True)
    by_cost = _is_market_buy(row, info, venue) and (qty is None or _is_cost(row, qty, filled))
    by_cost = by_cost or is_ordered_in_quote(info, venue) or _is_sized_in_quote(info, venue)
    if status is Status.FILLED and read_type(row, info, venue) == "market" and qty != filled:
        qty = None  # placed by its cost: ccxt's amount is computed, and off by a rounding
    is_event = _is_event(info, venue)
    if is_event and read_text(row.get("status")) == "closed" and status is not Status.FILLED:
        status = None  # ccxt calls an order closed that filled at once, and is live with what is left
    return OrderEnd(
        qty=None if by_cost else qty,
        filled_qty=None if status is None and kept_apart else filled,
        status=status,
        own_text=None if is_event else own_text,
        by_notional=by_cost or (qty is None and status is Status.FILLED and _is_market_buy(row, info, venue)),
        derived=status in TERMINAL and bool(info) and (is_event or own_text is None),
    )


def read_type(row: Row, info: Row, venue: str) -> str | None:
    own = lower_text(info.get(TYPE_FIELD.get(venue, "")))
    return own if own == "market" else lower_text(row.get("type"))


def _placed_id(info: Row, venue: str) -> str | None:
    placed_id = first_text(info, TRIGGERED_ID_FIELDS.get(venue, ()))
    return None if placed_id == "-1" else placed_id  # HTX's word for none


def is_ordered_in_quote(info: Row, venue: str) -> bool:
    """Whether its record says that what was ordered is money, and what filled is not."""
    return any(
        all(lower_text(info.get(field)) == value for field, value in marks.items())
        for marks in ORDERED_IN_QUOTE.get(venue, ())
    )


# -- quantities -------------------------------------------------------------------------------------------------------


def _quantities(row: Row, info: Row, venue: str) -> tuple[str | None, str | None]:
    """Ordered and filled, in contracts where it is contracts."""
    qty, filled = read_number(row, "amount"), read_number(row, "filled")
    own_filled = read_number(info, FILLED_FIELD.get(venue, ""))
    filled = filled if own_filled is None else own_filled
    if is_ordered_in_quote(info, venue):
        return None, filled
    if venue in QTY_IS_ADDED_UP and read_text(row.get("status")) not in ("open", "closed"):
        return None, filled
    if _is_ordered_by_cost(row, info, venue):
        return None, _filled_in_base(info, venue) if venue in FILLED_IN_BASE and filled != "0" else filled
    if LEFT_QTY_FIELD.get(venue, "") in info:
        return None, None
    if _is_event(info, venue):
        _, left_field, filled_field = EVENT_FIELDS[venue]
        filled = read_number(info, filled_field)
        return text(add(amount(read_number(info, left_field)), amount(filled))), filled
    ordered_field, filled_field = CONTRACTS_OF_ORDER.get(venue, ("", ""))
    if ordered_field in info and ":" in str(row.get("symbol")):
        return read_number(info, ordered_field), read_number(info, filled_field)
    if qty is None and venue in CONFIGURED_SIZE:
        return read_number(_configuration(info, venue), CONFIGURED_SIZE[venue][1]), filled
    placed_field = PLACED_QTY_FIELD.get(venue, "")
    if placed_field not in info:
        return qty, filled
    placed = read_number(info, placed_field)
    if filled is None and placed is not None and qty is not None:
        filled = text(subtract(amount(placed), amount(qty)))
    return placed, filled


def _is_ordered_by_cost(row: Row, info: Row, venue: str) -> bool:
    """Whether ccxt's amount is what a market buy may cost."""
    if (
        venue not in MARKET_BUY_IS_COST
        or ":" in str(row.get("symbol"))
        or not _is_market_buy(row, info, venue)
    ):
        return False
    return read_text(info.get("account")) not in ACCOUNTS_TURNED_TO_BASE.get(venue, ())


def _filled_in_base(info: Row, venue: str) -> str | None:
    """Null where the record does not say."""
    in_base, cost, average = (read_number(info, field) for field in FILLED_IN_BASE[venue])
    if in_base is not None or cost is None or not amount(average):
        return in_base
    return text(divide(amount(cost), amount(average)))


def _is_of_quote(info: Row, venue: str) -> bool:
    field, mark = QUOTE_AMOUNTS_MARK.get(venue, ("", ""))
    return field in info and mark in str(info[field]).split(",")


def _configuration(info: Row, venue: str) -> Row:
    """What was ordered, whatever the kind of the order."""
    kinds = info.get(CONFIGURED_SIZE[venue][0])
    return (
        next((one for one in kinds.values() if isinstance(one, dict)), {}) if isinstance(kinds, dict) else {}
    )


def _is_sized_in_quote(info: Row, venue: str) -> bool:
    """Whether an amount of quote currency was ordered."""
    if venue not in CONFIGURED_SIZE:
        return False
    _, base_field, quote_field, mark = CONFIGURED_SIZE[venue]
    sizes = _configuration(info, venue)
    is_marked = info.get(mark) in (True, "true")
    return sizes.get(quote_field) not in (None, "") and (is_marked or sizes.get(base_field) in (None, ""))


def _is_event(info: Row, venue: str) -> bool:
    return venue in EVENT_FIELDS and all(field in info for field in EVENT_FIELDS[venue])


def _is_market_buy(row: Row, info: Row, venue: str) -> bool:
    return read_type(row, info, venue) == "market" and lower_text(row.get("side")) == "buy"


def _is_cost(row: Row, qty: str | None, filled: str | None) -> bool:
    return is_cost(qty, filled, read_number(row, "cost"), read_number(row, "average"))


def _is_all_spent(row: Row, qty: str | None, filled: str | None) -> bool:
    """Whether a closed market buy cost what was "ordered", and bought less than that: it was ordered by its cost."""
    average = read_price(row, "average")
    if lower_text(row.get("type")) != "market" or lower_text(row.get("side")) != "buy":
        return False
    if read_text(row.get("status")) != "closed" or average is None or qty is None or filled in (None, "0"):
        return False
    missing = subtract(amount(qty), amount(filled))
    return missing > amount(qty) * COST_OFF_MAX and costs_about(qty, filled, None, average)


def _is_only_not_left(row: Row, info: Row, qty: str | None, filled: str | None) -> bool:
    """Whether an order that was cut short counts as wholly filled because nothing is left of it.

    Of a canceled order nothing is left at some exchanges, whatever it filled: ccxt takes the one from the other where
    the record does not say what filled.
    """
    if not info or row.get("trades") or qty is None or filled in (None, "0"):
        return False
    whole = amount(qty)
    return is_same(amount(filled), whole) and not any(is_same(one, whole) for one in _own_fills(info, True))


def _own_fills(record: Any, is_fills: bool) -> Iterator[Decimal]:
    """What a record says under names of what filled."""
    if isinstance(record, dict):
        for name, value in record.items():
            yield from _own_fills(value, bool(_FILLED_NAME.search(str(name))))
    elif isinstance(record, list):
        for value in record:
            yield from _own_fills(value, is_fills)
    elif is_fills and (number := parse(str(record))) is not None:
        yield abs(number)


# -- status -----------------------------------------------------------------------------------------------------------


def _status(row: Row, venue: str, own_text: str | None, qty: str | None, filled: str | None) -> Status | None:
    said = read_text(row.get("status"))
    if said is None:
        return None
    if (venue, word_token(own_text)) in DEFINED:
        return DEFINED[venue, word_token(own_text)]
    own = own_word(own_text, venue)
    if (venue, word_token(own_text)) in ENDED_WORDS:
        said = "closed"
    if word(said) == "closed" and filled not in (None, "0") and _is_whole(row, own, own_text, qty, filled):
        return Status.FILLED
    try:
        return settle(read_status(said, qty, filled), own)
    except KeyError:  # Bitfinex's words have what it was before, and its records are lists
        return end_of(own_word(said.partition(" was")[0], venue) if own is None else own)


def _is_whole(row: Row, own: Own | None, own_text: str | None, qty: str | None, filled: str | None) -> bool:
    """Whether the exchange calls it filled and nothing says otherwise: no quantity, or one that ccxt computed."""
    if qty is None:
        return own is Own.FILLED
    is_market = lower_text(row.get("type")) == "market"
    called_whole = own is Own.FILLED or word(own_text or "") in _WHOLE_WORDS
    missing = subtract(amount(qty), amount(filled))
    return is_market and called_whole and missing <= amount(qty) * _COMPUTED_OFF_MAX
