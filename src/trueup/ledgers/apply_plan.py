"""Which of a plan's corrections may be applied to the books as they stand now, and what that writes. Pure.

Rules (design.md, "Apply"): a correction applies only to the version it was judged on; an insert expects that neither
id exists; a row that moved drops every correction of its order, trade and instrument (its *kin*), with their
projections and notifications. A fill that exists already drops its kin too: its quantity moved when it was booked, and
where it has other content that is reported as a conflict. What survives is written as the plan projects it.

Knows nothing of SQL, leases or time.
"""

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from trueup.ledgers.rows import (
    FillIdentity,
    FillRow,
    OrderRow,
    TradeRow,
    canonical_fill,
    canonical_order,
    canonical_trade,
    fill_identity,
)
from trueup.model.errors import InvariantError
from trueup.model.ids import known_client_id, known_id, normal_id, symbol_token
from trueup.model.money import same
from trueup.model.plan import Correction, Notification, Plan
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import CorrectionKind

Kin = str  # names one group of corrections that stand or fall together
_OF_TRADES = frozenset(
    {CorrectionKind.QUARANTINE_TRADE, CorrectionKind.CLOSE_TRADE, CorrectionKind.RELEASE_TRADE}
)


class Books(Struct):
    """What the ledger holds now of everything the plan would change."""

    orders: list[OrderRow]
    trades: list[TradeRow]
    fills: list[FillRow]  # of those orders, and any with the identity of a new fill


class OrderWrite(Struct):
    """One order to insert (`before` null) or update, with the fills that this books and shrinks."""

    before: OrderRow | None
    after: LocalOrder
    new_fills: list[tuple[FillIdentity, Fill]] = []
    shrunk_fills: list[tuple[FillRow, Fill]] = []
    corrections: list[Correction] = []
    order_key: int = 0


class TradeWrite(Struct):
    before: TradeRow | None
    after: Trade
    corrections: list[Correction] = []


class Selection(Struct):
    """What is written and told, and what was dropped."""

    orders: list[OrderWrite]
    trades: list[TradeWrite]
    applied: list[Correction]
    superseded: list[Correction]
    notifications: list[Notification]
    conflicts: list[str]


class _Subject(Struct):
    """One projected order with all that the plan says about it."""

    after: LocalOrder
    kin: Kin
    corrections: list[Correction]
    fills: list[Fill]


def wanted_ids(plan: Plan) -> tuple[list[str], list[str]]:
    """Venue and client order ids, comparable, of every order that the plan would change or insert."""
    venue_ids: set[str] = set()
    client_ids: set[str] = set()
    for order in plan.projected_orders:
        venue_ids.update(_venue_ids(order))
        if (client_id := known_client_id(order.client_order_id)) is not None:
            client_ids.add(client_id)
    return sorted(venue_ids), sorted(client_ids)


def wanted_trades(plan: Plan) -> list[str]:
    named = {order.trade_id for order in plan.projected_orders if order.trade_id is not None}
    return sorted(named | {trade.trade_id for trade in plan.projected_trades})


def wanted_fills(plan: Plan) -> list[FillIdentity]:
    """Identities of the fills that the plan would add or change."""
    finder = _OrderFinder(plan.projected_orders)
    found = ((fill, finder.find(fill.client_order_id, fill.venue_order_id)) for fill in plan.projected_fills)
    return [fill_identity(fill, plan.projected_orders[index]) for fill, index in found if index is not None]


def select_corrections(plan: Plan, books: Books, profile_id: str) -> Selection:
    """Sort the plan's corrections into those that apply and those whose kin moved.

    Raises InvariantError where the plan contradicts itself: a correction or fill of an order it does not project.
    """
    subjects = _Subjects(plan)
    rows = _RowFinder(books.orders, profile_id)
    trades = {row.trade.trade_id: row for row in books.trades}
    fills = _FillFinder(books.fills)
    dropped: set[Kin] = set()
    conflicts: list[str] = []
    orders: list[tuple[Kin, OrderWrite]] = []
    for subject in subjects.orders:
        write = _order_write(subject, rows, fills, conflicts)
        if write is None:
            dropped.add(subject.kin)
        else:
            orders.append((subject.kin, write))
    trade_writes: list[tuple[Kin, TradeWrite]] = []
    for kin, after, corrections in subjects.trades:
        row = trades.get(after.trade_id)
        if row is None or row.trade.version != after.version - 1:
            dropped.add(kin)
        else:
            trade_writes.append((kin, TradeWrite(row, canonical_trade(after), corrections)))
    return Selection(
        orders=[write for kin, write in orders if kin not in dropped],
        trades=[write for kin, write in trade_writes if kin not in dropped],
        applied=[c for c, kin in subjects.kin_of_corrections if kin not in dropped],
        superseded=[c for c, kin in subjects.kin_of_corrections if kin in dropped],
        notifications=[n for n, kin in subjects.kin_of_notifications(plan) if kin not in dropped],
        conflicts=conflicts,
    )


