"""The fleet's roster: which accounts a shard's message finds due, and what is told of workers."""

import pytest

from trueup.model.errors import FenceLost
from trueup.model.snapshot import Profile
from trueup.model.times import NS_PER_S
from trueup.ports.roster import AccountSize, FleetAccount
from trueup.testing.ledgers.bench import ACCOUNT, BOT, Bench

SHARD = 7


def enrol(bench: Bench, *others: str) -> None:
    """The bench's account, and others of one profile each, all in one shard."""
    names = [ACCOUNT, *others]
    profiles = [Profile(profile_id=f"p-{one}", account_id=one, venue="sim") for one in others]
    bench.ledger.journal.ensure_profiles([BOT, *profiles])
    rows = [FleetAccount(account_id=one, shard=SHARD, settings="{}") for one in names]
    bench.ledger.roster.put_accounts(rows, dict.fromkeys(names, 1))


def claim(
    bench: Bench, *, late_by_s: float = 0, early_s: float = 0, hasty: tuple[str, ...] = ()
) -> dict[str, float]:
    """Who was got, and how late; freed again, due in a minute."""
    roster, journal = bench.ledger.roster, bench.ledger.journal
    got = roster.claim_shard(
        SHARD, "h", 30, due_within_s=600, late_by_s=late_by_s, early_s=early_s, hasty=hasty
    )
    for one in got:
        journal.release_lease(one.lease, {}, 60)
    return {one.lease.account_id: round(one.late_s, 3) for one in got}


def test_a_shard_s_accounts_are_claimed_where_they_are_due_and_free(bench: Bench) -> None:
    enrol(bench, "acc-2", "acc-3")
    bench.ledger.journal.ensure_profiles([Profile(profile_id="p-4", account_id="acc-4", venue="sim")])
    held = bench.ledger.journal.acquire_lease("acc-3", "another", 300)
    assert held is not None
    assert claim(bench) == {ACCOUNT: 0, "acc-2": 0}  # acc-4 is in no shard
    assert claim(bench) == {}
    bench.clock.pass_s(61.5)
    assert claim(bench) == {ACCOUNT: 1.5, "acc-2": 1.5}


def test_a_claimed_lease_is_a_fence(bench: Bench) -> None:
    enrol(bench)
    (first,) = bench.ledger.roster.claim_shard(SHARD, "h-1", 30, due_within_s=600)
    assert first.lease.expires_ns == bench.clock() + 30 * NS_PER_S
    assert bench.ledger.roster.claim_shard(SHARD, "h-2", 30, due_within_s=600) == []
    bench.clock.pass_s(30)
    (second,) = bench.ledger.roster.claim_shard(SHARD, "h-2", 30, due_within_s=600)
    assert second.lease.epoch == first.lease.epoch + 1
    with pytest.raises(FenceLost):
        bench.ledger.journal.renew_lease(first.lease, 30)


def test_under_pressure_only_what_is_late_enough_is_due(bench: Bench) -> None:
    enrol(bench)
    claim(bench)
    bench.clock.pass_s(50)
    assert claim(bench, late_by_s=-9) == {}
    assert claim(bench, late_by_s=-10) == {ACCOUNT: 0}  # ten seconds early is in time
    bench.clock.pass_s(110)
    assert claim(bench, late_by_s=51) == {}
    assert claim(bench, late_by_s=50) == {ACCOUNT: 50}


def test_hasty_accounts_are_due_whatever_the_journal_says(bench: Bench) -> None:
    enrol(bench, "acc-2")
    claim(bench)
    assert claim(bench, late_by_s=600, hasty=("acc-2", "acc-9")) == {"acc-2": 0}


def test_an_account_with_an_open_break_does_not_wait_for_the_others(bench: Bench) -> None:
    enrol(bench, "acc-2")
    bench.record_trade()
    bench.record_order()
    bench.settle()
    claim(bench)
    bench.commit(bench.plan())  # the venue has no such order
    assert bench.ledger.journal.open_breaks([BOT.profile_id])
    bench.clock.pass_s(70)
    assert claim(bench, late_by_s=60, early_s=5) == {ACCOUNT: 10}


