"""Mapped tables through whole runs: amounts in float columns, one number in two instruments, ids in two spellings."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace as replace_struct

from tests.mirror.shell import POLICY, PROFILE, SENT, Shell, account_of
from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from tests.unit.books.tables.desk import MAPPING, T0, order
from trueup.books.tables.mapping import decode_mapping
from trueup.engine.run.account import ManagedProfile, ProfileReport, RunState
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.snapshot import (
    Fill,
    HistoryRead,
    Instrument,
    OrdersRead,
    Position,
    PositionsRead,
    VenueOrder,
)
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import ParityAction, ReadState, Side, Status

COLUMNS = {key: name for key, name in MAPPING["orders"]["columns"].items() if key != "trade_id"}
WORDS = {
    "status": {"OPEN": "open", "DONE": "filled", "GONE": "canceled", "END": "closed"},
    "side": {"BUY": "buy"},
}


class Venue(Shell):
    """What a test says, and nothing else."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[VenueOrder] = []
        self.filled: list[Fill] = []
        self.steps: list[Instrument] | Exception = []
        self.asked = 0
        self.held: str | None = None  # ETH, at 1000; null: positions are not read

    def add(self, number: str, **changes: Any) -> None:
        told = {
            "venue_order_id": number, "symbol": "ETH/USD", "side": Side.BUY, "order_type": "limit", "qty": "10",
            "limit_price": "1000", "status": Status.PENDING_NEW, "submitted_at": SENT, "updated_at": SENT,
        }  # fmt: skip
        self.opened.append(VenueOrder(**(told | changes)))

    def orders(self) -> list[VenueOrder]:
        return self.opened

    async def instruments(self) -> list[Instrument]:
        self.asked += 1
        if isinstance(self.steps, TimeoutError):
            await asyncio.Event().wait()
        if isinstance(self.steps, Exception):
            raise self.steps
        return self.steps

    async def open_orders(self) -> OrdersRead:
        self.meanwhile()
        return OrdersRead(state=ReadState.COMPLETE, rows=list(self.opened))

    async def positions(self) -> PositionsRead:
        if self.held is None:
            return await super().positions()
        held = Position(symbol="ETH/USD", qty=self.held, mark_price="1000")
        return PositionsRead(state=ReadState.COMPLETE, rows=[held])

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        return HistoryRead(state=ReadState.COMPLETE, fills=list(self.filled))


class Desk:
    def __init__(self, bot: Bot, folder: Path, *, together: bool = False, **tables: Any) -> None:
        """`together`: the ledger is in the bot's own file."""
        self.bot, self.venue, self.now_ns = bot, Venue(), 1_800_000_000 * NS_PER_S
        self.step_ns = NS_PER_S
        path = bot.address if together else str(folder / "trueup.sqlite")
        self.ledger = open_sqlite(path, clock_ns=self._time)
        tree = {"orders": MAPPING["orders"] | {"columns": COLUMNS, "words": WORDS}} | tables
        self.account, self.books = account_of(
            bot.address, tree, self.venue, self.ledger, ledger_url=f"sqlite:///{path}"
        )
        assert self.books.traits.together == together

    def _time(self) -> int:
        self.now_ns += 1000
        return self.now_ns

    def run(self) -> ProfileReport:
        self.now_ns += self.step_ns
        report = asyncio.run(reconcile_account(self.account, apply=True))
        (profile,) = report.profiles
        assert profile.error is None, profile.error
        return profile

    def closes_trades(self) -> None:
        """By parity, of what the venue holds no more; with every run a minute apart."""
        self.venue.steps = [ETH]
        policy = replace_struct(
            POLICY,
            parity_enabled=True,
            parity_action=ParityAction.AUTO_CLOSE,
            parity_auto_close_notional_max_usd="9000",
        )
        self.account = replace(self.account, profiles=[ManagedProfile(profile=PROFILE, policy=policy)])
        self.step_ns = 61 * NS_PER_S

    def kinds(self) -> list[tuple[str, str | None]]:
        report = self.run()
        assert report.plan is not None
        return sorted((one.kind.value, one.symbol) for one in report.plan.breaks)

    def mirrored(self, venue_id: str) -> Any:
        found = self.ledger.books.find_order(venue_id)
        return [one for _, one in found]


@contextmanager
def opened(bot: Bot, folder: Path, *, together: bool = False, **tables: Any) -> Iterator[Desk]:
    desk = Desk(bot, folder, together=together, **tables)
    try:
        yield desk
    finally:
        desk.books.close()
        desk.ledger.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    with sqlite_bot(tmp_path) if request.param == "sqlite" else postgresql_bot() as made:
        yield made


