"""The start-up gate, in simulated time: with the service in this process, and with a sidecar that shares the ledger."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

import trueup
from tests.unit.engine.run.desk import Desk, filled, local_order, open_desk, venue_order
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import OrdersRead
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import ReadState
from trueup.service.config import ServiceConfig
from trueup.service.scheduler import Service
from trueup.sim.clock import run_simulated


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


def gate(desk: Desk, ledger: Any = None, **options: Any) -> Coroutine[Any, Any, None]:
    return trueup.ready("mom-1", ledger or desk.ledger, clock=desk.clock, **options)


def waited(desk: Desk, *beside: Coroutine[Any, Any, Any], **options: Any) -> float:
    """Seconds until the gate opened; what runs beside it is ended with it."""

    async def both() -> None:
        tasks = [asyncio.create_task(one) for one in beside]
        try:
            await gate(desk, **options)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    began_ns = desk.clock.now_ns()
    run_simulated(desk.clock, both())
    return (desk.clock.now_ns() - began_ns) / NS_PER_S


def test_the_service_in_this_process_opens_it_with_the_first_run_that_finds_the_books_true(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    service = Service([account], ServiceConfig(apply=True, interval_s=30, jitter=0), desk.clock)
    assert waited(desk, service.run()) < 5
    assert desk.books()["a"].filled_qty == "4"


def test_a_sidecar_opens_it_through_the_ledger_that_both_share(desk: Desk, tmp_path: Path):
    account = desk.account()
    bots_own = open_sqlite(tmp_path / "trueup.sqlite", clock_ns=desk.clock.now_ns)

    async def sidecar() -> None:
        while True:
            await desk.clock.sleep(20)
            await reconcile_account(account)

    assert 20 <= waited(desk, sidecar(), ledger=bots_own) <= 21
    bots_own.close()


def test_a_run_before_the_start_does_not_count(desk: Desk):
    run_simulated(desk.clock, reconcile_account(desk.account()))
    desk.clock.advance(NS_PER_S)
    with pytest.raises(trueup.NotReady, match="does `trueup run` work"):
        waited(desk, timeout_s=60)
    waited(desk, since="2026-11-23T12:00:00Z", timeout_s=0)


def test_open_breaks_keep_it_shut_and_are_handed_over(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = [filled("a", "4")]
    service = Service([account], ServiceConfig(apply=False, interval_s=10, jitter=0), desk.clock)
    with pytest.raises(trueup.NotReady, match="2 open breaks \\(fill_drift, status_drift\\)") as refused:
        waited(desk, service.run(), timeout_s=60)
    assert {one.found.client_order_id for one in refused.value.breaks} == {"a"}


def test_what_could_not_be_judged_keeps_it_shut_until_it_is(desk: Desk):
    account = desk.account()
    desk.record(local_order("a"))
    desk.venue.opened = OrdersRead(state=ReadState.PARTIAL)

    async def sidecar() -> None:
        await reconcile_account(account)
        await desk.clock.sleep(50)
        desk.venue.opened = [venue_order("a")]
        await reconcile_account(account)

    assert 50 <= waited(desk, sidecar()) <= 51


def test_a_paused_or_unknown_profile_is_refused_at_once(desk: Desk):
    with pytest.raises(trueup.NotReady, match="not in this ledger"):
        waited(desk)
    desk.account()
    desk.ledger.journal.pause_profile("mom-1", "moving house")
    with pytest.raises(trueup.NotReady, match="paused \\(moving house\\): trueup resume mom-1"):
        waited(desk)
