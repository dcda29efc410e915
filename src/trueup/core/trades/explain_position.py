"""Which of the profile's trades a position proves to be gone: `explain_shortfall` over all that the account should
hold, and only where nothing of the other side is open.
"""

from decimal import Decimal

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.trades.explain_shortfall import Explanation, explain_shortfall
from trueup.core.trades.positions import Comparison, baseline_of, near, open_trades, others_of
from trueup.model.ids import symbol_token
from trueup.model.money import ZERO, amount
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
    if any(qty < 0 for qty in held):  # what left a trade beyond its entry: which one lacks it is not known
        return Explanation()
    theirs, are_sums = _quantities_of(facts, comparison.token, side)
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
    theirs, _ = _quantities_of(facts, comparison.token, other)
    return bool(theirs) or any(one.side is other for one in open_trades(facts, local, comparison.token))


def _quantities_of(facts: Facts, token: str, side: PositionSide) -> tuple[list[Decimal], bool]:
    """Open quantities of the other profiles' trades of this side, and whether only their sums are known."""
    trades = facts.snapshot.local.other_profiles_trades
    is_long = side is PositionSide.LONG
    if trades is None:
        sums = [amount(one.long if is_long else one.short) for one in others_of(facts, token)]
        return [qty for qty in sums if qty], any(sums)
    theirs = [one for symbol, one in trades.items() if symbol_token(symbol) == token]
    return [amount(qty) for one in theirs for qty in (one.long if is_long else one.short)], False
