"""One process that reconciles an account while others do the same: run by the race and the crash test.

Usage: race_worker OPENER ADDRESS LEASE_S PAUSE_S. In each round it reads, plans against a venue that has filled one
unit more of every order, and commits.
Prints one line per commit (`applied N`) and per refused write (`refused`); ends when every order is filled.
"""

import sys
import time
from pkgutil import resolve_name

import uuid_utils
from msgspec.structs import replace

from trueup.core.make_plan import make_plan
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.check_snapshot import check_snapshot
from trueup.model.errors import FenceLost
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    SNAPSHOT_FORMAT,
    Fill,
    HistoryRead,
    LocalOrder,
    OrdersRead,
    Snapshot,
    Venue,
    VenueOrder,
)
from trueup.model.vocabulary import ReadState, Status
from trueup.ports.records import Lease
from trueup.testing.ledgers.bench import ACCOUNT, BOT, RECENT_S


def main(opener: str, address: str, lease_s: float, pause_s: float) -> None:
    ledger: SqlLedger = resolve_name(opener)(address)
    while True:
        lease = ledger.journal.acquire_lease(ACCOUNT, str(uuid_utils.uuid7()), lease_s)
        if lease is None:
            time.sleep(lease_s / 10)
            continue
        snapshot = observe(ledger)
        if snapshot is None:
            break
        time.sleep(pause_s)  # a run that takes about as long as its lease: the other may take over meanwhile
        commit(ledger, lease, snapshot)
    ledger.close()


def observe(ledger: SqlLedger) -> Snapshot | None:
    local = ledger.books.read(ACCOUNT, [BOT.profile_id], RECENT_S)[BOT.profile_id]
    live = [order for order in local.orders if order.status is not Status.FILLED]
    if not live:
        return None
    now = ledger.now()
    rows = [venue_order(order, int(order.filled_qty) + 1, now) for order in live]
    fills = [fill for row in rows for fill in fills_of(row)]
    venue = Venue(
        open_orders=OrdersRead(state=ReadState.COMPLETE, read_at=now, rows=rows),
        history=HistoryRead(state=ReadState.COMPLETE, read_at=now, fills=fills),
    )
    settled = [replace(order, last_activity_at="2001-01-01T00:00:00Z") for order in local.orders]
    return check_snapshot(
        Snapshot(
            format=SNAPSHOT_FORMAT,
            taken_at=now,
            profile=BOT,
            policy=Policy(coverage_enabled=False, parity_enabled=False, exit_backfill_enabled=False),
            local=replace(local, orders=settled),
            venue=venue,
        )
    )


def venue_order(order: LocalOrder, filled: int, now: str) -> VenueOrder:
    full = filled == int(order.qty or 0)
    return VenueOrder(
        venue_order_id=order.venue_order_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        qty=order.qty,
        limit_price=order.limit_price,
        status=Status.FILLED if full else Status.PARTIALLY_FILLED,
        filled_qty=str(filled),
        filled_avg_price="1000",
        submitted_at=order.submitted_at,
        updated_at=now,
    )


def fills_of(row: VenueOrder) -> list[Fill]:
    return [
        Fill(
            fill_id=f"F{number}",
            venue_order_id=row.venue_order_id,
            symbol=row.symbol,
            side=row.side,
            qty="1",
            price="1000",
            filled_at=f"2026-11-23T11:00:{number:02d}Z",
        )
        for number in range(1, int(row.filled_qty or 0) + 1)
    ]


def commit(ledger: SqlLedger, lease: Lease, snapshot: Snapshot) -> None:
    try:
        report = ledger.commit_run(lease, snapshot, make_plan(snapshot), state="applied")
    except FenceLost:
        print("refused", flush=True)
        return
    print("applied", report.applied, report.superseded, flush=True)
    ledger.journal.release_lease(lease, {})


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
