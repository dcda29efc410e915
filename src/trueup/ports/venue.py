"""One account at one venue, read only; what a stream offers besides; what an entry point is called with.

Async. A method raises `VenueError` where it got no usable answer; the engine turns that into a failed read or an
`unknown` answer. A listing that could not be read to its end is returned with state `partial`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from trueup.model.snapshot import (
    HistoryRead,
    Instrument,
    OrdersRead,
    PositionsRead,
    VenueAnswer,
)
from trueup.model.vocabulary import QueryBy
from trueup.ports.clock import Clock


class Venue(Protocol):
    """One account at one venue, read only. Every call has a time-out and every listing a bound."""

    @property
    def name(self) -> str:
        """As it stands in a configuration and in the books."""
        ...

    async def account_id(self) -> str | None:
        """The venue's own id of the account these credentials belong to; null where it has none."""
        ...

    async def now_ns(self) -> int | None:
        """The venue's clock, for `doctor`; null where it has none."""
        ...

    async def instruments(self) -> list[Instrument]:
        """Steps and ticks; empty = not known (quantities then compare exactly)."""
        ...

    async def open_orders(self) -> OrdersRead:
        """Every order that can still trade, stops and the legs of brackets included."""
        ...

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        """Orders submitted and fills executed at or after `since` (null: from the beginning)."""
        ...

    async def positions(self) -> PositionsRead:
        """Net quantities, signed; `lists` says whether a missing row is a flat one."""
        ...

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        """One order, asked for at every endpoint that can hold its type.

        `absent` only where the venue said with authority that no such order exists.
        """
        ...

    async def aclose(self) -> None:
        """Ends connections and streams; nothing may be called after it."""
        ...


@runtime_checkable
class Hinting(Protocol):
    """What a venue with a stream offers besides `Venue`."""

    def hints(self) -> AsyncIterator[None]:
        """Yields whenever something may have changed, until it is closed; connects again by itself.

        A hint wakes a run early. Nothing is decided from it, and losing it costs only latency.
        """
        ...


@runtime_checkable
class TellingTime(Protocol):
    """What a venue offers besides `Venue` where its answers say what time it is there."""

    def take_skew_ns(self) -> int | None:
        """How far our clock (that of `VenueSettings`) was ahead of the venue's, negative where it was behind.

        The largest difference of the answers since this was last asked; null where none of them told the time.
        """
        ...


class WiderBudget(Protocol):
    """A budget that other accounts spend, too: of an IP address, or a firm's key."""

    async def take(self, patience_s: float) -> None:
        """Waits until one request may be sent, and counts it. Raises RateLimited beyond `patience_s`."""
        ...


class VenueSettings(Struct, frozen=True, kw_only=True):
    """What an entry point of the group `trueup.venues` is called with; it returns a `Venue`.

    `credentials` are read already, from where the configuration says; `folder` is where its relative paths begin;
    `allow_live`: real money may be looked at, said by a flag or `TRUEUP_ALLOW_LIVE=true` besides the configuration;
    `managed_symbols`: what the account's profiles manage between them; null = any symbol; `wider_budgets`: from each of
    which every request has to be taken, too.
    """

    account_id: str
    credentials: Mapping[str, str] = {}
    options: Mapping[str, Any] = {}
    folder: str = "."
    allow_live: bool = False
    managed_symbols: Sequence[str] | None = None
    clock: Clock
    wider_budgets: Sequence[WiderBudget] = ()

    def __repr__(self) -> str:
        return f"VenueSettings({self.account_id!r}, credentials hidden)"
