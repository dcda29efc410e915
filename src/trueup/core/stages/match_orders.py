"""Second stage: which local order and which venue order are the same one, and whose fills are whose.

A local order takes the venue order of its venue order id (or of one it had before); else, when it has none, of its
client order id; else the only unmatched venue order whose client order id says the same trade, symbol, side and
quantity, unique on both sides. A venue order is consumed once.
"""

from msgspec.structs import replace

from trueup.core.draft.draft import Draft
from trueup.core.orders.derive_action import pattern_group
from trueup.core.orders.find_ids_of_several import (
    are_two_orders,
    ask_whether_several,
    find_ids_of_several,
)
from trueup.core.orders.judgement import Judgement, ids_text, turn_of
from trueup.model.facts_of import facts_of
from trueup.model.ids import are_apart, contradict, digest, known_client_id, known_id, normal_id, symbol_token
from trueup.model.money import amount, same
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill, LocalOrder, VenueOrder
from trueup.model.vocabulary import TERMINAL, BreakKind, DeferralReason, ReadState, Severity


def match_orders(draft: Draft) -> None:
    """Index the venue's orders, pair them with the local ones, and hand out the fills."""
    _index_venue(draft)
    if draft.account_changed:  # ids may come again in another account: what it says is of none of our orders
        draft.matched = [None] * len(draft.orders)
        return
    _match_by_venue_id(draft)
    find_ids_of_several(draft)
    if draft.ids_of_several:
        return
    if None in draft.matched:
        unmatched = [index for index, record in enumerate(draft.matched) if record is None]
        unmatched.sort(key=lambda index: turn_of(draft.orders[index]))
        _match_by_previous_id(draft, unmatched)
        _match_by_client_id(draft, unmatched)
        _match_by_pattern(draft, unmatched)
    for client_id in draft.snapshot.local.shared_client_order_ids:
        _name_shared(draft, client_id)
    _hand_out_fills(draft)


def _index_venue(draft: Draft) -> None:
    venue, index = draft.snapshot.venue, draft.venue
    opened = venue.open_orders
    index.add_open_rows(draft.open_rows, opened.read_at, is_complete=opened.state is ReadState.COMPLETE)
    if venue.answers:
        index.add_answers(answer for answer in venue.answers)
    if venue.history.orders:
        for record in venue.history.orders:
            if draft.in_scope(record.symbol):
                index.add_record(record, venue.history.read_at)
    index.merge_records()
    index.link_replacements()


def _match_by_venue_id(draft: Draft) -> None:
    """The text as it stands first: an id that is its own comparable form needs no other look."""
    ids, by_id = [order.venue_order_id for order in draft.orders], draft.venue.by_id
    draft.matched = matched = list(map(by_id.get, ids))  # type: ignore[arg-type]
    if None in matched:
        draft.matched = [
            by_id.get(known_id(one) or "") if record is None else record
            for one, record in zip(ids, matched, strict=True)
        ]
    for order in draft.bound_before:
        draft.known_ids.update(map(normal_id, order.previous_venue_order_ids))


def _match_by_previous_id(draft: Draft, unmatched: list[int]) -> None:
    """A row bound to V2 ignores V1's end; V1 still live is taken for it."""
    for index in unmatched:
        for previous in reversed(draft.orders[index].previous_venue_order_ids):
            record = draft.venue.by_id.get(previous.strip().lower())
            if record is not None and record.status not in TERMINAL and _take(draft, index, record):
                break


def _match_by_client_id(draft: Draft, unmatched: list[int]) -> None:
    for index in unmatched:
        order = draft.orders[index]
        client_id = known_client_id(order.client_order_id)
        if draft.matched[index] is None and known_id(order.venue_order_id) is None and client_id is not None:
            record = draft.venue.by_client_id(client_id)
            if record is not None:
                _take(draft, index, record)
            elif draft.venue.is_shared(client_id):
                _name_shared(draft, client_id)


def _name_shared(draft: Draft, client_id: str) -> None:
    """Once, however many orders carry it."""
    draft.add_break(
        digest(draft.profile.profile_id, "c", client_id),
        BreakKind.IDENTITY_CONFLICT,
        Reason.CLIENT_ID_SHARED,
        f"several orders carry the client order id {client_id}: it names none of them, and matches nothing",
        ids=(client_id, None, None),
        symbol=None,
        severity=Severity.INFO,
        detail=".shared",
    )


