"""The venue's own exports (orders, fills, positions as people download them) as the file of the venue `files`."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trueup.books.plausible import implausible_beside, unproven_words
from trueup.exports.make_snapshot import Export, Settings, make_snapshot
from trueup.exports.meanings import Source
from trueup.model.errors import InputError
from trueup.model.snapshot import Profile, VenueOrder
from trueup.model.times import from_ns
from trueup.model.vocabulary import ReadState
from trueup.ports.foreign_books import ForeignRow
from trueup.venues.files import Export as VenueFile
from trueup.venues.files import decode_export, write_export

EXPORT_BYTES_MAX = 1 << 30
_NO_ORDERS = b"[]"


def write_venue_file(path: Path, files: Mapping[str, Path]) -> list[str]:
    """`files`: by the names of `Source`. Returns what a person should know. Raises InputError with the file and row."""
    exports = {Source(name): _read(one) for name, one in files.items()}
    read_at = min(one.read_at for one in exports.values())
    exports[Source.LOCAL] = Export(_NO_ORDERS, "no local file", read_at)
    imported = make_snapshot(exports, Settings(profile=Profile(profile_id="connect")))
    venue = imported.snapshot.venue
    write_export(
        path, VenueFile(open_orders=venue.open_orders, history=venue.history, positions=venue.positions)
    )
    return [note for note in imported.notes if "local" not in note and "the bot's file" not in note]


def faults_beside(path: Path, rows: Sequence[ForeignRow]) -> list[str]:
    """What the exported orders show to be impossible of a bot's rows."""
    orders, complete = _exported(path)
    return implausible_beside(rows, orders, complete=complete)


def unproven_beside(path: Path | None, rows: Sequence[ForeignRow], words: Mapping[str, str]) -> list[str]:
    """Status words with the meaning that they were given, which no exported order confirms; `words`: by row key."""
    orders, complete = ([], False) if path is None else _exported(path)
    return unproven_words(rows, words, orders, complete=complete)


def _exported(path: Path) -> tuple[list[VenueOrder], bool]:
    """Its orders, and whether all live ones are among them."""
    export = decode_export(path.read_bytes(), from_ns(0))
    complete = export.open_orders.state is ReadState.COMPLETE
    return [*export.open_orders.rows, *export.history.orders], complete


def _read(path: Path) -> Export:
    if path.stat().st_size > EXPORT_BYTES_MAX:
        raise InputError(f"larger than {EXPORT_BYTES_MAX >> 20} MB; split it", str(path))
    return Export(path.read_bytes(), str(path), from_ns(int(path.stat().st_mtime) * 10**9))
