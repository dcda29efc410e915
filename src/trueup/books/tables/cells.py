"""What our values are in the columns of a mapped table: amounts as exact text, times by the column's rule, words that
are the bot's own. What may not be written, or has no word, is a ValueError that says what the mapping lacks.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from trueup.books.keys import uuid_bytes
from trueup.books.tables.database import TableDatabase
from trueup.books.tables.mapping import AMOUNTS, TIMES, TableMapping
from trueup.books.tables.values import cell_text, time_cell
from trueup.books.tables.words import Words
from trueup.exports.read_texts import word
from trueup.model.ids import symbol_token

Columns = dict[str, Any]  # column → value to bind
_UNCONVERTED = ("", "blob")  # SQLite's column types that keep a value as it was bound
_WORDS = ("status", "side", "action", "position_side")
_SIGNED = ("qty", "filled_qty")
# A name that the mapping does not translate is written as the bot's rows do; two spellings of one share a token.
_NAMES = ("symbol", "order_type", "profile")
_SPELLED: Mapping[str, Callable[[str], str]] = {"symbol": symbol_token, "order_type": word}
_OF_BYTES = ("binary", "bytea", "raw")  # in the types of columns that hold bytes, beside `blob`
_UUID_BYTES = 16
ROWS_OF_EXAMPLE_MAX = 10_000  # rows that are looked at for the form in which a column holds its values
ROWS_SPELLED_MAX = 50_000  # rows that are looked at for how the bot spells a name
SPELLINGS_MAX = 5000


class CellWriter:
    """Of one table, as it is declared now."""

    def __init__(self, table: TableMapping, database: TableDatabase) -> None:
        self.table = table
        self._database = database
        self._known = database.columns(table.table)
        self._words = {meaning: Words(said) for meaning, said in table.words.items()}
        self._none = Words({})
        self._examples: dict[str, Any] = {}
        self._spellings: dict[str, list[str]] = {}

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
            self.table.columns[meaning]: self.cell(meaning, self._as_spelled(meaning, value), None)
            for meaning, value in values.items()
            if value is not None and meaning in self.table.columns
        }
        for column, value in self.table.where.items():
            columns.setdefault(column, value[0] if isinstance(value, list) else value)
        return columns

    def cell(self, meaning: str, value: Any, like: Any) -> Any:
        """The value to bind. `like`: what stands in the column now; null: whatever does elsewhere tells its form."""
        if value is None:
            return None
        if like is None and self._needs_example(meaning):
            like = self._example(self.table.columns[meaning])
        bound = self._formed(meaning, value, like)
        if _is_whole(like) and isinstance(bound, str) and self._kind(meaning) in _UNCONVERTED:
            return _as_number(bound)
        return bound

    def _formed(self, meaning: str, value: Any, like: Any) -> Any:
        if meaning in TIMES:
            zoned = self._known[self.table.columns[meaning]].is_zoned
            return time_cell(value, like, self.table.time_rule(meaning), is_zoned=zoned)
        if meaning in AMOUNTS:
            is_number = _is_whole(like) or isinstance(like, float)
            is_number = is_number and self._kind(meaning) in _UNCONVERTED
            return float(value) if is_number else value
        if meaning in _WORDS or meaning in _NAMES:
            return self._word(meaning, str(value))
        if isinstance(value, bytes):
            return value  # the key of an order's row
        if isinstance(like, bytes):
            return _as_bytes(meaning, str(value), like)
        return " ".join(value) if isinstance(value, list | tuple) else str(value)

    @property
    def has_side(self) -> bool:
        """Without one the sign of a quantity says it."""
        return "side" in self.table.columns or "side" in self.table.fixed

    # -- as the bot's own rows say it ---------------------------------------------------------------------------------

    def _example(self, column: str) -> Any:
        """What stands in the column somewhere, among the first rows; null where nothing does."""
        if column not in self._examples:
            name, table = self._database.quoted(column), self._database.quoted_table(self.table.table)
            first = f"SELECT {name} FROM {table} {self._database.most(ROWS_OF_EXAMPLE_MAX)}"
            found = self._database.rows(
                f"SELECT {name} FROM ({first}) seen WHERE {name} IS NOT NULL {self._database.most(1)}"
            )
            self._examples[column] = found[0][0] if found else None
        return self._examples[column]

    def _needs_example(self, meaning: str) -> bool:
        """Where the column's type leaves open in which form it holds our value."""
        kind = self._kind(meaning)
        return meaning in TIMES or kind in _UNCONVERTED or any(one in kind for one in _OF_BYTES)

    def _as_spelled(self, meaning: str, value: Any) -> Any:
        """A name as the bot's rows have it. Raises ValueError where they do not tell how the bot would write it."""
        token_of = _SPELLED.get(meaning)
        if token_of is None or self._words.get(meaning, self._none).raw_of(str(value)) != [value]:
            return value
        spelled = self._spelled(meaning)
        same = [one for one in spelled if token_of(one) == token_of(value)]
        if value in same or not spelled:
            return value
        if len(same) == 1:
            return same[0]
        if not same and _shape(value) in map(_shape, spelled):
            return value
        how = f"has {', '.join(same[:3])}" if same else f"has names such as {spelled[0]}"
        raise ValueError(
            f"{self.table.table} {how}: how does the bot write {meaning} {value}? say words.{meaning}: "
            f"ITS_NAME = {value!r}"
        )

    def _spelled(self, meaning: str) -> Sequence[str]:
        if meaning not in self._spellings:
            name = self._database.quoted(self.table.columns[meaning])
            table = self._database.quoted_table(self.table.table)
            found = self._database.rows(
                f"SELECT DISTINCT {name} FROM (SELECT {name} FROM {table} "
                f"{self._database.most(ROWS_SPELLED_MAX)}) seen {self._database.most(SPELLINGS_MAX)}"
            )
            self._spellings[meaning] = [text for (one,) in found if (text := cell_text(one)) is not None]
        return self._spellings[meaning]

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


def _is_whole(cell: Any) -> bool:
    return isinstance(cell, int) and not isinstance(cell, bool)


def _as_number(text: str) -> int | str:
    """A whole number, where that is all the text says."""
    is_digits = text.isascii() and text.removeprefix("-").isdigit()
    return int(text) if is_digits and str(int(text)) == text else text


def _shape(name: str) -> tuple[str, bool]:
    """How names are written: what stands between their parts, and whether in capitals."""
    return "".join(one for one in name if not one.isalnum()), name.upper() == name


def _as_bytes(meaning: str, value: str, like: bytes) -> bytes:
    """An id of a column that holds UUIDs as bytes. Raises ValueError for one that is none."""
    raw = uuid_bytes(value) if len(like) == _UUID_BYTES else None
    if raw is None:
        raise ValueError(f"the column of {meaning} holds bytes, and {value} is no UUID")
    return raw


def _is_negative(cell: Any) -> bool:
    if isinstance(cell, str):
        return cell.strip().startswith("-")
    return cell is not None and cell < 0