def _order_write(
    subject: _Subject, rows: "_RowFinder", fills: "_FillFinder", conflicts: list[str]
) -> OrderWrite | None:
    """Null where the order moved, or one of its new fills exists already."""
    found = rows.find(subject.after)
    if found is None:
        return None
    before = found[0] if found else None
    write = OrderWrite(before, _kept_activity(subject.after, before), corrections=subject.corrections)
    new_ids = {normal_id(c.fill.fill_id) for c in subject.corrections if c.fill is not None}
    new_fills: list[tuple[FillIdentity, Fill]] = []
    shrunk: list[tuple[FillRow, Fill]] = []
    for fill in subject.fills:
        identity = fill_identity(fill, subject.after)
        existing = fills.find(identity, before)
        if identity[2] not in new_ids:
            if existing is None:
                return None
            shrunk.append((existing, canonical_fill(fill)))
        elif existing is None:
            new_fills.append((identity, canonical_fill(fill)))
        else:
            if not _same_content(existing.fill, fill):
                conflicts.append(_conflict(existing.fill, fill))
            return None
    write.new_fills, write.shrunk_fills = new_fills, shrunk
    return write


def _kept_activity(after: LocalOrder, before: OrderRow | None) -> LocalOrder:
    """trueup's corrections are not the bot's activity."""
    kept = canonical_order(after)
    if before is None or before.order.last_activity_at == kept.last_activity_at:
        return kept
    return replace(kept, last_activity_at=before.order.last_activity_at)


def _same_content(left: Fill, right: Fill) -> bool:
    same_side = left.side == right.side or left.side is None or right.side is None
    return same(left.qty, right.qty) and same(left.price, right.price) and same_side


def _conflict(booked: Fill, proposed: Fill) -> str:
    return (
        f"fill {proposed.fill_id} of order {proposed.venue_order_id} is booked as {booked.qty} at {booked.price}; "
        f"the plan has {proposed.qty} at {proposed.price}: nothing of it was booked, compare both with the venue"
    )


class _OrderFinder:
    """Projected orders by any of their ids; exact text first, comparable ids for what is left over."""

    def __init__(self, orders: Sequence[LocalOrder]) -> None:
        self._client: dict[str, int] = {}
        self._venue: dict[str, int] = {}
        self._trade: dict[str, int] = {}
        for index, order in enumerate(orders):
            if (client_id := known_client_id(order.client_order_id)) is not None:
                self._client[client_id] = index
            for previous in order.previous_venue_order_ids:
                self._venue.setdefault(normal_id(previous), index)
            if (venue_id := known_id(order.venue_order_id)) is not None:
                self._venue[venue_id] = index
            if order.trade_id is not None:
                self._trade[order.trade_id] = index

    def find(self, client_id: str | None, venue_id: str | None, trade_id: str | None = None) -> int | None:
        """By the venue's id first: two orders of a replaced chain may have carried one client id."""
        known_venue = known_id(venue_id)
        if known_venue is not None and (index := self._venue.get(known_venue)) is not None:
            return index
        known_client = known_client_id(client_id)
        if known_client is not None and (index := self._client.get(known_client)) is not None:
            return index
        return self._trade.get(trade_id) if trade_id is not None else None


