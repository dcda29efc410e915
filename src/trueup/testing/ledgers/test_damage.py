"""A database that cannot be used says so, says what to do, and is left as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from trueup.ledgers.sql.database import CommitUnknown, Database
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.errors import LedgerError
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import Status
from trueup.testing.ledgers.bench import Bench


def many_partly_filled(bench: Bench, count: int) -> list[VenueOrder]:
    found = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    return [bench.venue_order(f"new-{number}", **found) for number in range(count)]


def test_a_full_disk_rolls_everything_back(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    planned = bench.plan(many_partly_filled(bench, 60))
    lease, before = bench.lease(), bench.contents("leases")
    bench.store.run_out_of_space(bench.ledger)
    with pytest.raises(LedgerError, match="disk is full; nothing was written: free some space"):
        bench.commit(planned, lease)
    assert bench.contents("leases") == before
    assert bench.snapshot().local.orders  # it still reads


def test_a_newer_schema_is_refused(bench: Bench) -> None:
    bench.store.make_schema_newer()
    with pytest.raises(LedgerError, match="install the newer trueup"):
        bench.store.open(bench.clock)


def test_a_changed_migration_is_refused(bench: Bench) -> None:
    bench.store.change_a_migration()
    with pytest.raises(LedgerError, match="not the one that was applied"):
        bench.store.open(bench.clock)


def test_opening_again_changes_nothing(bench: Bench) -> None:
    bench.record_order()
    before = bench.contents()
    bench.store.open(bench.clock).close()
    assert bench.contents() == before


class CutOff:
    """A database whose connection is cut while it commits: the answer is lost, the effect perhaps not."""

    def __init__(self, database: Database, *, took_effect: bool) -> None:
        self._database = database
        self._took_effect = took_effect

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._database.transaction():
            yield
            if not self._took_effect:
                raise CommitUnknown("the connection was cut")
        raise CommitUnknown("the connection was cut")


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_lost_acknowledgement_is_looked_up(bench: Bench, took_effect: bool) -> None:
    """Whether a commit without an answer took effect (fault 19) is read from the ledger, not assumed."""
    bench.record_order()
    bench.settle()
    snapshot, plan = bench.plan([bench.venue_order(status=Status.CANCELED)])
    lease = bench.lease()
    database: Any = CutOff(bench.ledger.database, took_effect=took_effect)
    cut_off = SqlLedger(database)
    if took_effect:
        assert cut_off.commit_run(lease, snapshot, plan, state="applied").applied == 1
    else:
        with pytest.raises(CommitUnknown):
            cut_off.commit_run(lease, snapshot, plan, state="applied")
    assert (bench.order().status is Status.CANCELED) == took_effect
    assert len(bench.ledger.journal.list_runs()) == int(took_effect)
