"""Random worlds of a bot with tables of its own: it writes in the midst of runs and is deaf to some fills.

In each world, whatever happened: no run fails, nothing that the bot wrote besides is lost, and when the faults stop a
bounded number of runs makes the rows what the venue says; the next one writes nothing. More of them by
`TRUEUP_WORLDS=1000 pytest tests/mirror/test_own_tables.py`; PostgreSQL is one world in ten.
"""

import asyncio
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.mirror.shell import Shell, account_of, told_order
from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from tests.unit.books.tables.desk import MAPPING, order
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import (
    VenueOrder,
)
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import Status

WORLDS = int(os.environ.get("TRUEUP_WORLDS", "20"))
ORDERS, ROUNDS, RUNS_UNTIL_TRUE_MAX = 5, 6, 4
COLUMNS = {
    key: name
    for key, name in MAPPING["orders"]["columns"].items()
    if key not in ("trade_id", "last_activity_at")
}
TREE = {"orders": MAPPING["orders"] | {"columns": COLUMNS}}


class Exchange(Shell):
    """The venue: what is filled only grows."""

    def __init__(self) -> None:
        super().__init__()
        self.filled = dict.fromkeys(range(1, ORDERS + 1), 0)
        self.ended: dict[int, Status] = {}

    def orders(self) -> list[VenueOrder]:
        return [told_order(number, filled, self.ended.get(number)) for number, filled in self.filled.items()]


class World:
    def __init__(self, seed: int, bot: Bot, folder: Path) -> None:
        self.draw, self.bot, self.exchange = Random(seed), bot, Exchange()
        self.now_ns = 1_800_000_000 * NS_PER_S
        self.ledger = open_sqlite(str(folder / "trueup.sqlite"), clock_ns=self._time)
        self.notes: dict[int, str] = {}
        self.account, self.books = account_of(bot.address, TREE, self.exchange, self.ledger)
        for number in self.exchange.filled:
            bot.add("my_orders", **order(number, done=0.0, avg_px=None, deal=None))

    def _time(self) -> int:
        self.now_ns += 1000
        return self.now_ns

    def close(self) -> None:
        self.books.close()
        self.ledger.close()

    def trade(self) -> None:
        """The venue fills or cancels something; the bot hears of half of it."""
        number = self.draw.choice(list(self.exchange.filled))
        if number in self.exchange.ended:
            return
        if self.draw.random() < 0.15:
            self.exchange.ended[number] = Status.CANCELED
        else:
            self.exchange.filled[number] = min(10, self.exchange.filled[number] + self.draw.randint(1, 4))
            if self.exchange.filled[number] == 10:
                self.exchange.ended[number] = Status.FILLED
        if self.draw.random() < 0.5:
            self.hear(number)

    def hear(self, number: int) -> None:
        """The bot sets what it heard, and a note of its own beside it."""
        filled, ended = self.exchange.filled[number], self.exchange.ended.get(number)
        word = {Status.FILLED: "DONE", Status.CANCELED: "GONE", None: "OPEN"}[ended]
        self.notes[number] = f"note-{self.draw.random()}"
        self.bot.execute(
            "UPDATE my_orders SET done = ?, avg_px = ?, state = ?, deal = ? WHERE id = ?",
            float(filled), 1000.0 if filled else None, word, self.notes[number][:20], number,
        )  # fmt: skip

    def run(self) -> None:
        self.now_ns += NS_PER_S
        report = asyncio.run(reconcile_account(self.account, apply=True))
        assert [one.error for one in report.profiles] == [None], report

    def rows(self) -> list[Any]:
        text = "SELECT id, done, avg_px, state, deal FROM my_orders ORDER BY id"
        return [tuple(row) for row in self.bot.execute(text)]

    def truth(self) -> list[Any]:
        words = {Status.FILLED: "DONE", Status.CANCELED: "GONE", None: "OPEN"}
        return [
            (number, float(filled), 1000.0 if filled else None, words[self.exchange.ended.get(number)],
             self.notes[number][:20] if number in self.notes else None)
            for number, filled in self.exchange.filled.items()
        ]  # fmt: skip


@pytest.mark.parametrize("seed", range(WORLDS))
def test_a_world(seed: int, tmp_path: Path) -> None:
    with postgresql_bot() if seed % 10 == 9 else sqlite_bot(tmp_path) as bot:
        world = World(seed, bot, tmp_path)
        try:
            for _ in range(ROUNDS):
                world.trade()
                world.exchange.meanwhile = world.trade if world.draw.random() < 0.6 else lambda: None
                world.run()
            world.exchange.meanwhile = lambda: None
            for _ in range(RUNS_UNTIL_TRUE_MAX):
                world.run()
            assert world.rows() == world.truth(), f"at {from_ns(world.now_ns)}"
            before = bot.execute("SELECT * FROM my_orders ORDER BY id")
            world.run()
            assert bot.execute("SELECT * FROM my_orders ORDER BY id") == before
        finally:
            world.close()