ETH = Instrument(symbol="ETH/USD", qty_step="0.001", price_tick="0.01", quote="USD")


def test_float_noise_is_snapped_to_the_step_from_the_first_run_on(bot: Bot, tmp_path: Path) -> None:
    bot.add("my_orders", **order(1, size=0.1 + 0.2, done=0.1 + 0.2 - 1e-16, px=1000.0100000000001))
    with opened(bot, tmp_path) as desk:
        desk.venue.steps = [ETH]
        desk.venue.add("v-1", qty="0.3", limit_price="1000.01", status=Status.PARTIALLY_FILLED, filled_qty="0.3",
                       filled_avg_price="1000")  # fmt: skip
        desk.run()
        (mirrored,) = desk.mirrored("v-1")
        assert (mirrored.qty, mirrored.filled_qty, mirrored.limit_price) == ("0.3", "0.3", "1000.01")
        before = desk.venue.asked
        desk.run()
        assert desk.venue.asked == before + 1  # the run's own read serves the next one


def test_a_venue_that_hangs_delays_the_books_by_one_question_only(bot: Bot, tmp_path: Path) -> None:
    bot.add("my_orders", **order(1))
    with opened(bot, tmp_path) as desk:
        desk.venue.steps = TimeoutError()
        desk.account = replace(desk.account, query_timeout_s=0.01, read_timeout_s=0.01)
        report = desk.run()
        assert report.snapshot is not None
        assert "no answer within 0.01 s" in str(report.snapshot.venue.open_orders.error)
        assert desk.mirrored("v-1")[0].qty == "10"  # its rows were taken in all the same


def test_rows_that_were_read_without_the_steps_are_read_anew_with_them(bot: Bot, tmp_path: Path) -> None:
    from trueup.model.errors import VenueUnavailable

    bot.add("my_orders", **order(1, size=0.1 + 0.2, done=0.0, avg_px=None))
    with opened(bot, tmp_path) as desk:
        desk.venue.add("v-1", qty="0.3")
        desk.venue.steps = VenueUnavailable("down")
        desk.run()
        assert desk.mirrored("v-1")[0].qty == "0.30000000000000004"
        desk.venue.steps = [ETH]
        desk.run()
        assert desk.mirrored("v-1")[0].qty == "0.3"


def test_closed_is_filled_where_only_noise_is_missing(bot: Bot, tmp_path: Path) -> None:
    bot.add("my_orders", **order(1, state="END", size=0.3, done=0.1 + 0.1 + 0.1 - 1e-16))
    with bot.reader(
        decode_mapping({"orders": MAPPING["orders"] | {"words": WORDS}}, "b"), ("mom",)
    ) as reader:
        from trueup.books.tables.read_tables import Wanted

        (row,) = reader.read(Wanted(keys=["1"])).rows
    assert row.order.status is Status.FILLED


def test_one_number_in_two_instruments_is_two_orders_wherever_they_are_found(
    bot: Bot, tmp_path: Path
) -> None:
    """The bot has one of them, ended long ago: what is asked of the books is answered for each instrument."""
    bot.add("my_orders", **order(1, exch_id="77", cid=None, state="DONE", done=10.0))
    with opened(bot, tmp_path) as desk:
        desk.venue.add("77", symbol="BTC/USD")
        desk.venue.add("77", symbol="ETH/USD", status=Status.PARTIALLY_FILLED, filled_qty="10")
        found = desk.kinds()
        assert ("missing_locally", "BTC/USD") in found
        assert ("missing_locally", "ETH/USD") not in found
        assert sorted(one.symbol for one in desk.mirrored("77")) == ["BTC/USD", "ETH/USD"]


def test_an_order_that_the_bot_has_in_another_spelling_is_not_inserted(bot: Bot, tmp_path: Path) -> None:
    bot.execute("CREATE UNIQUE INDEX one_venue_id ON my_orders (exch_id)")
    if bot.address.startswith("postgres"):
        bot.execute("CREATE SEQUENCE numbers START 100")
        bot.execute("ALTER TABLE my_orders ALTER id SET DEFAULT nextval('numbers')")
    bot.add("my_orders", **order(1, exch_id="aBc-1", cid=None, state="DONE", done=10.0))
    with opened(bot, tmp_path) as desk:
        desk.venue.add("AbC-1", status=Status.FILLED, filled_qty="10", filled_avg_price="1000")
        desk.venue.add("new-1", client_order_id=None)
        for _ in range(3):
            desk.run()
    rows = bot.execute("SELECT exch_id, state FROM my_orders ORDER BY exch_id")
    assert sorted(tuple(one) for one in rows) == [("aBc-1", "DONE"), ("new-1", "OPEN")]


