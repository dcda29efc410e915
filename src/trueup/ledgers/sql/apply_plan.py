"""Which of a plan's corrections may be applied to the books as they stand now, and what that writes. Pure.

Rules (design.md, "Apply"): a correction applies only to the version it was judged on; an insert expects that neither
id exists; a row that moved drops every correction of its kin, with their projections and notifications. A fill that
exists already drops its kin too: its quantity moved when it was booked, and where it has other content that is
reported as a conflict. What survives is written as the plan projects it.

Knows nothing of SQL, leases or time.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from trueup.ledgers.sql.plan_index import Kin, OrderSubject, PlanIndex, with_ids
from trueup.ledgers.sql.rows import canonical_trade
from trueup.model.ids import are_apart, contradict, known_client_id, known_id, normal_id
from trueup.model.money import same
from trueup.model.plan import Correction, Notification
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import TERMINAL
from trueup.ports.book_rows import (
    BookRows,
    FillIdentity,
    FillRow,
    OrderRow,
    OrderWrite,
    TradeWrite,
)


class Selection(Struct):
    """What is written and told, and what was dropped."""

    orders: list[OrderWrite]
    trades: list[TradeWrite]
    applied: list[Correction]
    superseded: list[Correction]
    notifications: list[Notification]
    conflicts: list[str]


def select_corrections(index: PlanIndex, books: BookRows, profile_id: str) -> Selection:
    """Sort the plan's corrections into those that apply and those whose kin moved."""
    rows = _RowFinder(books.orders, profile_id)
    fills = _FillFinder([*books.fills, *books.named_fills])
    trades = {row.trade.trade_id: row for row in books.trades}
    moved = books.moved  # mostly empty
    dropped: set[Kin] = set()
    conflicts: list[str] = []
    orders: list[OrderWrite] = []
    kins: list[Kin] = []
    for subject in index.orders:
        write = _order_write(subject, rows, fills, conflicts)
        if moved and write is not None and write.before is not None and write.before.order_key in moved:
            write = None
        if books.undone and {subject.client_id, *subject.venue_ids} & books.undone:
            write = None
        if write is None or subject.after.trade_id in books.unseen_trades:
            dropped.add(subject.kin)
        else:
            orders.append(write)
            kins.append(subject.kin)
    trade_writes: list[TradeWrite] = []
    trade_kins: list[Kin] = []
    for trade in index.trades.values():
        row = trades.get(trade.after.trade_id)
        is_undone = bool(books.undone_trades) and known_id(trade.after.trade_id) in books.undone_trades
        if is_undone or row is None or row.trade.version != trade.after.version - 1:
            dropped.add(trade.kin)
        else:
            trade_writes.append(TradeWrite(row, canonical_trade(trade.after), trade.corrections))
            trade_kins.append(trade.kin)
    plan = index.plan
    if not dropped:
        return Selection(orders, trade_writes, plan.corrections, [], plan.notifications, conflicts)
    return Selection(
        orders=[write for write, kin in zip(orders, kins, strict=True) if kin not in dropped],
        trades=[write for write, kin in zip(trade_writes, trade_kins, strict=True) if kin not in dropped],
        applied=[one for one in plan.corrections if index.kin_of_correction(one) not in dropped],
        superseded=[one for one in plan.corrections if index.kin_of_correction(one) in dropped],
        notifications=[one for one in plan.notifications if index.kin_of_notification(one) not in dropped],
        conflicts=conflicts,
    )


def _order_write(
    subject: OrderSubject, rows: "_RowFinder", fills: "_FillFinder", conflicts: list[str]
) -> OrderWrite | None:
    """Null where the order moved, or one of its new fills exists already."""
    found = rows.find(subject)
    if found is None:
        return None
    before = found[0] if found else None
    after = _kept_activity(subject.after, before)
    if not subject.fills:
        return OrderWrite(before, after, (), (), subject.corrections)
    new: list[tuple[FillIdentity, Fill]] = []
    amended: list[tuple[FillRow, Fill]] = []
    if not _sort_fills(subject, before, fills, new, amended, conflicts):
        return None
    return OrderWrite(before, after, new, amended, subject.corrections)


def _sort_fills(
    subject: OrderSubject,
    before: OrderRow | None,
    fills: "_FillFinder",
    new: list[tuple[FillIdentity, Fill]],
    amended: list[tuple[FillRow, Fill]],
    conflicts: list[str],
) -> bool:
    """New fills and amended ones; false where the ledger's fills are not those that the plan was made from.

    A fill whose place others took whole has a quantity of 0: where the venue lists it after all, it is new again.
    """
    new_ids = {normal_id(one.fill.fill_id) for one in subject.corrections if one.fill is not None}
    for named in subject.fills:
        identity, fill = named
        existing = fills.find(identity, before)
        is_new = identity[2] in new_ids
        if is_new and existing is None:
            new.append(named)
        elif existing is not None and (not is_new or existing.fill.qty == "0"):
            amended.append((existing, fill))
        else:
            if existing is not None and not _same_content(existing.fill, fill):
                conflicts.append(_conflict(existing.fill, fill))
            return False
    return True


