"""Rows of orders as the model's orders, local and the venue's.

A local row must be certain: a status word that is not known, or a missing side, is refused. What it does not say
of what filled is not zero: `LocalRows.silent` names the rows, and `say_silent` gives them what the venue says, so that
nothing is judged of it. A venue's row may say less: an unknown status word becomes null and keeps its `raw_status`, so
that only its fills are judged.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import TypeVar

from msgspec import Struct

from trueup.exports import read_texts
from trueup.exports.columns import Columns, shown
from trueup.exports.meanings import MONEY_COLUMNS, header_token
from trueup.exports.read_texts import read_amount, read_time
from trueup.exports.rows import Row
from trueup.model import money
from trueup.model.errors import InputError
from trueup.model.ids import symbol_token
from trueup.model.money import ZERO, divide, multiply, same, subtract
from trueup.model.notional import COST_OFF_MAX, costs_about
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import Intent, Side, Status

_UNKNOWN_SHOWN_MAX = 5
_ROWS_SHOWN_MAX = 5
_WORD_SHOWN_MAX = 60
_FLAG_COLUMNS = frozenset({"filled", "executed", "done"})  # names that say no quantity
_FLAGS = read_texts.TRUE_WORDS | read_texts.FALSE_WORDS
_WITHOUT_LIMIT = ("market", "stop", "profit", "trail", "touched", "liquid", "adl")
Word = TypeVar("Word")


class LocalRows(Struct, frozen=True):
    """The bot's orders, and the indices of those whose row says nothing of what filled."""

    orders: list[LocalOrder]
    silent: list[int]


def read_local_orders(columns: Columns, *, assume_utc: bool) -> LocalRows:
    """Raises InputError for what is not certain; unknown status words are listed with all their rows."""
    if columns.rows.rows:
        _need(columns, "side", "status")
        _need_an_id(columns, "venue_order_id", "client_order_id", "trade_id", "sub_tag")
        _check_actions(columns)
        _check_filled(columns)
    unknown: dict[str, list[int]] = {}
    orders: list[LocalOrder] = []
    silent = []
    for row in columns.rows.rows:
        order = _local_order(columns, row, partial(read_time, assume_utc=assume_utc), unknown)
        if order is None:
            continue
        if columns.text(row, "filled_qty", read_amount) is None and not _is_told(columns, order):
            silent.append(len(orders))
        orders.append(order)
    if unknown:
        raise InputError(_unknown_words(unknown), columns.rows.name)
    return LocalRows(orders, silent)


def _is_told(columns: Columns, order: LocalOrder) -> bool:
    """Whether status or file say how much filled where the row has no figure.

    `filled` means all of it, `rejected` nothing. An empty cell in a column that others fill is a bot's null: of an
    order that it calls new, that is nothing yet; freqtrade reads it as nothing always.
    """
    if order.status is Status.FILLED:
        return order.qty is not None
    is_null = "filled_qty" in columns.taken and order.status is Status.PENDING_NEW
    is_freqtrades = columns.form is not None and columns.form.is_bots
    return order.status is Status.REJECTED or is_null or is_freqtrades


def _check_actions(columns: Columns) -> None:
    """A column that a person named as the action must say entry or exit in every row; one found by its name may not."""
    if columns.mapping.column(columns.source, "action") is None:
        return
    unknown: dict[str, list[int]] = {}
    for row in columns.rows.rows:
        said = columns.text(row, "action")
        if said is not None and read_texts.read_action(said) is None:
            unknown.setdefault(said, []).append(row.number)
    if unknown:
        raise InputError(
            f"action words that mean nothing: {_shown_words(unknown)}; say "
            f"--value {columns.source}.action.WORD=entry or =exit",
            columns.rows.name,
        )


def _check_filled(columns: Columns) -> None:
    """A column called `filled` may be a flag: then it says 1 of an order of 10, and 9 would be booked anew."""
    if columns.mapping.column(columns.source, "filled_qty") is not None:
        return
    for column in columns.taken.get("filled_qty", ()):
        said = {(row.cells.get(column) or "0").lower() for row in columns.rows.rows}
        if (
            header_token(column) in _FLAG_COLUMNS
            and said <= _FLAGS
            and (not said <= {"0", "1"} or any(_is_flag(columns, row, column) for row in columns.rows.rows))
        ):
            raise InputError(
                f"{column} says only {' and '.join(sorted(said))}, also of what filled: a flag, no quantity? Say "
                f"--map {columns.source}.filled_qty= if so, or ={column} if it is one",
                columns.rows.name,
            )


