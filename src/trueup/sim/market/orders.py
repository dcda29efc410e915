"""What the simulated venue keeps: orders with every earlier version of theirs, fills.

Decides how they look in the model's words (`view`), also as they were at an earlier time. Integers inside,
decimal text outside. Must not know how orders match.
"""

from bisect import bisect_right
from functools import lru_cache

from msgspec import Struct

from trueup.model.snapshot import Fill, VenueOrder
from trueup.model.times import from_ns
from trueup.model.vocabulary import LIVE, PositionSide, Side, Status
from trueup.sim.market.instruments import FEE_DECIMALS, FEE_PARTS, MarketInstrument, decimal_text

STREAM_ID = "S-"  # before a fill's id where the stream has one of its own
time_text = lru_cache(maxsize=65536)(from_ns)


class OrderRequest(Struct, frozen=True, kw_only=True):
    """What a client sends. `legs`: bracket orders that wait until this one has filled."""

    client_order_id: str | None
    symbol: str
    side: Side
    qty: int
    limit: int | None = None
    stop: int | None = None
    sub_tag: str | None = None
    position_side: PositionSide | None = None  # which position it moves, where the account is hedged
    by_notional: bool = False  # ordered by an amount of money: the venue tells no quantity
    expires_after_ns: int | None = None
    reject_reason: str | None = None
    is_tagged: bool = False  # its client order id is a tag that other orders carry, too
    legs: tuple["OrderRequest", ...] = ()

    @property
    def order_type(self) -> str:
        return "limit" if self.limit is not None else "stop" if self.stop is not None else "market"


class _Version(Struct, frozen=True, gc=False):
    """Everything of an order that changes, as it stood from `updated_ns` on."""

    updated_ns: int
    status: Status
    reason: str | None
    qty: int
    filled: int
    cost: int
    replaced_by: str | None
    held: bool


class MarketOrder(Struct, eq=False, kw_only=True):
    """One order, with all its versions. Only `Market` changes it."""

    number: int  # orders count up by submission
    venue_order_id: str
    account_id: str
    placed_by: str  # who really placed it: a profile's id, or a person; no read tells
    instrument: MarketInstrument
    request: OrderRequest
    qty: int
    submitted_ns: int
    expires_ns: int | None
    status: Status = Status.PENDING_NEW
    reason: str | None = None
    filled: int = 0
    cost: int = 0  # Σ quantity × price, in steps × ticks
    held: bool = False  # a bracket leg or a successor that waits
    triggered: bool = False  # a stop that was reached
    due_ns: int | None = None  # when a pending cancel or replacement takes effect
    parent: "MarketOrder | None" = None
    legs: list["MarketOrder"] = []
    replaces: "MarketOrder | None" = None
    successor: "MarketOrder | None" = None
    replace_qty: int = 0  # the total that the pending replacement asks for
    replaced_by: str | None = None
    fill_count: int = 0
    busted: int = 0  # steps that were filled and taken back
    is_revised: bool = False  # a fill of it was busted or corrected: books that held it before cannot follow
    versions: list[_Version] = []
    _view: VenueOrder | None = None

    @property
    def is_of_revised(self) -> bool:
        """A leg whose parent was revised: its parent may say now that it never filled."""
        return self.parent is not None and self.parent.is_revised

    @property
    def told_ns(self) -> int:
        return self.submitted_ns

    @property
    def side(self) -> Side:
        return self.request.side

    @property
    def symbol(self) -> str:
        return self.request.symbol

    @property
    def client_order_id(self) -> str | None:
        return self.request.client_order_id

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    def crosses(self, ticks: int) -> bool:
        """Would it trade at this price? A stop that was reached once stays triggered."""
        request, buys = self.request, self.request.side is Side.BUY
        if request.limit is not None:
            return ticks <= request.limit if buys else ticks >= request.limit
        if request.stop is not None and not self.triggered:
            self.triggered = ticks >= request.stop if buys else ticks <= request.stop
            return self.triggered
        return True

    def remember(self, now_ns: int) -> None:
        """Keep the present state as a version."""
        state = (self.status, self.reason, self.qty, self.filled, self.cost, self.replaced_by, self.held)
        self.versions.append(_Version(now_ns, *state))
        self._view = None

    def view(self) -> VenueOrder:
        """The order as the venue reports it now."""
        if self._view is None:
            self._view = self._as_view(self.versions[-1])
        return self._view

    def view_at(self, ns: int) -> VenueOrder | None:
        """The order as the venue reported it at an earlier time; null before it was submitted."""
        version = self._version_at(ns)
        if version is None:
            return None
        return self.view() if version is self.versions[-1] else self._as_view(version)

    def is_live_at(self, ns: int) -> bool:
        version = self._version_at(ns)
        return version is not None and version.status in LIVE

    def _version_at(self, ns: int) -> _Version | None:
        if self.versions[-1].updated_ns <= ns:
            return self.versions[-1]
        index = bisect_right(self.versions, ns, key=lambda version: version.updated_ns)
        return self.versions[index - 1] if index else None

    def _as_view(self, version: _Version) -> VenueOrder:
        instrument, request = self.instrument, self.request
        return VenueOrder(
            venue_order_id=self.venue_order_id,
            client_order_id=request.client_order_id,
            symbol=request.symbol,
            side=request.side,
            order_type=request.order_type,
            qty=None if request.by_notional else instrument.qty_text(version.qty),
            by_notional=request.by_notional and self.number % 2 == 0,  # some venues only tell no quantity
            position_side=request.position_side,
            limit_price=None if request.limit is None else instrument.price_text(request.limit),
            stop_price=None if request.stop is None else instrument.price_text(request.stop),
            status=version.status,
            raw_status="held" if version.held else version.status.value,
            status_reason=version.reason,
            filled_qty=instrument.qty_text(version.filled),
            filled_avg_price=instrument.average_text(version.cost, version.filled),
            sub_tag=request.sub_tag,
            replaces=None if self.replaces is None else self.replaces.venue_order_id,
            replaced_by=version.replaced_by,
            parent_venue_order_id=None if self.parent is None else self.parent.venue_order_id,
            submitted_at=time_text(self.submitted_ns),
            updated_at=time_text(version.updated_ns),
        )


