"""What a simulated bot needs of its books: a recorder, or something that fails as one may."""

from typing import Protocol

from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import PositionSide, Status


class Books(Protocol):
    """Implemented by `trueup.engine.recorder.Recorder`. What the methods return is their own affair."""

    def open_trade(self, trade_id: str, symbol: str, side: PositionSide) -> object: ...

    def record_order(self, order: LocalOrder) -> object:
        """Before it is sent: with its client order id, without a venue order id."""
        ...

    def record_acknowledgement(
        self, client_order_id: str, venue_order_id: str, updated_at: str
    ) -> object: ...

    def record_fill(self, client_order_id: str, fill: Fill) -> object: ...

    def record_cancel_requested(self, client_order_id: str, venue_order_id: str) -> object: ...

    def record_ended(
        self, client_order_id: str, venue_order_id: str, status: Status, updated_at: str
    ) -> object:
        """The venue canceled, expired or rejected it."""
        ...

    def record_replaced(self, client_order_id: str, venue_order_id: str, successor: LocalOrder) -> object: ...