def _is_flag(columns: Columns, row: Row, column: str) -> bool:
    """Whether the row says 1 of an order that it calls filled, and that was of more than 1."""
    qty = columns.text(row, "qty", read_amount)
    if row.cells.get(column) != "1" or qty is None or Decimal(qty) <= 1:
        return False
    return _status(columns.text(row, "status"), None, None) is Status.FILLED


def _local_order(
    columns: Columns, row: Row, time: Callable[[str], str], unknown: dict[str, list[int]]
) -> LocalOrder | None:
    text = partial(columns.text, row)
    qty, said = _local_qty(columns, row), text("status")
    status = _local_status(columns, row, said, qty, unknown)
    if status is None:
        return None
    limit_price, average = _prices(columns, row)
    side = read_word(columns, row, "side", read_texts.read_side)
    if side is None:
        raise InputError("no side: buy or sell?", columns.place(row))
    return LocalOrder(
        client_order_id=text("client_order_id"),
        venue_order_id=text("venue_order_id"),
        trade_id=text("trade_id"),
        sub_tag=text("sub_tag"),
        symbol=text("symbol"),
        side=side,
        action=read_word(columns, row, "action", read_texts.read_action),
        order_type=_order_type(columns, row),
        qty=qty,
        limit_price=limit_price,
        stop_price=_price(columns, row, "stop_price"),
        status=status,
        filled_qty=columns.text(row, "filled_qty", read_amount) or _implied(status, qty),
        filled_avg_price=average,
        submitted_at=text("submitted_at", time),
        last_activity_at=text("last_activity_at", time),
        venue_updated_at=text("venue_updated_at", time),
        previous_venue_order_ids=tuple((text("previous_venue_order_ids") or "").replace(",", " ").split()),
        position_side=read_word(columns, row, "position_side", read_texts.read_position_side),
        by_notional=qty is None and (text("qty") is not None or _notional(columns, row)),
        version=read_version(columns, row),
    )


def _local_qty(columns: Columns, row: Row) -> str | None:
    """What was ordered in base currency; null where it was an amount of money: by its unit, or by what it bought."""
    if is_in_quote(columns, row, "qty"):
        return None
    qty, filled_qty = columns.text(row, "qty", read_amount), columns.text(row, "filled_qty", read_amount)
    is_market = "market" in (_order_type(columns, row) or "")
    return None if is_market and qty and filled_qty and _is_spent(columns, row, qty, filled_qty) else qty


def _local_status(
    columns: Columns, row: Row, said: str | None, qty: str | None, unknown: dict[str, list[int]]
) -> Status | None:
    """Null, and the word noted, where it is not certain. Of money that was spent, what filled is all of it."""
    ordered, filled_qty = columns.text(row, "qty", read_amount), columns.text(row, "filled_qty", read_amount)
    is_spent = qty is None and ordered is not None and not is_in_quote(columns, row, "qty")
    status = _status(said, filled_qty if is_spent else ordered, filled_qty)
    if status is None:
        unknown.setdefault(said or "", []).append(row.number)
    return status


def _implied(status: Status, qty: str | None) -> str:
    """What the status says of what filled, where the row has no figure: `filled` means all of it."""
    return qty if status is Status.FILLED and qty is not None else "0"


def _unknown_words(unknown: dict[str, list[int]]) -> str:
    empty = unknown.pop("", [])
    said = (
        [f"no status in {_rows_named(empty)}; remove what is no order, such as a line of totals"]
        if empty
        else []
    )
    if unknown:
        said.append(
            f"status words that say nothing certain: {_shown_words(unknown)}; write one of {', '.join(Status)}, or say "
            "--value local.status.WORD=STATUS"
        )
    return "; ".join(said)


def _shown_words(unknown: dict[str, list[int]]) -> str:
    words = [f"{said!r} ({_rows_named(rows)})" for said, rows in list(unknown.items())[:_UNKNOWN_SHOWN_MAX]]
    more = len(unknown) - len(words)
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def _rows_named(rows: list[int]) -> str:
    shown_rows = ", ".join(map(str, rows[:_ROWS_SHOWN_MAX]))
    return f"{'row' if len(rows) == 1 else 'rows'} {shown_rows}{' …' if len(rows) > _ROWS_SHOWN_MAX else ''}"


def read_venue_orders(columns: Columns, *, assume_utc: bool) -> list[VenueOrder]:
    """Raises InputError for amounts and times that are none; a status may stay unknown."""
    if columns.rows.rows:
        _need_an_id(columns, "venue_order_id", "client_order_id")
    time = partial(read_time, assume_utc=assume_utc)
    return [_venue_order(columns, row, time) for row in columns.rows.rows]


