"""A venue that is a folder of CSV files on a clipboard-minded desk: `orders.csv` holds every order there ever was.

Shows what every venue owes trueup: exact text, honest states, and an absence only where the source says so.
"""

import asyncio
import csv
from pathlib import Path

from trueup.model.errors import ConfigError, VenueUnavailable
from trueup.model.ids import normal_id
from trueup.model.snapshot import HistoryRead, Instrument, OrdersRead, PositionsRead, VenueAnswer, VenueOrder
from trueup.model.times import from_ns
from trueup.model.vocabulary import LIVE, Outcome, QueryBy, ReadState, Side, Status
from trueup.ports.clock import Clock
from trueup.ports.venue import VenueSettings

STATUSES = {"working": Status.PENDING_NEW, "done": Status.FILLED, "pulled": Status.CANCELED}


def open_venue(settings: VenueSettings) -> "ClipboardVenue":
    """What the entry point names. Options: `folder`."""
    folder = settings.options.get("folder")
    if not isinstance(folder, str):
        raise ConfigError("the venue `clipboard` needs the option folder")
    return ClipboardVenue(Path(settings.folder, folder, "orders.csv"), settings.clock)


class ClipboardVenue:
    """Implements `trueup.ports.venue.Venue`."""

    name = "clipboard"

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock

    async def account_id(self) -> str | None:
        return None  # the desk has no name for it

    async def now_ns(self) -> int | None:
        return None

    async def instruments(self) -> list[Instrument]:
        return []  # not known: quantities compare exactly

    async def open_orders(self) -> OrdersRead:
        read_at, orders = await self._read()
        rows = [order for order in orders if order.status is None or order.status in LIVE]
        return OrdersRead(state=ReadState.COMPLETE, read_at=read_at, rows=rows)

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        read_at, orders = await self._read()
        return HistoryRead(state=ReadState.COMPLETE, read_at=read_at, orders=orders)

    async def positions(self) -> PositionsRead:
        return PositionsRead(error="the desk keeps no positions")  # a failed read: never an empty one

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        read_at, orders = await self._read()
        for order in orders:
            own = order.client_order_id if by is QueryBy.CLIENT_ORDER_ID else order.venue_order_id
            if normal_id(own or "") == normal_id(order_id):
                return VenueAnswer(by=by, id=order_id, outcome=Outcome.FOUND, read_at=read_at, order=order)
        return VenueAnswer(
            by=by, id=order_id, outcome=Outcome.ABSENT, read_at=read_at
        )  # the file holds them all

    async def aclose(self) -> None:
        return

    async def _read(self) -> tuple[str, list[VenueOrder]]:
        read_at = from_ns(self._clock.now_ns())  # before the first byte is asked for
        return read_at, await asyncio.to_thread(self._read_file)

    def _read_file(self) -> list[VenueOrder]:
        try:
            with self._path.open(newline="", encoding="utf-8") as file:
                return [_order(row) for row in csv.DictReader(file)]
        except (OSError, KeyError, ValueError) as error:
            raise VenueUnavailable(f"{self._path} cannot be read ({error}): is the desk open?") from error


def _order(row: dict[str, str]) -> VenueOrder:
    return VenueOrder(
        venue_order_id=row["number"],
        client_order_id=row["reference"] or None,
        symbol=row["what"],
        side=Side(row["side"]),
        qty=row["quantity"],
        filled_qty=row["done"],
        filled_avg_price=row["price"] or None,
        status=STATUSES.get(row["state"]),  # an unknown word is null, never a guess
        raw_status=row["state"],
        submitted_at=row["since"],
        updated_at=row["changed"],
    )
