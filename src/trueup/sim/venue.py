"""The simulated venue as trueup sees it: `ports.Venue` on one account of the market, with faults.

Decides what a read or an answer says where a fault strikes; without faults it says the truth. A lie is bounded: what
lags or hides is told `LAG_S_MAX` seconds later at the latest. Every read is also there without `async`
(`read_*`, `answer`), for worlds in memory. It must not change the market.
"""

from typing import TypeVar

from msgspec import structs

from trueup.model.errors import AuthError, RateLimited, VenueUnavailable
from trueup.model.snapshot import (
    Fill,
    HistoryRead,
    Instrument,
    OrdersRead,
    Position,
    PositionsRead,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import Outcome, PositionSide, QueryBy, ReadState
from trueup.sim.faults import FaultDice
from trueup.sim.market import Market
from trueup.sim.market_orders import MarketFill, MarketInstrument, MarketOrder, time_text

FOREVER_AGO_NS = 0
YOUNG_S = 120  # rows shift where new ones come in
EXPIRED_S = 60  # what is older than this is gone, where the history has expired
SLOW_S_MAX = 8  # below the time-outs of the engine: what is slower is a failed read
Row = TypeVar("Row")
Told = TypeVar("Told", MarketOrder, MarketFill)


class SimVenue:
    """One account at the simulated venue, read only.

    `fills_by_client_id`: its fills name no venue order id. `hedged`: it keeps long and short positions apart.
    """

    def __init__(
        self,
        market: Market,
        account_id: str,
        dice: FaultDice,
        *,
        fills_by_client_id: bool = False,
        hedged: bool = False,
    ) -> None:
        self._market = market
        self._account_id = account_id
        self._dice = dice
        self._fills_by_client_id = fills_by_client_id
        self._sides: tuple[PositionSide | None, ...] = tuple(PositionSide) if hedged else (None,)
        self._refused_until_ns = 0  # banned, or the key is revoked
        self._refusal = ""
        self._shown_from: dict[str, int] = {}  # order or fill id → when lists begin to show it

    # ports.Venue

    @property
    def name(self) -> str:
        return "sim"

    async def account_id(self) -> str | None:
        return self.read_account_id()

    async def now_ns(self) -> int | None:
        return self._market.now_ns()

    async def instruments(self) -> list[Instrument]:
        return self.read_instruments()

    async def open_orders(self) -> OrdersRead:
        return await self._travel(self.read_open_orders())

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        return await self._travel(self.read_history(since, symbol))

    async def positions(self) -> PositionsRead:
        return await self._travel(self.read_positions())

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        return await self._travel(self.answer(by, order_id))

    async def aclose(self) -> None:
        """Nothing is held open."""

    # The same reads, at once

    def read_account_id(self) -> str:
        return self._account_id

    def read_instruments(self) -> list[Instrument]:
        return [instrument.model() for instrument in self._market.instruments.values()]

    def read_open_orders(self) -> OrdersRead:
        as_of_ns = self._start_read()
        if self._dice.strikes("read_empty"):
            return OrdersRead(state=ReadState.COMPLETE, read_at=self._now())
        orders = self._market.live_orders(self._account_id)
        if as_of_ns is not None:
            everything = self._market.truth_orders(self._account_id)
            orders = [order for order in everything if order.is_live_at(as_of_ns)]
        rows, state = self._cut(self._order_rows(self._skip(orders), as_of_ns))
        return OrdersRead(state=state, read_at=self._now(), rows=rows)

    def read_history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        as_of_ns = self._start_read()
        since_ns = FOREVER_AGO_NS if since is None else to_ns(since)
        expired = self._dice.strikes("history_expired")
        if expired:
            since_ns = max(since_ns, self._market.now_ns() - EXPIRED_S * NS_PER_S)
        orders = [
            order
            for order in self._market.truth_orders(self._account_id)
            if order.submitted_ns >= since_ns and symbol in (None, order.symbol)
        ]
        fills = [
            fill
            for fill in self._market.truth_fills(self._account_id)
            if fill.filled_ns >= since_ns and symbol in (None, fill.order.symbol)
        ]
        order_rows, state = self._cut(self._order_rows(self._skip(orders), as_of_ns))
        fill_rows, fill_state = self._cut(self._fill_rows(self._skip(fills), as_of_ns))
        if expired or fill_state is ReadState.PARTIAL:
            state = ReadState.PARTIAL
        return HistoryRead(state=state, read_at=self._now(), since=since, orders=order_rows, fills=fill_rows)

    def read_positions(self) -> PositionsRead:
        as_of_ns = self._start_read()
        rows = [
            Position(
                symbol=symbol.replace("/", ""),  # as Alpaca does: orders say BTC/USD, positions BTCUSD
                qty=instrument.parts_text(self._position_parts(symbol, side, as_of_ns)),
                mark_price=instrument.price_text(self._market.prices[symbol]),
                position_side=side,
            )
            for symbol, instrument in self._market.instruments.items()
            for side in self._sides
        ]
        kept, state = self._cut(rows)
        return PositionsRead(state=state, read_at=self._now(), rows=kept)

    def answer(self, by: QueryBy, order_id: str) -> VenueAnswer:
        self._fail()
        if self._dice.strikes("answer_unknown"):
            return VenueAnswer(
                by=by, id=order_id, outcome=Outcome.UNKNOWN, read_at=self._now(), error="try later"
            )
        if by is QueryBy.VENUE_ORDER_ID:
            order = self._market.truth_order(self._account_id, order_id.strip().upper())
        else:
            order = self._market.truth_by_client_id(self._account_id, order_id)
        view = order.view() if order is not None else None
        if order is not None and self._dice.strikes("answer_stale"):
            view = order.view_at(self._earlier_ns())
        outcome = Outcome.ABSENT if view is None else Outcome.FOUND
        return VenueAnswer(by=by, id=order_id, outcome=outcome, read_at=self._now(), order=view)

    # Faults

    async def _travel(self, reply: Row) -> Row:
        """The reply, when it arrives."""
        if self._dice.strikes("reply_slow"):
            await self._market.clock.sleep(self._dice.rng.randint(1, SLOW_S_MAX))
        return reply

    def _now(self) -> str:
        """When a read was sent, on the clock of whoever reads."""
        return time_text(self._market.clock.now_ns())

    def _earlier_ns(self) -> int:
        return self._market.now_ns() - self._dice.lag_ns()

    def _start_read(self) -> int | None:
        """Fail, or say as of which earlier time this read answers (null: now)."""
        self._fail()
        return self._earlier_ns() if self._dice.strikes("read_stale") else None

    def _fail(self) -> None:
        dice, now_ns = self._dice, self._market.now_ns()
        for name in ("venue_banned", "key_revoked"):
            if now_ns >= self._refused_until_ns and dice.strikes(name):
                self._refused_until_ns, self._refusal = now_ns + dice.lag_ns(), name
        if now_ns < self._refused_until_ns and self._refusal == "key_revoked":
            raise AuthError("the simulated venue does not know this key: make a new one")
        if now_ns < self._refused_until_ns or dice.strikes("read_rate_limited"):
            raise RateLimited("the simulated venue takes no more calls for now: wait 5 s", retry_after_s=5)
        if dice.strikes("read_failed"):
            raise VenueUnavailable("the simulated venue did not answer in time: ask again in the next run")

    def _cut(self, rows: list[Row]) -> tuple[list[Row], ReadState]:
        if rows and self._dice.strikes("read_truncated"):
            return rows[: self._dice.rng.randrange(len(rows))], ReadState.PARTIAL
        return rows, ReadState.COMPLETE

    def _skip(self, rows: list[Told]) -> list[Told]:
        """Rows shift while pages are read: a young one is in none of them."""
        young_ns = self._market.now_ns() - YOUNG_S * NS_PER_S
        if rows and self._dice.strikes("row_skipped"):
            skipped = self._dice.rng.choice(rows)
            return [row for row in rows if row is not skipped or row.told_ns < young_ns]
        return rows

    def _is_shown(self, identity: str, since_ns: int, fault: str) -> bool:
        """Is a row in the lists yet? Drawn once for each; what is late is shown `LAG_S_MAX` after it happened."""
        if identity not in self._shown_from:
            late_ns = self._dice.lag_ns() if self._dice.strikes(fault) else 0
            self._shown_from[identity] = since_ns + late_ns
        return self._shown_from[identity] <= self._market.now_ns()

    def _order_rows(self, orders: list[MarketOrder], as_of_ns: int | None) -> list[VenueOrder]:
        rows: list[VenueOrder] = []
        for order in orders:
            if not self._is_shown(order.venue_order_id, order.told_ns, "order_hidden"):
                continue
            row = order.view() if as_of_ns is None else order.view_at(as_of_ns)
            if self._dice.strikes("order_late"):
                row = order.view_at(self._earlier_ns())
            if row is not None:
                rows.append(self._blur(row))
            if row is not None and self._dice.strikes("row_duplicated"):
                older = order.view_at(self._earlier_ns())
                rows.insert(self._dice.rng.randint(0, len(rows)), older or row)
        return rows

    def _blur(self, row: VenueOrder) -> VenueOrder:
        """Take away what the fault takes: the status's meaning, the filled quantity, the average price."""
        if self._dice.strikes("status_unknown"):
            row = structs.replace(row, status=None, raw_status="calculated")
        if row.filled_qty != "0" and self._dice.strikes("filled_qty_missing"):
            row = structs.replace(row, filled_qty=None, filled_avg_price=None)
        if self._dice.strikes("updated_at_missing"):
            row = structs.replace(row, updated_at=None)
        if self._dice.strikes("id_respelled") and row.venue_order_id is not None:
            row = structs.replace(row, venue_order_id=f" {row.venue_order_id.lower()}")
        if row.filled_avg_price is not None and self._dice.strikes("average_missing"):
            row = structs.replace(row, filled_avg_price=None)
        if self._dice.strikes("precision_wrong"):
            row = _misprinted(row, self._market.instruments[row.symbol or ""])
        return row

    def _fill_rows(self, fills: list[MarketFill], as_of_ns: int | None) -> list[Fill]:
        rows: list[Fill] = []
        for fill in fills:
            if as_of_ns is not None and fill.filled_ns > as_of_ns:
                continue
            if self._is_shown(f"{fill.order.venue_order_id} {fill.fill_id}", fill.told_ns, "fill_late"):
                rows.append(self._named(fill))
                if self._dice.strikes("row_duplicated"):
                    rows.insert(self._dice.rng.randint(0, len(rows)), self._named(fill))
        return rows

    def _named(self, fill: MarketFill) -> Fill:
        view, client_order_id = fill.view(), fill.order.client_order_id
        if self._dice.strikes("fill_changed"):
            fill.order.is_revised = True
            view = structs.replace(view, price=fill.order.instrument.price_text(fill.price + 1))
        if not self._fills_by_client_id or client_order_id is None:
            return view
        return structs.replace(view, venue_order_id=None, client_order_id=client_order_id)

    def _position_parts(self, symbol: str, side: PositionSide | None, as_of_ns: int | None) -> int:
        if as_of_ns is None:
            return self._market.truth_position(self._account_id, symbol, side)
        fills = self._market.truth_fills(self._account_id)
        return sum(
            fill.position_parts
            for fill in fills
            if fill.order.symbol == symbol
            and fill.order.request.position_side is side
            and fill.filled_ns <= as_of_ns
        )


def _misprinted(row: VenueOrder, instrument: MarketInstrument) -> VenueOrder:
    """Zeros that mean nothing, and a filled quantity cut off to a digit less."""
    limit = None if row.limit_price is None else _padded(row.limit_price)
    whole, _, digits = (row.filled_qty or "0").partition(".")
    cut_off = f"{whole}.{digits[: instrument.qty_decimals - 1]}" if digits else whole
    qty = None if row.qty is None else _padded(row.qty)
    filled = None if row.filled_qty is None else cut_off.rstrip(".")
    return structs.replace(row, qty=qty, limit_price=limit, filled_qty=filled)


def _padded(number: str) -> str:
    return f"{number}00" if "." in number else f"{number}.00"