class _Subjects:
    """The plan by order and trade, each with its kin: the instrument, else the trade, else the order itself."""

    def __init__(self, plan: Plan) -> None:
        self._finder = _OrderFinder(plan.projected_orders)
        self._aliases: dict[Kin, Kin] = {}
        kin_of_trade = {t.trade_id: symbol_token(t.symbol) for t in plan.projected_trades}
        self.orders = [
            _Subject(order, self._kin_of_order(index, order, kin_of_trade), [], [])
            for index, order in enumerate(plan.projected_orders)
        ]
        self.trades = [
            (self._root(kin_of_trade[t.trade_id]), t, list[Correction]()) for t in plan.projected_trades
        ]
        for subject in self.orders:
            subject.kin = self._root(subject.kin)
        self._trades = {trade.trade_id: (kin, corrections) for kin, trade, corrections in self.trades}
        self.kin_of_corrections = [(c, self._place_correction(c)) for c in plan.corrections]
        for fill in plan.projected_fills:
            self._place_fill(fill)

    def _kin_of_order(self, index: int, order: LocalOrder, kin_of_trade: dict[str, Kin]) -> Kin:
        own = symbol_token(order.symbol) if order.symbol is not None else f"\x00{index}"
        trades = kin_of_trade.get(order.trade_id or "")
        if trades is not None and self._root(trades) != self._root(own):
            self._aliases[self._root(own)] = self._root(trades)
        return own

    def _root(self, kin: Kin) -> Kin:
        while kin in self._aliases:
            kin = self._aliases[kin]
        return kin

    def _place_correction(self, correction: Correction) -> Kin:
        if correction.kind in _OF_TRADES:
            if correction.trade_id in self._trades:
                kin, corrections = self._trades[correction.trade_id]
                corrections.append(correction)
                return kin
        else:
            index = self._finder.find(
                correction.client_order_id, correction.venue_order_id, correction.trade_id
            )
            if index is not None:
                self.orders[index].corrections.append(correction)
                return self.orders[index].kin
        raise InvariantError(
            f"correction {correction.correction_id} ({correction.kind}) names no projected order or trade: "
            "the plan is damaged or from another version of trueup; make a new one"
        )

    def _place_fill(self, fill: Fill) -> None:
        index = self._finder.find(fill.client_order_id, fill.venue_order_id)
        if index is None:
            raise InvariantError(f"projected fill {fill.fill_id} names no projected order: make a new plan")
        self.orders[index].fills.append(fill)

    def kin_of_notifications(self, plan: Plan) -> Iterator[tuple[Notification, Kin | None]]:
        for notification in plan.notifications:
            index = self._finder.find(notification.client_order_id, notification.venue_order_id)
            if index is not None:
                yield notification, self.orders[index].kin
            else:
                yield notification, self._trades.get(notification.trade_id or "", (None, ()))[0]


class _RowFinder:
    """The ledger's rows by any id; only those of this profile may be changed."""

    def __init__(self, rows: Iterable[OrderRow], profile_id: str) -> None:
        self._profile_id = profile_id
        self._client: dict[str, OrderRow] = {}
        self._venue: dict[str, OrderRow] = {}
        self._unnamed: dict[str, list[OrderRow]] = {}
        for row in rows:
            client_id, venue_ids = known_client_id(row.order.client_order_id), _venue_ids(row.order)
            if client_id is not None:
                self._client[client_id] = row
            self._venue.update(dict.fromkeys(venue_ids, row))
            if client_id is None and not venue_ids and row.order.trade_id is not None:
                self._unnamed.setdefault(row.order.trade_id, []).append(
                    row
                )  # its correction may bind its first id

    def find(self, after: LocalOrder) -> list[OrderRow] | None:
        """The one row that `after` is the next version of; empty for a valid insert; null where anything moved."""
        rows = self._named(after)
        if after.version == 1:
            return None if rows else []
        if len(rows) != 1 or rows[0].profile_id != self._profile_id:
            return None
        return rows if rows[0].order.version == after.version - 1 else None

    def _named(self, after: LocalOrder) -> list[OrderRow]:
        client_id, venue_ids = known_client_id(after.client_order_id), _venue_ids(after)
        found = [self._venue[venue_id] for venue_id in venue_ids if venue_id in self._venue]
        if client_id is not None and client_id in self._client:
            found.append(self._client[client_id])
        if not found and after.version > 1:
            found = [r for r in self._unnamed.get(after.trade_id or "", []) if r.order.side == after.side]
        return list({row.order_key: row for row in found}.values()) if len(found) > 1 else found


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


def _venue_ids(order: LocalOrder) -> list[str]:
    """Comparable: the order's venue id and those it had before."""
    venue_id = known_id(order.venue_order_id)
    ids = [] if venue_id is None else [venue_id]
    if order.previous_venue_order_ids:
        ids.extend(normal_id(previous) for previous in order.previous_venue_order_ids)
    return ids
