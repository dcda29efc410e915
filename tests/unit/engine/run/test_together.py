"""What accounts that run at the same time share: reads and releases in batches, and no fault of another's."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.engine.run.desk import ACCOUNT, Desk, filled, local_order, open_desk
from trueup.engine.run import together
from trueup.engine.run.account import AccountReport, ManagedAccount, ManagedProfile
from trueup.engine.run.run_account import reconcile_account
from trueup.engine.run.together import LINGER_S, Together
from trueup.model.errors import LedgerError
from trueup.model.snapshot import Profile
from trueup.model.times import NS_PER_S
from trueup.sim.clock import run_simulated


@pytest.fixture
def desk(tmp_path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


@pytest.fixture(autouse=True)
def three_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "FEW", 0)


def three_accounts(desk: Desk, **changes: Any) -> list[ManagedAccount]:
    """The desk's own, in whose books there is one order, and two like it."""
    first = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    accounts = [first]
    for name in ("acc-2", "acc-3"):
        profile = Profile(profile_id=f"p-{name}", venue="scripted", account_id=name)
        desk.ledger.journal.ensure_profiles([profile])
        profiles = [ManagedProfile(profile=profile)]
        accounts.append(replace(first, account_id=name, profiles=profiles, **changes))
    return accounts


def run(desk: Desk, accounts: Sequence[ManagedAccount]) -> dict[str, AccountReport]:
    async def all_of_them() -> list[AccountReport]:
        shared = Together()
        runs = [
            reconcile_account(one, apply=True, together=shared, due_in_s=lambda _: 30) for one in accounts
        ]
        return await asyncio.gather(*runs)

    return {one.account_id: one for one in run_simulated(desk.clock, all_of_them())}


def counted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The accounts of each release."""
    seen: list[list[str]] = []
    release = desk.ledger.journal.release_leases

    def count(releases: Any) -> None:
        seen.append(sorted(one.lease.account_id for one in releases))
        release(releases)

    monkeypatch.setattr(desk.ledger.journal, "release_leases", count)
    return seen


def test_accounts_that_run_together_are_read_and_freed_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    accounts = three_accounts(desk)
    released = counted(desk, monkeypatch)
    reports = run(desk, accounts)
    assert [one for one in desk.log if one == "local"] == ["local"]
    assert released == [[ACCOUNT, "acc-2", "acc-3"]]
    assert all(one.processed for one in reports.values())
    assert desk.books()["a"].filled_qty == "4"
    assert [one.holder for one in desk.ledger.journal.lease_states()] == [None] * 3
    assert len({one.next_due_at for one in desk.ledger.journal.lease_states()} - {None}) == 1


def refuse(read: Callable[..., Any], account_id: str, error: Exception) -> Callable[..., Any]:
    def refused(wanted: Any, recent_s: float) -> Any:
        if account_id in wanted:
            raise error
        return read(wanted, recent_s)

    return refused


def test_an_account_whose_books_cannot_be_read_spoils_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    accounts = three_accounts(desk)
    books = desk.ledger.books
    refused = refuse(books.read_accounts, "acc-2", LedgerError("a text in the ledger is damaged"))
    monkeypatch.setattr(books, "read_accounts", refused)
    reports = run(desk, accounts)
    assert {key: one.error for key, one in reports.items()} == {
        ACCOUNT: None,
        "acc-2": "LedgerError: a text in the ledger is damaged",
        "acc-3": None,
    }
    assert desk.books()["a"].filled_qty == "4"


def test_a_fault_of_ours_is_not_tried_again_one_by_one(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    accounts = three_accounts(desk)
    books, tried = desk.ledger.books, []

    def broken(wanted: Any, recent_s: float) -> Any:
        tried.append(sorted(wanted))
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr(books, "read_accounts", broken)
    reports = run(desk, accounts)
    assert tried == [[ACCOUNT, "acc-2", "acc-3"]]
    assert {one.error for one in reports.values()} == {"ZeroDivisionError: a fault of ours"}


def test_an_account_that_waits_for_its_venue_holds_nobody_up(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    hanging = open_hanging(desk)
    accounts = three_accounts(desk, venue=hanging, read_timeout_s=5.0)
    released = counted(desk, monkeypatch)
    begun = desk.clock.now_ns()
    ended: dict[str, float] = {}

    async def one(account: ManagedAccount, shared: Together) -> None:
        await reconcile_account(account, apply=True, together=shared)
        ended[account.account_id] = (desk.clock.now_ns() - begun) / NS_PER_S

    async def all_of_them() -> None:
        shared = Together()
        await asyncio.gather(*(one(account, shared) for account in accounts))

    begun = desk.clock.now_ns()
    run_simulated(desk.clock, all_of_them())
    assert released == [[ACCOUNT], ["acc-2", "acc-3"]]
    assert ended[ACCOUNT] <= LINGER_S
    assert ended["acc-2"] >= 5.0


def open_hanging(desk: Desk) -> Any:
    hanging = type(desk.venue)(desk.clock, desk.log)
    hanging.opened = hanging.HANG
    return hanging


def test_who_works_for_long_is_waited_for_a_moment_only(desk: Desk):
    accounts = three_accounts(desk)

    async def beside_one_that_works() -> float:
        shared = Together()
        with shared.working(), shared.working():  # the other one, and this
            begun_ns = desk.clock.now_ns()
            await shared.read(accounts[0])
            return (desk.clock.now_ns() - begun_ns) / NS_PER_S

    assert run_simulated(desk.clock, beside_one_that_works()) == pytest.approx(LINGER_S)


def test_of_a_few_accounts_none_waits_for_another(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(together, "FEW", 2)
    accounts = three_accounts(desk)

    async def beside_one_that_works() -> int:
        shared = Together()
        with shared.working(), shared.working():
            begun_ns = desk.clock.now_ns()
            await shared.read(accounts[0])
            return desk.clock.now_ns() - begun_ns

    assert run_simulated(desk.clock, beside_one_that_works()) == 0
