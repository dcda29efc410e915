"""What a bot writes of its own orders: each before it is sent, then what the venue says of it.

Every method is one transaction over the order, its fills, its trade and the order log; a repeated message changes
nothing. Fills are folded by the same functions that trueup's core uses, so that a fill which trueup has inferred is
named, not booked again. What cannot be booked without doubt is left to the next run, which asks the venue.

Sync: from async code call `await asyncio.to_thread(recorder.record_fill, …)`. Knows nothing of venues or plans.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.orders.fold_fills import Rules, fold_fills
from trueup.engine.recorder.check_recorded import checked, checked_amount, checked_time
from trueup.engine.recorder.late_trade import action_of, take_in
from trueup.engine.recorder.lay_fill import evidence_of, lay_fold, named_by_order, overruns_of, settled_with
from trueup.model.errors import Conflict, InputError, InvariantError
from trueup.model.ids import known_client_id, known_id, symbol_token
from trueup.model.money import amount, same, text
from trueup.model.notional import whole_qty
from trueup.model.snapshot import Fill, LocalOrder, Profile, Trade
from trueup.model.status_steps import CANCELABLE, UNFILLED_ENDS
from trueup.model.times import to_ns
from trueup.model.vocabulary import (
    TERMINAL,
    Action,
    PositionSide,
    QuarantinedBy,
    Status,
    TradeStatus,
)
from trueup.ports.books import LocalRecord
from trueup.ports.ledger import Ledger

_TERMS = ("symbol", "side", "action", "order_type", "trade_id", "position_side")
_TERM_AMOUNTS = ("qty", "limit_price", "stop_price")

Change = Callable[[LocalOrder, LocalRecord, str], LocalRecord]


class Permission(Struct, frozen=True):
    """Whether the bot may trade, and if not, why. True or false by itself."""

    allowed: bool
    reason: str | None = None

    def __bool__(self) -> bool:
        return self.allowed


class Recorder:
    """One profile's bot at its ledger. Amounts are decimal text, times RFC 3339 UTC; floats are refused."""

    def __init__(
        self, ledger: Ledger, profile: Profile, *, quote: Callable[[str], str | None] = lambda _: None
    ):
        """`quote`: a symbol's quote currency, needed for fees in the base currency where symbols have no separator."""
        ledger.journal.ensure_profiles([profile])
        self._ledger = ledger
        self._profile = profile
        self._quote = quote

    def open_trade(
        self, trade_id: str, symbol: str, side: PositionSide, *, opened_at: str | None = None
    ) -> Trade | None:
        """A round trip that orders can name. Raises Conflict where it exists with another symbol or side.

        Where recorded orders name it already (a restored backup has no trade), it begins with what they filled.
        """
        wanted = checked(
            Trade(trade_id=trade_id, symbol=symbol, side=side, status=TradeStatus.OPEN, opened_at=opened_at)
        )

        def change(record: LocalRecord, now: str) -> LocalRecord:
            known = record.trade
            if known is None:
                return self._opened(record, replace(wanted, opened_at=wanted.opened_at or now))
            if (known.symbol, known.side) != (wanted.symbol, wanted.side):
                raise Conflict(
                    f"trade {trade_id!r} is recorded as {known.side} {known.symbol}: use a new trade id"
                )
            return record

        return self._ledger.write_record(
            self._profile.profile_id, "trade_opened", change, trade_id=trade_id
        ).trade

    def record_order(self, order: LocalOrder) -> LocalOrder:
        """Before it is sent, with a client order id that the venue will give back; returns it as recorded.

        Recording the same order again returns what is there. Raises InputError, and Conflict where the client order id
        names an order with other terms.
        """
        if known_client_id(order.client_order_id) is None:
            raise InputError(
                "an order needs a client order id of its own before it is sent", "order.client_order_id"
            )
        return self._record_new(checked(order))

    def record_acknowledgement(
        self,
        client_order_id: str,
        venue_order_id: str,
        updated_at: str | None = None,
        *,
        symbol: str | None = None,
    ) -> LocalOrder:
        """The venue has it, under this id. `updated_at`: the venue's own time of that state.

        `symbol`, here and below: the order's instrument, for venues where two instruments' orders may have one number.
        """

        def change(order: LocalOrder, record: LocalRecord, now: str) -> LocalRecord:
            bound = (
                order if order.venue_order_id is not None else replace(order, venue_order_id=venue_order_id)
            )
            return _with_order(record, _updated(bound, updated_at))

        return self._change("acknowledged", change, client_order_id, venue_order_id, symbol=symbol)

    def record_fill(
        self,
        client_order_id: str | None,
        fill: Fill,
        *,
        cumulative_qty: str | None = None,
        average_price: str | None = None,
        updated_at: str | None = None,
    ) -> LocalOrder:
        """One execution, once per (venue order id, fill id); the order's and the trade's quantities grow with it.

        `cumulative_qty` and `average_price`: what the venue reports of the whole order with this fill, where it does.
        What exceeds the order's quantity, or has other figures than the same fill before, is not booked: the next run
        reports it. Nor is, without `cumulative_qty`, what looks like a fill that is booked under another id: a stream
        may have ids of its own, and the next run asks the venue.
        """
        told = checked(fill)
        cumulative = (
            None if cumulative_qty is None else amount(checked_amount(cumulative_qty, "cumulative_qty"))
        )
        average = None if average_price is None else amount(checked_amount(average_price, "average_price"))

        def change(order: LocalOrder, record: LocalRecord, now: str) -> LocalRecord:
            bound = replace(order, venue_order_id=order.venue_order_id or told.venue_order_id)
            evidence = evidence_of(order, named_by_order(told, bound), cumulative, average)
            rules = Rules(
                account_id=self._profile.account_id,
                order_qty=whole_qty(order),
                inferred_at=now,
            )
            fold = fold_fills(bound, record.fills, evidence, rules)
            if not fold.changes_books:
                return record
            quote = None if record.trade is None else self._quote(record.trade.symbol)
            told_order = _updated(bound, updated_at)
            return lay_fold(record, told_order, fold, self._profile.profile_id, quote)

        return self._change("filled", change, client_order_id, told.venue_order_id, symbol=told.symbol)

    def record_cancel_requested(
        self, client_order_id: str, venue_order_id: str | None = None, *, symbol: str | None = None
    ) -> LocalOrder:
        """The bot is about to ask the venue to cancel it."""

        def change(order: LocalOrder, record: LocalRecord, now: str) -> LocalRecord:
            asked = order.status in CANCELABLE and _is_bound(order, venue_order_id)
            return _with_order(record, replace(order, status=Status.PENDING_CANCEL)) if asked else record

        return self._change("cancel_requested", change, client_order_id, venue_order_id, symbol=symbol)

    def record_canceled(
        self,
        client_order_id: str,
        venue_order_id: str | None = None,
        updated_at: str | None = None,
        *,
        symbol: str | None = None,
    ) -> LocalOrder:
        return self.record_ended(client_order_id, venue_order_id, Status.CANCELED, updated_at, symbol=symbol)

    def record_rejected(
        self,
        client_order_id: str,
        venue_order_id: str | None = None,
        updated_at: str | None = None,
        *,
        symbol: str | None = None,
    ) -> LocalOrder:
        return self.record_ended(client_order_id, venue_order_id, Status.REJECTED, updated_at, symbol=symbol)

    def record_expired(
        self,
        client_order_id: str,
        venue_order_id: str | None = None,
        updated_at: str | None = None,
        *,
        symbol: str | None = None,
    ) -> LocalOrder:
        return self.record_ended(client_order_id, venue_order_id, Status.EXPIRED, updated_at, symbol=symbol)

    def record_ended(
        self,
        client_order_id: str,
        venue_order_id: str | None,
        status: Status,
        updated_at: str | None = None,
        *,
        symbol: str | None = None,
    ) -> LocalOrder:
        """The venue ended it without filling it. An order that has ended already stays as it is."""
        if status not in UNFILLED_ENDS:
            raise InputError(
                f"an order ends as {', '.join(UNFILLED_ENDS)}; fills are told by record_fill", "status"
            )

        def change(order: LocalOrder, record: LocalRecord, now: str) -> LocalRecord:
            if order.status in TERMINAL or not _is_bound(order, venue_order_id):
                return record
            bound = replace(order, status=status, venue_order_id=order.venue_order_id or venue_order_id)
            ended = _with_order(record, _updated(bound, updated_at))
            trade = ended.trade
            if trade is None or trade.status is not TradeStatus.OPEN:
                return ended
            unfilled = status is not Status.REPLACED and action_of(order, trade) is Action.ENTRY
            return replace(ended, trade=settled_with(ended, trade, entry_ended=unfilled))

        return self._change(status.value, change, client_order_id, venue_order_id, symbol=symbol)

    def record_replaced(self, client_order_id: str, venue_order_id: str, successor: LocalOrder) -> LocalOrder:
        """The venue put another order in its place. Returns the successor, with its predecessor's trade and action.

        `successor` needs its venue order id, or a client order id of its own when it is recorded before it is sent.
        """
        before = self._change(
            "replaced",
            lambda order, record, now: record,
            client_order_id,
            venue_order_id,
            symbol=successor.symbol,
        )
        inherited = {
            key: getattr(before, key)
            for key in ("trade_id", "action", "sub_tag", "position_side", "symbol", "order_type")
            if getattr(successor, key) is None
        }
        own_id = known_client_id(successor.client_order_id)
        if own_id is not None and own_id == known_client_id(before.client_order_id):
            inherited["client_order_id"] = (
                None  # one client order id names one row; the venue order id names this one
            )
        recorded = self._record_new(checked(replace(successor, **inherited)))
        self.record_ended(client_order_id, venue_order_id, Status.REPLACED, symbol=before.symbol)
        return recorded

    def close_trade(self, trade_id: str) -> Trade:
        """A round trip that will not be entered any more, or has nothing left. Closing it again changes nothing.

        Raises Conflict while it holds something (or less than nothing) or an order of it is live, and where it is
        quarantined: the venue's fills close a trade, not the bot's word.
        """

        def change(record: LocalRecord, now: str) -> LocalRecord:
            trade = record.trade
            if trade is None:
                raise Conflict(f"trade {trade_id!r} was never opened: nothing was changed")
            if trade.status is TradeStatus.CLOSED:
                return record
            why = _why_not_closable(trade, record.siblings)
            if why is not None:
                raise Conflict(f"trade {trade_id!r} {why}: nothing was changed")
            return replace(record, trade=replace(trade, status=TradeStatus.CLOSED))

        record = self._ledger.write_record(
            self._profile.profile_id, "trade_closed", change, trade_id=trade_id
        )
        if record.trade is None:
            raise InvariantError(f"trade {trade_id!r} was written and is not there")
        return record.trade

    def may_trade(self, trade_id: str | None = None, *, symbol: str | None = None) -> Permission:
        """Whether nothing is quarantined: this trade, or any trade of this symbol. Ask before each order."""
        if trade_id is None and symbol is None:
            raise InputError("name a trade or a symbol", "may_trade")
        token = None if symbol is None else symbol_token(symbol)
        for trade in self._ledger.books.quarantined_trades(self._profile.profile_id):
            if known_id(trade.trade_id) == known_id(trade_id) or symbol_token(trade.symbol) == token:
                by = "a person" if trade.quarantined_by is QuarantinedBy.PERSON else "parity"
                return Permission(False, f"trade {trade.trade_id} of {trade.symbol} is quarantined by {by}")
        return Permission(True)

    # Inside

    def _opened(self, record: LocalRecord, trade: Trade) -> LocalRecord:
        taken = take_in(trade, record.siblings, record.fills, self._quote(trade.symbol))
        return LocalRecord(trade=taken, breaks=overruns_of(taken, self._profile.profile_id))

    def _record_new(self, order: LocalOrder) -> LocalOrder:
        def change(record: LocalRecord, now: str) -> LocalRecord:
            if record.order is None:
                return replace(record, order=replace(order, submitted_at=order.submitted_at or now))
            if not _same_terms(record.order, order):
                name = order.client_order_id or order.venue_order_id
                raise Conflict(f"order {name!r} is recorded with other terms: use a new client order id")
            return record

        record = self._ledger.write_record(
            self._profile.profile_id,
            "recorded",
            change,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=order.trade_id,
            symbol=order.symbol,
        )
        return _order_of(record, order.client_order_id)

    def _change(
        self,
        event: str,
        change: Change,
        client_order_id: str | None,
        venue_order_id: str | None,
        *,
        symbol: str | None = None,
    ) -> LocalOrder:
        def of_known_order(record: LocalRecord, now: str) -> LocalRecord:
            return change(_order_of(record, client_order_id or venue_order_id), record, now)

        record = self._ledger.write_record(
            self._profile.profile_id,
            event,
            of_known_order,
            client_order_id=client_order_id,
            venue_order_id=venue_order_id,
            symbol=symbol,
        )
        return _order_of(record, client_order_id or venue_order_id)