def _take(draft: Draft, index: int, record: VenueOrder) -> bool:
    """Match a local order to a record, unless another local order has it: then neither is touched."""
    if known_id(record.venue_order_id) in draft.out_of_scope:
        return False
    other = _other_holder(draft, index, record)
    if other is None:
        draft.matched[index] = record
        draft.set_holder(record, index)
        return True
    for one in sorted({index, other}, key=lambda each: turn_of(draft.orders[each])):
        judgement = Judgement(draft, one, record)
        judgement.found(
            BreakKind.IDENTITY_CONFLICT,
            Reason.TWO_LOCAL_ORDERS,
            f"two local orders ({_name(draft, index)}, {_name(draft, other)}) claim the venue order"
            f" {ids_text((record.venue_order_id, record.client_order_id, None))}: nothing of either is booked",
        )
        judgement.commit()
        draft.frozen.add(one)
    return False


def _other_holder(draft: Draft, index: int, record: VenueOrder) -> int | None:
    """Another local order that was matched to the record, or that has or had its venue order id."""
    holder = draft.holder_of(record)
    if holder is None:
        holder = draft.local_index(known_id(record.venue_order_id))
    return None if holder == index else holder


def _name(draft: Draft, index: int) -> str:
    order = draft.orders[index]
    return ids_text((order.client_order_id, order.venue_order_id, order.trade_id))


# -- by the pattern ---------------------------------------------------------------------------------------------------


def _match_by_pattern(draft: Draft, unmatched: list[int]) -> None:
    """Only for local orders that no id names: one with a client order id of its own is found by it, or is another."""
    if draft.pattern is None or not draft.pattern.has("trade"):
        return
    wanting = [
        index for index in unmatched if draft.matched[index] is None and _is_bare(draft, draft.orders[index])
    ]
    if not wanting:
        return
    free = [record for record in draft.venue.by_id.values() if draft.holder_of(record) is None]
    candidates = {
        index: [record for record in free if _agrees(draft, draft.orders[index], record)] for index in wanting
    }
    if draft.snapshot.venue.open_orders.state is not ReadState.COMPLETE:
        _wait_for_the_others(draft, [record for records in candidates.values() for record in records])
        return
    claims: dict[str | None, int] = {}
    for records in candidates.values():
        for record in records:
            claims[known_id(record.venue_order_id)] = claims.get(known_id(record.venue_order_id), 0) + 1
    for index, records in candidates.items():
        if len(records) == 1 and claims[known_id(records[0].venue_order_id)] == 1:
            _take(draft, index, records[0])


def _wait_for_the_others(draft: Draft, records: list[VenueOrder]) -> None:
    """That an order is the only one that fits, an incomplete read does not prove; nor that it is unknown locally."""
    for record in records:
        if known_id(record.venue_order_id) not in draft.deferred_records:
            draft.defer_record(record, DeferralReason.OPEN_ORDERS_INCOMPLETE)


def _is_bare(draft: Draft, order: LocalOrder) -> bool:
    """Whether no id names it: a client order id that several orders carry names none of them."""
    client_id = known_client_id(order.client_order_id)
    is_named = client_id is not None and not draft.venue.is_shared(client_id)
    return not is_named and known_id(order.venue_order_id) is None and order.trade_id is not None


def _agrees(draft: Draft, order: LocalOrder, record: VenueOrder) -> bool:
    trade = pattern_group(draft, record.client_order_id, "trade")
    if known_id(trade) != known_id(order.trade_id) or order.symbol is None or record.symbol is None:
        return False
    client_id = known_client_id(order.client_order_id)
    if client_id is not None and client_id != known_client_id(record.client_order_id):
        return False
    same_symbol = symbol_token(order.symbol) == symbol_token(record.symbol)
    return same_symbol and order.side is record.side and order.qty is not None and same(order.qty, record.qty)


# -- fills ------------------------------------------------------------------------------------------------------------


