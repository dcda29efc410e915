"""A clock that jumps forward and back: no stored time is believed beyond now (design.md, "Times in the future")."""

import asyncio

import pytest

from trueup.engine.recorder.recorder import Recorder
from trueup.engine.run.deliver_outbox import deliver_outbox
from trueup.model.errors import FenceLost
from trueup.model.snapshot import LocalOrder
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import PositionSide, Side, Status
from trueup.testing.ledgers.bench import ACCOUNT, OTHER, Bench
from trueup.testing.ledgers.test_outbox import Executor, fill_two_trades_twice

DAYS_S = 2 * 86_400


def watermark(bench: Bench) -> str | None:
    return bench.ledger.journal.profile_states(["mom-1"])["mom-1"].watermark


def commit_at(bench: Bench, watermark: str | None, filled: str) -> None:
    """A run that fills order 1 up to `filled` and has classed the history up to `watermark`."""
    bench.settle()
    found = {"status": Status.PARTIALLY_FILLED, "filled_qty": filled, "filled_avg_price": "1000"}
    bench.commit(bench.plan([bench.venue_order("1", **found)]), watermark=watermark)


def test_a_watermark_later_than_now_is_not_believed_and_the_newest_earlier_one_counts(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    commit_at(bench, "2026-11-23T11:00:00Z", "1")
    bench.clock.pass_s(DAYS_S)
    ahead = from_ns(bench.clock())
    commit_at(bench, ahead, "2")
    assert watermark(bench) == ahead
    bench.clock.pass_s(-DAYS_S)
    state = bench.ledger.journal.profile_states(["mom-1"])["mom-1"]
    assert (state.watermark, state.is_future) == ("2026-11-23T11:00:00Z", True)


def test_a_watermark_later_than_now_is_gone_with_the_next_commit(bench: Bench) -> None:
    """It would be believed again as soon as its time has come, and hide what was filled until then."""
    bench.record_trade()
    bench.record_order()
    bench.clock.pass_s(DAYS_S)
    commit_at(bench, from_ns(bench.clock()), "1")
    bench.clock.pass_s(-DAYS_S)
    commit_at(bench, None, "2")
    bench.clock.pass_s(DAYS_S + 60)
    state = bench.ledger.journal.profile_states(["mom-1"])["mom-1"]
    assert (state.watermark, state.is_future) == (None, False)


def test_a_watermark_later_than_now_is_never_stored(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    commit_at(bench, "2026-11-25T12:00:00Z", "1")
    assert watermark(bench) is None


@pytest.mark.parametrize("back_s", [DAYS_S, 2])
def test_a_lease_beyond_its_time_to_live_has_expired(bench: Bench, back_s: int) -> None:
    """Put back by 2 s, it would end in 32 s, and a lease of 30 s cannot."""
    bench.clock.pass_s(back_s)
    lease = bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(-back_s)
    taken = bench.ledger.journal.acquire_lease(ACCOUNT, "h-2", 30)
    assert taken is not None
    assert taken.epoch == 2
    with pytest.raises(FenceLost):
        bench.ledger.journal.renew_lease(lease, 30)


def test_a_renewal_after_the_clock_was_put_back_counts_from_now(bench: Bench) -> None:
    bench.clock.pass_s(DAYS_S)
    lease = bench.lease("h-1", ttl_s=30)
    bench.clock.pass_s(-DAYS_S)
    assert bench.ledger.journal.renew_lease(lease, 30).expires_ns == bench.clock() + 30 * NS_PER_S
    assert bench.ledger.journal.acquire_lease(ACCOUNT, "h-2", 30) is None


def test_a_retry_later_than_the_longest_wait_is_due(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    bench.clock.pass_s(DAYS_S)
    asyncio.run(deliver_outbox(bench.ledger.journal, Executor("t-1")))
    bench.clock.pass_s(-DAYS_S)
    executor = Executor()
    asyncio.run(deliver_outbox(bench.ledger.journal, executor))
    assert executor.told == [("t-1", "3"), ("t-1", "7")]


def test_a_retry_within_the_longest_wait_still_waits(bench: Bench) -> None:
    fill_two_trades_twice(bench)
    asyncio.run(deliver_outbox(bench.ledger.journal, Executor("t-1")))
    executor = Executor()
    asyncio.run(deliver_outbox(bench.ledger.journal, executor))
    assert executor.told == []


def test_another_profiles_activity_far_beyond_now_leaves_an_instrument_settled(bench: Bench) -> None:
    """It would be in motion for two days, and parity would be skipped as long."""
    bench.record_trade()
    other = Recorder(bench.ledger, OTHER)
    other.open_trade("o-1", "ETH-USD", PositionSide.LONG)
    bench.clock.pass_s(DAYS_S)
    other.record_order(
        LocalOrder(
            client_order_id="m2-1",
            symbol="ETH-USD",
            side=Side.BUY,
            qty="4",
            trade_id="o-1",
            status=Status.PENDING_NEW,
        )
    )
    assert not bench.snapshot().local.other_profiles_open_qty["ETH-USD"].settled
    bench.clock.pass_s(-DAYS_S)
    assert bench.snapshot().local.other_profiles_open_qty["ETH-USD"].settled
