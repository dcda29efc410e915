"""Cells of a mapped table as our orders, fills and trades. What a row does not say for certain is a fault of that row.

Rules: a local order needs a side and a status that means something; a quantity without a side column is signed; a
column called `price` is the limit of an order that has one, else the average of one that filled.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from trueup.books.tables.mapping import TableMapping
from trueup.books.tables.values import cell_amount, cell_text, cell_time
from trueup.books.tables.words import Words
from trueup.exports.read_texts import word
from trueup.model.ids import symbol_token
from trueup.model.snapshot import Fill, Instrument, LocalOrder, Trade
from trueup.model.vocabulary import PositionSide, Side, Status

T = TypeVar("T")
Steps = Mapping[str, Instrument]  # by symbol token
Cells = Mapping[str, Any]


class Unclear(ValueError):
    """A cell that means nothing certain, with the meaning it was read for."""

    def __init__(self, meaning: str, message: str) -> None:
        super().__init__(f"{meaning}: {message}")


class RowReader:
    """Reads the rows of one mapped table. `steps`: the venue's instruments, as far as they are known."""

    def __init__(self, mapping: TableMapping, steps: Steps) -> None:
        self.mapping = mapping
        self._steps = steps
        self._words = {meaning: Words(said) for meaning, said in mapping.words.items()}
        self._none = Words({})

    def words(self, meaning: str) -> Words:
        return self._words.get(meaning, self._none)

    def text(self, cells: Cells, meaning: str) -> str | None:
        if meaning in self.mapping.fixed:
            return self.mapping.fixed[meaning]
        said = _read(meaning, cell_text, cells.get(meaning))
        if said is None or meaning not in ("symbol", "profile", "order_type"):
            return said
        return self.words(meaning).mapped(said)

    def word(self, cells: Cells, meaning: str, read: Callable[[str], T | None]) -> T | None:
        said = self.text(cells, meaning)
        return None if said is None else _read(meaning, read, said)

    def time(self, cells: Cells, meaning: str) -> str | None:
        rule = self.mapping.time_rule(meaning)
        return _read(meaning, lambda cell: cell_time(cell, rule), cells.get(meaning))

    def qty(self, cells: Cells, meaning: str, symbol: str | None, *, signed: bool = False) -> str | None:
        instrument = self._instrument(symbol)
        step = None if instrument is None else instrument.qty_step
        return _read(meaning, lambda cell: cell_amount(cell, step, signed=signed), cells.get(meaning))

    def price(
        self, cells: Cells, meaning: str, symbol: str | None, *, is_average: bool = False
    ) -> str | None:
        """A price of zero is none. An average is no multiple of the tick, and is not snapped to it."""
        instrument = None if is_average else self._instrument(symbol)
        tick = None if instrument is None else instrument.price_tick
        said = _read(meaning, lambda cell: cell_amount(cell, tick, signed=True), cells.get(meaning))
        return None if said is None or not Decimal(said) else said

    def grid(self, cells: Cells) -> str | None:
        """The step and tick that this row's floats are snapped to; null where it has no floats, or they are unknown."""
        if not self._steps or not any(isinstance(cell, float) for cell in cells.values()):
            return None
        try:
            instrument = self._instrument(self.text(cells, "symbol"))
        except Unclear:
            return None
        return None if instrument is None else f"{instrument.qty_step} {instrument.price_tick}"

    def _instrument(self, symbol: str | None) -> Instrument | None:
        return None if symbol is None else self._steps.get(symbol_token(symbol))


def _read(meaning: str, read: Callable[[Any], T], cell: Any) -> T:
    try:
        return read(cell)
    except (ValueError, UnicodeDecodeError) as fault:
        raise Unclear(meaning, str(fault)) from fault


def read_order(reader: RowReader, cells: Cells) -> LocalOrder:
    """Raises Unclear."""
    symbol = reader.text(cells, "symbol")
    signed_qty = reader.qty(cells, "qty", symbol, signed=True)
    qty = None if signed_qty is None else signed_qty.removeprefix("-")
    said_filled = reader.qty(cells, "filled_qty", symbol, signed=True)
    filled_said = None if said_filled is None else said_filled.removeprefix("-")
    status = _status(reader, cells, qty, filled_said)
    order_type = None if (said := reader.text(cells, "order_type")) is None else word(said)
    limit, average = _prices(reader, cells, symbol, order_type)
    return LocalOrder(
        client_order_id=reader.text(cells, "client_order_id"),
        venue_order_id=reader.text(cells, "venue_order_id"),
        trade_id=reader.text(cells, "trade_id"),
        sub_tag=reader.text(cells, "sub_tag"),
        symbol=symbol,
        side=_side(reader, cells, signed_qty),
        action=reader.word(cells, "action", reader.words("action").action),
        order_type=order_type,
        qty=qty,
        limit_price=limit,
        stop_price=reader.price(cells, "stop_price", symbol),
        status=status,
        filled_qty=_filled(reader.mapping, status, qty, filled_said),
        filled_avg_price=average,
        submitted_at=reader.time(cells, "submitted_at"),
        last_activity_at=reader.time(cells, "last_activity_at"),
        venue_updated_at=reader.time(cells, "venue_updated_at"),
        position_side=reader.word(cells, "position_side", reader.words("position_side").position_side),
    )


