"""What a simulated bot may claim to know: of an order that it could not record, nothing."""

import pytest

from trueup.engine.recorder.recorder import Recorder
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import LocalOrder
from trueup.sim.bots.books import FrailBooks
from trueup.sim.checkers.check_memories import check_memories
from trueup.sim.clock import SimClock
from trueup.sim.faults import Faults
from trueup.sim.trials.world import World


class ForgetsSuccessors(FrailBooks):
    """Its database fails whenever an order was replaced."""

    def record_replaced(self, client_order_id: str, venue_order_id: str, successor: LocalOrder) -> object:
        return None


@pytest.mark.parametrize("seed", range(5))
def test_a_successor_that_could_not_be_recorded_is_not_remembered_for_sure(seed):
    """Its fills are told by nobody where their frames came before the frame of the replacement (seed 5575)."""
    clock = SimClock()
    ledger = open_sqlite(":memory:", clock_ns=clock.now_ns)
    world = World(
        seed,
        make_books=lambda profile: ForgetsSuccessors(Recorder(ledger, profile)),
        faults=Faults(frame_late=0.4),
        clock=clock,
    )
    world.run_for(300)
    world.heal()
    world.rest()
    world.run_for(30)
    assert any(order.replaces for order in world.market.truth_orders("acc1"))
    assert check_memories(world.market, {one: it.bot for one, it in world.profiles.items()}) == []
    ledger.close()
