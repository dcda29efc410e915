"""The lease, and the fence that every write of a run stands behind."""

import pytest
from msgspec.structs import replace

from tests.contract.ledgers.bench import ACCOUNT, Bench
from trueup.model.errors import FenceLost
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import Status


def test_a_free_lease_is_acquired_once(bench: Bench) -> None:
    lease = bench.lease("h-1", ttl_s=30)
    assert lease.epoch == 1
    assert lease.expires_ns == bench.clock() + 30 * NS_PER_S
    assert bench.ledger.journal.acquire_lease(ACCOUNT, "h-2", 30) is None


def test_an_expired_lease_is_taken_over_with_the_next_epoch(bench: Bench) -> None:
    bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(30)
    assert bench.lease("h-2").epoch == 2


def test_renewal_keeps_others_out(bench: Bench) -> None:
    lease = bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(20)
    renewed = bench.ledger.journal.renew_lease(lease, 30)
    assert (renewed.epoch, renewed.expires_ns) == (1, bench.clock() + 30 * NS_PER_S)
    bench.clock.pass_s(20)
    assert bench.ledger.journal.acquire_lease(ACCOUNT, "h-2", 30) is None


def test_a_zombie_cannot_renew(bench: Bench) -> None:
    lease = bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(31)
    bench.lease("h-2")
    with pytest.raises(FenceLost, match="held by another process"):
        bench.ledger.journal.renew_lease(lease, 30)


def test_an_expired_lease_that_nobody_took_still_fences(bench: Bench) -> None:
    lease = bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(31)
    assert bench.ledger.journal.renew_lease(lease, 30).epoch == 1


def test_a_released_lease_is_free_and_remembers_who_completed(bench: Bench) -> None:
    lease = bench.lease("h-1")
    bench.ledger.journal.release_lease(
        lease, {"mom-1": "2026-11-23T12:00:00Z"}, to_ns("2026-11-23T12:00:10Z")
    )
    (state,) = bench.ledger.journal.lease_states()
    assert state.holder is None
    assert state.completed == {"mom-1": "2026-11-23T12:00:00Z"}
    assert state.next_due_at == "2026-11-23T12:00:10.000000000Z"
    again = bench.lease("h-2")
    bench.ledger.journal.release_lease(again, {"mean-2": "2026-11-23T12:00:20Z"})
    (state,) = bench.ledger.journal.lease_states()
    assert state.completed == {"mom-1": "2026-11-23T12:00:00Z", "mean-2": "2026-11-23T12:00:20Z"}
    assert state.epoch == 2


def test_a_zombie_frees_nothing(bench: Bench) -> None:
    lost = bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(31)
    bench.lease("h-2")
    bench.ledger.journal.release_lease(lost, {"mom-1": "2026-11-23T12:00:00Z"})
    (state,) = bench.ledger.journal.lease_states()
    assert (state.holder, state.completed) == ("h-2", {})


@pytest.mark.parametrize(
    "forged", [{"epoch": 1}, {"holder": "h-1"}, {"epoch": 1, "holder": "h-1"}, {"account_id": "acc-9"}]
)
def test_a_zombie_commits_nothing(bench: Bench, forged: dict) -> None:
    """The fence compares account, epoch and holder: a failover can issue one epoch twice."""
    bench.record_trade()
    bench.record_order()
    bench.settle()
    planned = bench.plan(
        [bench.venue_order(status=Status.PARTIALLY_FILLED, filled_qty="3", filled_avg_price="1000")]
    )
    assert planned[1].corrections
    bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(31)
    current = bench.lease("h-2")
    before = bench.contents()
    with pytest.raises(FenceLost):
        bench.commit(planned, replace(current, **forged))
    assert bench.contents() == before


def test_a_commit_renews_the_lease(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    lease = bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(20)
    bench.commit(bench.plan([bench.venue_order()]), lease)
    bench.clock.pass_s(20)
    assert bench.ledger.journal.acquire_lease(ACCOUNT, "h-2", 30) is None
