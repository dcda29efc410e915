"""`python -m benchmarks.large_ledger [ORDERS]`: time and peak memory of commands that read a whole ledger.

A bot's trades of two orders, each filled by one fill, with their rows of the order log. Each command is a process of
its own, its output thrown away; the memory is its largest resident size. The default is a tenth of a million: what
streams needs no more for ten times as much.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import facts
from trueup.ledgers.journal.order_log import BOT
from trueup.ledgers.journal.write_log import SqlOrderLog
from trueup.ledgers.sql.home import home_of
from trueup.ledgers.sql.rows import fill_identity
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import Fill, LocalOrder, Profile, Trade
from trueup.model.vocabulary import Action, PositionSide, Side, Status, TradeStatus
from trueup.ports.book_rows import OrderWrite, TradeWrite

ORDERS = 100_000
AT_ONCE = 10_000
COMMANDS = ("verify", "export order_log", "export fills")
NOW = "2026-11-23T12:00:00.000000000Z"
CONFIG = """[[accounts]]
account_id = "acc-1"
venue = "files"
options = { path = "venue.json" }
[[accounts.profiles]]
profile_id = "bot-1"
"""


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    print(json.dumps({"machine": facts(), "orders": count}))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "trueup.toml").write_text(CONFIG)
        fill_ledger(Path(folder, "trueup.sqlite"), count)
        size = Path(folder, "trueup.sqlite").stat().st_size
        print(json.dumps({"ledger_mib": size >> 20}))
        for command in COMMANDS:
            print(json.dumps({"command": command} | _measure(command, folder)), flush=True)


def fill_ledger(path: Path, count: int) -> None:
    ledger = open_sqlite(path)
    ledger.journal.ensure_profiles([Profile(profile_id="bot-1", account_id="acc-1", venue="files")])
    for start in range(0, count, AT_ONCE):
        with ledger.database.transaction():
            home = home_of(ledger.database, "bot-1")
            numbers = range(start, min(start + AT_ONCE, count))
            trades = [TradeWrite(None, _trade(number // 2)) for number in numbers[::2]]
            log = SqlOrderLog(ledger.database, home, event="recorded", written_by=BOT)
            ledger.books.write(home.place, [_order(number) for number in numbers], trades, log)
    ledger.close()


def _order(number: int) -> OrderWrite:
    entry = number % 2 == 0
    after = LocalOrder(
        client_order_id=f"bot-1-{number // 2}-{number % 2}",
        venue_order_id=f"5b4d3c2a-0000-4000-8000-{number:012d}",
        trade_id=f"t-{number // 2}",
        symbol="ETH/USD",
        side=Side.BUY if entry else Side.SELL,
        action=Action.ENTRY if entry else Action.EXIT,
        order_type="limit",
        qty="10",
        limit_price="2500.5",
        status=Status.FILLED,
        filled_qty="10",
        filled_avg_price="2500.25",
        submitted_at=NOW,
        last_activity_at=NOW,
        venue_updated_at=NOW,
    )
    fill = Fill(
        fill_id=f"F-{number}",
        venue_order_id=after.venue_order_id,
        symbol="ETH/USD",
        side=after.side,
        qty="10",
        price="2500.25",
        fee="0.1",
        fee_currency="USD",
        filled_at=NOW,
    )
    return OrderWrite(None, after, [(fill_identity(fill, after), fill)])


def _trade(number: int) -> Trade:
    return Trade(
        trade_id=f"t-{number}",
        symbol="ETH/USD",
        side=PositionSide.LONG,
        status=TradeStatus.CLOSED,
        entry_qty="10",
        exit_qty="10",
        entry_avg_price="2500.25",
        opened_at=NOW,
    )


def _measure(command: str, folder: str) -> dict[str, float | int]:
    arguments = [
        sys.executable,
        "-m",
        "trueup",
        *command.split(),
        "--config",
        str(Path(folder, "trueup.toml")),
    ]
    began = time.perf_counter()
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}")
    took = {
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
    }
    return took | {"peak_mib": used.ru_maxrss >> 10}


if __name__ == "__main__":
    main()