def _status(reader: RowReader, cells: Cells, qty: str | None, filled: str | None) -> Status:
    said = reader.text(cells, "status")
    status = None if said is None else reader.words("status").status(said, qty, filled)
    if status is None:
        hint = "" if said is None else f"; say words.status: {said!r} = 'filled' (or another of ours)"
        raise Unclear("status", f"{said!r} says nothing certain{hint}")
    return status


def _side(reader: RowReader, cells: Cells, signed_qty: str | None) -> Side:
    side = reader.word(cells, "side", reader.words("side").side)
    if side is not None:
        return side
    if "side" in reader.mapping.columns or signed_qty is None or not Decimal(signed_qty):
        raise Unclear("side", "neither a side nor a signed quantity: buy or sell?")
    return Side.SELL if signed_qty.startswith("-") else Side.BUY


def _filled(mapping: TableMapping, status: Status, qty: str | None, filled: str | None) -> str:
    """What is booked. A table without such a column says it by its status: all of `filled`, nothing of others."""
    if filled is not None or "filled_qty" in mapping.columns:
        return filled or "0"
    if status is Status.PARTIALLY_FILLED:
        raise Unclear("filled_qty", "partially filled, and no column says how much")
    return qty or "0" if status is Status.FILLED else "0"


def _prices(
    reader: RowReader, cells: Cells, symbol: str | None, order_type: str | None
) -> tuple[str | None, str | None]:
    limit = reader.price(cells, "limit_price", symbol)
    average = reader.price(cells, "filled_avg_price", symbol, is_average=True)
    price = reader.price(cells, "price", symbol)
    if price is None:
        return limit, average
    if (order_type or "limit").endswith("limit"):
        return limit or price, average
    return limit, average or price


def read_fill(reader: RowReader, cells: Cells, order: LocalOrder | None) -> Fill:
    """`order`: the row it belongs to, whose ids it takes. Raises Unclear."""
    symbol = reader.text(cells, "symbol") or (None if order is None else order.symbol)
    fill_id, qty = reader.text(cells, "fill_id"), reader.qty(cells, "qty", symbol, signed=True)
    if fill_id is None or qty is None:
        raise Unclear("fill_id" if fill_id is None else "qty", "a fill needs one")
    venue_id, client_id = reader.text(cells, "venue_order_id"), reader.text(cells, "client_order_id")
    if order is not None:
        venue_id, client_id = venue_id or order.venue_order_id, client_id or order.client_order_id
    side = reader.word(cells, "side", reader.words("side").side)
    return Fill(
        fill_id=fill_id,
        venue_order_id=venue_id,
        client_order_id=client_id,
        symbol=symbol,
        side=side or (None if order is None else order.side),
        qty=qty.removeprefix("-"),
        price=reader.price(cells, "price", symbol),
        fee=_read("fee", lambda cell: cell_amount(cell, signed=True), cells.get("fee")),
        fee_currency=reader.text(cells, "fee_currency"),
        filled_at=reader.time(cells, "filled_at"),
    )


def read_trade(reader: RowReader, cells: Cells) -> Trade:
    """Raises Unclear. Without a side column a trade is long."""
    trade_id, symbol = reader.text(cells, "trade_id"), reader.text(cells, "symbol")
    status = reader.word(cells, "status", reader.words("status").trade_status)
    if trade_id is None or symbol is None or status is None:
        missing = "trade_id" if trade_id is None else "symbol" if symbol is None else "status"
        raise Unclear(missing, "a trade needs one")
    return Trade(
        trade_id=trade_id,
        symbol=symbol,
        side=reader.word(cells, "side", reader.words("side").position_side) or PositionSide.LONG,
        status=status,
        entry_qty=reader.qty(cells, "entry_qty", symbol) or "0",
        exit_qty=reader.qty(cells, "exit_qty", symbol) or "0",
        entry_avg_price=reader.price(cells, "entry_avg_price", symbol, is_average=True),
        fee_base_qty=reader.qty(cells, "fee_base_qty", symbol) or "0",
        opened_at=reader.time(cells, "opened_at"),
    )
