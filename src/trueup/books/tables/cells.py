"""What our values are in the columns of a mapped table: amounts as exact text, times by the column's rule, words that
are the bot's own. What may not be written, or has no word, is a ValueError that says what the mapping lacks.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trueup.books.tables.database import TableDatabase
from trueup.books.tables.mapping import AMOUNTS, TIMES, TableMapping
from trueup.books.tables.values import time_cell
from trueup.books.tables.words import Words

Columns = dict[str, Any]  # column → value to bind
_UNCONVERTED = ("", "blob")  # SQLite's column types that keep a value as it was bound
_WORDS = ("status", "side", "action", "position_side")
_SIGNED = ("qty", "filled_qty")
_NAMES = ("symbol", "order_type", "profile")  # a name that the mapping does not translate is written as it is


class CellWriter:
    """Of one table, as it is declared now."""

    def __init__(self, table: TableMapping, database: TableDatabase) -> None:
        self.table = table
        self._known = database.columns(table.table)
        self._words = {meaning: Words(said) for meaning, said in table.words.items()}
        self._none = Words({})

    def to_set(self, values: Mapping[str, Any], standing: Mapping[str, Any]) -> Columns:
        """`standing`: the row's cells by meaning. Raises ValueError for what may not be written, or has no word."""
        for meaning in values:
            if meaning not in self.table.writable:
                raise ValueError(f"{meaning} is not among the writable columns of {self.table.table}")
        return {
            self.table.columns[meaning]: self.cell(
                meaning, _signed(meaning, value, standing), standing.get(meaning)
            )
            for meaning, value in values.items()
        }

    def to_insert(self, values: Mapping[str, Any]) -> Columns:
        """What is known of a new row, with what makes it one of these rows (`where`). Raises ValueError."""
        columns = {
            self.table.columns[meaning]: self.cell(meaning, value, None)
            for meaning, value in values.items()
            if value is not None and meaning in self.table.columns
        }
        for column, value in self.table.where.items():
            columns.setdefault(column, value[0] if isinstance(value, list) else value)
        return columns

    def cell(self, meaning: str, value: Any, like: Any) -> Any:
        """The value to bind. `like`: what stands in the column now."""
        if value is None:
            return None
        if meaning in TIMES:
            return time_cell(value, like, self.table.time_rule(meaning))
        if meaning in AMOUNTS:
            is_number = isinstance(like, int | float) and self._kind(meaning) in _UNCONVERTED
            return float(value) if is_number else value
        if meaning in _WORDS or meaning in _NAMES:
            return self._word(meaning, str(value))
        return " ".join(value) if isinstance(value, list | tuple) else str(value)

    @property
    def has_side(self) -> bool:
        """Without one the sign of a quantity says it."""
        return "side" in self.table.columns or "side" in self.table.fixed

    def _kind(self, meaning: str) -> str:
        return self._known[self.table.columns[meaning]].type

    def _word(self, meaning: str, value: str) -> str:
        words = self._words.get(meaning, self._none)
        if meaning in _NAMES:
            return words.raw_of(value)[0]
        said = words.to_write(value)
        if said is None:
            raise ValueError(
                f"the bot has no word for {meaning} {value}: say words.{meaning}: YOUR_WORD = {value!r}"
            )
        return said


def _signed(meaning: str, value: Any, standing: Mapping[str, Any]) -> Any:
    """A quantity of a bot that sells in negative numbers. Raises ValueError where none of its numbers tells."""
    if meaning not in _SIGNED or value is None:
        return value
    if not _is_negative(standing.get("qty")) and not _is_negative(standing.get("filled_qty")):
        return value
    if _is_negative(standing.get(meaning)):
        return value if Decimal(value) == 0 else f"-{value}"
    if Decimal(str(standing.get(meaning) or 0)) == 0 and Decimal(value) != 0:
        raise ValueError(f"the row has a negative quantity: does {meaning} of {value} have the sign, too?")
    return value


def _is_negative(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().startswith("-")
    return cell is not None and cell < 0
