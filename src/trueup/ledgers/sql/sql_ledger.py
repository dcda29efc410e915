"""One SQL database with both in it: the books, the journal, and the transactions that go through both.

Implements `ports.ledger.Ledger` by composition; a kind of database adds only its `Database`.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import uuid_utils

from trueup.ledgers.books.own_books import OwnBooks
from trueup.ledgers.journal import archive, write_backs
from trueup.ledgers.journal import verify_log as log
from trueup.ledgers.journal.damaged_texts import find_damaged_texts
from trueup.ledgers.journal.roster import SqlRoster
from trueup.ledgers.journal.sql_journal import SqlJournal
from trueup.ledgers.sql.commit_run import Run, commit_run
from trueup.ledgers.sql.database import Database, stamp
from trueup.ledgers.sql.take_in import take_in
from trueup.ledgers.sql.write_correction import write_correction
from trueup.ledgers.sql.write_record import write_record
from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot
from trueup.ports.books import LocalRecord
from trueup.ports.foreign_books import ForeignBooks, WriteResult
from trueup.ports.mirror import TakenIn, Taking
from trueup.ports.people import PersonCorrection
from trueup.ports.records import ApplyReport, FoldReport, Lease


class SqlLedger:
    """Books and journal over one `Database`. Sync; from async code through `engine.in_thread`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.books = OwnBooks(database)
        self.journal = SqlJournal(database)
        self.roster = SqlRoster(database)

    def now(self) -> str:
        return stamp(self.database.now_ns())

    def reading(self) -> AbstractContextManager[None]:
        return self.database.reading()

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
        run = Run(
            run_id=str(uuid_utils.uuid7()),
            snapshot=snapshot,
            plan=plan,
            state=state,
            watermark=watermark,
            notify=notify,
            foreign=foreign,
        )
        return commit_run(self.database, self.books, lease, run)

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
        return write_record(
            self.database,
            self.books,
            profile_id,
            event,
            change,
            client_order_id=client_order_id,
            venue_order_id=venue_order_id,
            trade_id=trade_id,
            symbol=symbol,
            author=author,
            reason=reason,
        )

    def correct(self, made: PersonCorrection) -> None:
        write_correction(self.database, self.books, made)

    def take_in(self, lease: Lease, taking: Taking) -> TakenIn:
        return take_in(self.database, self.books, lease, taking)

    def settle_write_backs(self, lease: Lease, results: Sequence[WriteResult]) -> int:
        return write_backs.settle(self.database, lease, results)

    def fold_log(self, profile_id: str) -> FoldReport:
        return log.fold_log(self.database, profile_id)

    def export(self, table: str, profile_id: str | None = None) -> list[dict[str, Any]]:
        return list(self.stream_export(table, profile_id))

    def stream_export(
        self, table: str, profile_id: str | None = None
    ) -> Generator[dict[str, Any], None, None]:
        return archive.export(self.database, table, profile_id)

    def find_damage(self, *, quick: bool) -> list[str]:
        found = self.database.find_damage(quick=quick)
        return found if quick or found else find_damaged_texts(self.database)

    def close(self) -> None:
        self.database.close()
