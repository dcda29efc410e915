"""What reading and writing foreign tables needs of a database: quoted names, bound values, one state for a read.

`mark` stands for a bound value in a statement's text. Names are only ever written through `quoted` and
`quoted_table`. A driver's fault is
a LedgerError that says what to do next, without the address it was given (it may hold a password).
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from msgspec import Struct

from trueup.model.errors import LedgerError

Cells = tuple[Any, ...]
STATEMENT_TIMEOUT_S = (
    30  # of one statement: a read of open and recent rows takes milliseconds where an index serves it
)
BUSY_TIMEOUT_S = 5  # how long a write of the bot may hold a file


class Column(Struct, frozen=True):
    """One column as the database declares it. `type` in the database's own words, lower case.

    `given`: a new row must say it, for it has no default and is not numbered. `computed`: the database's own to set.
    """

    name: str
    type: str
    nullable: bool = True
    values: tuple[str, ...] = ()  # of an enumeration
    given: bool = False
    computed: bool = False

    @property
    def is_zoned(self) -> bool:
        """Whether its times have a zone: one without would be taken as the session's."""
        return self.type == "timestamp with time zone"


class Condition(Struct, frozen=True):
    """A piece of a WHERE clause with its bound values."""

    text: str
    values: tuple[Any, ...] = ()


class Rights(Struct, frozen=True):
    """`missing`: columns that should be writable and are not; `wide`: what this user may do besides reading."""

    missing: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()


class RowRefused(LedgerError):
    """The database will never take this: a right, a constraint, a value that the column cannot hold."""


class TableDatabase(Protocol):
    """One connection to somebody else's database."""

    name: str  # sqlite, postgresql, or SQLAlchemy's name of it
    mark: str

    def quoted(self, name: str) -> str:
        """A column's name, whatever stands in it."""
        ...

    def quoted_table(self, name: str) -> str:
        """A table's name, which may have its schema before a point."""
        ...

    def tables(self) -> list[str]:
        """Tables and views, of the schemas that are searched."""
        ...

    def columns(self, table: str) -> dict[str, Column]:
        """By name, in order; empty where there is no such table."""
        ...

    def primary_key(self, table: str) -> list[str]: ...

    def unique_keys(self, table: str) -> list[list[str]]:
        """The columns of each unique index that holds for every row, the primary key included."""
        ...

    def indexed_columns(self, table: str) -> set[str]:
        """Columns that an index begins with."""
        ...

    def may_write(self, table: str, columns: Sequence[str], right: str = "UPDATE") -> Rights:
        """What this user may do to a table, as far as the database tells. `right`: UPDATE or INSERT of the columns."""
        ...

    def most(self, count: int) -> str:
        """The end of a SELECT that wants no more rows than that."""
        ...

    def is_in(self, table: str, columns: Sequence[str], values: Iterable[Cells]) -> Condition:
        """Rows whose columns equal one of these tuples; values of another type than the column's are no row's."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """One state of the database, read only."""
        ...

    def writing(self) -> AbstractContextManager[None]:
        """A write transaction: commits at the end, rolls back on any exception."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a write transaction: what an exception takes back, leaving the transaction usable."""
        ...

    def rows(self, text: str, values: Sequence[Any] = ()) -> list[Cells]: ...

    def row_text(self, columns: Sequence[str]) -> str | None:
        """An expression: one text of all these, quoted, which is another where a cell is another; null where the driver
        makes such a text no faster than the cells."""
        ...

    def write(self, text: str, values: Sequence[Any] = ()) -> int:
        """Returns how many rows it changed."""
        ...

    def state(self, tables: Sequence[str]) -> str | None:
        """Equal ones, each within `reading`, say that nobody wrote to these tables in between; null: it cannot tell."""
        ...

    def now_ns(self) -> int:
        """The database's clock."""
        ...

    def close(self) -> None: ...


def all_of(conditions: Iterable[Condition]) -> Condition:
    """Their conjunction; no condition is true."""
    kept = [one for one in conditions if one.text]
    if not kept:
        return Condition("1 = 1")
    return Condition(
        " AND ".join(f"({one.text})" for one in kept), tuple(value for one in kept for value in one.values)
    )


def any_of(conditions: Iterable[Condition]) -> Condition:
    """Their disjunction; no condition is false."""
    kept = [one for one in conditions if one.text]
    if not kept:
        return Condition("1 = 0")
    return Condition(
        " OR ".join(f"({one.text})" for one in kept), tuple(value for one in kept for value in one.values)
    )
