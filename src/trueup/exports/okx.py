"""OKX's trading history: a spot fill is two rows, what was got and what was given, and only the first is a fill.

Which one is in base currency says `Balance Unit`; `Trading Unit` does not. The fee is on the row of what was got.
"""

from itertools import groupby

from trueup.exports.rows import Row, Rows
from trueup.model.ids import symbol_token

_SPOT = frozenset({"spot", "margin"})


def pair_legs(rows: Rows) -> Rows:
    """The rows that are fills: of a spot fill that of the base currency, with the fee of either."""
    named = {symbol_token(column): column for column in rows.columns}
    if "balanceunit" not in named:
        return rows
    place = {row.number: index for index, row in enumerate(rows.rows)}
    legs = sorted((row for row in rows.rows if _is_spot(row, named)), key=lambda row: _fill_key(row, named))
    kept = [row for row in rows.rows if not _is_spot(row, named)]
    for _, group in groupby(legs, key=lambda row: _fill_key(row, named)):
        kept += _fills(list(group), named)
    return Rows(rows.name, rows.columns, sorted(kept, key=lambda row: place[row.number]))


def _is_spot(row: Row, named: dict[str, str]) -> bool:
    return (row.cells.get(named["tradetype"]) or "").lower() in _SPOT


def _fill_key(row: Row, named: dict[str, str]) -> tuple[str, ...]:
    return tuple(row.cells.get(named[name]) or "" for name in ("orderid", "symbol", "time", "filledprice"))


def _fills(legs: list[Row], named: dict[str, str]) -> list[Row]:
    """The legs in base currency. With as many in quote currency each has the fee of its own pair, else of none."""
    base = [row for row in legs if _is_base(row, named)]
    quote = [row for row in legs if not _is_base(row, named)]
    if len(base) != len(quote):
        return [_told(row, None, named) for row in base]
    return [_told(row, other, named) for row, other in zip(base, quote, strict=True)]


def _is_base(row: Row, named: dict[str, str]) -> bool:
    unit = symbol_token(row.cells.get(named["balanceunit"]) or "")
    return bool(unit) and symbol_token(row.cells.get(named["symbol"]) or "").startswith(unit)


def _told(row: Row, other: Row | None, named: dict[str, str]) -> Row:
    """The leg in its own currency, with the other one's fee where it has none."""
    fee, unit = named["fee"], named["feeunit"]
    charged = other if other is not None and not _has_fee(row, fee) and _has_fee(other, fee) else row
    told: dict[str, str | None] = {fee: charged.cells.get(fee), unit: charged.cells.get(unit)}
    if "tradingunit" in named:
        told[named["tradingunit"]] = row.cells.get(named["balanceunit"])
    return Row(row.number, row.cells | told)


def _has_fee(row: Row, fee: str) -> bool:
    return bool((row.cells.get(fee) or "").strip("-+0."))
