"""What the suite needs of a kind of database beside the ledger itself: to open it again, and to harm it.

A database joins by a `Store`, and by a context manager `(folder) -> Store` that the option `trueup_ledgers` names.
"""

from collections.abc import Callable
from typing import Protocol

from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.times import NS_PER_S, to_ns

NOON_NS = to_ns("2026-11-23T12:00:00Z")


class SteppedClock:
    """The ledger's clock, which stands until a test moves it."""

    def __init__(self, now_ns: int = NOON_NS) -> None:
        self.time_ns = now_ns

    def __call__(self) -> int:
        return self.time_ns

    def pass_s(self, seconds: float) -> None:
        self.time_ns += round(seconds * NS_PER_S)


class Store(Protocol):
    """One empty database of one kind."""

    # another process opens it with `opener`, "module:function", called with `address`
    opener: str
    address: str

    def open(self, clock_ns: Callable[[], int]) -> SqlLedger: ...

    def execute(self, statement: str) -> list[tuple]:
        """As another program would, past the ledger."""
        ...

    def drop_trigger(self, name: str, table: str) -> None: ...

    # how to put a row in the place of one with its key, around the rest of an INSERT
    replacing: tuple[str, str]

    def run_out_of_space(self, ledger: SqlLedger) -> None: ...

    def make_schema_newer(self) -> None: ...

    def change_a_migration(self) -> None: ...
