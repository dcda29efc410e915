"""Says of every repair that a person undid that it waits for a person, in every run; and which hold is over.

A hold is over where this plan corrects its order or trade after all (the evidence changed), and where both sides
were seen and agree. One that was met, or whose order this run did not see, stands.
"""

from trueup.core.draft.facts import Facts, Ids
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.has_question import has_question
from trueup.core.orders.hold_repairs import tell_undone_order, tell_undone_trade
from trueup.model.ids import known_client_id, known_id, symbol_token
from trueup.model.snapshot import Decision, LocalOrder, Trade, VenueOrder
from trueup.model.vocabulary import DecisionKind, PositionSide, TradeStatus


def tell_undone(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """After all that corrects."""
    if not facts.holds and not facts.trade_holds:
        return
    for decision in facts.snapshot.local.decisions:
        if decision.kind is not DecisionKind.HOLD_REPAIR or decision.decision_id in outcome.held:
            continue
        if decision.venue_order_id is None and decision.client_order_id is None:
            _judge_trade(facts, local, outcome, decision)
        else:
            _judge_order(facts, local, venue, outcome, decision)


def _judge_order(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, decision: Decision
) -> None:
    index = _index_of(local, decision)
    order = None if index is None else local.orders[index]
    ids = (decision.client_order_id, decision.venue_order_id, None)
    if not facts.account_changed and (
        _is_corrected(outcome, ids) or (index is not None and _agrees(local, venue, outcome, index))
    ):
        outcome.lapsed.append(decision.decision_id)
    else:
        tell_undone_order(facts, outcome, decision, order or _named_by(decision))


def _index_of(local: LocalSide, decision: Decision) -> int | None:
    by_venue = local.local_index(known_id(decision.venue_order_id))
    client_id = known_client_id(decision.client_order_id)
    return by_venue if by_venue is not None or client_id is None else local.index_by_client_id.get(client_id)


def _named_by(decision: Decision) -> VenueOrder:
    return VenueOrder(
        venue_order_id=decision.venue_order_id,
        client_order_id=decision.client_order_id,
        symbol=decision.symbol,
    )


def _is_corrected(outcome: RunOutcome, ids: Ids) -> bool:
    client_id, venue_id = known_client_id(ids[0]), known_id(ids[1])
    return any(
        (venue_id is not None and known_id(one.venue_order_id) == venue_id)
        or (client_id is not None and known_client_id(one.client_order_id) == client_id)
        for one in outcome.corrections
    )


def _agrees(local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int) -> bool:
    """Whether the order was judged beside the venue's, and nothing is left of it to say."""
    order = local.orders[index]
    if local.matched[index] is None or index in outcome.deferred_orders or index in outcome.frozen:
        return False
    return not has_question(venue, outcome, order) and not any(
        _is_of(order, one.client_order_id, one.venue_order_id) for one in outcome.breaks
    )


def _is_of(order: LocalOrder, client_id: str | None, venue_id: str | None) -> bool:
    by_venue = known_id(venue_id) is not None and known_id(venue_id) == known_id(order.venue_order_id)
    own = known_client_id(order.client_order_id)
    return by_venue or (own is not None and known_client_id(client_id) == own)


def _judge_trade(facts: Facts, local: LocalSide, outcome: RunOutcome, decision: Decision) -> None:
    key = known_id(decision.trade_id) or ""
    trade = local.trades.get(key)
    corrected = any(
        known_id(one.trade_id) == key and one.client_order_id is one.venue_order_id is None
        for one in outcome.corrections
    )
    over = trade is not None and (
        trade.status is TradeStatus.CLOSED or symbol_token(trade.symbol) in outcome.equal_tokens
    )
    if not facts.account_changed and (corrected or over):
        outcome.lapsed.append(decision.decision_id)
    else:
        tell_undone_trade(facts, outcome, decision, trade or _unread(decision))


def _unread(decision: Decision) -> Trade:
    """A trade that this run did not read."""
    return Trade(
        trade_id=decision.trade_id or "",
        symbol=decision.symbol or "",
        side=PositionSide.LONG,
        status=TradeStatus.CLOSED,
    )
