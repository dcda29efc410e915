"""A venue in somebody else's package: installed, named in the configuration, reconciled."""

import os
import subprocess
import sys
from pathlib import Path

from trueup import Recorder
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import LocalOrder, Profile
from trueup.model.vocabulary import Side, Status

PACKAGE = Path(__file__).parents[1] / "out_of_tree" / "clipboard"
ORDERS = """number,reference,what,side,quantity,done,price,state,since,changed
7,b-1,TULIP,buy,10,10,1.25,done,2026-01-01T00:00:00Z,2026-01-01T00:05:00Z
"""
CONFIG = """
[service]
apply = true
[[accounts]]
account_id = "desk"
venue = "clipboard"
options = { folder = "." }
[[accounts.profiles]]
profile_id = "b"
"""


def _install(target: Path) -> None:
    command = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    subprocess.run([sys.executable, *command, "--target", str(target), str(PACKAGE)], check=True)


def _run(folder: Path, site: Path | None) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(site or "")}
    command = [sys.executable, "-m", "trueup", "run", "--once", "--json"]
    return subprocess.run(command, cwd=folder, env=environ, text=True, capture_output=True, check=False)


def _record(path: Path) -> None:
    """An order that the bot knows as unfilled."""
    ledger = open_sqlite(path, clock_ns=lambda: 1_767_225_600_000_000_000)
    order = LocalOrder(
        client_order_id="b-1", symbol="TULIP", side=Side.BUY, qty="10", status=Status.PENDING_NEW
    )
    Recorder(ledger, Profile(profile_id="b", venue="clipboard", account_id="desk")).record_order(order)
    ledger.close()


def test_a_venue_from_another_package(tmp_path: Path) -> None:
    (tmp_path / "trueup.toml").write_text(CONFIG)
    (tmp_path / "orders.csv").write_text(ORDERS)
    _record(tmp_path / "trueup.sqlite")
    missing = _run(tmp_path, None)
    assert (missing.returncode, "clipboard" in missing.stderr) == (10, True)
    _install(tmp_path / "site")
    found = _run(tmp_path, tmp_path / "site")
    assert found.returncode in (0, 2), found.stderr
    ledger = open_sqlite(tmp_path / "trueup.sqlite")
    (order,) = ledger.books.read("desk", ["b"], 1e9)["b"].orders
    ledger.close()
    assert (order.venue_order_id, order.status, order.filled_qty) == ("7", Status.FILLED, "10")
