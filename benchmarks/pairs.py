"""Writes snapshots of N order pairs as bytes, row by row, so that making them costs the measured process nothing.

A pair is one local and one venue order with distinct uuids and times, as a bot's tables and a venue's answers hold
them: optional keys without a value are left out, as venues leave them out.
"""

import datetime as dt
import itertools
import random
import uuid
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO

import msgspec

NOW = dt.datetime(2026, 11, 23, 12, 0, 0, tzinfo=dt.UTC)
SYMBOLS = ("BTC/USD", "ETH/USD", "SOL/USD", "LTC/USD", "AVAX/USD")
HEAD = {
    "format": "trueup.snapshot/1",
    "taken_at": "2026-11-23T12:00:00Z",
    "profile": {"profile_id": "bench-1", "user_id": "u-1", "venue": "alpaca", "account_id": "acc-1"},
}
DRIFTED_EVERY = {"10 % drifted": 10, "all drifted": 1}

Row = dict[str, str | int]


class Scenario(StrEnum):
    IN_SYNC = "in sync"
    DRIFTED = "10 % drifted"
    DISCOVERED = "discovered"
    ALL_DRIFTED = "all drifted"
    HISTORY = "history"


PLANNED = (Scenario.IN_SYNC, Scenario.DRIFTED, Scenario.DISCOVERED, Scenario.HISTORY)
KNOWN_EVERY = 10  # of the history's orders the ledger has one; the others are not ours
OWN_PREFIX = "bot-"
OWNED_BY_PREFIX = {"policy": {"owned_client_order_id_prefixes": [OWN_PREFIX]}}


def write_snapshot(path: Path, scenario: Scenario, pairs: int) -> None:
    """One snapshot of so many pairs; the same bytes every time."""
    is_history = scenario is Scenario.HISTORY
    with path.open("wb") as file:
        file.write(msgspec.json.encode(HEAD | (OWNED_BY_PREFIX if is_history else {}))[:-1])
        file.write(b',"instruments":[')
        _write_rows(file, ({"symbol": symbol, "qty_step": "0.0001"} for symbol in SYMBOLS))
        file.write(b'],"local":{"read_at":"2026-11-23T11:59:58Z","orders":[')
        if scenario is not Scenario.DISCOVERED:
            every = KNOWN_EVERY if is_history else 1
            _write_rows(file, itertools.islice(_rows(pairs, scenario, _local_row), None, None, every))
        file.write(b']},"venue":{"open_orders":{"state":"complete","read_at":"2026-11-23T11:59:59Z","rows":[')
        if is_history:
            file.write(b']},"history":{"state":"complete","read_at":"2026-11-23T11:59:59Z","orders":[')
        _write_rows(file, _rows(pairs, scenario, _venue_row))
        file.write(b"]}}}")


def _write_rows(file: IO[bytes], rows: Iterator[Row]) -> None:
    encode = msgspec.json.Encoder().encode
    for index, row in enumerate(rows):
        file.write(b"," + encode(row) if index else encode(row))


def _rows(
    pairs: int, scenario: Scenario, make: Callable[[random.Random, int, Scenario], Row]
) -> Iterator[Row]:
    rng = random.Random(f"{pairs}")  # both sides draw the same numbers
    return (make(rng, index, scenario) for index in range(pairs))


def _shared(rng: random.Random, index: int, scenario: Scenario) -> Row:
    submitted = (
        NOW - dt.timedelta(hours=24) + dt.timedelta(seconds=index % 80000, microseconds=index % 999983)
    )
    is_partial = rng.random() < 0.1
    row: Row = {
        "client_order_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "venue_order_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "symbol": SYMBOLS[index % len(SYMBOLS)],
        "side": "buy" if index % 2 else "sell",
        "order_type": "limit",
        "qty": f"{1 + rng.random() * 9:.4f}",
        "limit_price": f"{90 + rng.random() * 20:.2f}",
        "status": "partially_filled" if is_partial else "pending_new",
        "filled_qty": f"{rng.random():.4f}" if is_partial else "0",
        "submitted_at": _time(submitted),
    }
    if is_partial:
        row["filled_avg_price"] = f"{90 + rng.random() * 20:.4f}"
    if scenario is Scenario.HISTORY:
        row |= _filled(row)
        if index % KNOWN_EVERY == 0:
            row["client_order_id"] = f"{OWN_PREFIX}{row['client_order_id']}"
    return row


def _filled(row: Row) -> Row:
    return {"status": "filled", "filled_qty": row["qty"], "filled_avg_price": row["limit_price"]}


def _local_row(rng: random.Random, index: int, scenario: Scenario) -> Row:
    row = _shared(rng, index, scenario)
    updated = NOW - dt.timedelta(hours=1, microseconds=index)
    return row | {
        "action": "entry" if index % 2 else "exit",
        "last_activity_at": _time(updated),
        "venue_updated_at": _time(updated),
        "version": 1 + index % 7,
    }


def _venue_row(rng: random.Random, index: int, scenario: Scenario) -> Row:
    row = _shared(rng, index, scenario)
    row["updated_at"] = _time(NOW - dt.timedelta(hours=1, microseconds=index))
    every = DRIFTED_EVERY.get(scenario.value)
    if every is not None and index % every == 0:
        row["updated_at"] = _time(NOW - dt.timedelta(minutes=1, microseconds=index))
        if index // every % 2:
            row["status"] = "canceled"
        else:
            row |= _filled(row)
    return row


def _time(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
