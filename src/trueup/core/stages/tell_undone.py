"""Says of every repair that a person undid that it waits for a person, in every run; and which hold is over.

A hold is over where this plan corrects its order or trade after all (the evidence changed), and where both sides
were seen and agree. One that was met, or whose order this run did not see, stands.
"""

from trueup.core.draft.draft import Draft
from trueup.core.draft.facts import Ids
from trueup.core.orders.hold_repairs import tell_undone_order, tell_undone_trade
from trueup.model.ids import known_client_id, known_id, symbol_token
from trueup.model.snapshot import Decision, LocalOrder, Trade, VenueOrder
from trueup.model.vocabulary import DecisionKind, PositionSide, TradeStatus


def tell_undone(draft: Draft) -> None:
    """After all that corrects."""
    if not draft.holds and not draft.trade_holds:
        return
    for decision in draft.snapshot.local.decisions:
        if decision.kind is not DecisionKind.HOLD_REPAIR or decision.decision_id in draft.held:
            continue
        if decision.venue_order_id is None and decision.client_order_id is None:
            _judge_trade(draft, decision)
        else:
            _judge_order(draft, decision)


def _judge_order(draft: Draft, decision: Decision) -> None:
    index = _index_of(draft, decision)
    order = None if index is None else draft.orders[index]
    ids = (decision.client_order_id, decision.venue_order_id, None)
    if not draft.account_changed and (
        _is_corrected(draft, ids) or (index is not None and _agrees(draft, index))
    ):
        draft.lapsed.append(decision.decision_id)
    else:
        tell_undone_order(draft, decision, order or _named_by(decision))


def _index_of(draft: Draft, decision: Decision) -> int | None:
    by_venue = draft.local_index(known_id(decision.venue_order_id))
    client_id = known_client_id(decision.client_order_id)
    return by_venue if by_venue is not None or client_id is None else draft.index_by_client_id.get(client_id)


def _named_by(decision: Decision) -> VenueOrder:
    return VenueOrder(
        venue_order_id=decision.venue_order_id,
        client_order_id=decision.client_order_id,
        symbol=decision.symbol,
    )


def _is_corrected(draft: Draft, ids: Ids) -> bool:
    client_id, venue_id = known_client_id(ids[0]), known_id(ids[1])
    return any(
        (venue_id is not None and known_id(one.venue_order_id) == venue_id)
        or (client_id is not None and known_client_id(one.client_order_id) == client_id)
        for one in draft.corrections
    )


def _agrees(draft: Draft, index: int) -> bool:
    """Whether the order was judged beside the venue's, and nothing is left of it to say."""
    order = draft.orders[index]
    if draft.matched[index] is None or index in draft.deferred_orders or index in draft.frozen:
        return False
    return not draft.has_question(order) and not any(
        _is_of(order, one.client_order_id, one.venue_order_id) for one in draft.breaks
    )


def _is_of(order: LocalOrder, client_id: str | None, venue_id: str | None) -> bool:
    by_venue = known_id(venue_id) is not None and known_id(venue_id) == known_id(order.venue_order_id)
    own = known_client_id(order.client_order_id)
    return by_venue or (own is not None and known_client_id(client_id) == own)


def _judge_trade(draft: Draft, decision: Decision) -> None:
    key = known_id(decision.trade_id) or ""
    trade = draft.trades.get(key)
    corrected = any(
        known_id(one.trade_id) == key and one.client_order_id is one.venue_order_id is None
        for one in draft.corrections
    )
    over = trade is not None and (
        trade.status is TradeStatus.CLOSED or symbol_token(trade.symbol) in draft.equal_tokens
    )
    if not draft.account_changed and (corrected or over):
        draft.lapsed.append(decision.decision_id)
    else:
        tell_undone_trade(draft, decision, trade or _unread(decision))


def _unread(decision: Decision) -> Trade:
    """A trade that this run did not read."""
    return Trade(
        trade_id=decision.trade_id or "",
        symbol=decision.symbol or "",
        side=PositionSide.LONG,
        status=TradeStatus.CLOSED,
    )