class MarketFill(Struct, eq=False):
    """One execution. Fees are a part of the received currency where the instrument says so.

    `tells_fee`: whether its report says what it cost.
    """

    fill_id: str
    order: MarketOrder
    qty: int
    price: int
    filled_ns: int
    tells_fee: bool = True
    _view: Fill | None = None

    @property
    def told_ns(self) -> int:
        return self.filled_ns

    @property
    def base_fee_parts(self) -> int:
        """What the account receives less, in parts of a step."""
        return self.qty * self.order.instrument.base_fee_ppm if self.order.side is Side.BUY else 0

    @property
    def position_parts(self) -> int:
        """What the fill does to the position, signed, in parts of a step."""
        return (1 if self.order.side is Side.BUY else -1) * self.qty * FEE_PARTS - self.base_fee_parts

    def view(self) -> Fill:
        """The fill as the venue reports it: by venue order id, without a client order id."""
        if self._view is None:
            self._view = self._as_view()
        return self._view

    def _as_view(self) -> Fill:
        order, instrument = self.order, self.order.instrument
        fee, fee_currency = self._fee() if self.tells_fee else (None, None)
        return Fill(
            fill_id=self.fill_id,
            venue_order_id=order.venue_order_id,
            symbol=instrument.symbol,
            side=order.side,
            qty=instrument.qty_text(self.qty),
            price=instrument.price_text(self.price),
            fee=fee,
            fee_currency=fee_currency,
            filled_at=time_text(self.filled_ns),
        )

    def _fee(self) -> tuple[str | None, str | None]:
        instrument = self.order.instrument
        if self.base_fee_parts:
            return instrument.parts_text(self.base_fee_parts), instrument.base
        if instrument.quote_fee_ppm == 0:
            return None, None
        units = self.qty * self.price * instrument.quote_fee_ppm
        decimals = instrument.qty_decimals + instrument.price_decimals + FEE_DECIMALS
        return decimal_text(units, decimals), instrument.quote