def test_what_was_passed_over_is_found_longest_first(bench: Bench) -> None:
    enrol(bench, "acc-2")
    roster = bench.ledger.roster
    roster.move_accounts({"acc-2": 3})
    bench.clock.pass_s(100)
    assert roster.overdue_shards(50, 9) == [3, SHARD]  # never run: since they are known
    assert roster.overdue_shards(101, 9) == []
    claim(bench)
    bench.clock.pass_s(100)
    assert roster.overdue_shards(30, 9) == [3, SHARD]
    assert roster.overdue_shards(30, 1) == [3]
    bench.ledger.journal.acquire_lease("acc-2", "h", 30)
    assert roster.overdue_shards(30, 9) == [SHARD]


def test_lateness_is_of_the_last_run_and_of_what_is_overdue(bench: Bench) -> None:
    enrol(bench)
    claim(bench)
    bench.clock.pass_s(64)
    claim(bench)
    bench.clock.pass_s(70)
    (row,) = bench.ledger.roster.lateness()
    assert (row.shard, row.profiles, row.is_held) == (SHARD, 1, False)
    assert (round(row.late_s, 3), round(row.overdue_s, 3)) == (4, 10)


def test_settings_are_kept_with_a_version_and_a_known_account_keeps_its_shard(bench: Bench) -> None:
    enrol(bench)
    roster = bench.ledger.roster
    changed = FleetAccount(account_id=ACCOUNT, shard=99, settings='{"a":1}')
    roster.put_accounts([changed], {ACCOUNT: 2})
    roster.put_accounts([changed], {ACCOUNT: 2})  # nothing new
    assert roster.accounts() == [FleetAccount(account_id=ACCOUNT, shard=SHARD, settings='{"a":1}', version=2)]
    assert roster.sizes() == [AccountSize(account_id=ACCOUNT, shard=SHARD, profiles=2)]
    assert roster.remove_accounts([ACCOUNT, "unknown"]) == 1
    assert roster.sizes() == []
    assert {one.profile_id for one in bench.ledger.journal.list_profiles()} >= {BOT.profile_id}


def test_workers_are_seen_drained_and_forgotten(bench: Bench) -> None:
    roster = bench.ledger.roster
    assert roster.worker_seen("w1", "{}") is False
    bench.clock.pass_s(10)
    assert roster.worker_seen("w2", '{"runs":1}') is False
    assert [(one.worker, one.says) for one in roster.workers()] == [("w1", "{}"), ("w2", '{"runs":1}')]
    assert roster.drain("w1") == 1
    assert (roster.worker_seen("w1", "{}"), roster.worker_seen("w2", "{}")) == (True, False)
    assert roster.drain() == 2
    bench.clock.pass_s(100)
    roster.worker_seen("w2", "{}")
    roster.worker_gone("w3", older_than_s=60)  # w1 was not seen for longer
    assert [one.worker for one in roster.workers()] == ["w2"]
    roster.worker_gone("w2", older_than_s=60)
    assert roster.workers() == []


def test_portions_of_a_shared_budget_stay_within_its_minute(bench: Bench) -> None:
    roster = bench.ledger.roster
    sent: list[tuple[int, int]] = []  # when at the latest, how many
    for _ in range(400):
        portion = roster.take_portion("ip", per_minute=12, wanted=5, valid_s=5)
        if portion.requests:
            sent.append((bench.clock(), portion.requests))
        else:
            assert portion.wait_s > 0
        bench.clock.pass_s(1)
    for at_ns, _ in sent:
        # each may be spent at once, or at its last moment
        within = sum(n for other, n in sent if at_ns <= other + 5 * NS_PER_S <= at_ns + 60 * NS_PER_S)
        assert within <= 12
    assert sum(n for _, n in sent) >= 12 * 400 / 65 * 0.9  # eleven twelfths can be used


def test_a_budget_that_is_used_up_says_when_it_is_free_again(bench: Bench) -> None:
    roster = bench.ledger.roster
    assert roster.take_portion("ip", 10, 10, 5).requests == 10
    bench.clock.pass_s(20)
    again = roster.take_portion("ip", 10, 1, 5)
    assert (again.requests, round(again.wait_s, 3)) == (0, 45)
    assert roster.take_portion("another", 10, 1, 5).requests == 1
    bench.clock.pass_s(45)
    assert roster.take_portion("ip", 10, 3, 5).requests == 3
