"""Rows of fills, trades and positions as the model's values. What is missing or contradicts itself is refused."""

from collections import Counter
from collections.abc import Callable
from functools import partial

from trueup.exports import read_texts
from trueup.exports.columns import Columns
from trueup.exports.link_fills import name_fills
from trueup.exports.read_orders import is_in_quote, is_true, read_version, read_word
from trueup.exports.read_texts import read_amount, read_time
from trueup.exports.rows import Row
from trueup.model.errors import InputError
from trueup.model.money import ZERO, amount, text
from trueup.model.snapshot import Fill, Position, Trade
from trueup.model.vocabulary import PositionSide, QuarantinedBy

_CLOSED_WORDS = frozenset({"none", "zero", "flat"})
_signed = partial(read_amount, signed=True)


def read_fills(columns: Columns, *, assume_utc: bool) -> list[Fill]:
    """One fill a row; each needs an id of its own, an order and a quantity. Of a form that is known to write none, ids
    are made of the rows, and the order stays open (`link_fills`)."""
    time = partial(read_time, assume_utc=assume_utc)
    fills = [_fill(columns, row, time) for row in columns.rows.rows if not _is_of_quote(columns, row)]
    return fills if columns.form is None else name_fills(fills, columns.source)


def quote_rows(columns: Columns) -> int:
    """How many fills say their quantity in quote currency only: it is never taken for one in base."""
    return sum(_is_of_quote(columns, row) for row in columns.rows.rows)


def _fill(columns: Columns, row: Row, time: Callable[[str], str]) -> Fill:
    said = partial(columns.text, row)
    is_known = columns.form is not None
    fill = Fill(
        fill_id=said("fill_id") or "" if is_known else _needed(columns, row, "fill_id"),
        venue_order_id=said("venue_order_id"),
        client_order_id=said("client_order_id"),
        symbol=said("symbol"),
        side=read_word(columns, row, "side", read_texts.read_side),
        qty=_needed(columns, row, "qty", _unsigned if is_known else read_amount),
        price=said("price", _signed),
        fee=_fee(columns, row),
        fee_currency=said("fee_currency") or columns.unit(row, "fee"),
        filled_at=said("filled_at", time),
        inferred=is_true(columns, row, "inferred"),
    )
    if not is_known and fill.venue_order_id is None and fill.client_order_id is None:
        raise InputError("a fill needs the id of its order", columns.place(row))
    return fill


def _is_of_quote(columns: Columns, row: Row) -> bool:
    return is_true(columns, row, "qty_in_quote") or is_in_quote(columns, row, "qty")


def _unsigned(said: str) -> str:
    """Some forms write a sale as a negative quantity; its side says so, too."""
    return read_amount(said.lstrip("+-"))


def _fee(columns: Columns, row: Row) -> str | None:
    fee = columns.text(row, "fee", _signed)
    turned = columns.form is not None and columns.form.fee_is_negative
    return text(-amount(fee)) if turned and fee is not None else fee


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
    _check_sides(columns)
    _check_repeats(columns)
    sides = [read_word(columns, row, "side", _read_held_side) for row in columns.rows.rows]
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


def _read_held_side(text: str) -> PositionSide | None:
    """Null also for the words of venues (Bybit, Deribit) for a position that is closed."""
    return None if read_texts.word(text) in _CLOSED_WORDS else read_texts.read_position_side(text)


def _check_sides(columns: Columns) -> None:
    """A side that nothing is taken from would make a short position a long one."""
    if "side" in columns.taken or columns.mapping.column(columns.source, "side") is not None:
        return
    for column in columns.ignored:
        said = {
            read_texts.word(text) for row in columns.rows.rows if (text := row.cells.get(column)) is not None
        }
        if "short" in said and said <= {"long", "short", *_CLOSED_WORDS}:
            raise InputError(
                f"{column} says which are short, and nothing is taken from it; say --map {columns.source}.side="
                f"{column}, or --map {columns.source}.side= if quantities are signed",
                columns.rows.name,
            )


def _check_repeats(columns: Columns) -> None:
    """One row twice, as files that were put together have it, would be held twice."""
    first: dict[tuple[str | None, ...], Row] = {}
    for row in columns.rows.rows:
        other = first.setdefault(tuple(row.cells.values()), row)
        if other is not row and row.cells.keys() == other.cells.keys():
            raise InputError(f"the same as {columns.place(other)}; remove one", columns.place(row))


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
