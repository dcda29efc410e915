"""How often a process that keeps many accounts open looks for garbage in cycles.

Almost all that a run makes goes without the collector: its values hold no cycles. Python looks for cycles after each
700 new containers all the same, and sooner or later through everything that is open: a quarter of a run's processor
time at 3,000 profiles, and pauses that grow with their number.
"""

import gc

CONTAINERS = 20_000  # new ones, until the young are looked at: some MB
YOUNG, OLD = 20, 50  # such looks, until older ones are looked at, too


def collect_rarely() -> None:
    """For the whole process."""
    gc.set_threshold(CONTAINERS, YOUNG, OLD)
