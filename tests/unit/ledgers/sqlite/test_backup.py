"""Backups of real ledgers: taken while somebody writes, whole, private, and never over another file."""

import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest

from tests.unit.ledgers.sqlite.test_opening import OWN_MOUNTS, may_mount
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite import backup as module
from trueup.ledgers.sqlite import open_sqlite
from trueup.ledgers.sqlite.backup import back_up
from trueup.model.errors import InputError, LedgerError
from trueup.model.snapshot import Profile


def _ledger(path: Path, profiles: int = 3) -> SqlLedger:
    ledger = open_sqlite(path)
    ledger.journal.ensure_profiles(
        [Profile(profile_id=f"p{number}", account_id="a") for number in range(profiles)]
    )
    return ledger


def test_what_is_committed_is_in_the_copy_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path / "ledger.db")  # open: its newest commits stand in the -wal alone
    (tmp_path / "kept").mkdir()
    size = back_up(tmp_path / "ledger.db", tmp_path / "kept" / "copy.db")
    ledger.close()
    copy = tmp_path / "kept" / "copy.db"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["copy.db"]
    assert size == copy.stat().st_size
    assert copy.stat().st_mode & 0o777 == 0o600
    restored = open_sqlite(copy)
    assert [one.profile_id for one in restored.journal.list_profiles()] == ["p0", "p1", "p2"]
    restored.close()


def test_others_go_on_writing_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAGES_AT_ONCE", 1)
    ledger = _ledger(tmp_path / "ledger.db")
    written: list[str] = []

    def write(_: int, __: int) -> None:
        if len(written) < 5:
            written.append(f"late-{len(written)}")
            done = threading.Thread(
                target=ledger.journal.ensure_profiles,
                args=([Profile(profile_id=written[-1], account_id="a")],),
            )
            done.start()
            done.join()

    back_up(tmp_path / "ledger.db", tmp_path / "copy.db", write)
    ledger.close()
    restored = open_sqlite(tmp_path / "copy.db")
    known = {one.profile_id for one in restored.journal.list_profiles()}
    restored.close()
    assert len(written) == 5
    assert {"p0", "p1", "p2"} <= known <= {"p0", "p1", "p2", *written}


def test_a_file_that_exists_stays(tmp_path: Path) -> None:
    _ledger(tmp_path / "ledger.db").close()
    (tmp_path / "copy.db").write_text("yesterday's")
    with pytest.raises(InputError, match="exists already"):
        back_up(tmp_path / "ledger.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "yesterday's"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    _ledger(tmp_path / "ledger.db").close()
    with pytest.raises(InputError, match="cannot be written: no such file or directory"):
        back_up(tmp_path / "ledger.db", tmp_path / "missing" / "copy.db")


def test_a_damaged_ledger_gives_no_backup(tmp_path: Path) -> None:
    ledger = _ledger(tmp_path / "ledger.db", profiles=500)
    ledger.close()
    data = bytearray((tmp_path / "ledger.db").read_bytes())
    page = data.rindex(b"p499") // 8192
    data[page * 8192 : page * 8192 + 64] = b"\xff" * 64
    (tmp_path / "ledger.db").write_bytes(data)
    with pytest.raises(LedgerError, match="nothing was kept"):
        back_up(tmp_path / "ledger.db", tmp_path / "copy.db")
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("ledger.db")] == []


def test_rows_that_refer_to_nothing_give_no_backup(tmp_path: Path) -> None:
    _ledger(tmp_path / "ledger.db").close()
    connection = apsw.Connection(str(tmp_path / "ledger.db"))
    connection.execute("PRAGMA foreign_keys = OFF; DELETE FROM accounts")
    connection.close()
    with pytest.raises(LedgerError, match="refers to one that is not there"):
        back_up(tmp_path / "ledger.db", tmp_path / "copy.db")


ON_A_SMALL_DISK = f"""
import os, subprocess, sys
sys.path[:0] = {sys.path!r}
from pathlib import Path
from trueup.ledgers.sqlite.backup import back_up
from trueup.model.errors import LedgerError
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=" + sys.argv[3] + "k", "none", sys.argv[2]], check=True)
try:
    back_up(Path(sys.argv[1]), Path(sys.argv[2], "copy.db"))
except LedgerError as error:
    print(error, os.listdir(sys.argv[2]))
"""


@pytest.mark.skipif(not may_mount(), reason="no disk of one's own to fill")
@pytest.mark.parametrize("size_kib", [8, 100, 500])
def test_a_disk_that_is_full_is_named_and_nothing_is_left_on_it(size_kib: int, tmp_path: Path) -> None:
    _ledger(tmp_path / "ledger.db").close()
    disk = tmp_path / "disk"
    disk.mkdir()
    script = [sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path / "ledger.db"), str(disk), str(size_kib)]
    done = subprocess.run([*OWN_MOUNTS, *script], capture_output=True, text=True, check=True)
    assert done.stdout.endswith(f"the disk of {disk}/copy.db is full; nothing was kept: free some space []\n")
