"""The writer itself refuses what its callers compare before: a row that is not at the version below the written one."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from trueup.ledgers.journal.write_log import SqlOrderLog
from trueup.ledgers.sql.home import home_of
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.errors import Conflict
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import PositionSide, Side, Status, TradeStatus
from trueup.ports.book_rows import OrderRow, OrderWrite, TradeRow, TradeWrite
from trueup.testing.ledgers.bench import BOT

ORDER = LocalOrder(
    client_order_id="c-1", symbol="ETH/USD", side=Side.BUY, qty="10", status=Status.PENDING_NEW, version=1
)


TRADE = Trade(
    trade_id="t-1",
    symbol="ETH/USD",
    side=PositionSide.LONG,
    status=TradeStatus.OPEN,
    entry_qty="10",
    version=1,
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqlLedger]:
    opened = SqlLedger(SqliteDatabase(str(tmp_path / "ledger.db"), clock_ns=lambda: 0))
    opened.journal.ensure_profiles([BOT])
    write(opened, [OrderWrite(None, ORDER)], [TradeWrite(None, TRADE)])
    yield opened
    opened.close()


def write(ledger: SqlLedger, orders: Sequence[OrderWrite] = (), trades: Sequence[TradeWrite] = ()) -> None:
    with ledger.database.transaction():
        home = home_of(ledger.database, BOT.profile_id)
        log = SqlOrderLog(ledger.database, home, event="recorded", written_by="bot")
        ledger.books.write(home.place, orders, trades, log)


@pytest.mark.parametrize("change", [{"status": Status.CANCELED}, {"qty": "12"}])
def test_an_order_of_another_version_is_not_written_nor_its_log(
    ledger: SqlLedger, change: dict[str, Any]
) -> None:
    before = OrderRow(1, BOT.profile_id, 1, ORDER)
    with pytest.raises(Conflict, match="nothing was written"):
        write(ledger, [OrderWrite(before, replace(ORDER, version=3, **change))])
    assert ledger.books.find_order("c-1") == [(BOT.profile_id, ORDER)]
    assert len(ledger.export("order_log")) == 2
    after = replace(ORDER, version=2, **change)
    write(ledger, [OrderWrite(before, after)])
    assert ledger.books.find_order("c-1") == [(BOT.profile_id, after)]


def test_a_trade_of_another_version_is_not_written_nor_its_log(ledger: SqlLedger) -> None:
    before = TradeRow(1, TRADE)
    with pytest.raises(Conflict, match="nothing was written"):
        write(ledger, trades=[TradeWrite(before, replace(TRADE, version=3, exit_qty="10"))])
    assert ledger.books.find_trade("t-1") == [(BOT.profile_id, TRADE)]
    assert len(ledger.export("order_log")) == 2
    after = replace(TRADE, version=2, exit_qty="10")
    write(ledger, trades=[TradeWrite(before, after)])
    assert ledger.books.find_trade("t-1") == [(BOT.profile_id, after)]
