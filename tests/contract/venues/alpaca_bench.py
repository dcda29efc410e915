"""The Alpaca adapter against the paper venue."""

import contextlib
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.patience import PATIENCE_S
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import Side
from trueup.ports.clock import Clock
from trueup.ports.venue import VenueSettings
from trueup.sim.market.orders import OrderRequest
from trueup.sim.paper.faults import PaperFault
from trueup.sim.paper.json import paper_id
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue
from trueup.venues.alpaca.pages import ORDERS_PAGE
from trueup.venues.alpaca.venue import AlpacaVenue, open_venue

if TYPE_CHECKING:
    from trueup.testing.venues.bench import Bench

SYMBOL, QTY_DECIMALS, LIMIT = "ETH/USD", 3, 200_000
BUDGET = 180


class AlpacaBench:
    """Implements `Bench`."""

    page_size: int | None = ORDERS_PAGE
    links_replaced = True
    secrets: tuple[str, ...] = (SECRET, KEY_ID)

    def __init__(self, paper: PaperVenue, url: str) -> None:
        self.paper = paper
        self.clock = paper.clock
        self.url = url
        self.opened: list[AlpacaVenue] = []
        self.venue = self.reopen()

    def place(self, client_order_id: str, qty: str = "1") -> str:
        steps = int(Decimal(qty).scaleb(QTY_DECIMALS))
        self.clock.advance(NS_PER_S // 1000)
        request = OrderRequest(
            client_order_id=client_order_id, symbol=SYMBOL, side=Side.BUY, qty=steps, limit=LIMIT
        )
        return paper_id("order", self.paper.market.submit("paper", request, "client").venue_order_id)

    def place_many(self, count: int) -> list[str]:
        return [self.place(f"many-{number}") for number in range(count)]

    def fill(self, qty: str) -> None:
        self.clock.advance(NS_PER_S // 1000)
        self.paper.market.match(SYMBOL, LIMIT, int(Decimal(qty).scaleb(QTY_DECIMALS)))

    def cancel(self, venue_order_id: str) -> None:
        self.paper.account.cancel(venue_order_id)

    def replace(self, venue_order_id: str, client_order_id: str) -> str:
        body = {"limit_price": "1999", "client_order_id": client_order_id}
        return str(self.paper.account.replace(venue_order_id, body)["id"])

    def plan(self, fault: PaperFault, *, times: int = 1, skip: int = 0) -> None:
        self.paper.faults.plan(fault, times=times, skip=skip)

    def meanwhile(self, action: Callable[[], object]) -> None:
        self.paper.meanwhile.append(lambda: (action(), None)[1])

    def sent_ns(self) -> list[int]:
        return [seen.at_ns for seen in self.paper.seen]

    def methods(self) -> set[str]:
        return {seen.method for seen in self.paper.seen}

    def reopen(
        self,
        *,
        clock: Clock | None = None,
        budget: int | None = None,
        secret: str | None = None,
        timeout_s: float | None = None,
    ) -> AlpacaVenue:
        settings = VenueSettings(
            account_id="acc",
            credentials={"key_id": KEY_ID, "secret_key": secret or SECRET},
            options={
                "base_url": self.url,
                "timeout_s": timeout_s or PATIENCE_S,
                "requests_per_minute": budget or BUDGET,
            },
            clock=clock or self.clock,
        )
        self.opened.append(open_venue(settings))
        return self.opened[-1]


@contextlib.asynccontextmanager
async def alpaca_bench() -> "AsyncIterator[Bench]":
    paper = PaperVenue()
    async with serving(paper) as url:
        bench = AlpacaBench(paper, url)
        try:
            yield bench
        finally:
            for venue in bench.opened:
                await venue.aclose()
