"""How often a mismatch of positions was found in a row, and whether that is enough to act on.

Runs of the same sign count, over a least time; what an earlier run found is known by the break's id, which carries the
sign. An equal run of a quarantined trade is counted by the same measure.
"""

from trueup.core.draft.facts import Facts
from trueup.core.trades.positions import (
    Comparison,
    position_digest,
)
from trueup.model.snapshot import Finding, Trade
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import (
    BreakKind,
)


def mismatch_digest(facts: Facts, comparison: Comparison, trade: Trade | None) -> str:
    if trade is None:
        return position_digest(facts, comparison.token, comparison.side)
    return facts.trade_digest(trade)


def confirm_mismatch(
    facts: Facts, comparison: Comparison, trade: Trade | None, less: bool
) -> tuple[int, bool]:
    """Consecutive runs of the same sign, this one included, and whether they are enough."""
    break_id = f"{mismatch_digest(facts, comparison, trade)}-{BreakKind.POSITION_MISMATCH}{sign_of(less)}"
    prior = _prior(facts, break_id, trade)
    return count_on(facts, prior)


def count_on(facts: Facts, prior: Finding | None) -> tuple[int, bool]:
    needed = facts.policy.parity_confirmations  # counted no further, so that a lasting mismatch is no news
    confirmations = min(1 + (0 if prior is None else prior.confirmations), needed)
    age_ns = 0 if prior is None else facts.now_ns - to_ns(prior.first_seen_at)
    old = age_ns >= round(facts.policy.parity_min_age_s * NS_PER_S)
    return confirmations, confirmations >= needed and old


def sign_of(less: bool) -> str:
    return ".less" if less else ".more"


def _prior(facts: Facts, break_id: str, trade: Trade | None) -> Finding | None:
    ids = (None, None, None if trade is None else trade.trade_id)
    return facts.prior_of(break_id, BreakKind.POSITION_MISMATCH, ids)
