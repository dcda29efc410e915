"""The simulated venue as trueup sees it: `ports.Venue` on one account of the market, with faults.

Decides what a read or an answer says where a fault strikes; without faults it says the truth. A lie is bounded: what
lags or hides is told `LAG_S_MAX` seconds later at the latest. Every read is also there without `async`
(`read_*`, `answer`), for worlds in memory. It must not change the market.
"""

from typing import TypeVar

from msgspec import structs

from trueup.model.errors import AuthError, RateLimited, VenueUnavailable
from trueup.model.snapshot import (
    HistoryRead,
    Instrument,
    OrdersRead,
    Position,
    PositionsRead,
    VenueAnswer,
)
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import Outcome, PositionSide, QueryBy, ReadState
from trueup.sim.faults import FaultDice
from trueup.sim.market.market import Market
from trueup.sim.market.orders import time_text
from trueup.sim.market.venue_rows import VenueRows

FOREVER_AGO_NS = 0
NO_ANSWER = "the simulated venue did not answer in time: ask again in the next run"
EXPIRED_S = 60  # what is older than this is gone, where the history has expired
SLOW_S_MAX = 8  # below the time-outs of the engine: what is slower is a failed read
Row = TypeVar("Row")


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
        self._rows = VenueRows(market, dice, fills_by_client_id=fills_by_client_id)
        self._sides: tuple[PositionSide | None, ...] = tuple(PositionSide) if hedged else (None,)
        self.is_blank = False  # it lists no order and knows none it is asked for; its history cannot be read
        self._refused_until_ns = 0  # banned, or the key is revoked
        self._refusal = ""

    # ports.Venue

    @property
    def name(self) -> str:
        return "sim"

    async def account_id(self) -> str | None:
        return self.read_account_id()

    async def now_ns(self) -> int | None:
        return self.clock_ns()

    def clock_ns(self) -> int:
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
        return await self._travel(self.answer(by, order_id, symbol))

    async def aclose(self) -> None:
        """Nothing is held open."""

    # The same reads, at once

    def read_account_id(self) -> str:
        return self._account_id

    def read_instruments(self) -> list[Instrument]:
        return [instrument.model() for instrument in self._market.instruments.values()]

    def read_open_orders(self) -> OrdersRead:
        as_of_ns = self._start_read()
        if self.is_blank or self._dice.strikes("read_empty"):
            return OrdersRead(state=ReadState.COMPLETE, read_at=self._now())
        orders = self._market.live_orders(self._account_id)
        if as_of_ns is not None:
            everything = self._market.truth_orders(self._account_id)
            orders = [order for order in everything if order.is_live_at(as_of_ns)]
        rows, state = self._rows.cut(self._rows.order_rows(self._rows.skip(orders), as_of_ns))
        return OrdersRead(state=state, read_at=self._now(), rows=rows)

    def read_history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        as_of_ns = self._start_read()
        if self.is_blank:
            raise VenueUnavailable(NO_ANSWER)
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
        order_rows, state = self._rows.cut(self._rows.order_rows(self._rows.skip(orders), as_of_ns))
        fill_rows, fill_state = self._rows.cut(self._rows.fill_rows(self._rows.skip(fills), as_of_ns))
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
        kept, state = self._rows.cut(rows)
        return PositionsRead(state=state, read_at=self._now(), rows=kept)

    def answer(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        self._fail()
        if self._dice.strikes("answer_unknown"):
            return VenueAnswer(
                by=by, id=order_id, outcome=Outcome.UNKNOWN, read_at=self._now(), error="try later"
            )
        if by is QueryBy.VENUE_ORDER_ID:
            if symbol is None and self._market.is_number_of_several(
                self._account_id, order_id.strip().upper()
            ):
                return VenueAnswer(
                    by=by,
                    id=order_id,
                    outcome=Outcome.UNKNOWN,
                    read_at=self._now(),
                    error="of which instrument?",
                )
            order = self._market.truth_order(self._account_id, order_id.strip().upper(), symbol)
        else:
            order = self._market.truth_by_client_id(self._account_id, order_id)
        if self.is_blank:
            order = None
        view = order.view() if order is not None else None
        if order is not None and self._dice.strikes("answer_stale"):
            view = order.view_at(self._rows.earlier_ns())
        if view is not None and self._dice.strikes("answer_status_unknown"):
            view = structs.replace(view, status=None, raw_status="calculated")
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

    def _start_read(self) -> int | None:
        """Fail, or say as of which earlier time this read answers (null: now)."""
        self._fail()
        return self._rows.earlier_ns() if self._dice.strikes("read_stale") else None

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
            raise VenueUnavailable(NO_ANSWER)

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
