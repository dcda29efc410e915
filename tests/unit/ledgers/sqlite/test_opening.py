"""Opening a SQLite ledger: every way in which it cannot be, in words that say what to do."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from tests.patience import PATIENCE_S
from trueup.ledgers.sqlite import open_sqlite
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.ledgers.sqlite.migrate import configure
from trueup.model.errors import LedgerError
from trueup.model.snapshot import Profile

OPEN_AS_NOBODY = f"""
import os, sys
sys.path[:0] = {sys.path!r}
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.errors import LedgerError
from trueup.model.snapshot import Profile
open_sqlite(":memory:").close()  # loads whatever is loaded late, while this user may still read it
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    open_sqlite(sys.argv[1] + "/ledger.db").ensure_profiles([Profile(profile_id="p", account_id="a")])
except LedgerError as error:
    print(error)
"""


OPEN_ON_A_SMALL_DISK = f"""
import subprocess, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.errors import LedgerError
open_sqlite(":memory:").close()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "none", sys.argv[1]], check=True)
Path(sys.argv[1], "other").write_bytes(bytes(int(sys.argv[2]) * 1024))
try:
    open_sqlite(sys.argv[1] + "/ledger.db").close()
except LedgerError as error:
    print(error)
"""
OWN_MOUNTS = ["unshare", "--user", "--map-root-user", "--mount"]


def may_mount() -> bool:
    return shutil.which("unshare") is not None and (
        subprocess.run([*OWN_MOUNTS, "true"], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not may_mount(), reason="no disk of one's own to fill")
@pytest.mark.parametrize("taken_kib", [200, 188, 176, 160])
def test_a_disk_that_is_full_at_the_start(taken_kib: int, tmp_path: Path) -> None:
    command = [*OWN_MOUNTS, sys.executable, "-c", OPEN_ON_A_SMALL_DISK, str(tmp_path), str(taken_kib)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "the disk is full; nothing was written: free some space and run again" in done.stdout


@pytest.mark.parametrize(("free", "said"), [(0, "the disk is full"), (32_768, "check the disk")])
def test_an_error_of_the_disk_is_told_from_a_full_one(
    free: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise apsw.IOError("disk I/O error")

    monkeypatch.setattr("trueup.ledgers.sqlite.database.migrate", fail)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(LedgerError, match=said):
        open_sqlite(tmp_path / "ledger.db")


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="the folder must exist"):
        open_sqlite(tmp_path / "missing" / "ledger.db")


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_new_ledger_is_its_owner_s_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ledger = open_sqlite(tmp_path / "ledger.db")
        ledger.journal.ensure_profiles([Profile(profile_id="p", account_id="a")])
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
        ledger.close()
    finally:
        os.umask(before)
    assert modes == {"ledger.db": 0o600, "ledger.db-wal": 0o600, "ledger.db-shm": 0o600}


def test_the_mode_of_a_ledger_that_exists_stays(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    path.chmod(0o640)
    open_sqlite(path).close()
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    path.write_text("time,qty\n" * 1000)
    with pytest.raises(LedgerError, match="no SQLite database: name another file"):
        open_sqlite(path)
    assert path.read_text() == "time,qty\n" * 1000


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "freqtrade.sqlite"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE trades (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="another program's database: give trueup a file of its own"):
        open_sqlite(path)
    assert path.read_bytes() == before


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    open_sqlite(path).close()
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(bytes(content))
    with pytest.raises(LedgerError, match="damaged: restore a backup"):
        open_sqlite(path).journal.list_profiles()


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_that_this_user_may_not_write(exists: bool) -> None:
    """Tried by a user who owns nothing: for root no folder is read-only."""
    with tempfile.TemporaryDirectory() as folder:
        if exists:
            open_sqlite(Path(folder, "ledger.db")).close()
            Path(folder, "ledger.db").chmod(0o444)
        Path(folder).chmod(0o555)
        done = subprocess.run([sys.executable, "-c", OPEN_AS_NOBODY, folder], capture_output=True, text=True)
        Path(folder).chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert re.search(r"it cannot be (opened|written)", done.stdout)
    assert re.search(r"(allowed to write in it|the right to write the file and its folder)", done.stdout)


def test_the_settings_that_keep_what_was_committed(tmp_path: Path) -> None:
    asked = ("journal_mode", "synchronous", "foreign_keys")
    connection = SqliteDatabase(str(tmp_path / "ledger.db"), clock_ns=time.time_ns).connection
    settings = [connection.execute(f"PRAGMA {name}").fetchall()[0][0] for name in asked]
    assert settings == ["wal", 2, 1]
    connection.close()


def test_a_ledger_in_memory_needs_no_file() -> None:
    ledger = open_sqlite(":memory:")
    ledger.journal.ensure_profiles([Profile(profile_id="p", account_id="a")])
    assert [one.profile_id for one in ledger.journal.list_profiles()] == ["p"]
    ledger.close()


def test_two_processes_may_create_it_at_once(tmp_path: Path) -> None:
    code = (
        f"from trueup.ledgers.sqlite import open_sqlite; open_sqlite({str(tmp_path / 'ledger.db')!r}).close()"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    errors = [process.communicate(timeout=PATIENCE_S)[1] for process in both]
    assert [process.returncode for process in both] == [0] * 4, errors


class BusyOnce(apsw.Connection):
    """As SQLite answers, at once, while another process changes the journal of the same file."""

    asked = 0

    def execute(self, *given: Any, **options: Any) -> apsw.Cursor:
        self.asked += 1
        if self.asked == 1:
            raise apsw.BusyError("database is locked")
        return super().execute(*given, **options)


def test_a_journal_that_another_process_changes_is_waited_for(tmp_path: Path) -> None:
    connection = BusyOnce(str(tmp_path / "ledger.db"))
    configure(connection, "PRAGMA journal_mode = WAL")
    assert connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    connection.close()


def test_a_large_commit_is_not_copied_into_the_file_before_it_returns(tmp_path: Path) -> None:
    """16 MB: more than the 1000 pages after which SQLite would, less than `WAL_PAGES`."""
    path = tmp_path / "ledger.db"
    database = SqliteDatabase(str(path), clock_ns=lambda: 0)
    database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = path.stat().st_size
    with database.transaction():
        database.write("add_account", "a" * 8_000_000, None)  # in the table and in its index
    assert path.stat().st_size == before
    database.close()
    assert path.stat().st_size > before + 16_000_000
