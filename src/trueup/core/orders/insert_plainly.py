"""The straight path of discovery: an acknowledged order of which nothing, or a plain part, was filled.

Most discovered orders are such. What the stages decide of any order (`discover_orders`, `insert_order`, the fold) comes
to the same rows here, made at once: without a judgement, and with every id read once. Where anything else has a say (an
ownership rule, a pattern, a trade, a stray fill, a replacement, a person), the plan has no straight path at all.
"""

from collections.abc import Iterator
from itertools import islice
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.infer_fill import Growth, infer_growth
from trueup.core.orders.tell_plainly import tell_plainly
from trueup.model.ids import (
    break_ids_of,
    comparable_client_ids,
    comparable_ids,
    correction_id_of,
    correction_ids_of,
    notification_ids_of,
)
from trueup.model.plan import Break, Correction, Notification, Standing
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import (
    Action,
    BreakKind,
    CorrectionKind,
    Extent,
    NotificationKind,
    Severity,
    Side,
    Status,
)

# Putting an enum member into a message costs twice what the message does: its text is kept here.
_WORD = {one: one.value for one in (*Side, *Status)}
# Until Python 3.12, reading a member through its enum class costs as much as a small function call: read here once.
_MISSING_LOCALLY = BreakKind.MISSING_LOCALLY
_WARN = Severity.WARN
_NOT_KNOWN_LOCALLY, _INFERRED_FROM_CUMULATIVE = Reason.NOT_KNOWN_LOCALLY, Reason.INFERRED_FROM_CUMULATIVE
_INSERT_ORDER, _BOOK_FILL = CorrectionKind.INSERT_ORDER, CorrectionKind.BOOK_FILL
_DISCOVERED = NotificationKind.DISCOVERED
_ENTRY_FILL, _EXIT_FILL = NotificationKind.ENTRY_FILL, NotificationKind.EXIT_FILL
_ENTRY, _EXIT = Action.ENTRY, Action.EXIT
_SELL = Side.SELL
_PENDING_NEW, _PARTIALLY_FILLED = Status.PENDING_NEW, Status.PARTIALLY_FILLED
_FILLED_QTY = attrgetter("filled_qty")


_AT_ONCE = 512  # orders of a run: as many as stay in the processor's cache from one of its lists to the next


class _Run(Struct):
    """Plain orders in turn, as rows with nothing booked; of each what its record says was filled, and how it grew."""

    orders: list[LocalOrder] = []
    filled_qtys: list[str | None] = []
    growths: list[Growth | None] = []
    other: VenueOrder | None = None  # the record at which the run ended, since it is not plain


def insert_plainly(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, records: list[VenueOrder]
) -> Iterator[VenueOrder]:
    """Insert the orders of the plain ones of these unmatched records; yields the others, each in its turn."""
    if not records:
        return
    path, turns = _StraightPath(facts, local, venue), iter(records)
    while True:
        run = path.take_run(turns)
        _insert(facts, local, outcome, run)
        if run.other is not None:
            yield run.other
        elif len(run.orders) < _AT_ONCE:
            return


class _StraightPath:
    """What decides, for all unmatched records of a plan, whether one of them is plain."""

    def __init__(self, facts: Facts, local: LocalSide, venue: VenueSide) -> None:
        self._facts, self._local, self._venue, records = facts, local, venue, venue.by_id.values()
        symbols = {one.symbol for one in records} if _records_alone_decide(facts, local, venue) else ()
        self._symbols = {one for one in symbols if one is not None and not facts.is_unmapped(one)}
        self._refused_ids = _refused_client_ids(local, venue) if self._symbols else set()
        self._window_start = facts.window_start(venue.open_read_at)

    def take_run(self, turns: Iterator[VenueOrder]) -> _Run:
        """The plain records from here on. In one loop without calls, since a call an order costs a tenth of it all."""
        run, symbols, refused_ids, window_start = _Run(), self._symbols, self._refused_ids, self._window_start
        for record in islice(turns, _AT_ONCE):
            status, side, client_order_id = record.status, record.side, record.client_order_id
            filled_qty, submitted_at = record.filled_qty, record.submitted_at
            if (
                record.symbol not in symbols
                or side is None
                or status is None
                or not (
                    status is _PARTIALLY_FILLED
                    or (status is _PENDING_NEW and (filled_qty == "0" or filled_qty is None))
                )
                or client_order_id in refused_ids
                or record.intent is not None
                or record.position_side is not None
                or record.parent_venue_order_id is not None
                or record.by_notional
                or not (submitted_at is None or submitted_at < window_start)
            ):
                run.other = record
                break
            order = LocalOrder(
                client_order_id=client_order_id,
                venue_order_id=record.venue_order_id,
                sub_tag=record.sub_tag or None,
                symbol=record.symbol,
                side=side,
                action=_EXIT if side is _SELL else _ENTRY,
                order_type=record.order_type,
                qty=record.qty,
                limit_price=record.limit_price,
                stop_price=record.stop_price,
                status=status,
                submitted_at=submitted_at,
                venue_updated_at=record.updated_at,
            )
            growth = self._growth(order, record) if status is _PARTIALLY_FILLED else None
            if growth is None and status is _PARTIALLY_FILLED:
                run.other = record
                break
            run.orders.append(order)
            run.filled_qtys.append(filled_qty)
            run.growths.append(growth)
        return run

    def _growth(self, order: LocalOrder, record: VenueOrder) -> Growth | None:
        facts, venue = self._facts, self._venue
        inferred_at = record.updated_at or venue.open_read_at or facts.snapshot.taken_at
        return infer_growth(order, record, account_id=facts.profile.account_id, inferred_at=inferred_at)


