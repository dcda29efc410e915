"""What the contract suite needs of a venue under test: a server on this machine, its market, its faults, the adapter.

A venue joins by a `Bench`, and by an async context manager `() -> Bench` that the option `trueup_venues` names.
"""

import time
from collections.abc import Callable
from typing import Protocol

from trueup.ports.clock import Clock
from trueup.ports.venue import Venue
from trueup.sim.clock import SimClock
from trueup.sim.paper.faults import PaperFault


class Bench(Protocol):
    """One account at one server. `clock` is the server's and the adapter's: waiting costs no real time."""

    clock: SimClock
    page_size: int | None  # open orders that one request can bring; null: all of them
    links_replaced: bool  # a replaced order names its successor
    secrets: tuple[str, ...]  # what must never be seen

    @property
    def venue(self) -> Venue: ...

    def place(self, client_order_id: str, qty: str = "1") -> str:
        """An open limit order to buy; returns its venue order id."""
        ...

    def place_many(self, count: int) -> list[str]:
        """Open orders, a moment apart; returns their venue order ids."""
        ...

    def fill(self, qty: str) -> None:
        """Trade so much of the oldest open order."""
        ...

    def cancel(self, venue_order_id: str) -> None: ...

    def replace(self, venue_order_id: str, client_order_id: str) -> str:
        """Another price under another id; returns the successor's venue order id."""
        ...

    def plan(self, fault: PaperFault, *, times: int = 1, skip: int = 0) -> None:
        """The next `times` requests meet it, after `skip` more have passed unharmed."""
        ...

    def meanwhile(self, action: Callable[[], object]) -> None:
        """Happens once, right after the next request was answered."""
        ...

    def sent_ns(self) -> list[int]:
        """When each request reached the server."""
        ...

    def methods(self) -> set[str]:
        """The HTTP methods of all requests."""
        ...

    def reopen(
        self,
        *,
        clock: Clock | None = None,
        budget: int | None = None,
        secret: str | None = None,
        timeout_s: float | None = None,
    ) -> Venue:
        """The adapter opened anew with other settings; `timeout_s`: of one request, in real seconds."""
        ...


NEVER = (PaperFault.UNANSWERED_BEFORE, PaperFault.UNANSWERED_AFTER)
TIMES_AS_LONG = 10
IMPATIENT_S = 0.2  # for what is never answered: the only real waiting of the suite


def open_for(bench: Bench, fault: PaperFault | None) -> Venue:
    """The adapter, impatient where the fault makes it wait."""
    return bench.reopen(timeout_s=IMPATIENT_S) if fault in NEVER else bench.venue


async def open_measured(bench: Bench, fault: PaperFault) -> Venue:
    """As `open_for`, where something is answered, too: it waits far longer than that takes on this machine.

    Call it before the fault is planned.
    """
    if fault not in NEVER:
        return bench.venue
    began = time.perf_counter()
    await bench.venue.open_orders()
    took_s = time.perf_counter() - began
    return bench.reopen(timeout_s=max(IMPATIENT_S, TIMES_AS_LONG * took_s))
