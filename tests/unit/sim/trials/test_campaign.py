"""What a campaign must have seen, may have seen, and cannot have seen."""

from collections import Counter

from trueup.sim.trials.campaign import Tally
from trueup.sim.trials.trial import Trial


def tally_of(seed: int, *, breaks: list[str], reasons: list[str]) -> Tally:
    """A campaign of one world in which these occurred."""
    none: Counter[str] = Counter()
    tally = Tally()
    tally.add(
        Trial(
            seed=seed, violations=[], runs=1, simulated_s=1.0, rounds=1, faults=none, breaks=Counter(breaks),
            reasons=Counter(reasons), corrections=none, deferrals=none, trace=b"",
        )
    )  # fmt: skip
    return tally


def test_what_hardly_ever_occurs_is_neither_demanded_nor_impossible():
    tally = tally_of(7, breaks=["overfill"], reasons=["exceeds_order_qty"])
    assert tally.excluded == {}
    assert not {"break overfill", "reason exceeds_order_qty"} & {*tally.missing(), *Tally().missing()}
    assert {"break fill_drift", "fault killed", "reason mass_absence"} <= set(tally.missing())


def test_what_cannot_occur_is_told_with_a_world_where_it_did():
    tally = tally_of(7, breaks=["row_removed"], reasons=["venue_fill"])
    tally.merge(tally_of(9, breaks=[], reasons=["quarantined"]))
    assert tally.excluded == {"break row_removed": 7, "reason quarantined": 9}
