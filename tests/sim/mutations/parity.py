"""Mistakes about positions: what is quarantined stays so, what is not held stays open."""

from unittest import mock

from tests.sim.mutations.evidence import Mutation
from trueup.core.stages import check_parity
from trueup.core.trades import explain_position
from trueup.core.trades.explain_shortfall import Explanation


def parity_never_releases() -> Mutation:
    return mock.patch.object(check_parity, "count_equal", return_value=None)


def parity_never_acts() -> Mutation:
    return mock.patch.object(check_parity, "_act", return_value=False)


def every_trade_within_the_shortfall_is_quarantined() -> Mutation:
    """As it was: whichever are not larger, whether they come to it or not."""

    def explain(own, others, *, shortfall, tolerance, **_):
        return Explanation(frozenset(n for n, qty in enumerate(own) if qty <= shortfall + tolerance))

    return mock.patch.object(explain_position, "explain_shortfall", side_effect=explain)
