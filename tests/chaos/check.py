"""What must hold of the ledger, by the venue's own records: read with sqlite3 alone, sharing no code with trueup.

The ledger is read before the venue, so that at any moment it holds at most what the venue has.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.patience import PATIENCE_S

Row = dict[str, Any]
ENDED = ("filled", "canceled", "expired", "rejected", "replaced")
ENDED_UNFILLED = ("canceled", "expired", "rejected")
AVERAGE_WITHIN = Decimal("0.000001")
TABLES = ("orders", "fills", "trades", "breaks", "outbox", "leases", "alerts")
ZERO = Decimal(0)
MASS_MIN = 4  # design.md: so many orders that are gone at once prove nothing, and wait for a person


class Ledger:
    """Its rows as they were at one moment."""

    def __init__(self, path: Path) -> None:
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=PATIENCE_S)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("BEGIN")
            self.tables = {
                name: [dict(row) for row in connection.execute(f"SELECT * FROM {name}")] for name in TABLES
            }
        finally:
            connection.close()
        self.fills_of: dict[int, list[Row]] = defaultdict(list)
        for fill in self.tables["fills"]:
            self.fills_of[fill["order_key"]].append(fill)
        self.open_breaks = [
            json.loads(row["found"]) for row in self.tables["breaks"] if row["resolution"] is None
        ]
        self.by_venue_id = {
            row["venue_order_id"]: row for row in self.tables["orders"] if row["venue_order_id"]
        }


class Truth:
    """The venue's orders and executions."""

    def __init__(self, orders: list[Row], fills: list[Row], positions: dict[str, str]) -> None:
        self.orders = {one["id"]: one for one in orders}
        self.fills = {execution(one["id"]): one for one in fills}
        self.positions = positions
        self.fills_of: dict[str, list[Row]] = defaultdict(list)
        for fill in fills:
            self.fills_of[fill["order_id"]].append(fill)


def execution(fill_id: str) -> str:
    """The part of an activity's id that the stream has, too."""
    return fill_id.rpartition("::")[2]


def faults_now(ledger: Ledger, truth: Truth) -> list[str]:
    """What may not be, at any moment: booked twice, booked and never executed, ended and alive."""
    found = list(_trades_that_do_not_add_up(ledger))
    for row in ledger.tables["orders"]:
        order = truth.orders.get(row["venue_order_id"])
        booked = sum((Decimal(fill["qty"]) for fill in ledger.fills_of[row["order_key"]]), ZERO)
        name = row["client_order_id"] or row["venue_order_id"]
        if booked != Decimal(row["filled_qty"]):
            found.append(f"{name}: its fills come to {booked}, the order has {row['filled_qty']}")
        if order is None:
            if booked:
                found.append(f"{name}: {booked} booked, and the venue has no such order")
            continue
        if booked > Decimal(order["filled_qty"]):
            found.append(f"{name}: {booked} booked of {order['filled_qty']} executed")
        if row["status"] in ENDED_UNFILLED and order["status"] not in ENDED:
            found.append(f"{name}: {row['status']} in the books, {order['status']} at the venue")
        found += _fills_that_were_not(name, ledger.fills_of[row["order_key"]], truth)
    return found


def faults_in_the_end(ledger: Ledger, truth: Truth, owners: Iterable[str]) -> list[str]:
    """What may not be left ten runs after the last fault."""
    found = faults_now(ledger, truth)
    own = tuple(f"{one}-" for one in owners)
    for order in truth.orders.values():
        if order["client_order_id"].startswith(own):
            found += _lost(order, ledger, truth)
    a_persons = _left_to_a_person(ledger)
    for row in ledger.tables["orders"]:
        is_live = row["status"] not in ENDED and row["client_order_id"] not in a_persons
        if row["venue_order_id"] not in truth.orders and is_live:
            found.append(f"{row['client_order_id']}: {row['status']}, and it never reached the venue")
    found += _positions_that_differ(ledger, truth)
    found += [
        f"an open break: {one['kind']} of {one['client_order_id'] or one['trade_id']}: {one['message']}"
        for one in ledger.open_breaks
        if one["severity"] != "info"
        and not (one["kind"] == "missing_at_venue" and one["client_order_id"] in a_persons)
    ]
    waiting = [one for one in ledger.tables["outbox"] if one["delivered_at"] is None]
    found += [f"{len(waiting)} notifications were not told"] if waiting else []
    found += [f"the lease of {one['account_id']} is held" for one in ledger.tables["leases"] if one["holder"]]
    return found


def _left_to_a_person(ledger: Ledger) -> set[str]:
    """Orders that were recorded and never acknowledged, so many of one profile that they are a mass: what the line
    refused while a bot went on. The rules end none of them, as long as the alert that says so stands."""
    told = {one["dedupe_key"] for one in ledger.tables["alerts"] if one.get("stands")}
    unsent: dict[str, set[str]] = defaultdict(set)
    for row in ledger.tables["orders"]:
        if not row["venue_order_id"] and row["status"] not in ENDED:
            unsent[row["profile_id"]].add(row["client_order_id"])
    return {
        name
        for profile_id, names in unsent.items()
        if len(names) >= MASS_MIN and f"{profile_id}:mass_absence" in told
        for name in names
    }


