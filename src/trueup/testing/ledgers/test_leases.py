"""The lease, and the fence that every write of a run stands behind."""

import pytest
from msgspec.structs import replace

from trueup.model.coverage_scope import CoverageScope
from trueup.model.errors import FenceLost
from trueup.model.snapshot import Profile
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import Status
from trueup.ports.records import Attempt, Classed, Release, Turn
from trueup.testing.ledgers.bench import ACCOUNT, Bench


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
    bench.ledger.journal.release_lease(lease, {"mom-1": "2026-11-23T12:00:00Z"}, 10)
    (state,) = bench.ledger.journal.lease_states()
    assert state.holder is None
    assert state.completed == {"mom-1": "2026-11-23T12:00:00Z"}
    assert state.next_due_at == "2026-11-23T12:00:10.000000000Z"
    again = bench.lease("h-2")
    bench.ledger.journal.release_lease(again, {"mean-2": "2026-11-23T12:00:20Z"})
    (state,) = bench.ledger.journal.lease_states()
    assert state.completed == {"mom-1": "2026-11-23T12:00:00Z", "mean-2": "2026-11-23T12:00:20Z"}
    assert state.epoch == 2


def test_runs_that_could_judge_nothing_are_counted_until_one_could(bench: Bench) -> None:
    journal = bench.ledger.journal
    for why in ("a time-out", "a reset"):
        journal.release_lease(bench.lease("h-1"), {}, 10, Attempt(failure=why))
        bench.clock.pass_s(10)
    (state,) = journal.lease_states()
    assert (state.failures, state.failing_since, state.failure) == (
        2,
        "2026-11-23T12:00:00.000000000Z",
        "a reset",
    )
    lease = bench.lease("h-2")
    assert lease.failures == 2
    journal.release_lease(lease, {})  # it was not run
    (state,) = journal.lease_states()
    assert (state.failures, state.failure) == (2, "a reset")
    journal.release_lease(bench.lease("h-3"), {}, 10, Attempt())
    (state,) = journal.lease_states()
    assert (state.failures, state.failing_since, state.failure) == (0, None, None)


def test_a_claim_tells_the_failures_before_it(bench: Bench) -> None:
    journal = bench.ledger.journal
    journal.release_lease(bench.lease("h-1"), {}, None, Attempt(failure="a time-out"))
    (turn,) = journal.claim_leases([ACCOUNT], "h-2", 30, due_within_s=100)
    assert turn.lease is not None
    assert turn.lease.failures == 1


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


# Claims: many accounts at once, by what is due

ACCOUNTS = [f"acc-{number}" for number in range(1, 5)]


def claims(bench: Bench, holder: str = "h-1", hasty: tuple[str, ...] = ()) -> list[Turn]:
    return bench.ledger.journal.claim_leases(ACCOUNTS, holder, 30, due_within_s=600, hasty=hasty)


@pytest.fixture
def four_accounts(bench: Bench) -> Bench:
    profiles = [Profile(profile_id=f"p-{one}", account_id=one) for one in ACCOUNTS]
    bench.ledger.journal.ensure_profiles(profiles)
    return bench


def test_what_is_free_and_due_is_claimed_at_once(four_accounts: Bench) -> None:
    turns = claims(four_accounts)
    assert [one.account_id for one in turns] == ACCOUNTS
    assert all(one.lease is not None and (one.lease.epoch, one.lease.holder) == (1, "h-1") for one in turns)
    assert [one.lease.expires_ns for one in turns if one.lease] == [four_accounts.clock() + 30 * NS_PER_S] * 4


def test_what_another_holds_is_passed_over_and_how_long_is_told(four_accounts: Bench) -> None:
    lease = four_accounts.ledger.journal.acquire_lease("acc-2", "other", 10)
    assert lease is not None
    four_accounts.clock.pass_s(4)
    turns = {one.account_id: one for one in claims(four_accounts)}
    assert (turns["acc-2"].lease, turns["acc-2"].held, turns["acc-2"].wait_s) == (None, True, 6.0)
    assert [key for key, one in turns.items() if one.lease] == ["acc-1", "acc-3", "acc-4"]
    four_accounts.clock.pass_s(6)
    taken = {one.account_id: one for one in claims(four_accounts, "h-2")}
    assert [key for key, one in taken.items() if one.lease] == ["acc-2"]
    with pytest.raises(FenceLost):
        four_accounts.ledger.journal.renew_lease(lease, 10)


def test_what_is_not_due_waits_unless_it_is_in_haste(four_accounts: Bench) -> None:
    journal = four_accounts.ledger.journal
    for turn, due_in_s in zip(claims(four_accounts), (10, 20, 20, None), strict=True):
        assert turn.lease is not None
        journal.release_lease(turn.lease, {}, due_in_s)
    four_accounts.clock.pass_s(12)
    turns = {one.account_id: one for one in claims(four_accounts, "h-2", hasty=("acc-3",))}
    assert [key for key, one in turns.items() if one.lease] == ["acc-1", "acc-3", "acc-4"]
    assert (turns["acc-2"].held, turns["acc-2"].wait_s) == (False, 8.0)


