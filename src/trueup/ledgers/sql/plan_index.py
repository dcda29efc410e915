"""A plan by order and trade: which corrections, fills and notifications belong together, and which stand or fall
together. Pure.

Corrections and fills name their order by its ids: the venue's first, as two orders of a replaced chain may have
carried one client order id. A *kin* is what one moved row takes along: the instrument; for orders without a symbol
their trade's, else the order alone.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from trueup.ledgers.sql.rows import canonical_fill, fill_identity
from trueup.model.errors import InvariantError
from trueup.model.ids import (
    are_apart,
    comparable_client_ids,
    comparable_ids,
    known_client_id,
    known_id,
    normal_id,
    order_digest_of,
    symbol_token,
)
from trueup.model.plan import Correction, Notification, Plan
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import CorrectionKind
from trueup.ports.book_rows import FillIdentity, WantedRows

Kin = str  # names one group of corrections that stand or fall together
_OF_TRADES = (CorrectionKind.QUARANTINE_TRADE, CorrectionKind.CLOSE_TRADE, CorrectionKind.RELEASE_TRADE)
_OF_OTHER_ROWS = (  # whose client order id another row may have: the row that is bound, or one that was sent since
    CorrectionKind.BIND_IDS,
    CorrectionKind.INSERT_ORDER,
)
_NEW_PLAN = "the plan is damaged or from another version of trueup; make a new one"


class OrderSubject(Struct, gc=False):
    """One projected order with all that the plan says about it. Ids are comparable, the venue's with previous ones.
    Tuples: the garbage collector does not look at them again and again.
    """

    after: LocalOrder
    client_id: str | None
    venue_ids: tuple[str, ...]
    kin: Kin
    corrections: tuple[Correction, ...] = ()
    fills: tuple[tuple[FillIdentity, Fill], ...] = ()


class TradeSubject(Struct, gc=False):
    after: Trade
    kin: Kin
    corrections: tuple[Correction, ...] = ()


class PlanIndex:
    """Raises InvariantError where the plan contradicts itself: a correction or fill of an order it does not project."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._by_client: dict[str | None, OrderSubject] = {}
        self._of_several: dict[str, list[OrderSubject]] = {}  # by ids that orders of several instruments have
        self._symbols: dict[str, str | None] = {}  # of breaks, where there are such ids
        self._by_digest: dict[str, OrderSubject] = {}
        self._by_venue: dict[str | None, OrderSubject] = {}
        self._by_trade: dict[str | None, OrderSubject] = {}
        self._aliases: dict[Kin, Kin] = {}
        self.trades = {t.trade_id: TradeSubject(t, symbol_token(t.symbol)) for t in plan.projected_trades}
        self.orders = [self._subject(*named) for named in with_ids(plan.projected_orders)]
        if self._of_several:
            self._symbols = {one.break_id: one.symbol for one in plan.breaks}
        if self.trades:
            self._join_kin()
        for one in plan.corrections:
            self._subject_of(one).corrections += (one,)
        for fill in plan.projected_fills:
            self._place_fill(canonical_fill(fill))

    def wanted(self) -> WantedRows:
        """Of every order, trade and fill that the plan would change or insert; also by ids a re-bound order had."""
        before = {one.client_order_id for one in self.plan.corrections if one.kind in _OF_OTHER_ROWS}
        named = {s.after.trade_id for s in self.orders if s.after.trade_id is not None}
        return WantedRows(
            venue_ids=list(filter(None, self._by_venue)),
            client_ids=list(filter(None, {known_client_id(one) for one in before} | self._by_client.keys())),
            trade_ids=sorted({normal_id(trade_id) for trade_id in named | self.trades.keys()}),
            fill_identities=[identity for subject in self.orders for identity, _ in subject.fills],
        )

    def kin_of_correction(self, one: Correction) -> Kin:
        return self._subject_of(one).kin

    def kin_of_notification(self, one: Notification) -> Kin | None:
        """Null: about nothing that this plan changes."""
        subject: OrderSubject | TradeSubject | None
        subject = self._by_digest.get(order_digest_of(one.notification_id))
        if subject is None:
            subject = self._find(one.client_order_id, one.venue_order_id)
        subject = subject or self.trades.get(one.trade_id or "")
        return None if subject is None else subject.kin

    def _subject(self, order: LocalOrder, client_id: str | None, venue_ids: tuple[str, ...]) -> OrderSubject:
        kin = (
            symbol_token(order.symbol)
            if order.symbol is not None
            else f"\x00{len(self._by_trade)}{venue_ids}{client_id}"
        )
        subject = OrderSubject(order, client_id, venue_ids, kin)
        if client_id is not None:
            self._by_client[client_id] = subject
        for venue_id in venue_ids:
            other = self._by_venue.get(venue_id)
            if other is not None and are_apart(other.after.symbol, order.symbol):
                self._of_several.setdefault(venue_id, [other]).append(subject)
        if venue_ids:  # an id that an order has now wins over one that another had
            self._by_venue[venue_ids[0]] = subject
            for venue_id in venue_ids[1:]:
                self._by_venue.setdefault(venue_id, subject)
        self._by_trade[order.trade_id] = subject
        return subject

    def _join_kin(self) -> None:
        """An order and its trade are kin whatever their symbols say."""
        for order in self.orders:
            own = self.trades.get(order.after.trade_id or "")
            if own is not None and own.kin != order.kin and self._root(own.kin) != self._root(order.kin):
                self._aliases[self._root(order.kin)] = self._root(own.kin)
        if self._aliases:
            for order in self.orders:
                order.kin = self._root(order.kin)
            for trade in self.trades.values():
                trade.kin = self._root(trade.kin)

    def _root(self, kin: Kin) -> Kin:
        while kin in self._aliases:
            kin = self._aliases[kin]
        return kin

    def _find(
        self, client_order_id: str | None, venue_order_id: str | None, symbol: str | None = None
    ) -> OrderSubject | None:
        """Ids that are comparable as they stand are the normal case, and cost one look."""
        if self._of_several:
            for subject in self._of_several.get(known_id(venue_order_id) or "", ()):
                if symbol is not None and not are_apart(subject.after.symbol, symbol):
                    return subject
        return (
            self._by_venue.get(venue_order_id)
            or self._by_venue.get(known_id(venue_order_id))
            or self._by_client.get(known_client_id(client_order_id))
        )

    def _subject_of(self, one: Correction) -> OrderSubject | TradeSubject:
        subject: OrderSubject | TradeSubject | None
        if one.kind in _OF_TRADES:
            subject = self.trades.get(one.trade_id or "")
        else:
            nameless = one.client_order_id is None and one.venue_order_id is None
            symbol = self._symbols.get(one.break_id) if self._of_several else None
            found = self._find(one.client_order_id, one.venue_order_id, symbol)
            subject = self._by_trade.get(one.trade_id) if nameless else found
            if self._of_several and isinstance(subject, OrderSubject):
                self._by_digest[order_digest_of(one.correction_id)] = subject
        if subject is None:
            raise InvariantError(
                f"correction {one.correction_id} ({one.kind}) names no projected order or trade: {_NEW_PLAN}"
            )
        return subject

    def _place_fill(self, fill: Fill) -> None:
        subject = self._find(fill.client_order_id, fill.venue_order_id, fill.symbol)
        if subject is None:
            raise InvariantError(f"projected fill {fill.fill_id} names no projected order: {_NEW_PLAN}")
        subject.fills += ((fill_identity(fill, subject.after), fill),)


def with_ids(orders: Sequence[LocalOrder]) -> Iterator[tuple[LocalOrder, str | None, tuple[str, ...]]]:
    """Each order with its ids in their comparable form: the client's, and the venue's with those it had before."""
    client_ids = comparable_client_ids([one.client_order_id for one in orders])
    venue_ids = comparable_ids([one.venue_order_id for one in orders])
    for order, client_id, venue_id in zip(orders, client_ids, venue_ids, strict=True):
        ids = () if venue_id is None else (venue_id,)
        if order.previous_venue_order_ids:
            ids = (*ids, *map(normal_id, order.previous_venue_order_ids))
        yield order, client_id, ids
