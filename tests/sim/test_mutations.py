"""The checkers bite: each named mistake in product code is caught within a few worlds."""

import pytest
from msgspec import structs

from tests.sim.mutations import MUTATIONS, NIGHTLY, PROVOKING, SHAPES
from trueup.sim.faults import Faults
from trueup.sim.trials.trial import Plot, draw_plot, run_trial

SEEDS_MAX = 200
STORM_S = 40
NIGHT_S = 1500


def provoking_plot(seed: int, name: str) -> Plot:
    """The seed's world with short leases and with the faults that make this mistake show."""
    plot = draw_plot(seed)
    world = plot.shape.world
    if name in NIGHTLY:
        world = structs.replace(world, coverage=True)
        plot = structs.replace(plot, storms_s=(STORM_S, STORM_S), night_s=NIGHT_S)
    world = structs.replace(world, **SHAPES.get(name, {}))
    plot = structs.replace(plot, shape=structs.replace(plot.shape, world=world, workers=3, lease_ttl_s=6))
    return structs.replace(plot, faults=Faults(**(structs.asdict(plot.faults) | PROVOKING.get(name, {}))))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.__name__)
def test_a_mistake_is_caught(mutation):
    """Within so many worlds, in one that is well without it."""
    for seed in range(SEEDS_MAX):
        plot = provoking_plot(seed, mutation.__name__)
        with mutation():
            caught = run_trial(plot).violations
        if caught and not run_trial(plot).violations:
            return
    pytest.fail(f"{SEEDS_MAX} worlds found nothing wrong")