def test_a_missed_fill_reaches_the_order_the_fills_and_the_trade(bot: Bot, tmp_path: Path) -> None:
    """Filled 3 of 10, of which the bot knows all; then 7 more at 990 that it never hears of: 10 at 993."""
    if bot.address.startswith("postgres"):
        bot.execute("CREATE SEQUENCE fill_numbers START 100")
        bot.execute("ALTER TABLE my_fills ALTER id SET DEFAULT nextval('fill_numbers')")
    bot.execute("CREATE UNIQUE INDEX one_fill ON my_fills (order_row, ext)")
    bot.add("my_orders", **order(1))
    bot.add("my_fills", id=1, order_row=1, ext="F1", amount=3.0, price=1000.0, cost_fee=0.1, at=T0)
    bot.add("my_deals", id="d-1", pair="ETH/USD", open=1, bought=3.0, sold=0.0)
    tables = {
        "orders": MAPPING["orders"] | {"words": WORDS},
        "fills": MAPPING["fills"] | {"writable": ["fill_id", "order", "qty", "price", "fee", "filled_at"]},
        "trades": MAPPING["trades"] | {"writable": ["entry_qty", "exit_qty"]},
    }
    with opened(bot, tmp_path, **tables) as desk:
        told: dict[str, Any] = {"venue_order_id": "v-1", "symbol": "ETH/USD", "side": Side.BUY}
        desk.venue.filled = [
            Fill(fill_id="F1", qty="3", price="1000", fee="0.1", filled_at=SENT, **told),
            Fill(fill_id="F2", qty="7", price="990", fee="0.2", filled_at="2025-11-24T12:00:05Z", **told),
        ]
        desk.venue.add(
            "v-1", client_order_id="c-1", status=Status.FILLED, filled_qty="10", filled_avg_price="993"
        )
        desk.run()
        assert bot.execute("SELECT state, done, avg_px FROM my_orders") == [("DONE", 10.0, 993.0)]
        assert [
            tuple(one) for one in bot.execute("SELECT ext, amount, price FROM my_fills ORDER BY ext")
        ] == [
            ("F1", 3.0, 1000.0),
            ("F2", 7.0, 990.0),
        ]
        assert bot.execute("SELECT open, bought, sold FROM my_deals") == [(1, 10.0, 0.0)]
        tables_now = [bot.execute(f"SELECT * FROM {one}") for one in ("my_orders", "my_fills", "my_deals")]
        assert desk.kinds() == []
        assert desk.run().state is RunState.UNCHANGED
        assert tables_now == [
            bot.execute(f"SELECT * FROM {one}") for one in ("my_orders", "my_fills", "my_deals")
        ]


@contextmanager
def deaf_after_a_fill(bot: Bot, folder: Path, *, fill_id: str) -> Iterator[Desk]:
    """The bot has its order's first fill, of 3 of 10, and calls it `fill_id`; the 7 that followed it never heard of."""
    bot.number_rows("my_fills")
    bot.execute("CREATE UNIQUE INDEX one_fill ON my_fills (order_row, ext)")
    bot.add("my_orders", **order(1, deal=None))
    bot.add("my_fills", id=1, order_row=1, ext=fill_id, amount=3.0, price=1000.0, cost_fee=0.1, at=T0)
    tables = {
        "orders": MAPPING["orders"] | {"words": WORDS},
        "fills": MAPPING["fills"] | {"writable": ["fill_id", "order", "qty", "price", "fee", "filled_at"]},
    }
    with opened(bot, folder, **tables) as desk:
        desk.venue.filled = [
            Fill(fill_id="F1", qty="3", price="1000", fee="0.1", filled_at=SENT, venue_order_id="v-1"),
            Fill(fill_id="F2", qty="7", price="990", fee="0.2", filled_at=SENT, venue_order_id="v-1"),
        ]
        desk.venue.add(
            "v-1", client_order_id="c-1", status=Status.FILLED, filled_qty="10", filled_avg_price="993"
        )
        yield desk


