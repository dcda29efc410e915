"""Rows that nobody has written since the last read are not read again; whoever wrote what, and however, they are."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest

from trueup.ledgers.books.own_books import OwnBooks
from trueup.ledgers.journal.foreign_rows import LiveRows
from trueup.ledgers.sql.database import Row, Value
from trueup.ledgers.sql.known_rows import MARK_S
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.errors import TrueupError
from trueup.model.snapshot import Local, Profile
from trueup.model.times import from_ns
from trueup.testing.ledgers.store import SteppedClock

WANTED = {"acc-1": ["p1"], "acc-2": ["p2"]}
STATUSES = ("pending_new", "partially_filled", "filled", "canceled")
WINDOW_S = 600


class Noting(SqliteDatabase):
    """Notes which reads are sent."""

    def __init__(self, path: str, clock: SteppedClock) -> None:
        super().__init__(path, clock_ns=clock)
        self.read: list[str] = []

    def rows(self, name: str, *values: Value) -> list[Row]:
        if name in ("open_and_recent_orders", "foreign_rows_live"):
            self.read.append(name)
        return super().rows(name, *values)


class Books:
    """Two accounts, rows of a bot's books that their orders are the mirror of, and another process at the same file."""

    def __init__(self, path: Path) -> None:
        self.clock = SteppedClock()
        self.database = Noting(str(path), self.clock)
        self.ledger = SqlLedger(self.database)
        profiles = [Profile(profile_id=f"p{one}", account_id=f"acc-{one}") for one in (1, 2)]
        self.ledger.journal.ensure_profiles(profiles)
        self.other = apsw.Connection(str(path))
        self.made = 0

    def found(self) -> tuple[dict[str, dict[str, Local]], dict[str, str]]:
        books, journal = self.ledger.books, self.ledger.journal
        return books.read_accounts(WANTED, WINDOW_S), journal.live_rows("acc-1", "bot")

    def found_anew(self) -> tuple[dict[str, dict[str, Local]], dict[str, str]]:
        """As one who has read nothing before."""
        books = OwnBooks(self.database).read_accounts(WANTED, WINDOW_S)
        return books, LiveRows(self.database).of("acc-1", "bot")

    def sent(self) -> list[str]:
        noted, self.database.read = self.database.read, []
        return noted

    def act(self, dice: random.Random, run: Callable[[str, tuple[Value, ...]], object]) -> None:
        """One statement of somebody's, over whatever rows there are."""
        account, number = dice.choice((1, 2)), self.made
        at = from_ns(self.clock.time_ns - dice.randrange(WINDOW_S + 60) * 10**9)[:-1] + ".000000000Z"
        kind = dice.randrange(7)
        if kind == 0 or not number:
            self.made += 1
            run(
                "INSERT INTO orders (order_key, account_id, profile_id, venue_order_id, trade_id, symbol, side, qty,"
                " status, last_activity_at) VALUES (?, ?, ?, ?, ?, 'ETH/USD', 'buy', '10', ?, ?)",
                (self.made, f"acc-{account}", f"p{account}", f"v-{self.made}", f"t-{self.made}",
                 dice.choice(STATUSES), at),
            )  # fmt: skip
        elif kind == 1:
            run(
                "UPDATE orders SET status = ?, last_activity_at = ? WHERE order_key = ?",
                (dice.choice(STATUSES), at, dice.randint(1, number)),
            )
        elif kind == 2:
            run(
                "INSERT OR REPLACE INTO fills (order_key, account_id, instrument, order_identity,"
                " fill_identity, fill_id, qty) SELECT order_key, account_id, instrument, venue_order_id,"
                " 'f', 'f', ? FROM orders WHERE order_key = ?",
                (str(dice.randint(1, 9)), dice.randint(1, number)),
            )
        elif kind == 3:
            run(
                "INSERT OR REPLACE INTO trades (profile_id, trade_id, account_id, symbol, side, status, entry_qty,"
                " updated_at) VALUES (?, ?, ?, 'ETH/USD', 'long', ?, ?, ?)",
                (f"p{account}", f"t-{dice.randint(1, number)}", f"acc-{account}", dice.choice(("open", "closed")),
                 str(dice.randint(1, 9)), at),
            )  # fmt: skip
        elif kind == 4:
            run(
                "INSERT OR REPLACE INTO foreign_rows SELECT account_id, 'bot', 'r' || order_key, profile_id, order_key,"
                " ?, NULL FROM orders WHERE order_key = ?",
                (str(dice.random()), dice.randint(1, number)),
            )
        elif kind == 5:
            run("UPDATE foreign_rows SET removed_at = ? WHERE order_key = ?", (at, dice.randint(1, number)))
        else:
            run("DELETE FROM fills", ())


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Books]:
    books = Books(tmp_path / "ledger.db")
    yield books
    books.other.close()
    books.ledger.close()


