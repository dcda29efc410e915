"""Worlds whose workers are dispatched by a broker that loses, doubles and delays: a few here, by the fleet's own code.

1,000 by `trueup sim run --fleet --seeds 1-1000`.
"""

import pytest
from msgspec import structs

from tests.sim.mutations.books import no_fence
from trueup.sim.broker import BrokerFaults
from trueup.sim.faults import Faults
from trueup.sim.trials.campaign import run_seeds
from trueup.sim.trials.trial import Plot, dispatched, draw_plot, run_trial

SEEDS_MAX = 40


def test_worlds_that_a_bad_broker_dispatches_violate_nothing() -> None:
    tally = run_seeds(1, 6, by_broker=True)
    assert tally.failed == {}
    assert tally.runs > 60
    assert sum(tally.corrections.values()) > 0


def test_a_seed_is_the_same_world_each_time() -> None:
    plot = dispatched(draw_plot(3))
    assert run_trial(plot, traced=True).trace == run_trial(plot, traced=True).trace


def hurried(seed: int) -> Plot:
    """Three workers, short leases, every message twice, and processes that stand still for longer than a lease."""
    plot = dispatched(draw_plot(seed))
    shape = structs.replace(
        plot.shape, workers=3, lease_ttl_s=6, interval_s=1.0, broker=BrokerFaults(doubled=1.0)
    )
    faults = structs.asdict(plot.faults) | {"paused": 0.5, "thread_late": 0.3, "killed": 0.0}
    return structs.replace(plot, shape=shape, faults=Faults(**faults))


@pytest.mark.slow
def test_without_the_fence_what_is_delivered_twice_is_written_twice() -> None:
    for seed in range(SEEDS_MAX):
        plot = hurried(seed)
        with no_fence():
            caught = run_trial(plot).violations
        if caught and not run_trial(plot).violations:
            return
    pytest.fail(f"{SEEDS_MAX} worlds found nothing wrong")
