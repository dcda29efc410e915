"""A local order whose venue order was replaced: one local order is one venue order; records link the chains.

Where something of V1 was filled or booked, it becomes `replaced` and V2 is inserted by `discover_orders`. Only when
nothing was, the local row is bound to V2 instead, and V1's id stays with it as a previous one.
"""

from trueup.core.orders.ask_ledger import asks_whose_number
from trueup.core.orders.is_free import is_free_everywhere
from trueup.core.orders.judgement import Judgement
from trueup.core.orders.pending import Changes
from trueup.model.ids import known_client_id, known_id, normal_id
from trueup.model.money import amount
from trueup.model.reasons import Reason
from trueup.model.snapshot import VenueOrder
from trueup.model.vocabulary import BreakKind, CorrectionKind, Outcome, QueryBy, Status

CHAIN_LENGTH_MAX = 1000  # links followed at once; a longer (or circular) chain goes on in the next run


def wait_for_successor(judgement: Judgement, record: VenueOrder) -> bool:
    """Whether the judgement has to wait until the successor's record was read. Asks for it."""
    successor = _unbound_successor(judgement, record)
    if successor is None or _is_touched(judgement, record):
        return False
    read = judgement.venue.by_id.get(successor)
    if read is not None and asks_whose_number(judgement.facts, judgement.venue, judgement.outcome, read):
        return True
    if read is not None:
        return not _ledger_lacks(judgement, read) and not judgement.facts.is_known_locally(successor)
    if not _ledger_lacks(judgement, VenueOrder(venue_order_id=record.replaced_by or successor)):
        return not judgement.facts.is_known_locally(successor)
    answer = judgement.venue.asked.get((QueryBy.VENUE_ORDER_ID, successor))
    if answer is None:
        judgement.ask(Reason.SUCCESSOR_NOT_READ, order_id=record.replaced_by or successor)
        return True
    if answer.outcome is Outcome.ABSENT:
        return False
    judgement.found(
        BreakKind.STATUS_DRIFT,
        Reason.SUCCESSOR_NOT_READ,
        f"replaced by {record.replaced_by or successor}, whose record could not be read",
        local={"status": judgement.before.status},
        venue={"status": record.status},
    )
    return True


def follow_replacement(judgement: Judgement, record: VenueOrder) -> VenueOrder:
    """Bind an untouched order to the record that replaced it; returns the record to judge it by."""
    left: list[str] = []
    current = record
    for _ in range(CHAIN_LENGTH_MAX):
        successor = _unbound_successor(judgement, current)
        if successor is None or successor not in judgement.venue.by_id or _is_touched(judgement, current):
            break
        following = judgement.venue.by_id[successor]
        if not _ledger_lacks(judgement, following):
            break
        left.append(current.venue_order_id or "")
        current = following
    if left:
        _bind(judgement, left, current)
    return current


def _unbound_successor(judgement: Judgement, record: VenueOrder) -> str | None:
    """What replaced the record, unless another local order is bound to it already."""
    if record.status is not Status.REPLACED or judgement.before.status is Status.REPLACED:
        return None
    successor = judgement.venue.successor_of.get(known_id(record.venue_order_id) or "")
    return None if judgement.local.is_others(successor, judgement.index) else successor


def _ledger_lacks(judgement: Judgement, record: VenueOrder) -> bool:
    """Whether no order of the whole ledger has the successor's venue order id: only then may a row be bound to it."""
    return judgement.outcome.ledger_lacks((QueryBy.VENUE_ORDER_ID, record.venue_order_id))


def _is_touched(judgement: Judgement, record: VenueOrder) -> bool:
    """Whether anything of the record, or of the local order, was filled or booked."""
    local, venue = judgement.local, judgement.venue
    if record.filled_qty is None:  # not said is not nothing
        return True
    if amount(record.filled_qty) > 0 or amount(judgement.before.filled_qty) > 0:
        return True
    if local.fills_of.get(judgement.index) or venue.fills_of.get(judgement.index):
        return True
    venue_id = known_id(record.venue_order_id)
    return any(known_id(fill.venue_order_id) == venue_id for fill in venue.stray_fills)


def _bind(judgement: Judgement, left: list[str], current: VenueOrder) -> None:
    local, venue, outcome, order = judgement.local, judgement.venue, judgement.outcome, judgement.order
    changes: Changes = {
        "venue_order_id": current.venue_order_id,
        "previous_venue_order_ids": (*order.previous_venue_order_ids, *left),
    }
    client_id = known_client_id(current.client_order_id)
    differs = client_id != known_client_id(order.client_order_id)
    if client_id is not None and differs and is_free_everywhere(local, venue, outcome, client_id):
        changes["client_order_id"] = current.client_order_id
    judgement.found(
        BreakKind.IDS_INCOMPLETE,
        Reason.REPLACED_AT_VENUE,
        f"replaced at the venue by {current.venue_order_id} before anything was filled",
        local={"venue_order_id": order.venue_order_id},
        venue={"venue_order_id": current.venue_order_id},
        corrected=True,
    )
    judgement.correct(
        CorrectionKind.BIND_IDS, BreakKind.IDS_INCOMPLETE, Reason.REPLACED_AT_VENUE, changes=changes
    )
    judgement.record = current
    venue_id = known_id(current.venue_order_id)
    judgement.adopted_fills = [
        fill for fill in venue.stray_fills if known_id(fill.venue_order_id) == venue_id
    ]
    judgement.on_commit.append(lambda: _adopt(judgement, left, current))


def _adopt(judgement: Judgement, left: list[str], current: VenueOrder) -> None:
    local, venue = judgement.local, judgement.venue
    local.known_ids.update(map(normal_id, left))  # a list that is behind may still have one of them open
    local.set_holder(current, judgement.index)
    local.rebound[judgement.index] = current
    venue.fills_of.setdefault(judgement.index, []).extend(judgement.adopted_fills)
    venue.stray_fills = [fill for fill in venue.stray_fills if fill not in judgement.adopted_fills]
