"""The simulated database: a real one that every process of a world shares, with a clock and faults.

`Store` is the real one: SQLite in memory, or what a test gives. `SharedDatabase` adds its clock and its backups.
`Connection` is one process's way to it, and implements `ledgers.sql.database.Database`: calls fail, transactions die
before or after they take effect, acknowledgements get lost. All in one thread, so that a transaction never waits for
another. Must not know what a statement means.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from trueup.ledgers.sql.database import CommitUnknown, Database, Row, Value, stamp
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.errors import LedgerError
from trueup.model.times import NS_PER_S
from trueup.sim.checkers.tables import Tables
from trueup.sim.clock import SimClock
from trueup.sim.faults import FaultDice
from trueup.sim.trials.process import Killed, Process

BACKUPS_MAX = 12
WRITES_UNTIL_FULL_MAX = 12
JUMP_S_MAX = 3  # of a small jump, which stays: less than the window of recent activity
FAR_JUMPS_S = (3_600, 2 * 86_400)  # forward or back, and put right again some seconds later
FAR = 0.5  # share of the jumps
BUSY = "the simulated database is busy; nothing was written: run again"
FULL = "the simulated disk is full; nothing was written: free some space and run again"


class Store(Protocol):
    """One real database, with trueup's tables and nothing in them. `tables`: past the ledger, for checkers."""

    database: Database
    tables: Tables

    def state(self) -> Any:
        """All that is in it."""
        ...

    def restore(self, state: Any) -> None: ...


