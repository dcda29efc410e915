"""What a simulated bot needs of its books, and a recorder whose writes may fail."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from trueup.engine.recorder.recorder import Recorder
from trueup.model.errors import LedgerError, TrueupError
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import PositionSide, Status


class Books(Protocol):
    """Implemented by `trueup.engine.recorder.recorder.Recorder`. What the methods return is their own affair."""

    def open_trade(self, trade_id: str, symbol: str, side: PositionSide) -> object: ...

    def record_order(self, order: LocalOrder) -> object:
        """Before it is sent: with its client order id, without a venue order id."""
        ...

    def record_acknowledgement(
        self, client_order_id: str, venue_order_id: str, updated_at: str, *, symbol: str
    ) -> object: ...

    def record_fill(self, client_order_id: str, fill: Fill) -> object: ...

    def record_cancel_requested(
        self, client_order_id: str, venue_order_id: str, *, symbol: str
    ) -> object: ...

    def record_ended(
        self, client_order_id: str, venue_order_id: str, status: Status, updated_at: str, *, symbol: str
    ) -> object:
        """The venue canceled, expired or rejected it."""
        ...

    def record_replaced(self, client_order_id: str, venue_order_id: str, successor: LocalOrder) -> object: ...


class FrailBooks:
    """Implements `Books` over a recorder: a write that fails is a message that the bot lost.

    An order or a trade that cannot be recorded is an error, so that it is not sent.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def open_trade(self, trade_id: str, symbol: str, side: PositionSide) -> object:
        return self._recorder.open_trade(trade_id, symbol, side)

    def record_order(self, order: LocalOrder) -> object:
        return self._recorder.record_order(order)

    def record_acknowledgement(
        self, client_order_id: str, venue_order_id: str, updated_at: str, *, symbol: str
    ) -> object:
        told = partial(self._recorder.record_acknowledgement, symbol=symbol)
        return attempt(told, client_order_id, venue_order_id, updated_at)

    def record_fill(self, client_order_id: str, fill: Fill) -> object:
        return attempt(self._recorder.record_fill, client_order_id, fill)

    def record_cancel_requested(self, client_order_id: str, venue_order_id: str, *, symbol: str) -> object:
        told = partial(self._recorder.record_cancel_requested, symbol=symbol)
        return attempt(told, client_order_id, venue_order_id)

    def record_ended(
        self, client_order_id: str, venue_order_id: str, status: Status, updated_at: str, *, symbol: str
    ) -> object:
        told = partial(self._recorder.record_ended, symbol=symbol)
        return attempt(told, client_order_id, venue_order_id, status, updated_at)

    def record_replaced(self, client_order_id: str, venue_order_id: str, successor: LocalOrder) -> object:
        return attempt(self._recorder.record_replaced, client_order_id, venue_order_id, successor)


def attempt(call: Callable[..., object], *args: object) -> object:
    """What it returns, or null where the database failed."""
    try:
        return call(*args)
    except (LedgerError, TrueupError):
        return None
