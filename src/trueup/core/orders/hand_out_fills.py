"""Whose each fill is: the local fills to the orders of the books, the venue's to the local orders they are of.

By the venue order id, also through the match; else by the client order id, where one order carries it. A fill whose ids
name two orders, or that contradicts its own, is an `identity_conflict`: nothing of either order is booked. A fill of no
local order is kept as stray: `discover_orders` asks about it.
"""

from msgspec.structs import replace

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.find_ids_of_several import (
    are_two_orders,
    ask_whether_several,
)
from trueup.core.orders.judgement import Judgement, ids_text
from trueup.model.facts_of import facts_of
from trueup.model.ids import are_apart, contradict, known_client_id, known_id
from trueup.model.money import amount
from trueup.model.reasons import Reason
from trueup.model.snapshot import Fill
from trueup.model.vocabulary import BreakKind


def name_of(local: LocalSide, index: int) -> str:
    order = local.orders[index]
    return ids_text((order.client_order_id, order.venue_order_id, order.trade_id))


def hand_out_fills(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    local_fills, history = facts.snapshot.local.fills, facts.snapshot.venue.history
    for fill in local_fills:
        venue_id = known_id(fill.venue_order_id)
        index = _owner_of_fill(local, venue, venue_id, known_client_id(fill.client_order_id))
        if index is not None:
            local.fills_of.setdefault(index, []).append(fill)
        elif venue_id is not None:
            local.ids_in_local_fills.add(venue_id)
        if venue_id is not None and _is_of_another_instrument(local, venue, venue_id, fill):
            outcome.ids_of_several.add(venue_id)
    contradicting: list[tuple[int, int, Fill]] = []
    for fill in history.fills:
        if facts.in_scope(fill.symbol) and amount(fill.qty) > 0:
            _hand_out_venue_fill(local, venue, outcome, fill, contradicting)
    for index, other, fill in sorted(contradicting, key=_turn_of_contradiction):
        if index == other:
            _report_contradiction(facts, local, venue, outcome, index, fill)
        else:
            _report_two_orders(facts, local, venue, outcome, index, other, fill)


def _turn_of_contradiction(found: tuple[int, int, Fill]) -> tuple[bool, bytes]:
    """One order has one conflict that is told: that two orders are concerned comes before a word of one of them."""
    index, other, fill = found
    return index == other, facts_of(fill)


def _is_of_another_instrument(local: LocalSide, venue: VenueSide, venue_id: str, fill: Fill) -> bool:
    """Whether who has the fill's venue order id, here or at the venue, is of another instrument."""
    index = local.index_by_venue_id.get(venue_id)
    holder = venue.by_id.get(venue_id) if index is None else local.orders[index]
    return holder is not None and are_apart(holder.symbol, fill.symbol)


def _hand_out_venue_fill(
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    fill: Fill,
    contradicting: list[tuple[int, int, Fill]],
) -> None:
    """A fill that names only a client order id goes under the venue order id of the one order that carries it."""
    venue_id, client_id = known_id(fill.venue_order_id), known_client_id(fill.client_order_id)
    if venue_id is None and client_id is not None:
        record = venue.by_client_id(client_id)
        if record is not None:
            fill, venue_id = (
                replace(fill, venue_order_id=record.venue_order_id),
                known_id(record.venue_order_id),
            )
    index = _owner_of_fill(local, venue, venue_id, client_id)
    if index is None:
        names_one = client_id is not None and not venue.is_shared(client_id)
        if venue_id is not None or names_one:
            venue.stray_fills.append(fill)
        return
    by_client = None if client_id is None else local.index_by_client_id.get(client_id)
    if by_client is not None and by_client != index:
        contradicting.append((index, by_client, fill))
        return
    if contradict(local.orders[index], fill):
        if venue_id is not None and are_two_orders(local.orders[index], fill):
            outcome.ids_of_several.add(venue_id)
        contradicting.append((index, index, fill))
        return
    venue.fills_of.setdefault(index, []).append(fill)


def _owner_of_fill(
    local: LocalSide, venue: VenueSide, venue_id: str | None, client_id: str | None
) -> int | None:
    """The local order of a fill: by venue order id (also through its match), else by client order id."""
    if venue_id is None:
        if client_id is None or venue.is_shared(client_id):
            return None
        return local.index_by_client_id.get(client_id)
    index = local.index_by_venue_id.get(venue_id)
    if index is not None:
        return index
    record = venue.by_id.get(venue_id)
    if record is not None:
        return local.holder_of(record)
    by_client = None if client_id is None else local.index_by_client_id.get(client_id)
    if by_client is not None and known_id(local.orders[by_client].venue_order_id) is None:
        return by_client
    return None


def _report_two_orders(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int, other: int, fill: Fill
) -> None:
    for one in (index, other):
        judgement = Judgement(facts, local, venue, outcome, one)
        judgement.found(
            BreakKind.IDENTITY_CONFLICT,
            Reason.FILL_NAMES_TWO_ORDERS,
            f"fill {fill.fill_id} names {name_of(local, index)} by venue order id and {name_of(local, other)}"
            " by client order id: nothing of either is booked",
        )
        judgement.commit()
        outcome.frozen.add(one)


def _report_contradiction(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, index: int, fill: Fill
) -> None:
    order = local.orders[index]
    judgement = Judgement(facts, local, venue, outcome, index)
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
    outcome.frozen.add(index)