def faults_of_telling(effects: Path, ledger: Ledger) -> list[str]:
    """Every committed notification had its one effect, with one content."""
    connection = sqlite3.connect(f"file:{effects}?mode=ro", uri=True)
    try:
        deliveries = connection.execute("SELECT notification_id, notification FROM deliveries").fetchall()
    finally:
        connection.close()
    told: dict[str, set[str]] = defaultdict(set)
    for key, content in deliveries:
        told[key].add(_fact(json.loads(content)))
    found = [
        f"{key} was told with {len(contents)} contents" for key, contents in told.items() if len(contents) > 1
    ]
    committed = Counter(one["notification_id"] for one in ledger.tables["outbox"])
    found += [f"{key} was committed {count} times" for key, count in committed.items() if count > 1]
    return found + [f"{key} was committed and never told" for key in committed if key not in told]


def _fact(content: Row) -> str:
    """What is told, but for what a ledger made anew may not know yet (the trade), or rounds elsewhere (averages)."""
    prices = {
        key: None if content[key] is None else f"{Decimal(content[key]):.6f}"
        for key in ("price", "cumulative_avg_price")
    }
    return json.dumps(content | {"trade_id": None} | prices)


def missing_fills(ledger: Ledger, truth: Truth, owners: Iterable[str]) -> tuple[int, list[str]]:
    """How many executions of owned orders are not booked by their own id, and those that no open break names."""
    own = tuple(f"{one}-" for one in owners)
    named = {one["venue_order_id"] for one in ledger.open_breaks}
    booked = {execution(row["fill_id"]) for row in ledger.tables["fills"] if Decimal(row["qty"])}
    missing = [
        one
        for one in truth.fills.values()
        if execution(one["id"]) not in booked
        and truth.orders[one["order_id"]]["client_order_id"].startswith(own)
    ]
    return len(missing), [
        f"{one['id']} is missing, and no break says so" for one in missing if one["order_id"] not in named
    ]


def _lost(order: Row, ledger: Ledger, truth: Truth) -> list[str]:
    name, filled = order["client_order_id"], Decimal(order["filled_qty"])
    row = ledger.by_venue_id.get(order["id"])
    if row is None:
        return [f"{name}: {filled} executed, and the books do not know it"] if filled else []
    found = []
    if Decimal(row["filled_qty"]) != filled:
        found.append(f"{name}: {row['filled_qty']} booked of {filled} executed")
    if row["status"] != order["status"] and order["status"] != "new":
        found.append(f"{name}: {row['status']} in the books, {order['status']} at the venue")
    if filled and abs(Decimal(row["filled_avg_price"]) - Decimal(order["filled_avg_price"])) > AVERAGE_WITHIN:
        found.append(f"{name}: at {row['filled_avg_price']}, the venue says {order['filled_avg_price']}")
    return found


def _fills_that_were_not(name: str, fills: list[Row], truth: Truth) -> Iterable[str]:
    """A bot may have an execution under the listing's id, trueup has it under the last part: it is one execution."""
    booked: dict[str, Decimal] = defaultdict(Decimal)
    for fill in fills:
        key = execution(fill["fill_id"])
        real = truth.fills.get(key)
        qty = Decimal(fill["qty"])
        booked[key] += qty
        if real is None:
            if qty and not fill["inferred"]:
                yield f"{name}: fill {fill['fill_id']} was never executed"
        elif booked[key] > Decimal(real["qty"]):
            yield f"{name}: execution {key} is booked with {booked[key]}, it was {real['qty']}"
        elif qty and Decimal(fill["price"]) != Decimal(real["price"]):
            yield f"{name}: execution {key} is booked at {fill['price']}, it was {real['price']}"


def _trades_that_do_not_add_up(ledger: Ledger) -> Iterable[str]:
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for row in ledger.tables["orders"]:
        if row["trade_id"] is not None and row["action"] is not None:
            sums[row["profile_id"], row["trade_id"], row["action"]] += Decimal(row["filled_qty"])
    for trade in ledger.tables["trades"]:
        for action in ("entry", "exit"):
            of_orders = sums[trade["profile_id"], trade["trade_id"], action]
            if Decimal(trade[f"{action}_qty"]) != of_orders:
                yield f"trade {trade['trade_id']}: {action} {trade[f'{action}_qty']}, its orders filled {of_orders}"


def _positions_that_differ(ledger: Ledger, truth: Truth) -> Iterable[str]:
    held: dict[str, Decimal] = defaultdict(Decimal)
    for trade in ledger.tables["trades"]:
        held[trade["symbol"].replace("/", "")] += Decimal(trade["entry_qty"]) - Decimal(trade["exit_qty"])
    for symbol in held.keys() | truth.positions.keys():
        at_venue = Decimal(truth.positions.get(symbol, "0"))
        if held[symbol] != at_venue:
            yield f"{symbol}: trades hold {held[symbol]}, the venue {at_venue}"
