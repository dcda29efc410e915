"""Repairs that a person undid: not made again while they would do only what was undone.

What an order's judgement, an insertion or parity would correct is held against the digests that the undo kept
(`model.repairs`). Everything of it undone before: it is left, and told. Anything new: the evidence has changed, and
all of it is made.
"""

from collections.abc import Iterable

from trueup.core.draft.facts import Facts
from trueup.core.draft.outcome import RunOutcome
from trueup.model.ids import known_client_id, known_id
from trueup.model.plan import Standing
from trueup.model.reasons import Reason
from trueup.model.repairs import insert_digest, is_covered, repair_digest
from trueup.model.snapshot import Decision, LocalOrder, Trade, VenueOrder
from trueup.model.vocabulary import BreakKind, CorrectionKind


def held_repair(
    facts: Facts,
    outcome: RunOutcome,
    orders: Iterable[LocalOrder | VenueOrder | None],
    digests: Iterable[str],
) -> Decision | None:
    """The decision that holds all of this repair of an order, by any of these records' ids; it counts as met."""
    wanted = list(digests)
    for order in orders:
        if order is None:
            continue
        names = (known_id(order.venue_order_id), known_client_id(order.client_order_id))
        for decision in (one for name in names if name is not None for one in facts.holds.get(name, ())):
            if is_covered(wanted, decision.evidence):
                outcome.held.add(decision.decision_id)
                return decision
    return None


def is_insert_held(facts: Facts, outcome: RunOutcome, record: VenueOrder) -> bool:
    """Whether the order was taken out again after it had been inserted with as much filled; tells so."""
    held = held_repair(facts, outcome, (record,), [insert_digest(record.filled_qty)])
    if held is not None:
        standing = Standing(record.status, record.qty, record.filled_qty)
        tell_undone_order(facts, outcome, held, record, standing=standing)
    return held is not None


def is_change_held(
    facts: Facts, outcome: RunOutcome, trade: Trade, kind: CorrectionKind, changes: object
) -> bool:
    """Whether a person undid this change of the trade's status."""
    for decision in facts.trade_holds.get(known_id(trade.trade_id) or "", ()):
        if is_covered([repair_digest(kind, None, changes)], decision.evidence):
            outcome.held.add(decision.decision_id)
            tell_undone_trade(facts, outcome, decision, trade)
            return True
    return False


def tell_undone_order(
    facts: Facts,
    outcome: RunOutcome,
    decision: Decision,
    order: LocalOrder | VenueOrder,
    *,
    standing: Standing | None = None,
) -> None:
    trade_id = order.trade_id if isinstance(order, LocalOrder) else decision.trade_id
    outcome.add_break(
        facts.order_digest(order),
        BreakKind.REPAIR_UNDONE,
        Reason.UNDONE_BY_PERSON,
        undone_text(decision),
        ids=(order.client_order_id, order.venue_order_id, trade_id),
        symbol=order.symbol,
        venue=standing,
        detail=f".{decision.decision_id}",  # several of one order are each told
    )


def tell_undone_trade(facts: Facts, outcome: RunOutcome, decision: Decision, trade: Trade) -> None:
    outcome.add_break(
        facts.trade_digest(trade),
        BreakKind.REPAIR_UNDONE,
        Reason.UNDONE_BY_PERSON,
        undone_text(decision),
        ids=(None, None, trade.trade_id),
        symbol=trade.symbol,
        detail=f".{decision.decision_id}",
    )


def undone_text(decision: Decision) -> str:
    return (
        f"{decision.author} undid the repair ({decision.reason}): it is not made again until the evidence changes,"
        f" or `trueup decide again {decision.decision_id}`"
    )
