"""A database that cannot be used says so, says what to do, and is left as it was."""

import pytest

from tests.contract.ledgers.bench import Bench
from trueup.ledgers.database import CommitUnknown
from trueup.model.errors import LedgerError
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import Status


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


@pytest.mark.parametrize("took_effect", [True, False])
def test_a_lost_acknowledgement_is_looked_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, took_effect: bool
) -> None:
    """The commit's answer is lost (fault 19): whether it took effect is read from the ledger, not assumed."""
    bench.record_order()
    bench.settle()
    planned = bench.plan([bench.venue_order(status=Status.CANCELED)])
    database, lease = bench.ledger.database, bench.lease()
    commit = database._commit

    def lose_the_answer() -> None:
        commit() if took_effect else database._roll_back()
        raise CommitUnknown("the connection was cut")

    monkeypatch.setattr(database, "_commit", lose_the_answer)
    if took_effect:
        assert bench.commit(planned, lease).applied == 1
    else:
        with pytest.raises(CommitUnknown):
            bench.commit(planned, lease)
    monkeypatch.undo()
    assert (bench.order().status is Status.CANCELED) == took_effect
    assert len(bench.ledger.list_runs()) == int(took_effect)
