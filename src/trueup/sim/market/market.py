"""The simulated venue's own truth: a pure, deterministic matching machine.

Decides what happens to an order: matching by submission time, partial fills, stops, cancels and replacements
that take effect later (and lose against a fill), expiry, rejection, bracket legs, fees, positions. Quantities
are integers in steps, prices integers in ticks. All chance comes in as arguments. It must not know what a bot
recorded, what a read returns, or that trueup exists.
"""

from msgspec import structs

from trueup.model.errors import TrueupError
from trueup.model.vocabulary import LIVE, TERMINAL, TRANSITIONAL, Status
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.orders import MarketFill, MarketOrder, OrderRequest
from trueup.sim.market.records import Event, MarketRecords

MATCHABLE = LIVE - {Status.SUSPENDED}


class Refused(TrueupError):
    """The venue refuses a request; nothing changed. The message is the venue's reason."""


class Market(MarketRecords):
    """What clients may do, and what time and price do."""

    def __init__(
        self,
        clock: SimClock,
        instruments: list[MarketInstrument],
        skew_ns: int = 0,
        *,
        fill_ids_repeat: bool = False,
        order_ids_repeat: bool = False,
    ) -> None:
        """`fill_ids_repeat`, `order_ids_repeat`: every order counts its own fills, every instrument its own orders."""
        super().__init__(clock, instruments, skew_ns)
        self._fill_ids_repeat = fill_ids_repeat
        self._order_ids_repeat = order_ids_repeat
        self._order_count = 0
        self._fill_count = 0

    # What clients may do

    def submit(self, account_id: str, request: OrderRequest, placed_by: str) -> MarketOrder:
        """Accept an order (with its bracket legs, held until it is filled), or raise Refused."""
        if not request.is_tagged:
            self._check_unused(account_id, request.client_order_id)
        if request.qty <= 0:
            raise Refused("quantity must be greater than 0")
        order = self._add(account_id, request, placed_by)
        for leg in request.legs:
            self._add(account_id, leg, placed_by, parent=order)
        if request.reject_reason is not None:
            self._end(order, Status.REJECTED, request.reject_reason)
        return order

    def cancel(
        self, account_id: str, venue_order_id: str, delay_ns: int = 0, *, symbol: str | None = None
    ) -> None:
        """Ask for a cancel that takes effect after `delay_ns`, unless the order fills before."""
        order = self._live_order(account_id, venue_order_id, symbol)
        if order.status in TRANSITIONAL or (order.held and order.replaces is not None):
            raise Refused("a cancel or a replacement is pending already")
        if delay_ns == 0:
            self._end(order, Status.CANCELED)
            return
        order.due_ns = self.now_ns() + delay_ns
        self._change(order, Status.PENDING_CANCEL)

    def replace(
        self,
        account_id: str,
        venue_order_id: str,
        client_order_id: str,
        *,
        qty: int,
        limit: int,
        delay_ns: int = 0,
        symbol: str | None = None,
    ) -> MarketOrder:
        """Ask to replace a limit order by one of a new id; `qty` is the total, what is filled already counts.

        Returns the successor, held until the replacement takes effect, rejected if the order fills before.
        """
        order = self._live_order(account_id, venue_order_id, symbol)
        if order.status not in (Status.PENDING_NEW, Status.PARTIALLY_FILLED) or order.held:
            raise Refused("order is not open")
        if order.request.limit is None:
            raise Refused("only limit orders can be replaced")
        self._check_unused(account_id, client_order_id)
        if qty <= order.filled:
            raise Refused("quantity must be greater than the filled quantity")
        request = structs.replace(
            order.request,
            client_order_id=client_order_id,
            qty=qty - order.filled,
            limit=limit,
            legs=(),
        )
        successor = self._add(account_id, request, order.placed_by, replaces=order)
        order.successor, order.replace_qty = successor, qty
        order.due_ns = self.now_ns() + delay_ns
        self._change(order, Status.PENDING_REPLACE)
        if delay_ns == 0:
            self._settle_order(order)
        return successor

    # What time and price do

    def settle(self) -> None:
        """Let what is due take effect: cancels, replacements, expiries."""
        now_ns = self.now_ns()
        for live in self._live.values():
            for order in list(live.values()):
                if order.status in TERMINAL:  # ended by an order settled before it
                    continue
                if order.due_ns is not None and order.due_ns <= now_ns:
                    self._settle_order(order)
                elif order.expires_ns is not None and order.expires_ns <= now_ns:
                    self._end(order, Status.EXPIRED, "time in force ended")

    def match(self, symbol: str, ticks: int, liquidity: int) -> None:
        """Trade `symbol` at price `ticks`; the earliest eligible orders share `liquidity` steps."""
        self.prices[symbol] = ticks
        for order in list(self._live[symbol].values()):
            if liquidity <= 0:
                return
            if order.status in MATCHABLE and not order.held and order.crosses(ticks):
                qty = min(order.qty - order.filled, liquidity)
                liquidity -= qty
                self._fill(order, qty, ticks)

    # What the venue takes back

    def bust(self, fill: MarketFill) -> None:
        """A trade is declared void: its quantity comes off the order, whose status stays unless nothing is left."""
        order = fill.order
        self._fills[order.account_id].remove(fill)
        self._move_position(fill, -1)
        order.filled -= fill.qty
        order.cost -= fill.qty * fill.price
        order.busted += fill.qty
        order.is_revised = True
        empty = order.status is Status.PARTIALLY_FILLED and order.filled == 0
        order.status = Status.PENDING_NEW if empty else order.status
        order.remember(self.now_ns())
        self.events.append(Event(self.now_ns(), "busted", order, fill))

    def correct(self, fill: MarketFill, price: int) -> None:
        """A trade keeps its id and quantity and gets another price."""
        order = fill.order
        order.cost += fill.qty * (price - fill.price)
        order.is_revised = True
        fills = self._fills[order.account_id]
        fills[fills.index(fill)] = corrected = MarketFill(
            fill.fill_id, order, fill.qty, price, fill.filled_ns
        )
        order.remember(self.now_ns())
        self.events.append(Event(self.now_ns(), "corrected", order, corrected))

    # Inside

    def _move_position(self, fill: MarketFill, sign: int) -> None:
        order = fill.order
        key = (order.account_id, order.symbol, order.request.position_side)
        self._positions[key] = self._positions.get(key, 0) + sign * fill.position_parts

    def _check_unused(self, account_id: str, client_order_id: str | None) -> None:
        if client_order_id is not None and (account_id, client_order_id) in self._by_client_id:
            raise Refused("client order id must be unique")

    def _live_order(self, account_id: str, venue_order_id: str, symbol: str | None) -> MarketOrder:
        order = self.truth_order(account_id, venue_order_id, symbol)
        if order is None:
            raise Refused("order not found")
        if order.status in TERMINAL:
            raise Refused(f"order is already {order.status.value}")
        return order

    def _add(
        self,
        account_id: str,
        request: OrderRequest,
        placed_by: str,
        parent: MarketOrder | None = None,
        replaces: MarketOrder | None = None,
    ) -> MarketOrder:
        self._order_count += 1
        now_ns = self.now_ns()
        after_ns = request.expires_after_ns
        order = MarketOrder(
            number=self._order_count,
            venue_order_id=f"V-{self._next_number(account_id, request.symbol):06d}",
            account_id=account_id,
            placed_by=placed_by,
            instrument=self.instruments[request.symbol],
            request=request,
            qty=request.qty,
            submitted_ns=now_ns,
            expires_ns=None if after_ns is None else now_ns + after_ns,
            held=parent is not None or replaces is not None,
            parent=parent,
            replaces=replaces,
        )
        if parent is not None:
            parent.legs.append(order)
        self._orders.setdefault(account_id, []).append(order)
        self._by_id.setdefault((account_id, order.venue_order_id), []).append(order)
        if order.client_order_id is not None:
            self._by_client_id.setdefault((account_id, order.client_order_id), []).append(order)
        self._live[order.symbol][order.number] = order
        self._change(order, Status.PENDING_NEW)
        return order

    def _next_number(self, account_id: str, symbol: str) -> int:
        if not self._order_ids_repeat:
            return self._order_count
        return 1 + sum(1 for one in self._orders.get(account_id, ()) if one.symbol == symbol)

    def _change(self, order: MarketOrder, status: Status, reason: str | None = None) -> None:
        order.status, order.reason = status, reason
        order.remember(self.now_ns())
        self.events.append(Event(self.now_ns(), status.value, order))

    def _end(self, order: MarketOrder, status: Status, reason: str | None = None) -> None:
        """Make an order terminal, and do what that means for its successor and its legs."""
        order.due_ns = None
        self._live[order.symbol].pop(order.number, None)
        self._change(order, status, reason)
        successor = order.successor
        if successor is not None and successor.held and status is not Status.REPLACED:
            self._end(successor, Status.REJECTED, f"replaced order is {status.value}")
        for leg in order.legs:
            if leg.status in TERMINAL:
                continue
            if order.filled:
                leg.held, leg.qty = False, order.filled
                self._change(leg, leg.status)
            else:
                self._end(leg, Status.CANCELED, f"parent order is {status.value}")

    def _settle_order(self, order: MarketOrder) -> None:
        successor = order.successor
        if order.status is Status.PENDING_CANCEL:
            self._end(order, Status.CANCELED)
        elif successor is not None and order.replace_qty > order.filled:
            successor.held, successor.qty = False, order.replace_qty - order.filled
            order.replaced_by = successor.venue_order_id
            self._end(order, Status.REPLACED)
            self._change(successor, Status.PENDING_NEW)
        elif successor is not None:  # filled beyond the new total meanwhile: the order stays as it is
            order.due_ns, order.successor = None, None
            self._change(order, Status.PARTIALLY_FILLED)
            self._end(successor, Status.REJECTED, "quantity is filled already")

    def _fill(self, order: MarketOrder, qty: int, ticks: int) -> None:
        self._fill_count += 1
        order.fill_count += 1
        number = order.fill_count if self._fill_ids_repeat else self._fill_count
        fill = MarketFill(f"F-{number:06d}", order, qty, ticks, self.now_ns())
        order.filled += qty
        order.cost += qty * ticks
        self._fills.setdefault(order.account_id, []).append(fill)
        self._move_position(fill, 1)
        self.events.append(Event(self.now_ns(), "fill", order, fill, order.filled))
        self._cancel_other_leg(order)
        if order.filled == order.qty:
            self._end(order, Status.FILLED)
        else:
            working = order.status in (Status.PENDING_NEW, Status.PARTIALLY_FILLED)
            self._change(order, Status.PARTIALLY_FILLED if working else order.status)

    def _cancel_other_leg(self, order: MarketOrder) -> None:
        for leg in order.parent.legs if order.parent is not None else ():
            if leg is not order and leg.status not in TERMINAL:
                self._end(leg, Status.CANCELED, "the other leg filled")
