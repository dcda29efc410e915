"""What a commit that fails says of itself: a full disk is certain, any other fault of the disk is not."""

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from trueup.ledgers.sql.database import CommitUnknown
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.errors import LedgerError


class FailingFile(apsw.VFSFile):
    """A file of a disk that can fail: its log cannot grow, or cannot be synced."""

    def __init__(self, inherit: str, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        self._name = str(name.filename() if isinstance(name, apsw.URIFilename) else name)
        super().__init__(inherit, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        if FailingDisk.is_full and self._name.endswith("-wal"):
            raise apsw.FullError("no space")
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        if FailingDisk.is_broken and self._name.endswith("-wal"):
            raise apsw.IOError("no answer")
        super().xSync(flags)


class FailingDisk(apsw.VFS):
    is_full = is_broken = False

    def __init__(self) -> None:
        self._real = apsw.vfs_names()[0]
        super().__init__("failing", self._real, makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> FailingFile:
        return FailingFile(self._real, name, flags)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SqliteDatabase]:
    disk = FailingDisk()
    opened = SqliteDatabase(str(tmp_path / "ledger.db"), clock_ns=lambda: 0)
    opened.connection.execute("CREATE TABLE things (thing)")
    yield opened
    FailingDisk.is_full = FailingDisk.is_broken = False
    opened.close()
    disk.unregister()


def write_a_thing(database: SqliteDatabase) -> None:
    with database.transaction():
        database.connection.execute("INSERT INTO things VALUES (1)")


def count_things(database: SqliteDatabase) -> int:
    return len(database.connection.execute("SELECT thing FROM things").fetchall())


def test_a_disk_that_is_full_at_the_commit_took_nothing(database: SqliteDatabase) -> None:
    FailingDisk.is_full = True
    with pytest.raises(LedgerError, match="the disk is full; nothing was written") as caught:
        write_a_thing(database)
    assert not isinstance(caught.value, CommitUnknown)
    FailingDisk.is_full = False
    assert count_things(database) == 0
    write_a_thing(database)
    assert count_things(database) == 1


def test_a_commit_that_the_disk_did_not_confirm_is_in_doubt(database: SqliteDatabase) -> None:
    FailingDisk.is_broken = True
    with pytest.raises(CommitUnknown, match="may have been written or not") as caught:
        write_a_thing(database)
    assert "nothing was" not in str(caught.value)
