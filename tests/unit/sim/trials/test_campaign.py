"""What a campaign must have seen, may have seen, and cannot have seen."""

from collections import Counter

from trueup.sim.trials.campaign import Tally


def test_what_hardly_ever_occurs_is_neither_demanded_nor_impossible():
    tally = Tally(breaks=Counter({"overfill": 1}), reasons=Counter({"exceeds_order_qty": 1}))
    assert tally.wrongly_excluded() == []
    assert not {"break overfill", "reason exceeds_order_qty"} & {*tally.missing(), *Tally().missing()}
    assert {"break fill_drift", "fault killed", "reason mass_absence"} <= set(tally.missing())


def test_what_cannot_occur_is_told_where_it_did():
    tally = Tally(breaks=Counter({"row_removed": 1}), reasons=Counter({"quarantined": 1}))
    assert tally.wrongly_excluded() == ["break row_removed", "reason quarantined"]
