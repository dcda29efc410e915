"""The writer itself refuses what its callers compare before: a row that is not at the version below the written one."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.contract.ledgers.bench import BOT
from trueup.ledgers.apply_plan import OrderWrite
from trueup.ledgers.rows import OrderRow
from trueup.ledgers.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.ledgers.write_books import BookWriter, home_of
from trueup.model.errors import Conflict
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Side, Status

ORDER = LocalOrder(
    client_order_id="c-1", symbol="ETH/USD", side=Side.BUY, qty="10", status=Status.PENDING_NEW, version=1
)


def write(database: SqliteDatabase, one: OrderWrite) -> None:
    with database.transaction():
        home = home_of(database, BOT.profile_id)
        at = "2026-11-23T12:00:00.000000000Z"
        BookWriter(database, home, event="recorded", written_by="bot", logged_at=at).write([one], [])


def test_a_move_of_another_version_writes_nothing_not_even_the_log(tmp_path: Path) -> None:
    database = SqliteDatabase(str(tmp_path / "ledger.db"), clock_ns=lambda: 0)
    ledger = SqlLedger(database)
    ledger.ensure_profiles([BOT])
    write(database, OrderWrite(None, ORDER))
    before = OrderRow(1, BOT.profile_id, 1, ORDER)
    with pytest.raises(Conflict, match="nothing was written"):
        write(database, OrderWrite(before, replace(ORDER, status=Status.CANCELED, version=3)))
    assert [order.status for _, order in ledger.find_order("c-1")] == [Status.PENDING_NEW]
    assert len(ledger.export("order_log")) == 1
    write(database, OrderWrite(before, replace(ORDER, status=Status.CANCELED, version=2)))
    assert [order.status for _, order in ledger.find_order("c-1")] == [Status.CANCELED]
    ledger.close()
