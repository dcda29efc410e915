"""A bot in a process of its own: it writes what it heard of its orders into its own table, late, again and out of turn.

    python -m tests.mirror.bot_process ADDRESS EXCHANGE SEED      # until its standard input ends

It sets, never adds; what it writes was true at some time. Each write has a note that only it writes, and a line in its
log, in one transaction. Orders that it sent late it inserts itself.
"""

import json
import select
import sys
from pathlib import Path
from random import Random
from typing import Any

import apsw
import psycopg

from tests.patience import PATIENCE_S

WORDS = {"live": "OPEN", "filled": "DONE", "canceled": "GONE"}
T0 = 1_763_985_600_000
PAUSE_S = 0.004


class Table:
    """The bot's own connection; one statement at a time, `?` for values."""

    def __init__(self, address: str) -> None:
        self._is_server = address.startswith("postgres")
        if self._is_server:
            self._connection: Any = psycopg.connect(address, autocommit=True)
        else:
            self._connection = apsw.Connection(address)
            self._connection.set_busy_timeout(round(1000 * PATIENCE_S))

    def execute(self, text: str, *values: object) -> list[Any]:
        if self._is_server:
            cursor = self._connection.execute(text.replace("?", "%s"), values)
            return list(cursor.fetchall()) if cursor.description else []
        return list(self._connection.execute(text, values))

    def begin(self) -> None:
        self.execute("BEGIN" if self._is_server else "BEGIN IMMEDIATE")


def read_exchange(path: Path) -> dict[str, Any]:
    orders: dict[str, Any] = json.loads(path.read_text())
    return orders


def write_once(table: Table, number: str, heard: dict[str, Any], note: str) -> None:
    filled = sum(heard["fills"])
    said = (float(filled), 1000.0 if filled else None, WORDS[heard["status"]], note, f"v-{number}")
    table.begin()
    found = table.execute(
        "UPDATE my_orders SET done = ?, avg_px = ?, state = ?, deal = ? WHERE exch_id = ? RETURNING id", *said
    )
    if not found:
        found = table.execute(
            "INSERT INTO my_orders (done, avg_px, state, deal, exch_id, bot, cid, pair, direction, size, px, kind, "
            "created, upd) VALUES (?, ?, ?, ?, ?, 'mom', ?, 'ETH/USD', 'BUY', 10, 1000, 'LIMIT', ?, ?) "
            "ON CONFLICT (exch_id) DO NOTHING RETURNING id",
            *said, f"c-{number}", T0, T0,
        )  # fmt: skip
    for (row,) in found:
        for place, qty in enumerate(heard["fills"]):
            table.execute(
                "INSERT INTO my_fills (order_row, ext, amount, price, at) VALUES (?, ?, ?, 1000, ?) "
                "ON CONFLICT (order_row, ext) DO NOTHING",
                row, f"F{number}-{place}", float(qty), T0,
            )  # fmt: skip
        table.execute("INSERT INTO bot_log (note, exch_id) VALUES (?, ?)", note, f"v-{number}")
    table.execute("COMMIT")


def main(address: str, exchange: str, seed: str) -> None:
    draw, table, heard, count = Random(seed), Table(address), {}, 0
    while not select.select([sys.stdin], [], [], draw.uniform(0, PAUSE_S))[0]:
        orders = read_exchange(Path(exchange))
        number = draw.choice(list(orders))
        if number not in heard or draw.random() < 0.5:
            heard[number] = orders[number]
        count += 1
        write_once(table, number, heard[number], f"n{count}")


if __name__ == "__main__":
    main(*sys.argv[1:])
