"""A ledger that is damaged: `verify`, `doctor` and `run` say so, and no command ends in a traceback."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from tests.acceptance.test_cli_configured import Desk

LOOKING = (
    "verify",
    "status",
    "breaks",
    "export orders",
    "export fills",
    "export order_log",
    "export outbox",
    "doctor",
)
BOOKS = (
    "SELECT * FROM orders ORDER BY order_key", "SELECT * FROM fills ORDER BY order_key, fill_identity",
    "SELECT * FROM trades ORDER BY profile_id, trade_id", "SELECT * FROM order_log ORDER BY profile_id, seq",
)  # fmt: skip
FILES = 30


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Eleven orders, the books, and a run that was kept."""
    desk = Desk(tmp_path)
    for number in range(2, 12):
        desk.record(f"b1-{number}", f"v-{number}")
    desk.call("apply", "--auto-approve")
    connection = apsw.Connection(str(tmp_path / "trueup.sqlite"))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("PRAGMA journal_mode = DELETE").fetchall()
    connection.close()
    return desk


def ledger(desk: Desk) -> Path:
    return desk.folder / "trueup.sqlite"


def execute(desk: Desk, statement: str) -> list[tuple]:
    connection = apsw.Connection(str(ledger(desk)))
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def books(desk: Desk) -> list[list[tuple]]:
    return [execute(desk, statement) for statement in BOOKS]


def looked_at(desk: Desk, command: str) -> int:
    """Its exit code. What is not foreseen is raised here."""
    result = desk.call(*command.split())
    assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
    assert "Traceback" not in result.output, (command, result.output)
    return result.exit_code


def test_a_flipped_byte_anywhere_is_found_or_changes_no_books(desk: Desk) -> None:
    """Each of these files has one byte changed somewhere. A file that `verify` calls whole has the very same books."""
    whole, rng = ledger(desk).read_bytes(), random.Random(7)
    used = [place for place, byte in enumerate(whole) if byte and place >= 100]  # most of a page is empty
    before, told = books(desk), 0
    for _ in range(FILES):
        damaged = bytearray(whole)
        damaged[rng.choice(used)] ^= 1 << rng.randrange(8)
        ledger(desk).write_bytes(damaged)
        codes = {command: looked_at(desk, command) for command in LOOKING}
        told += codes["verify"] == 1
        if codes["verify"] == 0:
            assert books(desk) == before
    assert told >= FILES / 2


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8192])


def flip_in_index(path: Path) -> None:
    """One byte of the key of an entry in an index: the table is whole."""
    connection = apsw.Connection(str(path))
    sql = "SELECT rootpage FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'fills'"
    pages = [int(str(page)) for (page,) in connection.execute(sql)]
    connection.close()
    content = bytearray(path.read_bytes())
    for page in pages:
        content[page * 8192 - 3] ^= 1
    path.write_bytes(content)


PAST_THE_LEDGER: dict[str, str] = {
    "a break": "UPDATE breaks SET found = substr(found, 1, 40)",
    "a notification": "INSERT INTO outbox (notification_id, profile_id, run_id, subject, notification, committed_at)"
    """ VALUES ('n', 'bot1', 'r', 't', '{"kind":"unheard_of"}', '2026-11-23T12:00:00Z')""",
    "a run": "UPDATE runs SET snapshot = substr(snapshot, 1, 60)",
    "text that is no UTF-8": "UPDATE runs SET error = CAST(x'ff' AS TEXT)",
    "findings": """UPDATE profiles SET findings = '[{"kind":'""",
    "an amount": "UPDATE orders SET filled_qty = 'NaN' WHERE client_order_id = 'b1-1'",
    "an amount that is none": "UPDATE fills SET price = '12 dollars'",
    "an amount beyond all bounds": "UPDATE trades SET entry_qty = '1e999999999999'",
    "a time": "UPDATE orders SET submitted_at = 'yesterday' WHERE client_order_id = 'b1-1'",
    "a trigger that is gone": "DROP TRIGGER orders_version",
    "a trigger that does nothing": "DROP TRIGGER orders_version;"
    " CREATE TRIGGER orders_version AFTER UPDATE ON orders BEGIN SELECT 1; END",
    "an index that is gone": "DROP INDEX orders_by_venue_id",
    "a table that is gone": "DROP TABLE deferrals",
    "a column that is gone": "ALTER TABLE leases RENAME COLUMN ttl_s TO ttl",
    "the record of the schema": "DELETE FROM trueup_migrations",
    "an account that is gone": "PRAGMA foreign_keys = OFF; UPDATE profiles SET account_id = 'zzz'",
    "a fill without its order": "PRAGMA foreign_keys = OFF; DELETE FROM orders WHERE client_order_id = 'b1-1'",
}


@pytest.mark.parametrize("statement", PAST_THE_LEDGER.values(), ids=PAST_THE_LEDGER.keys())
def test_a_damaged_text_is_found(desk: Desk, statement: str) -> None:
    execute(desk, statement)
    result = desk.call("verify", code=1)
    assert "restore a backup, see docs/how-to/operate.md" in result.output
    for command in (*LOOKING, "run --once --dry"):
        looked_at(desk, command)


@pytest.mark.parametrize("damage", [cut_off, flip_in_index])
def test_a_damaged_file_is_found(desk: Desk, damage: Callable[[Path], None]) -> None:
    damage(ledger(desk))
    assert "damaged" in desk.call("verify", code=1).output
    for command in LOOKING:
        looked_at(desk, command)


def test_doctor_and_run_check_the_pages_first(desk: Desk) -> None:
    whole = desk.folder / "whole.sqlite"
    shutil.copy(ledger(desk), whole)
    content = bytearray(ledger(desk).read_bytes())
    (page,) = execute(desk, "SELECT rootpage FROM sqlite_schema WHERE name = 'fills'")[0]
    content[(page - 1) * 8192 : (page - 1) * 8192 + 8] = b"\xff" * 8
    ledger(desk).write_bytes(content)
    assert "is damaged" in desk.call("doctor", code=1).output
    run = desk.call("run", "--once", code=1)
    assert "restore a backup, see docs/how-to/operate.md" in run.output
    shutil.copy(whole, ledger(desk))
    desk.call("verify", code=0)