def _venue_order(columns: Columns, row: Row, time: Callable[[str], str]) -> VenueOrder:
    text = partial(columns.text, row)
    said = text("status")
    filled_qty = text("filled_qty", read_amount)
    if is_in_quote(columns, row, "filled_qty") and Decimal(filled_qty or 0):
        said, filled_qty = None, None  # how much of base currency it was is not known, so neither is its end
    units_differ = is_in_quote(columns, row, "qty")
    ordered = None if units_differ else text("qty", read_amount)
    qty, is_money = _venue_qty(columns, row, ordered, filled_qty)
    whole = filled_qty if is_money else ordered  # of money that was spent, what it bought is all of it
    if qty is None and not is_money and _spent(columns, row, filled_qty or "0") is None:
        whole = None
    limit_price, average = _prices(columns, row)
    return VenueOrder(
        venue_order_id=text("venue_order_id"),
        client_order_id=text("client_order_id"),
        symbol=text("symbol"),
        side=read_word(columns, row, "side", read_texts.read_side),
        order_type=_order_type(columns, row),
        qty=qty,
        by_notional=is_money
        or (units_differ and text("qty") is not None)
        or (ordered is None and _notional(columns, row)),
        limit_price=limit_price,
        stop_price=_price(columns, row, "stop_price"),
        status=_status(said, whole, filled_qty),
        raw_status=text("status"),
        status_reason=text("status_reason"),
        intent=_intent(columns, row),
        position_side=read_word(columns, row, "position_side", read_texts.read_position_side),
        filled_qty=filled_qty,
        filled_avg_price=average,
        sub_tag=text("sub_tag"),
        replaces=text("replaces"),
        replaced_by=text("replaced_by"),
        parent_venue_order_id=text("parent_venue_order_id"),
        submitted_at=text("submitted_at", time),
        updated_at=text("updated_at", time),
    )


def _notional(columns: Columns, row: Row) -> bool:
    """Whether an amount of money was ordered, and that is all that is said of how much."""
    return Decimal(columns.text(row, "notional", read_amount) or 0) > 0


def _venue_qty(
    columns: Columns, row: Row, ordered: str | None, filled_qty: str | None
) -> tuple[str | None, bool]:
    """What was ordered in base currency, and whether it was an amount of money. Null: that, or it is not certain.

    Of a market buy many exchanges (Bitget, Gate, HTX) write the money that it was to cost, and so does ccxt. That it is
    base currency is certain only where the file says so, or what filled: all of it, or for more than so much money.
    """
    if (
        ordered is None
        or "market" not in (_order_type(columns, row) or "")
        or _is_said_to_be_base(columns, row)
    ):
        return ordered, False
    is_buy = read_word(columns, row, "side", read_texts.read_side) is not Side.SELL
    if filled_qty is None:
        return (None, True) if is_buy else (ordered, False)
    if _is_spent(columns, row, ordered, filled_qty):
        return None, True
    return (ordered if not is_buy or _filled_in_base(columns, row, ordered, filled_qty) else None), False


def _is_said_to_be_base(columns: Columns, row: Row) -> bool:
    """By a unit (what is in quote currency was told before), or because the file has another column for money."""
    if columns.text(row, "qty_unit") is not None or columns.unit(row, "qty") is not None:
        return True
    return any(header_token(column) in MONEY_COLUMNS for column in columns.rows.columns)


def _filled_in_base(columns: Columns, row: Row, ordered: str, filled_qty: str) -> bool:
    """Whether all that was ordered filled, or what filled cost more than so much money."""
    spent = _spent(columns, row, filled_qty) or ZERO
    return spent > Decimal(ordered) or Decimal(filled_qty) >= Decimal(ordered) or same(filled_qty, ordered)


def _spent(columns: Columns, row: Row, filled_qty: str) -> Decimal | None:
    """What all that filled cost; null where neither that nor an average is told."""
    cost, average = columns.text(row, "cost", read_amount), _average_told(columns, row)
    if cost is not None or average is None:
        return None if cost is None else Decimal(cost)
    return multiply(Decimal(filled_qty), Decimal(average))


def _average_told(columns: Columns, row: Row) -> str | None:
    return _price(columns, row, "filled_avg_price") or _price(columns, row, "price")


def _is_spent(columns: Columns, row: Row, qty: str, filled_qty: str) -> bool:
    """Whether what was "ordered" is the money that the row's fills cost."""
    return _is_money(qty, filled_qty, columns.text(row, "cost", read_amount), _average_told(columns, row))


