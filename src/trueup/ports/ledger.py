"""Books and journal in one database, and the transactions that go through both.

A commit is: the fence (the lease's renewal, as the first statement) → `books.rows` → which corrections still apply →
`books.write` → the journal. All of it or nothing. Sync; from async code through `engine.in_thread`.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from msgspec import Struct

from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot
from trueup.ports.books import Books, LocalRecord
from trueup.ports.foreign_books import ForeignBooks, WriteResult
from trueup.ports.journal import Journal
from trueup.ports.mirror import TakenIn, Taking
from trueup.ports.people import PersonCorrection
from trueup.ports.records import ApplyReport, FoldReport, Lease
from trueup.ports.roster import Roster


class Ledger(Protocol):
    """One database. Safe to call from several threads."""

    @property
    def books(self) -> Books:
        """What the bot recorded, in this database."""
        ...

    @property
    def journal(self) -> Journal:
        """What trueup remembers, in this database."""
        ...

    @property
    def roster(self) -> Roster:
        """The fleet's accounts, in this database."""
        ...

    def now(self) -> str:
        """The database's clock, RFC 3339 with nine digits."""
        ...

    def reading(self) -> AbstractContextManager[None]:
        """All that the calling thread reads within it is of one state of the database."""
        ...

    def commit_run(
        self,
        lease: Lease,
        snapshot: Snapshot,
        plan: Plan,
        *,
        state: str,
        watermark: str | None = None,
        notify: bool = True,
        foreign: ForeignBooks | None = None,
    ) -> ApplyReport:
        """The one write transaction of a profile's run; design.md, "Apply". With state "applied" corrections apply.

        `notify` false: nobody is to be told, the outbox stays empty. `foreign`: whose rows the books mirror; what
        corrections want of them is written in this transaction where both are in one database, else committed with it
        and delivered later. Rows that are another than was judged drop their corrections as superseded.

        Raises FenceLost, LedgerError, InvariantError; nothing half-written.
        """
        ...

    def write_record(
        self,
        profile_id: str,
        event: str,
        change: Callable[[LocalRecord, str], LocalRecord],
        *,
        client_order_id: str | None = None,
        venue_order_id: str | None = None,
        trade_id: str | None = None,
        symbol: str | None = None,
        author: str | None = None,
        reason: str | None = None,
    ) -> LocalRecord:
        """A bot's write, with its row of the order log, in one transaction; or a person's, with `author` and `reason`.

        `change` is pure: from what the ids name (empty where nothing) and the ledger's time to what it shall be.
        `symbol`: of the order, where it is known: orders of two instruments may have one venue order id.
        Raises Conflict where the ids name two orders, or one of another profile.
        """
        ...

    def correct(self, made: PersonCorrection) -> None:
        """A person's correction, as it was shown, with its rows of the order log, decisions and outbox, in one
        transaction. Every row must stand as it was shown, whoever holds the account's lease.

        Raises Conflict where one does not, InputError where the books mirror a bot's own, InvariantError.
        """
        ...

    def take_in(self, lease: Lease, taking: Taking) -> TakenIn:
        """Lays a bot's own rows over the mirror, in one fenced transaction, logged as written by the bot.

        Rows with the remembered fingerprint are left alone. What was wanted of a row that moved is superseded. Raises
        FenceLost, LedgerError; then nothing was taken in.
        """
        ...

    def settle_write_backs(self, lease: Lease, results: Sequence[WriteResult]) -> int:
        """Keeps what became of them, in one fenced transaction; returns how many are refused for good now.

        A delivered row's fingerprint is remembered as it was read back; of one that moved the notifications are taken
        back, for its difference will be found again; one that failed is tried again, a bounded number of times.
        """
        ...

    def fold_log(self, profile_id: str) -> FoldReport:
        """Compares the order log, folded, with the books as they stand."""
        ...

    def export(self, table: str, profile_id: str | None = None) -> list[dict[str, Any]]:
        """Rows of one table (see `archive.EXPORTS`) as plain dictionaries. Raises InputError for another name."""
        ...

    def stream_export(
        self, table: str, profile_id: str | None = None
    ) -> Generator[dict[str, Any], None, None]:
        """The same one by one, within a read transaction that ends with the last of them."""
        ...

    def find_damage(self, *, quick: bool) -> list[str]:
        """What the database's own check of its storage says, and (unless `quick`) what of the texts cannot be read.

        Empty where all is whole.
        """
        ...

    def close(self) -> None:
        """Frees the connection; nothing may be called after it."""
        ...


class LedgerSettings(Struct, frozen=True, kw_only=True):
    """What an entry point of the group `trueup.ledgers` is called with; it returns a `Ledger`.

    The entry point's name is the URL's scheme. `url` is complete, its password included; `folder`: where a relative
    path in it begins; `create`: whether what does not exist yet is made, else that is a ConfigError;
    `connections_max`: how many connections it may have open at once, where it is a server's; null: it decides.
    """

    url: str
    folder: str = "."
    create: bool = True
    connections_max: int | None = None

    def __repr__(self) -> str:
        return f"LedgerSettings({self.url.partition(':')[0]}, place hidden)"
