"""The ccxt adapter, with the installed ccxt's binance, against a server of Binance's shape."""

import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.contract.venues.ccxt_server import ACCOUNT, API_KEY, INSTRUMENT, SECRET, BinanceServer
from tests.patience import PATIENCE_S
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import Side
from trueup.ports.clock import Clock
from trueup.sim.clock import SimClock
from trueup.sim.market.orders import OrderRequest
from trueup.sim.paper.faults import PaperFault
from trueup.venues.ccxt.open_venue import CcxtVenue

if TYPE_CHECKING:
    from trueup.testing.venues.bench import Bench

LIMIT = 200_000
BUDGET = 300


class CcxtBench:
    """Implements `Bench`."""

    page_size: int | None = None
    links_replaced = False
    secrets: tuple[str, ...] = (SECRET, API_KEY)

    def __init__(self, server: BinanceServer) -> None:
        self.server = server
        self.clock = server.clock
        self.opened: list[CcxtVenue] = []
        self.venue = self.reopen()

    def place(self, client_order_id: str, qty: str = "1") -> str:
        self.clock.advance(NS_PER_S // 1000)
        request = OrderRequest(
            client_order_id=client_order_id,
            symbol=INSTRUMENT.symbol,
            side=Side.BUY,
            qty=int(Decimal(qty).scaleb(INSTRUMENT.qty_decimals)),
            limit=LIMIT,
        )
        return str(self.server.market.submit(ACCOUNT, request, "client").number)

    def place_many(self, count: int) -> list[str]:
        return [self.place(f"many-{number}") for number in range(count)]

    def fill(self, qty: str) -> None:
        self.clock.advance(NS_PER_S // 1000)
        self.server.market.match(INSTRUMENT.symbol, LIMIT, int(Decimal(qty).scaleb(INSTRUMENT.qty_decimals)))

    def cancel(self, venue_order_id: str) -> None:
        self.server.market.cancel(ACCOUNT, f"V-{int(venue_order_id):06d}")

    def replace(self, venue_order_id: str, client_order_id: str) -> str:
        raise NotImplementedError("Binance cancels and places anew: it knows no replaced orders")

    def plan(self, fault: PaperFault, *, times: int = 1, skip: int = 0) -> None:
        self.server.faults.plan(fault, times=times, skip=skip, path="")

    def meanwhile(self, action: Callable[[], object]) -> None:
        self.server.meanwhile.append(action)

    def sent_ns(self) -> list[int]:
        return [seen.at_ns for seen in self.server.seen]

    def methods(self) -> set[str]:
        return {seen.method for seen in self.server.seen}

    def reopen(
        self,
        *,
        clock: Clock | None = None,
        budget: int | None = None,
        secret: str | None = None,
        timeout_s: float | None = None,
    ) -> CcxtVenue:
        exchange = self.server.exchange(
            secret=secret or SECRET, timeout=int((timeout_s or PATIENCE_S) * 1000)
        )
        venue = CcxtVenue(
            exchange,
            clock=clock or self.clock,
            symbols=[INSTRUMENT.symbol],
            managed_symbols=[INSTRUMENT.symbol],
            calls_per_minute=budget or BUDGET,
        )
        self.opened.append(venue)
        return venue


@contextlib.asynccontextmanager
async def ccxt_bench() -> "AsyncIterator[Bench]":
    async with BinanceServer(SimClock()) as server:
        bench = CcxtBench(server)
        await bench.venue.instruments()  # reads the markets once, as the first run does
        server.seen.clear()
        try:
            yield bench
        finally:
            for venue in bench.opened:
                await venue.aclose()
