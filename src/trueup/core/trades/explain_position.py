"""Which of the profile's trades a position proves to be gone: `explain_shortfall` over all that the account should
hold, and only where nothing of the other side is open.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.trades.explain_shortfall import Explanation, explain_shortfall
from trueup.core.trades.positions import Comparison, baseline_of, near, open_trades, quantities_of_others
from trueup.model.money import ZERO
from trueup.model.snapshot import Trade
from trueup.model.vocabulary import PositionSide


def other_side(side: PositionSide) -> PositionSide:
    return PositionSide.SHORT if side is PositionSide.LONG else PositionSide.LONG


def explain_position(
    facts: Facts, local: LocalSide, comparison: Comparison, side: PositionSide, trades: list[Trade]
) -> Explanation:
    """Which of the trades are gone. None is known to be while anything of the other side is open."""
    baseline = baseline_of(facts, comparison.token)
    if comparison.side is None and _holds_other_side(facts, local, comparison, side):
        return Explanation()
    held = [local.trade_moves.open_qty(facts, local, one) for one in trades]
    theirs, are_sums = quantities_of_others(facts, comparison.token, side)
    if any(qty < 0 for qty in held):  # more left a trade than entered: which one lacks it is not known
        return Explanation()
    owned = abs(baseline) if (baseline > 0) is (side is PositionSide.LONG) else ZERO
    return explain_shortfall(
        held,
        [one for one in (*theirs, owned) if one > 0],
        shortfall=comparison.shortfall(side),
        tolerance=near(comparison, facts.tolerance(comparison.symbol)),
        others_are_sums=are_sums,
    )


def _holds_other_side(facts: Facts, local: LocalSide, comparison: Comparison, side: PositionSide) -> bool:
    """Whether a trade of the other side is open, of any profile; what the owner holds counts as one."""
    other, baseline = other_side(side), baseline_of(facts, comparison.token)
    if baseline and (baseline > 0) is (other is PositionSide.LONG):
        return True
    theirs, _ = quantities_of_others(facts, comparison.token, other)
    return bool(theirs) or any(one.side is other for one in open_trades(facts, local, comparison.token))
