"""Second stage: which local order and which venue order are the same one, and whose fills are whose.

A local order takes the venue order of its venue order id (or of one it had before); else, when it has none, of its
client order id; else the only unmatched venue order whose client order id says the same trade, symbol, side and
quantity, unique on both sides. A venue order is consumed once.
"""

from itertools import repeat
from typing import Any

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide, ids_twice
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.derive_action import pattern_group
from trueup.core.orders.find_ids_of_several import (
    find_ids_of_several,
)
from trueup.core.orders.hand_out_fills import hand_out_fills, name_of
from trueup.core.orders.judgement import Judgement, ids_text, turn_of
from trueup.model.ids import digest, known_client_id, known_id, normal_id, symbol_token
from trueup.model.money import same
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import TERMINAL, BreakKind, DeferralReason, ReadState, Severity


def match_orders(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Index the venue's orders, pair them with the local ones, and hand out the fills."""
    _index_venue(facts, venue)
    if facts.account_changed:  # ids may come again in another account: what it says is of none of our orders
        local.matched = [None] * len(local.orders)
        return
    _match_by_venue_id(local, venue)
    find_ids_of_several(facts, local, venue, outcome)
    if outcome.ids_of_several:
        return
    if None in local.matched:
        unmatched = [index for index, record in enumerate(local.matched) if record is None]
        unmatched.sort(key=lambda index: turn_of(local.orders[index]))
        _match_by_previous_id(facts, local, venue, outcome, unmatched)
        _match_by_client_id(facts, local, venue, outcome, unmatched)
        _match_by_pattern(facts, local, venue, outcome, unmatched)
    for client_id in facts.snapshot.local.shared_client_order_ids:
        _name_shared(facts, outcome, client_id)
    hand_out_fills(facts, local, venue, outcome)


def _index_venue(facts: Facts, venue: VenueSide) -> None:
    read = facts.snapshot.venue
    opened = read.open_orders
    is_complete = opened.state is ReadState.COMPLETE
    venue.add_open_rows(venue.open_rows, opened.read_at, facts.results, is_complete=is_complete)
    if read.answers:
        venue.add_answers(answer for answer in read.answers)
    if read.history.orders:
        for record in read.history.orders:
            if facts.in_scope(record.symbol):
                venue.add_record(record, read.history.read_at)
    venue.merge_records()
    venue.link_replacements()


def _match_by_venue_id(local: LocalSide, venue: VenueSide) -> None:
    """The text as it stands first: an id that is its own comparable form needs no other look."""
    ids, by_id = local.venue_ids, venue.by_id
    left: dict[Any, Any] = by_id.copy() if ids else {}
    local.matched = matched = list(map(left.pop, ids, repeat(None)))
    if None in matched:  # else each id is its own comparable form, and stands once
        local.venue_ids_twice = local.results.of(ids_twice, ids)
        local.matched = [
            by_id.get(known_id(one) or "") if record is None else record
            for one, record in zip(ids, matched, strict=True)
        ]
    for order in local.bound_before:
        local.known_ids.update(map(normal_id, order.previous_venue_order_ids))


def _match_by_previous_id(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, unmatched: list[int]
) -> None:
    """A row bound to V2 ignores V1's end; V1 still live is taken for it."""
    for index in unmatched:
        for previous in reversed(local.orders[index].previous_venue_order_ids):
            record = venue.by_id.get(previous.strip().lower())
            if (
                record is not None
                and record.status not in TERMINAL
                and _take(facts, local, venue, outcome, index, record)
            ):
                break


def _match_by_client_id(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, unmatched: list[int]
) -> None:
    for index in unmatched:
        order = local.orders[index]
        client_id = known_client_id(order.client_order_id)
        if local.matched[index] is None and known_id(order.venue_order_id) is None and client_id is not None:
            record = venue.by_client_id(client_id)
            if record is not None:
                _take(facts, local, venue, outcome, index, record)
            elif venue.is_shared(client_id):
                _name_shared(facts, outcome, client_id)


def _name_shared(facts: Facts, outcome: RunOutcome, client_id: str) -> None:
    """Once, however many orders carry it."""
    outcome.add_break(
        digest(facts.profile.profile_id, "c", client_id),
        BreakKind.IDENTITY_CONFLICT,
        Reason.CLIENT_ID_SHARED,
        f"several orders carry the client order id {client_id}: it names none of them, and matches nothing",
        ids=(client_id, None, None),
        symbol=None,
        severity=Severity.INFO,
        detail=".shared",
    )


def _take(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int, record: VenueOrder
) -> bool:
    """Match a local order to a record, unless another local order has it: then neither is touched."""
    if known_id(record.venue_order_id) in local.out_of_scope:
        return False
    other = _other_holder(local, index, record)
    if other is None:
        local.matched[index] = record
        local.set_holder(record, index)
        return True
    for one in sorted({index, other}, key=lambda each: turn_of(local.orders[each])):
        judgement = Judgement(facts, local, venue, outcome, one, record)
        judgement.found(
            BreakKind.IDENTITY_CONFLICT,
            Reason.TWO_LOCAL_ORDERS,
            f"two local orders ({name_of(local, index)}, {name_of(local, other)}) claim the venue order"
            f" {ids_text((record.venue_order_id, record.client_order_id, None))}: nothing of either is booked",
        )
        judgement.commit()
        outcome.frozen.add(one)
    return False


def _other_holder(local: LocalSide, index: int, record: VenueOrder) -> int | None:
    """Another local order that was matched to the record, or that has or had its venue order id."""
    holder = local.holder_of(record)
    if holder is None:
        holder = local.local_index(known_id(record.venue_order_id))
    return None if holder == index else holder


# -- by the pattern ---------------------------------------------------------------------------------------------------


def _match_by_pattern(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, unmatched: list[int]
) -> None:
    """Only for local orders that no id names: one with a client order id of its own is found by it, or is another."""
    if facts.pattern is None or not facts.pattern.has("trade"):
        return
    wanting = [
        index for index in unmatched if local.matched[index] is None and _is_bare(venue, local.orders[index])
    ]
    if not wanting:
        return
    free = [record for record in venue.by_id.values() if local.holder_of(record) is None]
    candidates = {
        index: [record for record in free if _agrees(facts, local.orders[index], record)] for index in wanting
    }
    if facts.snapshot.venue.open_orders.state is not ReadState.COMPLETE:
        _wait_for_the_others(outcome, [record for records in candidates.values() for record in records])
        return
    claims: dict[str | None, int] = {}
    for records in candidates.values():
        for record in records:
            claims[known_id(record.venue_order_id)] = claims.get(known_id(record.venue_order_id), 0) + 1
    for index, records in candidates.items():
        if len(records) == 1 and claims[known_id(records[0].venue_order_id)] == 1:
            _take(facts, local, venue, outcome, index, records[0])


def _wait_for_the_others(outcome: RunOutcome, records: list[VenueOrder]) -> None:
    """That an order is the only one that fits, an incomplete read does not prove; nor that it is unknown locally."""
    for record in records:
        if known_id(record.venue_order_id) not in outcome.deferred_records:
            outcome.defer_record(record, DeferralReason.OPEN_ORDERS_INCOMPLETE)


def _is_bare(venue: VenueSide, order: LocalOrder) -> bool:
    """Whether no id names it: a client order id that several orders carry names none of them."""
    client_id = known_client_id(order.client_order_id)
    is_named = client_id is not None and not venue.is_shared(client_id)
    return not is_named and known_id(order.venue_order_id) is None and order.trade_id is not None


def _agrees(facts: Facts, order: LocalOrder, record: VenueOrder) -> bool:
    trade = pattern_group(facts, record.client_order_id, "trade")
    if known_id(trade) != known_id(order.trade_id) or order.symbol is None or record.symbol is None:
        return False
    client_id = known_client_id(order.client_order_id)
    if client_id is not None and client_id != known_client_id(record.client_order_id):
        return False
    same_symbol = symbol_token(order.symbol) == symbol_token(record.symbol)
    return same_symbol and order.side is record.side and order.qty is not None and same(order.qty, record.qty)
