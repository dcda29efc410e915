"""The checkers bite: each named mistake in product code is caught within a few worlds."""

import pytest
from msgspec import structs

from tests.sim.mutations import MUTATIONS, PROVOKING
from trueup.sim.faults import Faults
from trueup.sim.trial import Plot, draw_plot, run_trial

SEEDS_MAX = 200


def provoking_plot(seed: int, name: str) -> Plot:
    """The seed's world with short leases and with the faults that make this mistake show."""
    plot = draw_plot(seed)
    plot = structs.replace(plot, shape=structs.replace(plot.shape, workers=3, lease_ttl_s=6))
    return structs.replace(plot, faults=Faults(**(structs.asdict(plot.faults) | PROVOKING.get(name, {}))))


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.__name__)
def test_a_mistake_is_caught(mutation):
    with mutation():
        for seed in range(SEEDS_MAX):
            if run_trial(provoking_plot(seed, mutation.__name__)).violations:
                return
    pytest.fail(f"{SEEDS_MAX} worlds found nothing wrong")