def _is_money(qty: str, filled_qty: str, cost: str | None, average: str | None) -> bool:
    """Whether what filled cost about what was "ordered", and is another quantity than that."""
    ordered, filled = Decimal(qty), Decimal(filled_qty)
    is_other = filled > ordered or subtract(ordered, filled) > multiply(ordered, COST_OFF_MAX)
    return is_other and costs_about(qty, filled_qty, cost, average)


def is_in_quote(columns: Columns, row: Row, meaning: str) -> bool:
    """Whether the amount is in quote currency: its unit is what the symbol ends with, or a word of the row says so."""
    if meaning == "qty" and read_texts.word(columns.text(row, "qty_unit") or "").startswith("quote"):
        return True
    unit, symbol = columns.unit(row, meaning), columns.text(row, "symbol")
    if unit is None or symbol is None:
        return False
    name, pair = symbol_token(unit), symbol_token(symbol)
    return pair.endswith(name) and not pair.startswith(name)


def _status(said: str | None, qty: str | None, filled_qty: str | None) -> Status | None:
    """The canonical status; null where the word is missing, not known, or says nothing certain."""
    try:
        return None if said is None else read_texts.read_status(said, qty, filled_qty)
    except KeyError:
        return None


def _intent(columns: Columns, row: Row) -> Intent | None:
    if is_true(columns, row, "reduce_only"):
        return Intent.CLOSE
    return read_word(columns, row, "intent", read_texts.read_intent)


# -- shared -----------------------------------------------------------------------------------------------------------


def read_word(columns: Columns, row: Row, meaning: str, read: Callable[[str], Word]) -> Word | None:
    """A word of a closed vocabulary; null where the row has none."""
    said = columns.text(row, meaning)
    try:
        return None if said is None else read(said)
    except ValueError as fault:
        option = f"--value {columns.source}.{meaning}.{(said or '')[:_WORD_SHOWN_MAX]}=MEANT"
        raise InputError(f"{fault}; say {option}, if it means one of them", columns.place(row)) from fault


def is_true(columns: Columns, row: Row, meaning: str) -> bool:
    return (
        columns.text(row, meaning) or ""
    ).lower() in read_texts.TRUE_WORDS  # Python writes `True` into a CSV


def read_version(columns: Columns, row: Row) -> int:
    text = columns.text(row, "version") or "1"
    if not text.isdigit() or len(text) > 18:
        raise InputError(f"{text[:40]!r} is no version: expected a whole number", columns.place(row))
    return int(text)


def _order_type(columns: Columns, row: Row) -> str | None:
    said = columns.text(row, "order_type")
    return None if said is None else read_texts.word(said)


def _prices(columns: Columns, row: Row) -> tuple[str | None, str | None]:
    """Limit and average price. A column called just `price` is the limit of an order that has one, and otherwise
    the average of an order that filled (ccxt writes it so for market orders)."""
    limit, average = _price(columns, row, "limit_price"), _price(columns, row, "filled_avg_price")
    price = _price(columns, row, "price")
    average = average or _average_of_spent(columns, row)
    if price is None:
        return limit, average
    if _has_limit(_order_type(columns, row) or "limit"):
        return limit or price, average
    filled = columns.text(row, "filled_qty", read_amount)
    return limit, average or (None if filled == "0" else price)


def _has_limit(order_type: str) -> bool:
    """Exchanges name orders with a limit also by what else holds of them: `limit_maker`, `post_only`, `ioc`, `fok`."""
    return "limit" in order_type or not any(one in order_type for one in _WITHOUT_LIMIT)


def _average_of_spent(columns: Columns, row: Row) -> str | None:
    """Binance's and KuCoin's spot orders tell no average, but what was spent in all."""
    spent = Decimal(columns.text(row, "spent", read_amount) or 0)
    filled = Decimal(columns.text(row, "filled_qty", read_amount) or 0)
    return money.text(divide(spent, filled)) if spent and filled else None


def _price(columns: Columns, row: Row, meaning: str) -> str | None:
    """A price of zero is none: venues write it where there is no limit, stop or fill."""
    text = columns.text(row, meaning, partial(read_amount, signed=True))
    return None if text is None or Decimal(text) == 0 else text


def _need(columns: Columns, *meanings: str) -> None:
    for meaning in meanings:
        if meaning not in columns.taken:
            raise InputError(
                f"no column for {meaning} among {shown(columns.rows.columns)}; "
                f"say --map {columns.source}.{meaning}=COLUMN",
                columns.rows.name,
            )


def _need_an_id(columns: Columns, *meanings: str) -> None:
    if not any(meaning in columns.taken for meaning in meanings):
        _need(columns, meanings[0])
