"""A copy of a ledger while bots and runs go on writing it: SQLite's online backup, checked before it is kept.

Decides that a backup is whole: the copy stands under another name until `integrity_check` and `foreign_key_check` have
passed, and only then takes its place. Never opens the ledger for writing.
"""

import os
from collections.abc import Callable
from pathlib import Path

import apsw

from trueup.ledgers.sqlite.database import is_full
from trueup.model.errors import InputError, LedgerError

PAGES_AT_ONCE = 2048  # 16 MiB: then others may write, and progress is shown
PARTS_MAX = 1_000_000  # a bound: 16 TB


def back_up(source: Path, target: Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Copies the ledger at `source` to `target`, which must not exist; returns its size in bytes.

    `progress` is called with pages left and pages in all. Raises InputError where the target stands in the way,
    LedgerError where the copy is not whole; then there is no target.
    """
    if target.exists():
        raise InputError("exists already; name a new file, so that no backup is lost", str(target))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # positions: its owner's alone
    except OSError as fault:
        raise InputError(f"cannot be written: {(fault.strerror or '').lower()}", str(target)) from fault
    try:
        _copy(source, part, progress)
        _check(part)
        os.link(part, target)  # unlike a rename it never replaces a file that came meanwhile
    except apsw.Error as fault:
        if isinstance(fault, apsw.FullError) or is_full(str(part)):  # SQLite itself says "not an error"
            raise LedgerError(
                f"the backup of {source} failed: the disk of {target} is full; nothing was kept: free some space"
            ) from fault
        raise LedgerError(f"the backup of {source} failed: {fault}; nothing was kept") from fault
    except FileExistsError as fault:
        raise InputError("exists already; name a new file, so that no backup is lost", str(target)) from fault
    finally:
        for beside in ("", "-journal", "-wal", "-shm"):
            part.with_name(part.name + beside).unlink(missing_ok=True)
    return target.stat().st_size


def _copy(source: Path, part: Path, progress: Callable[[int, int], None] | None) -> None:
    reader = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READONLY)
    writer = apsw.Connection(str(part), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        reader.set_busy_timeout(10_000)
        with writer.backup("main", reader, "main") as backup:
            for _ in range(PARTS_MAX):
                done = backup.step(PAGES_AT_ONCE)
                if progress is not None:
                    progress(backup.remaining, backup.page_count)
                if done:
                    break
        writer.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, without a log beside it
    finally:
        writer.close()
        reader.close()
    descriptor = os.open(part, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check(part: Path) -> None:
    copy = apsw.Connection(str(part), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        said = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(1)")]
        strays = copy.execute("PRAGMA foreign_key_check").fetchall()
    finally:
        copy.close()
    if said != ["ok"] or strays:
        reason = said[0] if said != ["ok"] else f"a row of {strays[0][0]} refers to one that is not there"
        raise LedgerError(
            f"the ledger is damaged ({reason}); nothing was kept: restore an earlier backup, see docs/how-to/operate.md"
        )