def _order_of(record: LocalRecord, name: str | None) -> LocalOrder:
    if record.order is None:
        raise Conflict(f"order {name!r} was never recorded: record each order before it is sent")
    return record.order


def _with_order(record: LocalRecord, order: LocalOrder) -> LocalRecord:
    return replace(record, order=order)


def _updated(order: LocalOrder, updated_at: str | None) -> LocalOrder:
    """With the venue's time of its state, where that is not older than the one recorded."""
    if updated_at is None:
        return order
    known = order.venue_updated_at
    time = checked_time(updated_at, "updated_at")
    return (
        order if known is not None and to_ns(known) >= to_ns(time) else replace(order, venue_updated_at=time)
    )


def _is_bound(order: LocalOrder, venue_order_id: str | None) -> bool:
    """A row that was re-bound to a successor ignores what its predecessor does."""
    own, told = known_id(order.venue_order_id), known_id(venue_order_id)
    return own is None or told is None or own == told


def _why_not_closable(trade: Trade, orders: list[LocalOrder]) -> str | None:
    if trade.status is TradeStatus.QUARANTINED:
        return "is quarantined"
    if trade.open_qty != 0:
        return f"holds {text(trade.open_qty)}"
    live = [one for one in orders if one.status not in TERMINAL]
    return f"has a live order ({live[0].client_order_id or live[0].venue_order_id})" if live else None


def _same_terms(left: LocalOrder, right: LocalOrder) -> bool:
    equal = all(getattr(left, key) == getattr(right, key) for key in _TERMS)
    return equal and all(same(getattr(left, key), getattr(right, key)) for key in _TERM_AMOUNTS)