def test_a_due_time_beyond_belief_is_due(four_accounts: Bench) -> None:
    (turn, *_) = claims(four_accounts)
    assert turn.lease is not None
    four_accounts.clock.pass_s(86_400)
    four_accounts.ledger.journal.release_lease(turn.lease, {}, 30)
    four_accounts.clock.pass_s(-86_400)
    assert claims(four_accounts, "h-2")[0].lease is not None


def test_a_release_without_a_time_leaves_the_due_time(four_accounts: Bench) -> None:
    journal = four_accounts.ledger.journal
    for due_in_s in (10, None):
        lease = journal.acquire_lease("acc-1", "h-1", 30)
        assert lease is not None
        journal.release_lease(lease, {}, due_in_s)
    assert claims(four_accounts)[0].wait_s == 10.0


def test_an_account_that_is_not_known_is_nobodys_turn(bench: Bench) -> None:
    (turn,) = bench.ledger.journal.claim_leases(["nobody"], "h-1", 30, due_within_s=600)
    assert (turn.lease, turn.held) == (None, False)


# Releases: many at once, and what their runs classed


def classed(profile_id: str, watermark: str) -> Classed:
    return Classed(profile_id=profile_id, watermark=watermark, scope=CoverageScope(prefixes=("b1",)))


def test_leases_are_released_together_each_with_its_due_time(four_accounts: Bench) -> None:
    journal = four_accounts.ledger.journal
    leases = [turn.lease for turn in claims(four_accounts) if turn.lease is not None]
    given = zip(
        leases, (10.0, 20.0, None, 40.0), (None, Attempt(), Attempt(failure="why"), None), strict=True
    )
    journal.release_leases(
        [Release(lease=lease, due_in_s=due_in_s, attempt=attempt) for lease, due_in_s, attempt in given]
    )
    states = {one.account_id: one for one in journal.lease_states()}
    assert [states[one].holder for one in ACCOUNTS] == [None] * 4
    now_ns = four_accounts.clock()
    due_in_s = [
        None if (due := states[one].next_due_at) is None else (to_ns(due) - now_ns) / NS_PER_S
        for one in ACCOUNTS
    ]
    assert due_in_s == [10.0, 20.0, None, 40.0]
    assert [(states[one].failures, states[one].failure) for one in ACCOUNTS] == [
        (0, None),
        (0, None),
        (1, "why"),
        (0, None),
    ]


def test_what_was_classed_is_kept_only_where_the_lease_still_is_ours(four_accounts: Bench) -> None:
    journal = four_accounts.ledger.journal
    first, second, *_ = (turn.lease for turn in claims(four_accounts))
    assert first is not None
    assert second is not None
    four_accounts.clock.pass_s(31)
    assert journal.acquire_lease("acc-2", "h-2", 30) is not None
    earlier = from_ns(four_accounts.clock() - NS_PER_S)
    journal.release_leases(
        [
            Release(lease=first, completed={"p-acc-1": earlier}, classed=[classed("p-acc-1", earlier)]),
            Release(lease=second, completed={"p-acc-2": earlier}, classed=[classed("p-acc-2", earlier)]),
        ]
    )
    states = journal.profile_states(["p-acc-1", "p-acc-2"])
    assert (states["p-acc-1"].watermark, states["p-acc-1"].scope) == (
        earlier,
        CoverageScope(prefixes=("b1",)),
    )
    assert states["p-acc-2"].watermark is None
    (held,) = [one for one in journal.lease_states() if one.account_id == "acc-2"]
    assert (held.holder, held.completed) == ("h-2", {})


def test_a_watermark_that_is_later_than_now_is_not_kept(four_accounts: Bench) -> None:
    journal = four_accounts.ledger.journal
    lease = journal.acquire_lease("acc-1", "h-1", 30)
    assert lease is not None
    later = from_ns(four_accounts.clock() + NS_PER_S)
    journal.release_leases([Release(lease=lease, classed=[classed("p-acc-1", later)])])
    assert journal.profile_states(["p-acc-1"])["p-acc-1"].watermark is None


def test_a_watermark_is_kept_with_the_head_of_its_profiles_log(bench: Bench) -> None:
    """A backup from before that head takes it back."""
    bench.record_order()
    bench.settle()
    now = from_ns(bench.clock())
    bench.ledger.journal.release_leases([Release(lease=bench.lease(), classed=[classed("mom-1", now)])])
    assert bench.ledger.journal.profile_states(["mom-1"])["mom-1"].watermark == now
    (head,) = bench.store.execute("SELECT max(seq) FROM order_log WHERE profile_id = 'mom-1'")
    (kept,) = bench.store.execute("SELECT log_seq FROM watermarks WHERE profile_id = 'mom-1'")
    assert int(kept[0]) == int(head[0]) > 0
    bench.store.execute("UPDATE watermarks SET log_hash = 'of a head that was lost'")
    assert bench.ledger.journal.profile_states(["mom-1"])["mom-1"].watermark is None