@pytest.mark.parametrize("said", ["done = 10, avg_px = 993, state = 'DONE'", "kind = 'LMT'"])
def test_a_fill_whose_order_moved_meanwhile_is_inserted_later(bot: Bot, tmp_path: Path, said: str) -> None:
    """The bot writes its order while the venue is read, all of it or another column: its fills it never writes."""
    with deaf_after_a_fill(bot, tmp_path, fill_id="F1") as desk:
        desk.venue.meanwhile = lambda: bot.execute(f"UPDATE my_orders SET {said} WHERE id = 1")
        desk.run()
        desk.venue.meanwhile = lambda: None
        for _ in range(3):
            desk.run()
        fills = bot.execute("SELECT ext, amount, price FROM my_fills ORDER BY ext")
        assert [tuple(one) for one in fills] == [("F1", 3.0, 1000.0), ("F2", 7.0, 990.0)]
        assert bot.execute("SELECT state, done, avg_px FROM my_orders") == [("DONE", 10.0, 993.0)]
        assert desk.run().state is RunState.UNCHANGED


def test_a_limit_that_may_not_be_written_keeps_no_fill_from_its_row(bot: Bot, tmp_path: Path) -> None:
    bot.add("my_orders", **order(1, px=1001.0, deal=None))
    orders = MAPPING["orders"] | {"words": WORDS}
    with opened(bot, tmp_path, orders=orders) as desk:
        desk.venue.add(
            "v-1", client_order_id="c-1", status=Status.FILLED, filled_qty="10", filled_avg_price="993"
        )
        desk.run()
        assert [tuple(one) for one in bot.execute("SELECT state, done, px FROM my_orders")] == [
            ("DONE", 10.0, 1001.0)
        ]
        assert [kind for kind, _ in desk.kinds()] == ["write_refused"]
        assert desk.ledger.journal.retry_write_backs() == 1
        desk.run()
        assert [kind for kind, _ in desk.kinds()] == ["write_refused"]  # tried again, and refused again
    orders |= {"writable": [*orders["writable"], "limit_price"]}
    with opened(bot, tmp_path, orders=orders) as desk:
        assert desk.ledger.journal.retry_write_backs() == 1
        desk.run()
        assert bot.execute("SELECT px FROM my_orders")[0][0] == 1000.0
        assert desk.kinds() == []


def test_a_fill_that_the_bot_names_by_an_id_of_its_own_is_not_doubled(bot: Bot, tmp_path: Path) -> None:
    with deaf_after_a_fill(bot, tmp_path, fill_id="own-1") as desk:
        for _ in range(3):
            desk.run()
        fills = bot.execute("SELECT ext, amount, price FROM my_fills ORDER BY amount")
        assert [tuple(one) for one in fills] == [("own-1", 3.0, 1000.0), ("F2", 7.0, 990.0)]
        bot.execute("UPDATE my_orders SET px = 1001 WHERE id = 1")
        for _ in range(3):
            desk.run()
        assert len(bot.execute("SELECT ext FROM my_fills")) == 2
        assert desk.run().state is RunState.UNCHANGED


