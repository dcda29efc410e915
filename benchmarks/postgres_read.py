"""Reading one account's open orders into values over PostgreSQL, without and with a million closed orders beside them.

Beside it, on the same server: the same rows fetched by the driver alone, as it hands them over, column by column. Ours
is read twice: as for the first time, when every row is decoded, and again, when rows that did not change are known.

    python -m benchmarks.postgres_read [OPEN] [CLOSED]
"""

import gc
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg

from tests.postgres.server import own_server
from trueup.ledgers.books.own_books import OwnBooks
from trueup.ledgers.postgresql.connections import Connections
from trueup.ledgers.postgresql.database import PostgresDatabase
from trueup.ledgers.postgresql.migrate import migrate
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.snapshot import Profile

OPEN, CLOSED = 10_000, 1_000_000
REPETITIONS = 15
RECENT_S = 600.0
THEN = "2026-11-23T09:00:00.000000000Z"
_FILL = """INSERT INTO trueup.orders (
  account_id, profile_id, client_order_id, venue_order_id, symbol, side, order_type, qty, limit_price, status,
  filled_qty, submitted_at, last_activity_at, version, logged_version)
SELECT 'a', 'p', $1 || o, 'v' || $1 || o, 'ETH/USD', 'buy', 'limit', 10, 1000, $2, $3, $4, $4, 1, 1
FROM generate_series(1, $5::int) o"""
_BARE = b"""SELECT client_order_id, venue_order_id, trade_id, sub_tag, symbol, side, action, order_type, qty,
  limit_price, stop_price, status, filled_qty, filled_avg_price, submitted_at, last_activity_at, venue_updated_at,
  previous_venue_order_ids, position_side, by_notional, version
FROM trueup.orders WHERE account_id = $1 AND is_live"""


def measure(opened: int, closed: int) -> dict[str, Any]:
    with own_server() as server:
        url = server.url()
        with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as owner:
            migrate(owner, url, post=True)
            ledger = SqlLedger(PostgresDatabase(Connections(url)))
            ledger.journal.ensure_profiles([Profile(profile_id="p", account_id="a", venue="benchmark")])
            owner.execute(_FILL, ("o", "pending_new", 0, THEN, opened))
            owner.execute("VACUUM ANALYZE")
            alone = _times(url, owner, opened)
            owner.execute(_FILL, ("c", "filled", 10, THEN, closed))
            owner.execute("VACUUM ANALYZE")
            owner.execute("CHECKPOINT")
            beside = _times(url, owner, opened)
        ledger.close()
    bare = alone["bare"]
    into, again = f"{bare / alone['first']:.0%} of a bare fetch", f"read again {bare / alone['again']:.0%}"
    cost = {name: f"{beside[name] / alone[name]:.2f}" for name in alone}
    lines = [
        f"{opened:,} open orders into values: {opened / alone['first']:,.0f}/s, {into}; {again}",
        f"  beside {closed:,} closed ones: {cost['first']} times, {cost['again']} read again, {cost['bare']} bare",
    ]
    return {"name": "postgres read", "alone": alone, "beside": beside, "lines": lines}


def _times(url: str, owner: psycopg.Connection[Any], opened: int) -> dict[str, float]:
    """Medians, taken in turn: whatever else the machine does, it does to all of them."""

    database = PostgresDatabase(Connections(url))
    known = OwnBooks(database)

    def bare() -> None:
        assert len(owner.execute(_BARE, ("a",)).fetchall()) == opened

    ways: dict[str, Callable[[], None]] = {
        "first": lambda: _read(OwnBooks(database), opened),
        "again": lambda: _read(known, opened),
        "bare": bare,
    }
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for repetition in range(REPETITIONS + 1):
        for name, way in ways.items():
            gc.collect()
            start = time.perf_counter()
            way()
            if repetition:  # the first connects, and fills what is known
                taken[name].append(time.perf_counter() - start)
    database.close()
    return {name: statistics.median(times) for name, times in taken.items()}


def _read(books: OwnBooks, opened: int) -> None:
    assert len(books.read("a", ["p"], RECENT_S)["p"].orders) == opened


if __name__ == "__main__":
    sizes = [int(one) for one in sys.argv[1:3]]
    done = measure(*(sizes if len(sizes) == 2 else (OPEN, CLOSED)))
    print("\n".join(done["lines"]), file=sys.stderr)
    sys.stdout.write(msgspec.json.encode(done).decode())
