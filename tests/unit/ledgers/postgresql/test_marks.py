"""Rows that nobody has written since the last read are not read again; whatever else happens to them, they are."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.postgres.databases import migrated_database
from trueup.ledgers.postgresql.connections import Connections
from trueup.ledgers.postgresql.database import PostgresDatabase
from trueup.ledgers.sql.database import Row, Value
from trueup.ledgers.sql.known_rows import MARK_S
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.snapshot import Profile
from trueup.testing.ledgers.store import SteppedClock

WANTED = {"acc-1": ["p1"], "acc-2": ["p2"]}
ORDER = """INSERT INTO trueup.orders (account_id, profile_id, client_order_id, symbol, side, order_type, qty, status,
  submitted_at, last_activity_at, version, logged_version)
SELECT 'acc-' || n, 'p' || n, 'b' || n, 'ETH/USD', 'buy', 'market', 10, 'pending_new', '2026-11-23T11:59:00Z',
  '2026-11-23T11:59:00Z', 1, 1 FROM generate_series(1, 2) n"""


class Noting(PostgresDatabase):
    """Notes whose orders are read."""

    def __init__(self, connections: Connections, clock: SteppedClock) -> None:
        super().__init__(connections, clock_ns=clock)
        self.read: list[Value] = []

    def rows(self, name: str, *values: Value) -> list[Row]:
        if name == "open_and_recent_orders" and self._current.connection is not None:
            self.read.append(values[0])
        return super().rows(name, *values)


class Books:
    """Two accounts with an order each, and another program at the same tables."""

    def __init__(self, url: str) -> None:
        self.clock = SteppedClock()
        self.database = Noting(Connections(url), self.clock)
        self.ledger = SqlLedger(self.database)
        profiles = [Profile(profile_id=f"p{one}", account_id=f"acc-{one}") for one in (1, 2)]
        self.ledger.journal.ensure_profiles(profiles)
        self.url = url
        self.write(ORDER)

    def write(self, statement: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as other:
            other.execute("SET session_replication_role = replica")  # no trigger raises a version
            other.execute(statement.encode())

    def quantities(self) -> list[str | None]:
        found = self.ledger.books.read_accounts(WANTED, 600)
        return [
            order.qty for account in found.values() for local in account.values() for order in local.orders
        ]

    def whose(self) -> list[Value]:
        noted, self.database.read = self.database.read, []
        return noted


@contextmanager
def books() -> Iterator[Books]:
    with migrated_database() as url:
        made = Books(url)
        try:
            assert made.quantities() == ["10", "10"]
            assert made.whose() == ['["acc-1","acc-2"]']
            yield made
        finally:
            made.ledger.close()


def test_rows_that_nobody_wrote_are_not_read_again() -> None:
    with books() as made:
        assert made.quantities() == ["10", "10"]
        assert made.whose() == []


def test_only_the_account_that_somebody_wrote_is_read_again() -> None:
    with books() as made:
        made.write("UPDATE trueup.orders SET qty = 7 WHERE account_id = 'acc-1'")
        assert made.quantities() == ["7", "10"]
        assert made.whose() == ['["acc-1"]']
        made.write("UPDATE trueup.orders SET qty = 7 WHERE account_id = 'acc-1'")  # the same values
        assert made.quantities() == ["7", "10"]
        assert made.whose() == ['["acc-1"]']


def test_tables_that_were_written_anew_are_read_again() -> None:
    with books() as made:
        made.write("VACUUM FULL trueup.orders")
        assert made.quantities() == ["10", "10"]
        assert made.whose() == ['["acc-1","acc-2"]']


def test_marks_are_not_believed_for_ever_nor_from_the_future() -> None:
    with books() as made:
        made.clock.pass_s(MARK_S)
        assert made.quantities() == ["10", "10"]
        assert made.whose() == []
        made.clock.pass_s(1)
        assert made.quantities() == ["10", "10"]
        assert made.whose() == ['["acc-1","acc-2"]']
        made.clock.pass_s(-2 * MARK_S)
        assert made.quantities() == ["10", "10"]
        assert made.whose() == ['["acc-1","acc-2"]']


def test_in_a_write_transaction_rows_are_read() -> None:
    """Each of its statements may see other rows: what a mark says would not be what the next statement reads."""
    with books() as made, made.database.transaction():
        assert made.quantities() == ["10", "10"]
        assert made.whose() == ['["acc-1","acc-2"]']


def test_what_is_handed_out_is_nobody_elses() -> None:
    with books() as made:
        made.ledger.books.read_accounts(WANTED, 600)["acc-1"]["p1"].orders.clear()
        assert made.quantities() == ["10", "10"]
