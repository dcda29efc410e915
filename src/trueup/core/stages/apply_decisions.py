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
from trueup.model.money import amount, amount_or_none
from trueup.model.reasons import Reason
from trueup.model.vocabulary import BreakKind, CorrectionKind, DecisionKind

_OF_TRADE = ".trade"  # tells this break of the ids from that of others


def apply_decisions(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Bind local orders without a trade to the trade a person named; all that they have booked, fees too, moves it."""
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
        detail=_OF_TRADE,
    )
    judgement.correct(
        CorrectionKind.BIND_IDS,
        BreakKind.IDS_INCOMPLETE,
        Reason.DECIDED_BY_PERSON,
        changes=changes,
        detail=_OF_TRADE,
    )
    judgement.commit()
    booked, average = amount(order.filled_qty), amount_or_none(order.filled_avg_price)
    if booked:
        local.trade_moves.note(
            local,
            index,
            judgement.action,
            growth_qty=booked,
            growth_cost=None if average is None else booked * average,
            real_fills=[one for one in local.fills_of.get(index, ()) if one.fee is not None],
        )
