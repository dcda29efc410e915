"""A venue that is a file of exported reads: for a sidecar without network access, and for tests.

The file holds the `venue` part of a snapshot (`open_orders`, `history`, `positions`, optionally `account_id`) and
optionally `instruments`; it is read anew at every run, so an export job may replace it. It decides nothing: an order
is *absent* only where the export's history says that it is complete from the beginning.
"""

import asyncio
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from trueup.model.decode import decode_snapshot
from trueup.model.errors import ConfigError, InputError, VenueUnavailable
from trueup.model.ids import normal_id
from trueup.model.snapshot import (
    NOT_READ,
    SNAPSHOT_FORMAT,
    HistoryRead,
    Instrument,
    OrdersRead,
    PositionsRead,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import from_ns
from trueup.model.vocabulary import Outcome, QueryBy, ReadState
from trueup.ports.venue import VenueSettings

SIZE_MAX_BYTES = 1 << 30  # about two million orders; more is read by pages, from a real venue


class Export(Struct, frozen=True, kw_only=True):
    """What the file holds. A read that is left out was not read."""

    account_id: str | None = None
    instruments: list[Instrument] = []
    open_orders: OrdersRead = OrdersRead(error=NOT_READ)
    history: HistoryRead = HistoryRead(error=NOT_READ)
    positions: PositionsRead = PositionsRead(error=NOT_READ)
    answers: list[VenueAnswer] = []


def open_venue(settings: VenueSettings) -> "FilesVenue":
    """Entry point. Options: `path`, a JSON file."""
    path = settings.options.get("path")
    if not isinstance(path, str) or not path or set(settings.options) != {"path"}:
        raise ConfigError("the venue `files` needs exactly one option: path = 'FILE.json'")
    return FilesVenue(Path(settings.folder, path))


class FilesVenue:
    """Implements `ports.Venue`."""

    name = "files"

    def __init__(self, path: Path) -> None:
        self._path = path

    async def account_id(self) -> str | None:
        return (await self._export()).account_id

    async def now_ns(self) -> int | None:
        return None

    async def instruments(self) -> list[Instrument]:
        return (await self._export()).instruments

    async def open_orders(self) -> OrdersRead:
        return (await self._export()).open_orders

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        """The whole export: `since` stays what the export says it holds."""
        return (await self._export()).history

    async def positions(self) -> PositionsRead:
        return (await self._export()).positions

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        export = await self._export()
        for answer in export.answers:
            if answer.by is by and normal_id(answer.id) == normal_id(order_id):
                return answer
        for order in (*export.open_orders.rows, *export.history.orders):
            if normal_id(_id_of(order, by) or "") == normal_id(order_id):
                read_at = export.open_orders.read_at
                return VenueAnswer(by=by, id=order_id, outcome=Outcome.FOUND, order=order, read_at=read_at)
        if _holds_everything(export):
            return VenueAnswer(by=by, id=order_id, outcome=Outcome.ABSENT, read_at=export.history.read_at)
        return VenueAnswer(
            by=by, id=order_id, outcome=Outcome.UNKNOWN, error="the export may not hold this order"
        )

    async def aclose(self) -> None:
        return

    async def _export(self) -> Export:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Export:
        try:
            if self._path.stat().st_size > SIZE_MAX_BYTES:
                raise VenueUnavailable(
                    f"{self._path} is larger than {SIZE_MAX_BYTES} bytes: export a shorter history"
                )
            written_at = from_ns(self._path.stat().st_mtime_ns)
            return _dated(decode_export(self._path.read_bytes(), written_at), written_at)
        except OSError as error:
            raise VenueUnavailable(f"{self._path} cannot be read: {error.strerror}") from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise VenueUnavailable(f"{self._path} is not an export: {error}") from error
        except InputError as error:
            place = error.path.replace("$.venue", "$", 1)
            raise VenueUnavailable(f"{self._path} is not an export: {place}: {error.message}") from error


def decode_export(data: bytes, written_at: str) -> Export:
    """The parts of a snapshot, read by its rules and no others. Raises InputError, MsgspecError, UnicodeDecodeError."""
    venue = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    document: dict[str, object] = {
        "format": SNAPSHOT_FORMAT,
        "taken_at": written_at,
        "profile": {"profile_id": "export"},
        "instruments": venue.pop("instruments", []),
        "local": {},
        "venue": venue,
    }
    snapshot = decode_snapshot(msgspec.json.encode(document))
    read = snapshot.venue
    return Export(
        account_id=read.account_id,
        instruments=snapshot.instruments,
        open_orders=read.open_orders,
        history=read.history,
        positions=read.positions,
        answers=read.answers,
    )


def _dated(export: Export, written_at: str) -> Export:
    """A read without a time of its own is as old as its file: an export that stopped must not look fresh."""
    return replace(
        export,
        open_orders=replace(export.open_orders, read_at=export.open_orders.read_at or written_at),
        history=replace(export.history, read_at=export.history.read_at or written_at),
        positions=replace(export.positions, read_at=export.positions.read_at or written_at),
        answers=[replace(one, read_at=one.read_at or written_at) for one in export.answers],
    )


def write_export(path: Path, export: Export) -> None:
    """Writes an export whole: who reads meanwhile sees the one before."""
    fresh = path.with_suffix(path.suffix + ".new")
    fresh.write_bytes(msgspec.json.encode(export))
    fresh.replace(path)


def _id_of(order: VenueOrder, by: QueryBy) -> str | None:
    return order.client_order_id if by is QueryBy.CLIENT_ORDER_ID else order.venue_order_id


def _holds_everything(export: Export) -> bool:
    history, opened = export.history, export.open_orders
    return (
        history.state is ReadState.COMPLETE and history.since is None and opened.state is ReadState.COMPLETE
    )
