"""Worlds without runs: bots, people, a market. Without faults nothing is lost; at rest nothing moves."""

import hashlib

import pytest

from trueup.engine.recorder.recorder import Recorder
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import open_sqlite
from trueup.sim.clock import SimClock
from trueup.sim.faults import Faults
from trueup.sim.trials.world import Shape, World

BUSY = Faults(frame_lost=0.25, call_unanswered=0.08, effect_delayed=0.5, person_cancel=0.03, fill_busted=0.01)


@pytest.fixture
def world_of(request):
    """Makes worlds whose bots record in a ledger of their own."""

    def make(seed: int, faults: Faults | None = None, profiles: int = 1) -> tuple[World, SqlLedger]:
        clock = SimClock()
        ledger = open_sqlite(":memory:", clock_ns=clock.now_ns)
        request.addfinalizer(ledger.close)
        world = World(
            seed,
            make_books=lambda profile: Recorder(ledger, profile),
            shape=Shape(profiles=profiles),
            faults=faults,
            clock=clock,
        )
        return world, ledger

    return make


def test_other_seeds_are_other_worlds(world_of):
    digests = set()
    for seed in range(20):
        world, _ = world_of(seed, BUSY)
        world.run_for(60)
        digests.add(hashlib.sha256(world.trace()).digest())
    assert len(digests) == 20


def test_without_faults_the_bots_books_are_the_truth(world_of):
    world, ledger = world_of(3, profiles=2)
    world.run_for(300)
    world.rest()
    world.run_for(5)
    truths = {order.venue_order_id: order.view() for order in world.market.truth_orders("acc1")}
    for local in ledger.books.read("acc1", list(world.profiles), 600).values():
        assert len(local.orders) > 10
        for order in local.orders:
            truth = truths[order.venue_order_id or ""]
            assert (order.filled_qty, order.status) == (truth.filled_qty, truth.status)


def test_a_world_at_rest_stands_still(world_of):
    world, _ = world_of(3, BUSY)
    world.run_for(120)
    world.heal()
    world.rest()
    world.run_for(60)
    before = world.trace()
    world.run_for(600)
    assert world.trace() == before