def _kept_activity(after: LocalOrder, before: OrderRow | None) -> LocalOrder:
    """trueup's corrections are not the bot's activity."""
    if before is None or before.order.last_activity_at == after.last_activity_at:
        return after
    return replace(after, last_activity_at=before.order.last_activity_at)


def _same_content(left: Fill, right: Fill) -> bool:
    same_side = left.side == right.side or left.side is None or right.side is None
    return same(left.qty, right.qty) and same(left.price, right.price) and same_side


def _conflict(booked: Fill, proposed: Fill) -> str:
    return (
        f"fill {proposed.fill_id} of order {proposed.venue_order_id} is booked as {booked.qty} at {booked.price}; "
        f"the plan has {proposed.qty} at {proposed.price}: nothing of it was booked, compare both with the venue"
    )


class _RowFinder:
    """The ledger's rows by any id; only those of this profile may be changed."""

    def __init__(self, rows: Sequence[OrderRow], profile_id: str) -> None:
        self._profile_id = profile_id
        self._client: dict[str | None, OrderRow] = {}
        self._venue: dict[str, OrderRow] = {}
        self._others: dict[str, list[OrderRow]] = {}  # of other instruments, that have a venue id, too
        self._unnamed: dict[str, list[OrderRow]] = {}
        self._unacknowledged: dict[str, list[OrderRow]] = {}
        for row, (order, client_id, venue_ids) in zip(rows, with_ids([r.order for r in rows]), strict=True):
            if client_id is not None:
                self._client[client_id] = row
            for venue_id in venue_ids:
                if venue_id in self._venue:
                    self._others.setdefault(venue_id, []).append(self._venue[venue_id])
                self._venue[venue_id] = row
            if client_id is not None and not venue_ids and order.status not in TERMINAL:
                self._unacknowledged.setdefault(client_id, []).append(row)
            if client_id is None and not venue_ids and order.trade_id is not None:
                # a correction may bind its first id
                self._unnamed.setdefault(order.trade_id, []).append(row)

    def find(self, subject: OrderSubject) -> list[OrderRow] | None:
        """The one row that comes before this order; empty for a valid insert; null where anything moved."""
        row = self._client.get(subject.client_id)
        if row is not None and len(subject.venue_ids) == 1 and self._venue.get(subject.venue_ids[0]) is row:
            rows = [row]  # the normal case
        else:
            rows = self._named(subject)
        if subject.after.version == 1:
            return None if rows or self._may_be_sent(subject) else []
        if len(rows) != 1 or rows[0].profile_id != self._profile_id:
            return None
        return rows if rows[0].order.version == subject.after.version - 1 else None

    def _may_be_sent(self, subject: OrderSubject) -> bool:
        """Whether a bot recorded a row since that may be this order: sent, not acknowledged, with the tag it carries.

        A client order id that several orders carry is not inserted, so that no unique key keeps the two apart.
        """
        sent = [
            row
            for one in subject.corrections
            for row in self._unacknowledged.get(known_client_id(one.client_order_id) or "", ())
        ]
        return any(not contradict(row.order, subject.after) for row in sent)

    def _named(self, subject: OrderSubject) -> list[OrderRow]:
        """All that any of its ids names, each once."""
        row = self._client.get(subject.client_id)
        found = [] if row is None else [row]
        for venue_id in subject.venue_ids:
            other = self._of_venue_id(venue_id, subject.after.symbol)
            if other is not None and other is not row:
                found.append(other)
        if not found and subject.after.version > 1:
            found = self._named_before(subject)
        return found if len(found) < 2 else list({one.order_key: one for one in found}.values())

    def _of_venue_id(self, venue_id: str, symbol: str | None) -> OrderRow | None:
        """The row of this instrument: at some exchanges another one's order has the same number."""
        row = self._venue.get(venue_id)
        if row is None or not are_apart(row.order.symbol, symbol):
            return row
        others = self._others.get(venue_id, ())
        return next((one for one in others if not are_apart(one.order.symbol, symbol)), None)

    def _named_before(self, subject: OrderSubject) -> list[OrderRow]:
        """Re-bound to a successor with a client order id of its own, or bound for the first time."""
        before = {known_client_id(one.client_order_id) for one in subject.corrections}
        found = [self._client[one] for one in before if one in self._client]
        unnamed = self._unnamed.get(subject.after.trade_id or "", [])
        return found or [row for row in unnamed if row.order.side == subject.after.side]


class _FillFinder:
    """Booked fills by their identity, or by their order and fill id (the order may have been bound since)."""

    def __init__(self, rows: Iterable[FillRow]) -> None:
        self._by_identity: dict[FillIdentity, FillRow] = {}
        self._by_order: dict[tuple[int, str], FillRow] = {}
        for row in rows:
            self._by_identity[row.identity] = row
            self._by_order[(row.order_key, row.fill_identity)] = row

    def find(self, identity: FillIdentity, order: OrderRow | None) -> FillRow | None:
        existing = self._by_identity.get(identity)
        if existing is None and order is not None:
            existing = self._by_order.get((order.order_key, identity[2]))
        return existing