def test_a_trade_row_that_is_neither_is_told(
    bot: Bot, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The bot counts 5 where its orders come to 3, and to 7 with the fill that it missed: its row is left alone, and
    stands as a break until it says 7."""
    bot.add("my_orders", **order(1))
    bot.add("my_deals", id="d-1", pair="ETH/USD", open=1, bought=5.0, sold=0.0)
    tables = {
        "orders": MAPPING["orders"] | {"words": WORDS},
        "trades": MAPPING["trades"] | {"writable": ["entry_qty"]},
    }
    with opened(bot, tmp_path, **tables) as desk, caplog.at_level("INFO", "trueup"):
        desk.venue.add("v-1", client_order_id="c-1", status=Status.PARTIALLY_FILLED, filled_qty="7",
                       filled_avg_price="1000")  # fmt: skip
        desk.run()
        assert bot.execute("SELECT done FROM my_orders")[0][0] == 7.0
        assert bot.execute("SELECT bought FROM my_deals")[0][0] == 5.0
        (told,) = [one for one in caplog.records if "write_backs_delivered" in one.getMessage()]
        assert told.levelname == "WARNING"
        report = desk.run()
        assert report.plan is not None
        (found,) = report.plan.breaks
        assert (found.kind.value, found.trade_id, found.corrected) == ("trade_row_differs", "d-1", False)
        assert "entry_qty 5, its orders come to 7" in found.message
        bot.execute("UPDATE my_deals SET bought = 7.0")
        assert desk.kinds() == []
        assert desk.run().state is RunState.UNCHANGED


@pytest.mark.parametrize("meanwhile", ["", "UPDATE my_orders SET kind = 'LMT' WHERE id = 1"])
def test_a_trade_whose_exit_was_lost_is_closed_in_its_row(bot: Bot, tmp_path: Path, meanwhile: str) -> None:
    """Bought 3, which the venue holds no more, with no order that sold it: the policy closes the trade, and no order
    changes. A row that the bot changed meanwhile is judged afresh."""
    bot.add("my_orders", **order(1, state="DONE", size=3.0))
    bot.add("my_deals", id="d-1", pair="ETH/USD", open=1, bought=3.0, sold=0.0)
    words = {"status": {"1": "open", "0": "closed"}}
    tables = {
        "orders": MAPPING["orders"] | {"words": WORDS},
        "trades": MAPPING["trades"] | {"writable": ["status", "entry_qty"], "words": words},
    }
    with opened(bot, tmp_path, **tables) as desk:
        desk.closes_trades()
        desk.venue.held = "3"
        assert desk.kinds() == []
        desk.venue.held = "0"
        deal = "SELECT open, bought, sold FROM my_deals"
        desk.run()
        desk.run()
        desk.venue.meanwhile = lambda: bot.execute(meanwhile) if meanwhile else None
        assert [tuple(one) for one in bot.execute(deal)] == [(1, 3.0, 0.0)]
        desk.run()
        desk.venue.meanwhile = lambda: None
        if meanwhile:
            assert [tuple(one) for one in bot.execute(deal)] == [(1, 3.0, 0.0)]
            for _ in range(4):
                desk.run()
        assert [tuple(one) for one in bot.execute(deal)] == [(0, 3.0, 0.0)]
        desk.run()
        assert desk.run().state is RunState.UNCHANGED


def test_a_trade_alone_is_set_in_the_runs_own_transaction(tmp_path: Path) -> None:
    """Where the bot's tables and the ledger are one database, nothing is delivered afterwards."""
    open_sqlite(str(tmp_path / "bot.db")).close()  # no ledger is made in another program's database
    with sqlite_bot(tmp_path) as bot:
        bot.add("my_orders", **order(1, state="DONE", size=3.0))
        bot.add("my_deals", id="d-1", pair="ETH/USD", open=1, bought=3.0, sold=0.0)
        words = {"status": {"1": "open", "0": "closed"}}
        trades = MAPPING["trades"] | {"writable": ["status"], "words": words}
        orders = MAPPING["orders"] | {"words": WORDS}
        with opened(bot, tmp_path, together=True, orders=orders, trades=trades) as desk:
            desk.closes_trades()
            desk.venue.held = "0"
            for _ in range(4):
                desk.run()
            assert [tuple(one) for one in bot.execute("SELECT open, bought FROM my_deals")] == [(0, 3.0)]
            assert bot.execute("SELECT count(*) FROM write_backs") == [(0,)]
            desk.run()
            assert desk.run().state is RunState.UNCHANGED


def test_a_fee_that_only_the_venue_tells_reaches_the_trades_row(bot: Bot, tmp_path: Path) -> None:
    """No order changes: the venue kept 0.003 of the 3 that were bought, which the bot's own fill does not say."""
    bot.execute("ALTER TABLE my_deals ADD COLUMN kept double precision")
    bot.add("my_orders", **order(1, state="DONE", size=3.0))
    bot.add("my_fills", id=1, order_row=1, ext="F1", amount=3.0, price=1000.0, at=T0)
    bot.add("my_deals", id="d-1", pair="ETH/USD", open=1, bought=3.0, sold=0.0, kept=0.0)
    columns = MAPPING["trades"]["columns"] | {"fee_base_qty": "kept"}
    tables = {
        "orders": MAPPING["orders"] | {"words": WORDS},
        "fills": MAPPING["fills"],
        "trades": MAPPING["trades"] | {"columns": columns, "writable": ["entry_qty", "fee_base_qty"]},
    }
    with opened(bot, tmp_path, **tables) as desk:
        told = Fill(fill_id="F1", venue_order_id="v-1", symbol="ETH/USD", side=Side.BUY, qty="3", price="1000",
                    fee="0.003", fee_currency="ETH", filled_at=SENT)  # fmt: skip
        desk.venue.filled = [told]
        desk.run()
        assert [tuple(one) for one in bot.execute("SELECT bought, kept FROM my_deals")] == [(3.0, 0.003)]
        assert desk.kinds() == []
        assert desk.run().state is RunState.UNCHANGED
