"""The books as a person's correction changes them: orders first, then every trade that they move; what the bot hears.

Reads what a correction needs; decides only what follows from it: the trades' new sums, and the notifications. Nothing
is written here.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from trueup.engine.people.resum_trade import TradeOrders, resum_trade
from trueup.engine.people.words import check_words
from trueup.model.errors import InputError
from trueup.model.ids import digest, known_client_id, known_id, normal_id, symbol_token
from trueup.model.money import ZERO, amount, divide, subtract, text
from trueup.model.plan import Notification
from trueup.model.snapshot import Decision, Fill, LocalOrder, Trade
from trueup.model.times import to_ns
from trueup.model.vocabulary import (
    CUT_SHORT,
    Action,
    NotificationKind,
    PersonCorrectionKind,
    TradeStatus,
)
from trueup.ports.ledger import Ledger
from trueup.ports.people import OrderChange, PersonCorrection, TradeChange

EVER = "1970-01-01T00:00:00Z"
ID_DIGITS = 12  # of a correction: short enough to be typed


class Hand:
    """One profile's books under a person's hand."""

    def __init__(self, ledger: Ledger, profile_id: str, account_id: str) -> None:
        self.profile_id = profile_id
        self._ledger = ledger
        self._account_id = account_id
        self._orders: list[OrderChange] = []
        self._trades: dict[str, TradeChange] = {}
        self._opened: dict[str, Trade] = {}

    # -- what is changed ----------------------------------------------------------------------------------------------

    def change(
        self,
        before: LocalOrder | None,
        after: LocalOrder | None,
        fills_before: Sequence[Fill] = (),
        fills_after: Sequence[Fill] = (),
    ) -> None:
        self._orders.append(
            OrderChange(
                before=before,
                after=after,
                fills_before=list(fills_before),
                fills_after=list(fills_after),
            )
        )

    def set_trade(self, before: Trade | None, after: Trade | None) -> None:
        """Exactly so, whatever its orders do."""
        trade = before or after
        if trade is None:
            raise InputError("neither a trade before nor after", "trade")
        self._trades[normal_id(trade.trade_id)] = TradeChange(before=before, after=after)

    def open_trade(self, trade: Trade) -> None:
        """A new one, which its orders then move."""
        self._opened[normal_id(trade.trade_id)] = trade

    def fills_of(self, order: LocalOrder) -> list[Fill]:
        return self._ledger.books.related(self._account_id, self.profile_id, [order])[0]

    def trade(self, trade_id: str) -> Trade:
        """As it stands. Raises InputError where none is recorded."""
        found = self._ledger.books.find_trade(trade_id, self.profile_id)
        if not found:
            raise InputError(f"no trade {trade_id!r} is recorded: `trueup export trades` lists them", "trade")
        return found[0][1]

    def orders_of(self, trade_id: str) -> list[LocalOrder]:
        return self._ledger.books.orders_of_trade(self.profile_id, trade_id)

    # -- what follows -------------------------------------------------------------------------------------------------

    def correction(
        self,
        kind: PersonCorrectionKind,
        about: str,
        *,
        author: str,
        reason: str,
        notify: bool,
        decisions: Sequence[Decision] = (),
        revokes: Sequence[str] = (),
        undoes: str | None = None,
    ) -> PersonCorrection:
        """Everything, as it is shown and then written. Its id is made of what it changes, and on which versions.

        Raises InputError for words that cannot be kept.
        """
        check_words(about=about, author=author, reason=reason)
        self._move_trades()
        orders = [
            one for one in self._orders if one.before != one.after or one.fills_before != one.fills_after
        ]
        joined = {key for one in orders if _changes_trade(one) for key in _trade_keys(one)}
        trades = [one for key, one in self._trades.items() if one.before != one.after or key in joined]
        facts = [repr(one) for one in (*orders, *trades, *decisions)]
        correction_id = digest(self.profile_id, kind, about, undoes, self._now_if_bare(facts), *facts)
        correction_id = correction_id[:ID_DIGITS]
        return PersonCorrection(
            correction_id=correction_id,
            profile_id=self.profile_id,
            kind=kind,
            about=about,
            author=author,
            reason=reason,
            orders=orders,
            trades=trades,
            notifications=_notices(correction_id, orders, trades, reason) if notify else [],
            decisions=[
                replace(one, decision_id=digest(correction_id, str(place), one.kind)[:ID_DIGITS])
                for place, one in enumerate(decisions)
            ],
            revokes=list(revokes),
            undoes=undoes,
            reread_since=_first_struck(orders),
        )

    def _now_if_bare(self, facts: Sequence[str]) -> str:
        """What changes no row of the books has no version that tells it from the same again."""
        return "" if self._orders or self._trades else self._ledger.now()

    def _move_trades(self) -> None:
        """Every trade that an order belonged to or belongs to, unless the caller set it."""
        named = [
            one.trade_id
            for change in self._orders
            for one in (change.before, change.after)
            if one is not None
        ]
        for trade_id in dict.fromkeys(one for one in named if one is not None):
            key = normal_id(trade_id)
            opened = self._opened.get(key)
            trade = self._known(trade_id) if opened is None else opened
            if trade is not None and key not in self._trades:
                moved = resum_trade(trade, *self._trade_orders(trade_id))
                self._trades[key] = TradeChange(before=None if opened is not None else trade, after=moved)

    def _known(self, trade_id: str) -> Trade | None:
        """A trade that orders name before it is recorded has nothing to be moved."""
        found = self._ledger.books.find_trade(trade_id, self.profile_id)
        return found[0][1] if found else None

    def _trade_orders(self, trade_id: str) -> tuple[TradeOrders, TradeOrders]:
        """Its orders as they stand, and as they shall be."""
        key, stands = normal_id(trade_id), self.orders_of(trade_id)
        changes = [one for one in self._orders if key in _trade_keys(one)]
        gone = [one.before for one in changes if one.before is not None]
        kept = [one for one in stands if one not in gone]
        was_in = [
            one for one in changes if one.before is not None and normal_id(one.before.trade_id or "") == key
        ]
        is_in = [
            one for one in changes if one.after is not None and normal_id(one.after.trade_id or "") == key
        ]
        now = [*kept, *(one.after for one in is_in if one.after is not None)]
        return (
            TradeOrders(
                orders=stands, fills=[fill for one in was_in for fill in self._fills(one, of_before=True)]
            ),
            TradeOrders(
                orders=now, fills=[fill for one in is_in for fill in self._fills(one, of_before=False)]
            ),
        )

    def _fills(self, change: OrderChange, *, of_before: bool) -> list[Fill]:
        """Where an order leaves or joins a trade, all of its fills do; else those that change."""
        listed = change.fills_before if of_before else change.fills_after
        both = change.before is not None and change.after is not None
        if not both or known_id(change.before.trade_id) == known_id(change.after.trade_id):  # type: ignore[union-attr]
            return listed
        changed = {normal_id(one.fill_id) for one in (*change.fills_before, *change.fills_after)}
        others = [
            one
            for one in self.fills_of(change.before)  # type: ignore[arg-type]
            if normal_id(one.fill_id) not in changed
        ]
        return [*others, *listed]


def _first_struck(orders: Sequence[OrderChange]) -> str | None:
    """Since when the venue may have what is struck here: the fill's time, else its order's submission, else ever."""
    times: list[str] = []
    for change in orders:
        kept = {normal_id(one.fill_id): amount(one.qty) for one in change.fills_after}
        struck = [
            one for one in change.fills_before if amount(one.qty) > kept.get(normal_id(one.fill_id), ZERO)
        ]
        submitted_at = None if change.before is None else change.before.submitted_at
        times += [one.filled_at or submitted_at or EVER for one in struck]
        if change.after is None:
            times.append(submitted_at or EVER)
    return min(times, key=to_ns, default=None)


def _changes_trade(change: OrderChange) -> bool:
    """Also an order that filled nothing: both trades must stand as they were shown."""
    before, after = change.before, change.after
    return before is not None and after is not None and known_id(before.trade_id) != known_id(after.trade_id)


def _trade_keys(change: OrderChange) -> set[str]:
    both = (change.before, change.after)
    return {normal_id(one.trade_id) for one in both if one is not None and one.trade_id is not None}


# -- what the bot hears -----------------------------------------------------------------------------------------------


def _notices(
    correction_id: str, orders: Sequence[OrderChange], trades: Sequence[TradeChange], reason: str
) -> list[Notification]:
    told = [
        one
        for place, change in enumerate(orders)
        for one in _notices_of_order(f"{correction_id}-{place}", change, reason)
    ]
    for place, change in enumerate(trades):
        told += _notices_of_trade(f"{correction_id}-t{place}", change, reason)
    return told


def _notices_of_order(own: str, change: OrderChange, reason: str) -> list[Notification]:
    """The growth where it grew, an end where it ended; else that it is another than it was."""
    before, after = change.before, change.after
    if after is None:
        if before is None:
            return []
        return [_notice(own, NotificationKind.AMENDED, replace(before, filled_qty="0"), reason)]
    if before is None:
        return [_notice(own, NotificationKind.DISCOVERED, after, reason)]
    growth = subtract(amount(after.filled_qty), amount(before.filled_qty))
    ended = after.status in CUT_SHORT and before.status is not after.status
    told = []
    if growth > 0 and before.trade_id == after.trade_id:
        exits = after.action is Action.EXIT
        kind = NotificationKind.EXIT_FILL if exits else NotificationKind.ENTRY_FILL
        price = change.fills_after[0].price if len(change.fills_after) == 1 else None
        told.append(_notice(own, kind, after, reason, qty=text(growth), price=price))
    if ended:
        told.append(_notice(own, NotificationKind.CANCEL, after, reason))
    return told or [_notice(own, NotificationKind.AMENDED, after, reason)]


def _notices_of_trade(own: str, change: TradeChange, reason: str) -> list[Notification]:
    before, after = change.before, change.after
    was = None if before is None else before.status
    if after is None or after.status is was:
        return []
    kind = {
        TradeStatus.CLOSED: NotificationKind.CLOSED,
        TradeStatus.QUARANTINED: NotificationKind.QUARANTINED,
        TradeStatus.OPEN: NotificationKind.RELEASED
        if was is TradeStatus.QUARANTINED
        else NotificationKind.AMENDED,
    }[after.status]
    return [
        Notification(
            notification_id=f"{own}-{kind}",
            kind=kind,
            client_order_id=None,
            venue_order_id=None,
            trade_id=after.trade_id,
            reason=reason,
        )
    ]


def _notice(
    own: str,
    kind: NotificationKind,
    order: LocalOrder,
    reason: str,
    *,
    qty: str | None = None,
    price: str | None = None,
) -> Notification:
    return Notification(
        notification_id=f"{own}-{kind}-{order.filled_qty}",
        kind=kind,
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        trade_id=order.trade_id,
        qty=qty,
        price=price,
        cumulative_qty=order.filled_qty,
        cumulative_avg_price=order.filled_avg_price,
        reason=reason,
    )


def average_after(order: LocalOrder, change_qty: str, price: str | None, *, booked: bool) -> str | None:
    """The order's average once a fill is booked or struck; null where a price is not known."""
    qty, filled = amount(change_qty), amount(order.filled_qty)
    rest = filled + qty if booked else filled - qty
    if rest <= ZERO:
        return None
    known = order.filled_avg_price is not None or filled == ZERO
    if price is None or not known:
        return None if booked else order.filled_avg_price
    cost = filled * amount(order.filled_avg_price) + (qty if booked else -qty) * amount(price)
    return text(divide(cost, rest)) if cost > 0 else order.filled_avg_price


def same_instrument(order: LocalOrder, trade: Trade) -> bool:
    return order.symbol is None or symbol_token(order.symbol) == symbol_token(trade.symbol)


def name_of(order: LocalOrder) -> str:
    client_id = order.client_order_id if known_client_id(order.client_order_id) is not None else None
    return client_id or order.venue_order_id or order.trade_id or "?"
