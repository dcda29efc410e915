"""What the shared ledger code needs from one database: named statements, bound values, transactions, its clock.

Lists are bound as one JSON array; rows come back as tuples, documents as JSON text. A `Database` decides nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

import msgspec

from trueup.model.errors import RESTORE, LedgerDamaged, LedgerError
from trueup.model.times import NS_PER_S, from_ns, to_ns

Decoded = TypeVar("Decoded")
Value = str | int | float | bytes | None
Row = tuple[Value, ...]


class CommitUnknown(LedgerError):
    """The commit was sent and its acknowledgement lost: look the run up, never assume that it failed."""


class Database(Protocol):
    """Safe to call from several threads, each in its own transaction; whether they wait for each other it decides."""

    @property
    def connection(self) -> Any:
        """The driver's own, for a bot's tables in this database; inside a write transaction only."""
        ...

    @property
    def marks_accounts(self) -> bool:
        """Whether a mark is of one account's rows; else whoever writes anything to the books changes all of them."""
        ...

    def marks(self, accounts: str, since: str) -> list[Row]:
        """What tells rows that nobody has written since from others: accounts (null: all) and their marks, of the rows
        of the books that are open or active since. Empty where it cannot tell, here and now. Within `reading`."""
        ...

    def mark(self) -> str | None:
        """The same of all that it holds but leases and watermarks; null where it cannot tell. Within `reading`."""
        ...

    def now_ns(self) -> int:
        """The database's clock."""
        ...

    def bound_now(self) -> str | None:
        """What a statement is bound for "now"; null where it asks the database's clock itself."""
        ...

    def rows(self, name: str, *values: Value) -> list[Row]: ...

    def stream(self, name: str, *values: Value) -> Iterator[Row]:
        """The same rows one by one, a few in memory. Within `reading`, and to their end."""
        ...

    def write(self, name: str, *values: Value) -> int:
        """Returns how many rows it changed."""
        ...

    def write_many(self, name: str, values: Iterable[Sequence[Value]]) -> int:
        """One statement for many rows; returns how many it changed."""
        ...

    def write_each(self, name: str, values: Iterable[Sequence[Value]]) -> int:
        """The same; what triggers change besides is not counted."""
        ...

    def write_all(self, name: str, values: Sequence[Sequence[Value]]) -> int:
        """The same, of a statement that takes all rows at once in every database."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """A write transaction: commits at the end, rolls back on any exception. Never nested."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """A read transaction: all statements in it see one state. Within another transaction it is a part of that."""
        ...

    def check_current(self) -> None:
        """Raises RestartNeeded where this is no longer the database that was opened, or its schema is newer."""
        ...

    def find_damage(self, *, quick: bool) -> list[str]:
        """What the database's own check of its storage says; empty where it is whole. `quick`: without the indexes."""
        ...

    def close(self) -> None: ...


def read_document(decoder: "msgspec.json.Decoder[Decoded]", value: Value) -> Decoded:
    """A stored document as what it was written as. Raises LedgerDamaged."""
    try:
        return decoder.decode(text_value(value))
    except msgspec.MsgspecError as fault:
        raise LedgerDamaged(f"a text in the ledger is {RESTORE} ({fault})") from fault


def text_value(value: Value) -> str:
    """A column that is declared NOT NULL TEXT."""
    if not isinstance(value, str):
        raise LedgerDamaged(f"the ledger holds {value!r} where text is declared; {RESTORE}")
    return value


def int_value(value: Value) -> int:
    """A column that is declared NOT NULL INTEGER."""
    if not isinstance(value, int):
        raise LedgerDamaged(f"the ledger holds {value!r} where a number is declared; {RESTORE}")
    return value


def optional_text(value: Value) -> str | None:
    return None if value is None else text_value(value)


def stamp(time_ns: int) -> str:
    """A time as the ledger stamps it: RFC 3339 with nine digits, so that such texts sort by time."""
    whole = from_ns(time_ns - time_ns % NS_PER_S)
    return f"{whole[:-1]}.{time_ns % NS_PER_S:09d}Z"


def seconds_after(time: str, seconds: float) -> str:
    """A stamped time, `seconds` later (or, negative, earlier)."""
    return stamp(to_ns(time) + round(seconds * NS_PER_S))