def fill(made: Books, count: int = 20) -> None:
    dice = random.Random(1)
    for _ in range(count):
        with suppress(apsw.ConstraintError):
            made.act(dice, made.other.execute)


def test_what_nobody_wrote_is_not_read_again_whatever_runs_leave(made: Books) -> None:
    fill(made)
    first = made.found()
    assert made.sent() == ["open_and_recent_orders", "foreign_rows_live"]
    lease = made.ledger.journal.acquire_lease("acc-1", "h", 30)
    assert lease is not None
    made.ledger.journal.renew_lease(lease, 30)
    made.ledger.journal.release_lease(lease, {"p1": "2026-11-23T12:00:00Z"})
    assert made.found() == first
    assert made.sent() == []


def test_marks_are_not_believed_for_ever_nor_from_the_future(made: Books) -> None:
    fill(made)
    for passed_s, is_read in ((0, True), (MARK_S, True), (MARK_S, False), (1, True), (-1, True)):
        made.clock.pass_s(passed_s)
        made.found()
        # the first hour: what was recent no longer is
        assert ("open_and_recent_orders" in made.sent()) is is_read, passed_s


@pytest.mark.parametrize("seed", range(20))
def test_whoever_wrote_what_is_read_as_by_one_who_has_read_nothing(made: Books, seed: int) -> None:
    dice = random.Random(seed)
    skipped = 0
    for _ in range(60):
        who = dice.randrange(6)
        with suppress(apsw.ConstraintError, TrueupError, InterruptedError):
            if who == 0:
                made.act(dice, made.other.execute)
            elif who == 1:
                with made.database.transaction():
                    made.act(dice, made.database.connection.execute)
            elif who == 2:
                with made.database.transaction():
                    made.act(dice, made.database.connection.execute)
                    assert made.found() == made.found_anew()  # what is not committed yet
                    raise InterruptedError
            elif who == 3:
                lease = made.ledger.journal.acquire_lease("acc-1", "h", 30)
                assert lease is not None
                made.ledger.journal.release_lease(lease, {})
            elif who == 4:
                made.clock.pass_s(dice.choice((1, 60, 300)))
        made.sent()
        found = made.found()
        skipped += made.sent() == []
        assert found == made.found_anew()
    assert skipped > 10


def test_a_ledger_in_memory_that_is_put_back_is_read_again() -> None:
    database = SqliteDatabase(":memory:", clock_ns=SteppedClock())
    ledger = SqlLedger(database)
    ledger.journal.ensure_profiles([Profile(profile_id="p1", account_id="acc-1")])
    before = database.connection.serialize("main")
    database.connection.execute(
        "INSERT INTO orders (account_id, profile_id, venue_order_id, side, status) VALUES ('acc-1', 'p1', 'v', 'buy',"
        " 'pending_new')"
    )
    assert len(ledger.books.read("acc-1", ["p1"], WINDOW_S)["p1"].orders) == 1
    database.connection.deserialize("main", before)
    assert ledger.books.read("acc-1", ["p1"], WINDOW_S)["p1"].orders == []
    ledger.close()