def _records_alone_decide(facts: Facts, local: LocalSide, venue: VenueSide) -> bool:
    books = facts.snapshot.local
    others = (
        facts.account_changed,
        facts.policy.has_ownership_rule,
        facts.pattern,
        local.trades,
        venue.stray_fills,
        local.ids_in_local_fills,
        local.known_client_ids,
        books.decisions,
        venue.predecessor_of,
        venue.read_at_of,
    )
    return books.extent is Extent.ALL and not any(others)


def _refused_client_ids(local: LocalSide, venue: VenueSide) -> set[str | None]:
    """The client order ids, as records have them, that say nothing or are also another order's."""
    raw_ids = [one.client_order_id for one in venue.by_id.values()]
    client_ids = comparable_client_ids(raw_ids)
    refused = {None, *venue.shared_client_ids(client_ids), *local.index_by_client_id}
    return {raw for raw, one in zip(raw_ids, client_ids, strict=True) if one in refused}


def _insert(facts: Facts, local: LocalSide, outcome: RunOutcome, run: _Run) -> None:
    """The rows, what they mend and what is told of them. No later stage has more to correct of such an order."""
    venue_ids = comparable_ids([one.venue_order_id for one in run.orders])
    digest_ids = facts.digests_of_ids(run.orders, filter(None, venue_ids))
    break_ids = break_ids_of(digest_ids, _MISSING_LOCALLY)
    _append_breaks(outcome, run, break_ids)
    _correct(outcome, run, digest_ids, break_ids)
    _book(local, run)
    _tell(outcome, run, digest_ids)
    outcome.count("missing_locally", len(run.orders))


def _append_breaks(outcome: RunOutcome, run: _Run, break_ids: list[str]) -> None:
    outcome.breaks += [
        Break(
            break_id=break_id,
            kind=_MISSING_LOCALLY,
            severity=_WARN,
            symbol=order.symbol,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=None,
            reason=_NOT_KNOWN_LOCALLY,
            message=f"unknown locally: {_WORD[order.side]} {order.qty} {order.symbol}"
            f" {_WORD[order.status]} at the venue",
            venue=Standing(order.status, order.qty, filled_qty),
            corrected=True,
        )
        for break_id, order, filled_qty in zip(break_ids, run.orders, run.filled_qtys, strict=True)
    ]


def _correct(outcome: RunOutcome, run: _Run, digest_ids: list[str], break_ids: list[str]) -> None:
    """The row is inserted with nothing booked; then its growth is booked."""
    correct = outcome.corrections.append
    first_ids = correction_ids_of(digest_ids, 0, 1)
    for digest_id, first_id, break_id, order, growth in zip(
        digest_ids, first_ids, break_ids, run.orders, run.growths, strict=True
    ):
        correct(
            Correction(
                correction_id=first_id,
                break_id=break_id,
                kind=_INSERT_ORDER,
                reason=_NOT_KNOWN_LOCALLY,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                trade_id=None,
                expected_version=0,
                changes=order,
            )
        )
        if growth is not None:
            correct(
                Correction(
                    correction_id=correction_id_of(digest_id, 0, 2),
                    break_id=break_id,
                    kind=_BOOK_FILL,
                    reason=_INFERRED_FROM_CUMULATIVE,
                    client_order_id=order.client_order_id,
                    venue_order_id=order.venue_order_id,
                    trade_id=None,
                    expected_version=0,
                    fill=growth.change,
                )
            )


def _book(local: LocalSide, run: _Run) -> None:
    """From here on the run's rows are as they will stand."""
    first = len(local.orders)
    for place, growth in enumerate(run.growths):
        if growth is not None:
            run.orders[place] = replace(
                run.orders[place], filled_qty=growth.filled_qty, filled_avg_price=growth.filled_avg_price
            )
            local.add_fill(first + place, growth.row)
    local.add_orders(run.orders)


def _tell(outcome: RunOutcome, run: _Run, digest_ids: list[str]) -> None:
    tell = outcome.notifications.append
    told_ids = notification_ids_of(digest_ids, 0, _DISCOVERED, map(_FILLED_QTY, run.orders))
    for digest_id, told_id, order, growth in zip(digest_ids, told_ids, run.orders, run.growths, strict=True):
        tell(
            Notification(
                notification_id=told_id,
                kind=_DISCOVERED,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                trade_id=None,
                cumulative_qty=order.filled_qty,
                cumulative_avg_price=order.filled_avg_price,
                reason=_NOT_KNOWN_LOCALLY,
            )
        )
        if growth is not None:
            kind = _ENTRY_FILL if order.action is _ENTRY else _EXIT_FILL
            tell_plainly(outcome, order, digest_id, 0, kind, order.filled_qty, growth=growth)