def _hand_out_fills(draft: Draft) -> None:
    local_fills, history = draft.snapshot.local.fills, draft.snapshot.venue.history
    for fill in local_fills:
        venue_id = known_id(fill.venue_order_id)
        index = _owner_of_fill(draft, venue_id, known_client_id(fill.client_order_id))
        if index is not None:
            draft.fills_of.setdefault(index, []).append(fill)
        elif venue_id is not None:
            draft.ids_in_local_fills.add(venue_id)
        if venue_id is not None and _is_of_another_instrument(draft, venue_id, fill):
            draft.ids_of_several.add(venue_id)
    contradicting: list[tuple[int, int, Fill]] = []
    for fill in history.fills:
        if draft.in_scope(fill.symbol) and amount(fill.qty) > 0:
            _hand_out_venue_fill(draft, fill, contradicting)
    for index, other, fill in sorted(contradicting, key=_turn_of_contradiction):
        if index == other:
            _report_contradiction(draft, index, fill)
        else:
            _report_two_orders(draft, index, other, fill)


def _turn_of_contradiction(found: tuple[int, int, Fill]) -> tuple[bool, bytes]:
    """One order has one conflict that is told: that two orders are concerned comes before a word of one of them."""
    index, other, fill = found
    return index == other, facts_of(fill)


def _is_of_another_instrument(draft: Draft, venue_id: str, fill: Fill) -> bool:
    """Whether who has the fill's venue order id, here or at the venue, is of another instrument."""
    index = draft.index_by_venue_id.get(venue_id)
    holder = draft.venue.by_id.get(venue_id) if index is None else draft.orders[index]
    return holder is not None and are_apart(holder.symbol, fill.symbol)


def _hand_out_venue_fill(draft: Draft, fill: Fill, contradicting: list[tuple[int, int, Fill]]) -> None:
    """A fill that names only a client order id goes under the venue order id of the one order that carries it."""
    venue_id, client_id = known_id(fill.venue_order_id), known_client_id(fill.client_order_id)
    if venue_id is None and client_id is not None:
        record = draft.venue.by_client_id(client_id)
        if record is not None:
            fill, venue_id = (
                replace(fill, venue_order_id=record.venue_order_id),
                known_id(record.venue_order_id),
            )
    index = _owner_of_fill(draft, venue_id, client_id)
    if index is None:
        names_one = client_id is not None and not draft.venue.is_shared(client_id)
        if venue_id is not None or names_one:
            draft.stray_fills.append(fill)
        return
    by_client = None if client_id is None else draft.index_by_client_id.get(client_id)
    if by_client is not None and by_client != index:
        contradicting.append((index, by_client, fill))
        return
    if contradict(draft.orders[index], fill):
        if venue_id is not None and are_two_orders(draft.orders[index], fill):
            draft.ids_of_several.add(venue_id)
        contradicting.append((index, index, fill))
        return
    draft.venue_fills_of.setdefault(index, []).append(fill)


def _owner_of_fill(draft: Draft, venue_id: str | None, client_id: str | None) -> int | None:
    """The local order of a fill: by venue order id (also through its match), else by client order id."""
    if venue_id is None:
        if client_id is None or draft.venue.is_shared(client_id):
            return None
        return draft.index_by_client_id.get(client_id)
    index = draft.index_by_venue_id.get(venue_id)
    if index is not None:
        return index
    record = draft.venue.by_id.get(venue_id)
    if record is not None:
        return draft.holder_of(record)
    by_client = None if client_id is None else draft.index_by_client_id.get(client_id)
    if by_client is not None and known_id(draft.orders[by_client].venue_order_id) is None:
        return by_client
    return None


def _report_two_orders(draft: Draft, index: int, other: int, fill: Fill) -> None:
    for one in (index, other):
        judgement = Judgement(draft, one)
        judgement.found(
            BreakKind.IDENTITY_CONFLICT,
            Reason.FILL_NAMES_TWO_ORDERS,
            f"fill {fill.fill_id} names {_name(draft, index)} by venue order id and {_name(draft, other)}"
            " by client order id: nothing of either is booked",
        )
        judgement.commit()
        draft.frozen.add(one)


def _report_contradiction(draft: Draft, index: int, fill: Fill) -> None:
    order = draft.orders[index]
    judgement = Judgement(draft, index)
    judgement.found(
        BreakKind.IDENTITY_CONFLICT,
        Reason.SYMBOL_OR_SIDE_CONTRADICTS,
        f"fill {fill.fill_id} is {fill.side} {fill.symbol}, its order {order.side} {order.symbol}:"
        " nothing of either is booked",
        local={"symbol": order.symbol, "side": order.side},
        venue={"symbol": fill.symbol, "side": fill.side},
    )
    ask_whether_several(judgement, fill.venue_order_id, fill.symbol, order.symbol)
    judgement.commit()
    draft.frozen.add(index)
