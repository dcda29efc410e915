"""What is known of one order, break or run: values from the ledger, for a surface to show. Decides no wording."""

import re

from msgspec import Struct

from trueup.model.decode import decode_plan, decode_snapshot
from trueup.model.errors import InputError
from trueup.model.ids import are_apart, known_client_id, known_id, names_break, normal_id, symbol_token
from trueup.model.plan import Break, Plan
from trueup.model.snapshot import LocalOrder, Trade, VenueOrder
from trueup.ports.ledger import Ledger
from trueup.ports.records import BreakRecord, RunRecord, TimelineEntry


class Explanation(Struct, frozen=True, kw_only=True):
    """Of an order or a trade: its state, breaks, timeline. Of a break: the same for its order. Of a run: its plan.

    `venue_order`: of breaks about an order that the books do not have, as the venue had it when they were seen last.
    """

    profile_id: str
    order: LocalOrder | None = None
    venue_order: VenueOrder | None = None
    trade: Trade | None = None
    orders: list[LocalOrder] = []  # of the trade
    breaks: list[BreakRecord] = []
    timeline: list[TimelineEntry] = []
    run: RunRecord | None = None
    plan: Plan | None = None


def explain(ledger: Ledger, reference: str, profile_id: str | None = None) -> list[Explanation]:
    """Everything that `reference` names: a run, a break (or the beginning of its id), an order by either id, a trade.

    Several profiles may know one order id. Raises InputError where nothing is named so.
    """
    for look_up in (_run, _breaks, _orders, _trades, _former_orders, _named_by_breaks):
        found = look_up(ledger, reference, profile_id)
        if found:
            return found
    raise InputError(
        "no run, break, order or trade has this id: `trueup breaks` and `trueup status` list them", reference
    )


def _run(ledger: Ledger, reference: str, profile_id: str | None) -> list[Explanation]:
    try:
        run, _, plan = ledger.journal.load_run(reference)
    except InputError:
        return []
    if profile_id not in (None, run.profile_id):
        return []
    seen = [
        one for one in ledger.journal.list_breaks(run.profile_id, open_only=False) if one.run_id == run.run_id
    ]
    return [Explanation(profile_id=run.profile_id, run=run, plan=decode_plan(plan), breaks=seen)]


def _breaks(ledger: Ledger, reference: str, profile_id: str | None) -> list[Explanation]:
    """Breaks of one order share the beginning of their ids, and are explained together."""
    records = ledger.journal.list_breaks(profile_id, open_only=False)
    return _by_order(ledger, [one for one in records if names_break(reference, one.found.break_id)])


def _former_orders(ledger: Ledger, reference: str, profile_id: str | None) -> list[Explanation]:
    """Breaks of an order that had this id when they were found: a replacement can take it another one."""
    wanted = normal_id(reference)
    records = ledger.journal.list_breaks(profile_id, open_only=False)
    ids = [(one, (one.found.venue_order_id, one.found.client_order_id)) for one in records]
    return _by_order(ledger, [one for one, both in ids if wanted in {normal_id(id_ or "") for id_ in both}])


def _named_by_breaks(ledger: Ledger, reference: str, profile_id: str | None) -> list[Explanation]:
    """Breaks of something else whose texts name it: somebody else's exit that a trade's break tells of."""
    word = re.compile(rf"(?<![\w-]){re.escape(reference.strip())}(?![\w-])", re.IGNORECASE)
    records = ledger.journal.list_breaks(profile_id, open_only=False)
    return _by_order(ledger, [one for one in records if reference.strip() and word.search(one.found.message)])


def _by_order(ledger: Ledger, records: list[BreakRecord]) -> list[Explanation]:
    by_order: dict[tuple[str | None, ...], list[BreakRecord]] = {}
    for one in records:
        symbol = one.found.symbol and symbol_token(one.found.symbol)
        key = (one.profile_id, symbol, one.found.venue_order_id, one.found.client_order_id)
        by_order.setdefault(key, []).append(one)
    return [_of_breaks(ledger, together) for together in by_order.values()]


def _of_breaks(ledger: Ledger, records: list[BreakRecord]) -> Explanation:
    profile_id, found = records[0].profile_id, records[0].found
    order_id = found.venue_order_id or found.client_order_id
    named = ledger.books.find_order(order_id, profile_id) if order_id is not None else []
    orders = [one for one in named if not are_apart(one[1].symbol, found.symbol)]
    if not orders:
        at_venue = _venue_order(ledger, records[-1])
        return Explanation(profile_id=profile_id, venue_order=at_venue, breaks=records)
    order = orders[0][1]
    timeline = ledger.journal.order_timeline(profile_id, order)
    return Explanation(profile_id=profile_id, order=order, breaks=records, timeline=timeline)


def _venue_order(ledger: Ledger, record: BreakRecord) -> VenueOrder | None:
    """What the run that saw the break last read of its order; null where nothing did, or the run is not kept."""
    try:
        venue = decode_snapshot(ledger.journal.load_run(record.run_id)[1]).venue
    except InputError:
        return None
    found = record.found
    answered = [one.order for one in venue.answers if one.order is not None]
    read = [one for one in (*answered, *venue.open_orders.rows, *venue.history.orders) if _is_of(one, found)]
    return read[0] if read else None


def _is_of(order: VenueOrder, found: Break) -> bool:
    if are_apart(order.symbol, found.symbol):
        return False
    venue_id, client_id = known_id(found.venue_order_id), known_client_id(found.client_order_id)
    if venue_id is not None:
        return known_id(order.venue_order_id) == venue_id
    return client_id is not None and known_client_id(order.client_order_id) == client_id


def _orders(ledger: Ledger, reference: str, profile_id: str | None) -> list[Explanation]:
    return [
        Explanation(
            profile_id=owner,
            order=order,
            breaks=_breaks_of(ledger, owner, order),
            timeline=ledger.journal.order_timeline(owner, order),
        )
        for owner, order in ledger.books.find_order(reference, profile_id)
    ]


def _trades(ledger: Ledger, reference: str, profile_id: str | None) -> list[Explanation]:
    return [
        Explanation(
            profile_id=owner,
            trade=trade,
            orders=ledger.books.orders_of_trade(owner, trade.trade_id),
            breaks=[
                one
                for one in ledger.journal.list_breaks(owner, open_only=False)
                if one.found.trade_id == trade.trade_id
            ],
            timeline=ledger.journal.trade_timeline(owner, trade.trade_id),
        )
        for owner, trade in ledger.books.find_trade(reference, profile_id)
    ]


def _breaks_of(ledger: Ledger, profile_id: str, order: LocalOrder) -> list[BreakRecord]:
    ids = {order.venue_order_id, order.client_order_id, *order.previous_venue_order_ids} - {None}
    return [
        one
        for one in ledger.journal.list_breaks(profile_id, open_only=False)
        if {one.found.venue_order_id, one.found.client_order_id} & ids
        and not are_apart(one.found.symbol, order.symbol)
    ]