class MemoryStore:
    """SQLite in memory."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.database: Database = (sqlite := SqliteDatabase(":memory:", clock_ns=clock_ns))
        self.tables: Tables = sqlite.connection
        self._connection = sqlite.connection

    def state(self) -> bytes:
        return self._connection.serialize("main")

    def restore(self, state: bytes) -> None:
        self._connection.deserialize("main", state)


MakeStore = Callable[[Callable[[], int]], Store]


class SharedDatabase:
    """The rows, the clock and the backups. `generation` counts how often something committed was lost."""

    def __init__(self, clock: SimClock, dice: FaultDice, make_store: MakeStore = MemoryStore) -> None:
        self._clock = clock
        self.dice = dice
        self._offset_ns = 0
        self._far_ns = 0
        self._far_until_ns = 0
        self._backups: list[tuple[int, Any]] = []
        self._backed_up = -1  # commits when the last backup was made
        self.generation = 0
        self.commits = 0
        self._store = make_store(self.now_ns)
        self.database, self.tables = self._store.database, self._store.tables

    def now_ns(self) -> int:
        return self._clock.now_ns() + self._offset_ns + self._far_ns

    def set_clock(self) -> None:
        """Somebody puts it right."""
        self._offset_ns = self._far_ns = 0

    def back_up(self) -> None:
        """Keep the present state, to be restored later; what was not written to since is kept already."""
        if self._backups and self._backed_up == self.commits:
            self._backups[-1] = (self._clock.now_ns(), self._backups[-1][1])
            return
        self._backed_up = self.commits
        self._backups.append((self._clock.now_ns(), self._store.state()))
        del self._backups[:-BACKUPS_MAX]

    def live(self) -> str | None:
        """A second passes; perhaps the clock jumps, or committed rows are lost. Says what happened."""
        dice = self.dice
        if dice.strikes("clock_jumped"):
            return self._jump()
        if self._far_ns and self._clock.now_ns() >= self._far_until_ns:
            self._far_ns = 0
            return "the database's clock was put right"
        if self._backups and dice.strikes("commits_lost"):
            return self._restore(len(self._backups) - 1)
        if self._backups and dice.strikes("backup_restored"):
            return self._restore(dice.rng.randrange(len(self._backups)))
        return None

    def _jump(self) -> str:
        rng = self.dice.rng
        if rng.random() < FAR:
            self._far_ns = rng.choice(FAR_JUMPS_S) * rng.choice((-1, 1)) * NS_PER_S
            self._far_until_ns = self._clock.now_ns() + self.dice.lag_ns()
        else:
            self._offset_ns += rng.randint(-JUMP_S_MAX, JUMP_S_MAX) * NS_PER_S
        return f"the database's clock jumped by {(self._offset_ns + self._far_ns) // NS_PER_S} s"

    def _restore(self, index: int) -> str:
        taken_ns, state = self._backups[index]
        del self._backups[index + 1 :]
        self._store.restore(state)
        self.generation += 1
        lost_s = (self._clock.now_ns() - taken_ns) / NS_PER_S
        return f"the database lost its last {lost_s:.0f} s"

    def close(self) -> None:
        self.database.close()


class Connection:
    """Implements `ledgers.database.Database` for one process. `on_commit` is called after each commit."""

    def __init__(
        self,
        shared: SharedDatabase,
        process: Process,
        dice: FaultDice,
        on_commit: Callable[["Connection"], None],
    ) -> None:
        self._shared = shared
        self.process = process
        self._dice = dice
        self._on_commit = on_commit
        self._writes_until_full: int | None = None
        self._is_writing = False
        self.on_look_up: Callable[[int], None] = lambda commits: None  # orders were read again by their ids
        self.leases: dict[str, tuple[int, str]] = {}  # account id → epoch and holder, as last acquired here

    @property
    def commits(self) -> int:
        """How many transactions of all processes have been committed: the order of what happened."""
        return self._shared.commits

    @property
    def connection(self) -> Any:
        return self._shared.database.connection

    @property
    def marks_accounts(self) -> bool:
        return self._shared.database.marks_accounts

    def marks(self, accounts: str, since: str) -> list[Row]:
        return self._shared.database.marks(accounts, since)

    def mark(self) -> str | None:
        return self._shared.database.mark()

    def now_ns(self) -> int:
        return self._shared.now_ns()

    def bound_now(self) -> str | None:
        return stamp(self.now_ns())

    def rows(self, name: str, *values: Value) -> list[Row]:
        self.process.call()
        rows = self._shared.database.rows(name, *values)
        if name == "orders_by_ids" and not self._is_writing:
            self.on_look_up(self.commits)
        if name == "acquire_lease" and rows:
            account_id, holder = str(values[0]), str(values[1])
            self.leases[account_id] = (int(str(rows[0][0])), holder)
        if name == "claim_shard":
            self.leases |= {str(row[0]): (int(str(row[1])), str(values[1])) for row in rows}
        return rows

    def stream(self, name: str, *values: Value) -> Iterator[Row]:
        yield from self.rows(name, *values)

    def write(self, name: str, *values: Value) -> int:
        self._fill_disk()
        return self._shared.database.write(name, *values)

    def write_many(self, name: str, values: Iterable[Sequence[Value]]) -> int:
        self._fill_disk()
        return self._shared.database.write_many(name, values)

    def write_each(self, name: str, values: Iterable[Sequence[Value]]) -> int:
        self._fill_disk()
        return self._shared.database.write_each(name, values)

    def write_all(self, name: str, values: Sequence[Sequence[Value]]) -> int:
        self._fill_disk()
        return self._shared.database.write_all(name, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        dice = self._dice
        self.process.reach_database()
        if dice.strikes("database_busy"):
            raise LedgerError(BUSY)
        full = dice.strikes("disk_full")
        self._writes_until_full = dice.rng.randint(0, WRITES_UNTIL_FULL_MAX) if full else None
        dies = dice.strikes("killed_in_commit")
        before = dies and dice.rng.random() < 0.5
        with self._shared.database.transaction():
            self._is_writing = True
            try:
                yield
            finally:
                self._is_writing = False
            if full:
                raise LedgerError(FULL)
            if before:
                self._die()
        self._shared.commits += 1
        self._on_commit(self)
        if dies:
            self._die()
        if dice.strikes("commit_unacknowledged"):
            raise CommitUnknown("the simulated commit was not acknowledged")

    @contextmanager
    def reading(self) -> Iterator[None]:
        self.process.reach_database()
        with self._shared.database.reading():
            yield

    def check_current(self) -> None:
        """It is nobody's file."""

    def find_damage(self, *, quick: bool) -> list[str]:
        return self._shared.database.find_damage(quick=quick)

    def close(self) -> None:
        """The database is everybody's."""

    def _die(self) -> None:
        self.process.kill()
        raise Killed(self.process.name)

    def _fill_disk(self) -> None:
        if self._writes_until_full is not None:
            self._writes_until_full -= 1
            if self._writes_until_full < 0:
                self._writes_until_full = None
                raise LedgerError(FULL)
