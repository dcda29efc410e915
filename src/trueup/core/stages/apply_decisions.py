"""The stage that carries out a person's mapping of a local order to a trade.

The other decisions are asked where they count: ownership by `judge_ownership`, new orders' trades by `map_trade`,
ignored breaks by the outcome.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.judgement import Judgement, turn_of
from trueup.model.ids import are_apart, known_id
from trueup.model.money import amount
from trueup.model.reasons import Reason
from trueup.model.vocabulary import BreakKind, CorrectionKind, DecisionKind


def apply_decisions(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Bind local orders without a trade to the trade a person named; what they have booked moves it."""
    if not facts.snapshot.local.decisions or facts.account_changed:
        return
    wanting = [index for index, order in enumerate(local.orders) if order.trade_id is None]
    for index in sorted(wanting, key=lambda one: turn_of(local.orders[one])):
        _map(facts, local, venue, outcome, index)


def _map(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int) -> None:
    order = local.orders[index]
    decided = facts.decision(DecisionKind.MAP_TRADE, order)
    known = known_id(decided.trade_id) if decided is not None else None
    if (
        decided is None
        or known not in local.trades
        or are_apart(order.symbol, local.trades[known].symbol)
        or index in outcome.frozen
        or index in outcome.deferred_orders
    ):
        return
    judgement = Judgement(facts, local, venue, outcome, index, local.matched[index])
    changes = {"trade_id": local.trades[known].trade_id}
    judgement.found(
        BreakKind.IDS_INCOMPLETE,
        Reason.DECIDED_BY_PERSON,
        f"{decided.author} mapped the order to trade {decided.trade_id}: {decided.reason}",
        local={"trade_id": None},
        venue=changes,
        corrected=True,
        detail=".trade",
    )
    judgement.correct(
        CorrectionKind.BIND_IDS, BreakKind.IDS_INCOMPLETE, Reason.DECIDED_BY_PERSON, changes=changes
    )
    judgement.growth_qty = booked = amount(
        order.filled_qty
    )  # with what this plan booked while it had no trade
    judgement.growth_cost = booked * amount(order.filled_avg_price)
    judgement.fee_fills = [one for one in local.fills_of.get(index, ()) if not one.inferred]
    judgement.commit()
