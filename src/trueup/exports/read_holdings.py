"""Rows of fills, trades and positions as the model's values. What is missing or contradicts itself is refused."""

from collections import Counter
from collections.abc import Callable
from functools import partial

from trueup.exports import read_texts
from trueup.exports.columns import Columns
from trueup.exports.read_orders import is_true, read_version, read_word
from trueup.exports.read_rows import Row
from trueup.exports.read_texts import read_amount, read_time
from trueup.model.errors import InputError
from trueup.model.money import ZERO, amount, text
from trueup.model.snapshot import Fill, Position, Trade
from trueup.model.vocabulary import PositionSide, QuarantinedBy

_signed = partial(read_amount, signed=True)


def read_fills(columns: Columns, *, assume_utc: bool) -> list[Fill]:
    """One fill a row; each needs an id of its own, an order and a quantity."""
    time = partial(read_time, assume_utc=assume_utc)
    fills = []
    for row in columns.rows.rows:
        said = partial(columns.text, row)
        fill = Fill(
            fill_id=_needed(columns, row, "fill_id"),
            venue_order_id=said("venue_order_id"),
            client_order_id=said("client_order_id"),
            symbol=said("symbol"),
            side=read_word(columns, row, "side", read_texts.read_side),
            qty=_needed(columns, row, "qty", read_amount),
            price=said("price", _signed),
            fee=said("fee", _signed),
            fee_currency=said("fee_currency"),
            filled_at=said("filled_at", time),
            inferred=is_true(columns, row, "inferred"),
        )
        if fill.venue_order_id is None and fill.client_order_id is None:
            raise InputError("a fill needs the id of its order", columns.place(row))
        fills.append(fill)
    return fills


def read_trades(columns: Columns, *, assume_utc: bool) -> list[Trade]:
    """One round trip of the bot a row."""
    time = partial(read_time, assume_utc=assume_utc)
    trades = []
    for row in columns.rows.rows:
        side = read_word(columns, row, "side", read_texts.read_position_side)
        status = read_word(columns, row, "status", read_texts.read_trade_status)
        if side is None or status is None:
            raise InputError(
                "a trade needs its side (long, short) and status (open, closed)", columns.place(row)
            )
        said = partial(columns.text, row)
        trades.append(
            Trade(
                trade_id=_needed(columns, row, "trade_id"),
                symbol=_needed(columns, row, "symbol"),
                side=side,
                status=status,
                entry_qty=_needed(columns, row, "entry_qty", read_amount),
                exit_qty=said("exit_qty", read_amount) or "0",
                entry_avg_price=said("entry_avg_price", _signed),
                fee_base_qty=said("fee_base_qty", read_amount) or "0",
                quarantined_by=read_word(columns, row, "quarantined_by", QuarantinedBy),
                opened_at=said("opened_at", time),
                version=read_version(columns, row),
            )
        )
    return trades


def read_positions(columns: Columns) -> list[Position]:
    """Net quantities, signed. Long and short of one symbol stay apart, as hedged accounts hold them."""
    sides = [read_word(columns, row, "side", read_texts.read_position_side) for row in columns.rows.rows]
    symbols = [_needed(columns, row, "symbol") for row in columns.rows.rows]
    rows_of = Counter(symbols)
    positions = []
    for row, side, symbol in zip(columns.rows.rows, sides, symbols, strict=True):
        hedged = is_true(columns, row, "hedged") or rows_of[symbol] > 1
        positions.append(
            Position(
                symbol=symbol,
                qty=_signed_qty(columns, row, side),
                avg_entry_price=columns.text(row, "avg_entry_price", _signed),
                mark_price=columns.text(row, "mark_price", _signed),
                position_side=side if hedged else None,
            )
        )
    return positions


def _signed_qty(columns: Columns, row: Row, side: PositionSide | None) -> str:
    """Venues write a short position as a negative quantity (Alpaca), or as a positive one with its side (ccxt)."""
    qty = amount(_needed(columns, row, "qty", _signed))
    if side is PositionSide.LONG and qty < ZERO:
        raise InputError(f"long, but its quantity is {text(qty)}", columns.place(row))
    return text(-qty if side is PositionSide.SHORT and qty > ZERO else qty)


def _needed(columns: Columns, row: Row, meaning: str, canonical: Callable[[str], str] = str) -> str:
    value = columns.text(row, meaning, canonical)
    if value is None:
        named = (
            " or ".join(columns.taken.get(meaning, ()))
            or f"no column; say --map {columns.source}.{meaning}=COLUMN"
        )
        raise InputError(f"no {meaning} ({named})", columns.place(row))
    return value
