"""The stage that carries out a person's mapping of a local order to a trade.

The other decisions are asked where they count: ownership by `judge_ownership`, new orders' trades by `map_trade`,
ignored breaks by the draft.
"""

from trueup.core.draft.draft import Draft
from trueup.core.orders.judgement import Judgement, turn_of
from trueup.model.ids import known_id
from trueup.model.money import ZERO, amount
from trueup.model.reasons import Reason
from trueup.model.vocabulary import BreakKind, CorrectionKind, DecisionKind


def apply_decisions(draft: Draft) -> None:
    """Bind local orders without a trade to the trade a person named; what they have booked moves it."""
    if not draft.snapshot.local.decisions or draft.account_changed:
        return
    wanting = [index for index, order in enumerate(draft.orders) if order.trade_id is None]
    for index in sorted(wanting, key=lambda one: turn_of(draft.orders[one])):
        _map(draft, index)


def _map(draft: Draft, index: int) -> None:
    order = draft.orders[index]
    decided = draft.decision(DecisionKind.MAP_TRADE, order)
    known = known_id(decided.trade_id) if decided is not None else None
    if (
        decided is None
        or known not in draft.trades
        or index in draft.frozen
        or index in draft.deferred_orders
    ):
        return
    judgement = Judgement(draft, index, draft.matched[index])
    changes = {"trade_id": draft.trades[known].trade_id}
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
    booked = amount(draft.original_orders[index].filled_qty) if index < len(draft.original_orders) else ZERO
    judgement.growth_qty = booked
    judgement.growth_cost = booked * amount(order.filled_avg_price)
    judgement.commit()
