"""A wrong mapping cannot harm: a bot's real database, the paper venue, everything writable, many runs; nothing is set.

The world is the hardest one: prices and quantities are of one size, so that no figure gives itself away. The right
mapping repairs the same rows, which shows that the wrong ones were kept from it.
"""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from trueup.books.checks import BookCheck, Checking
from trueup.engine.run.account import ManagedAccount, ProfileReport
from trueup.engine.run.run_account import reconcile_account
from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import Side
from trueup.service.clock import SystemClock
from trueup.service.connect.render import render
from trueup.service.load_config import load_config
from trueup.service.open_accounts import open_accounts
from trueup.sim.market.orders import OrderRequest
from trueup.sim.paper.json import order_id
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue

TABLE = """
CREATE TABLE orders (
  id integer PRIMARY KEY, exch_id varchar(40), cid varchar(40), pair varchar(20), direction varchar(8),
  kind varchar(10),
  state varchar(20), size double precision, done double precision, avg_px double precision, px double precision,
  stop_px double precision, created varchar(40), upd bigint, note varchar(20)
)"""
COLUMNS = {
    "venue_order_id": "exch_id", "client_order_id": "cid", "symbol": "pair", "side": "direction", "order_type": "kind",
    "status": "state", "qty": "size", "filled_qty": "done", "filled_avg_price": "avg_px", "limit_price": "px",
    "stop_price": "stop_px", "submitted_at": "created", "last_activity_at": "upd",
}  # fmt: skip
STATUS = {"OPEN": "open", "DONE": "filled", "GONE": "canceled"}
TIMES = {"submitted_at": "UTC", "last_activity_at": "ms"}
WRITABLE = ["status", "qty", "filled_qty", "filled_avg_price", "limit_price", "stop_price", "venue_order_id",
            "client_order_id"]  # fmt: skip
HOURS_AGO = 2
RUNS = 6
Row = dict[str, Any]


class _Clock(SystemClock):
    """The machine's clock, hours behind until the world has been made."""

    def __init__(self) -> None:
        self.behind_s = HOURS_AGO * 3600

    def now_ns(self) -> int:
        return super().now_ns() - self.behind_s * NS_PER_S


def make_world() -> tuple[PaperVenue, list[Row]]:
    """The venue, and what the bot recorded: it missed a fill of order 1 and all of order 2."""
    clock = _Clock()
    paper = PaperVenue(follow=clock)
    market = paper.market
    numbers = {}

    def submit(number: int, qty: int, limit: int) -> None:
        paper.clock.advance(NS_PER_S)
        request = OrderRequest(
            client_order_id=f"c-{number}", symbol="ETH/USD", side=Side.BUY, qty=qty * 1000, limit=limit
        )
        numbers[number] = market.submit("paper", request, "bot")

    submit(1, 10, 300)
    market.match("ETH/USD", 300, 3_000)  # 3 of 10 at 3
    submit(2, 4, 310)
    market.match("ETH/USD", 305, 4_000)  # 4 of 4 at 3.05
    submit(3, 6, 320)
    market.match("ETH/USD", 315, 6_000)  # 6 of 6 at 3.15
    submit(4, 7, 280)
    market.cancel("paper", numbers[4].venue_order_id)
    submit(5, 9, 330)
    market.match("ETH/USD", 325, 2_000)  # 2 of 9 at 3.25
    market.cancel("paper", numbers[5].venue_order_id)
    submit(6, 5, 290)
    submit(7, 8, 270)
    submit(8, 2, 340)
    market.match("ETH/USD", 335, 2_000)  # 2 of 2 at 3.35
    submit(9, 3, 260)
    market.cancel("paper", numbers[9].venue_order_id)
    said = {  # state, size, done, avg_px, px
        1: ("OPEN", 10.0, 1.0, 3.0, 3.0), 2: ("OPEN", 4.0, 0.0, None, 3.1), 3: ("DONE", 6.0, 6.0, 3.15, 3.2),
        4: ("GONE", 7.0, 0.0, None, 2.8), 5: ("GONE", 9.0, 2.0, 3.25, 3.3), 6: ("OPEN", 5.0, 0.0, None, 2.9),
        7: ("OPEN", 8.0, 0.0, None, 2.7), 8: ("DONE", 2.0, 2.0, 3.35, 3.4), 9: ("GONE", 3.0, 0.0, None, 2.6),
    }  # fmt: skip
    names = ("state", "size", "done", "avg_px", "px")
    now_ns = SystemClock().now_ns()
    rows = [
        {"id": number, "exch_id": order_id(numbers[number]), "cid": f"c-{number}", "pair": "ETH/USD",
         "direction": "BUY", "kind": "LIMIT", "stop_px": None, "created": _utc(numbers[number].submitted_ns),
         "upd": (now_ns - NS_PER_S) // 10**6, "note": "x"} | dict(zip(names, cells, strict=True))
        for number, cells in said.items()
    ]  # fmt: skip
    clock.behind_s = 0
    paper.catch_up()
    return paper, rows


def _utc(time_ns: int) -> str:
    return dt.datetime.fromtimestamp(time_ns / 1e9, dt.UTC).strftime("%Y-%m-%d %H:%M:%S")


class Desk:
    """The bot's table, the venue, and trueup between them; the mapping is what a test says."""

    def __init__(self, folder: Path, bot: Bot) -> None:
        self._folder, self._bot = folder, bot
        bot.execute(TABLE)
        self._paper, self.rows = make_world()

    def add(self) -> None:
        for row in self.rows:
            self._bot.add("orders", **row)

    def make_insertable(self) -> None:
        """A unique key protects the bot's own late row, as long as `note` says whose it is."""
        self._bot.execute("CREATE UNIQUE INDEX one_order ON orders (exch_id, note)")
        self._bot.number_rows("orders")

    def table(self) -> list[Any]:
        return self._bot.execute("SELECT * FROM orders ORDER BY id")

    def drift(self) -> list[Any]:
        return self._bot.execute("SELECT id, state, done, avg_px FROM orders WHERE id <= 2 ORDER BY id")

    @asynccontextmanager
    async def _account(
        self, mapping: dict[str, Any], options: dict[str, Any]
    ) -> AsyncIterator[ManagedAccount]:
        async with serving(self._paper) as url:
            text = render(
                what="a test", name="mine", profile_id="bot",
                books={"kind": "tables", "database": self._bot.address, "write": "tables", "orders": mapping,
                       "options": options},
                account={"account_id": "a-1", "venue": "alpaca", "options": {"base_url": url}},
                credentials={"key_id": {"env": "KEY"}, "secret_key": {"env": "SECRET"}},
                policy={"recent_activity_window_s": 0, "absence_confirmations": 1, "absence_min_age_s": 0},
            )  # fmt: skip
            (self._folder / "trueup.toml").write_text(text)
            loaded = load_config(str(self._folder / "trueup.toml"))
            async with open_accounts(loaded, environ={"KEY": KEY_ID, "SECRET": SECRET}) as (account,):
                yield account

    def check(self, mapping: dict[str, Any], **options: Any) -> list[BookCheck]:
        """As `doctor` has it, beside the venue's open orders."""

        async def scenario() -> list[BookCheck]:
            async with self._account(mapping, options) as account:
                opened = await account.venue.open_orders()
                (books,) = account.foreign
                assert isinstance(books, Checking)
                return books.check(opened.rows, complete=True)

        return asyncio.run(scenario())

    def run(self, mapping: dict[str, Any], **options: Any) -> list[ProfileReport]:
        async def scenario() -> list[ProfileReport]:
            async with self._account(mapping, options) as account:
                return [(await reconcile_account(account, apply=True)).profiles[0] for _ in range(RUNS)]

        return asyncio.run(scenario())


@pytest.fixture(params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    with sqlite_bot(tmp_path) if request.param == "sqlite" else postgresql_bot() as bot:
        yield Desk(tmp_path, bot)


def mapping(**changes: Any) -> dict[str, Any]:
    words = {"status": changes.pop("status", STATUS)} | changes.pop("words", {})
    columns = COLUMNS | changes.pop("columns", {})
    return {"table": "orders", "times": TIMES | changes.pop("times", {}), "columns": columns,
            "words": words, "writable": WRITABLE}  # fmt: skip


def swapped(one: str, other: str) -> dict[str, Any]:
    return mapping(columns={one: COLUMNS[other], other: COLUMNS[one]})


def each(change: Callable[[Row], Row]) -> Callable[[Desk], None]:
    """The bot writes its rows another way than the mapping says."""

    def rewrite(desk: Desk) -> None:
        desk.rows = [row | change(row) for row in desk.rows]

    return rewrite


def hours(number: int) -> Callable[[Row], Row]:
    def change(row: Row) -> Row:
        moved = dt.datetime.fromisoformat(row["created"]) + dt.timedelta(hours=number)
        return {"created": moved.isoformat(" ")}

    return change


def as_it_is(desk: Desk) -> None:
    pass


IN_QUOTE = each(lambda row: {"size": row["size"] * row["px"], "done": row["done"] * (row["avg_px"] or 0)})
ALONE = mapping(columns={"limit_price": "avg_px"})
del ALONE["columns"]["filled_avg_price"]
ALONE["writable"] = [one for one in WRITABLE if one != "filled_avg_price"]
FILLED_IN_QUOTE = each(lambda row: {"done": row["done"] * (row["avg_px"] or 0)})
WRONG = {
    "quantity and price": (as_it_is, swapped("qty", "limit_price"), "are the columns swapped"),
    "filled and quantity": (as_it_is, swapped("filled_qty", "qty"), "more filled than ordered"),
    "limit and average": (as_it_is, swapped("limit_price", "filled_avg_price"), "are the columns swapped"),
    "limit and stop": (as_it_is, swapped("limit_price", "stop_price"), "are the columns swapped"),
    "the two ids": (as_it_is, swapped("venue_order_id", "client_order_id"), "are they swapped"),
    "side and type": (as_it_is, swapped("side", "order_type"), "side: 'LIMIT'"),
    "side and status": (as_it_is, swapped("side", "status"), "'BUY'"),
    "the row's number as the order id": (as_it_is, mapping(columns={"venue_order_id": "id", "client_order_id": "note"}),
                                         "is another column the order id"),
    "the other side": (as_it_is, mapping(words={"side": {"BUY": "sell"}}), "the venue has the other side"),
    "filled for canceled": (as_it_is, mapping(status={"OPEN": "open", "DONE": "canceled", "GONE": "filled"}),
                            "what do"),
    "live for filled": (as_it_is, mapping(status={"OPEN": "filled", "DONE": "filled", "GONE": "canceled"}),
                        "what do"),
    "live for canceled": (as_it_is, mapping(status={"OPEN": "canceled", "DONE": "filled", "GONE": "canceled"}),
                          "what does the status word mean"),
    "quantities in quote currency": (IN_QUOTE, mapping(), "is it in quote currency"),
    "filled in quote currency": (FILLED_IN_QUOTE, mapping(), "in quote currency"),
    "quantities in thousandths": (each(lambda row: {"size": row["size"] * 1000, "done": row["done"] * 1000}), mapping(),
                                  "is it in another unit"),
    "prices in cents": (each(lambda row: {"px": row["px"] * 100}), mapping(), "is it in another unit"),
    "what is left for what is filled": (each(lambda row: {"done": row["size"] - row["done"]}), mapping(),
                                        "less than ordered"),
    "the average as the limit": (as_it_is, ALONE, ""),  # which no open order shows
    "quantities in tenths": (each(lambda row: {"size": row["size"] * 10, "done": row["done"] * 10}), mapping(),
                             "their qty is 10 times the venue's"),
    "seconds for milliseconds": (as_it_is, mapping(times={"last_activity_at": "s"}), "another unit"),
    "microseconds for milliseconds": (as_it_is, mapping(times={"last_activity_at": "us"}), "another unit"),
    "nanoseconds for milliseconds": (as_it_is, mapping(times={"last_activity_at": "ns"}), "another unit"),
    "a time zone ahead": (each(hours(9)), mapping(), "times in the future"),
    "a time zone behind": (each(hours(-5)), mapping(), "is the time zone another"),
    "another column as the time": (each(lambda row: {"created": "1999-12-31 00:00:00"}), mapping(), "another column"),
}  # fmt: skip


def test_the_right_mapping_passes_and_repairs_the_same_rows(desk):
    desk.add()
    assert [one.message for one in desk.check(mapping()) if one.failed] == []
    before = desk.table()
    reports = desk.run(mapping())
    assert reports[0].plan is not None
    assert desk.drift() == [(1, "OPEN", 3.0, 3.0), (2, "DONE", 4.0, 3.05)]
    assert [row for row in desk.table() if row[0] > 2] == [row for row in before if row[0] > 2]


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_mapping_is_told_and_sets_nothing(desk, name):
    rewrite, wrong, said = WRONG[name]
    rewrite(desk)
    desk.add()
    before = desk.table()
    told = " ".join(one.message for one in desk.check(wrong) if one.failed or one.next_step)
    assert said in told, told
    reports = desk.run(wrong)
    assert desk.table() == before
    last = reports[-1].plan
    assert last is not None
    assert {one.kind for one in last.breaks} & {"mapping_doubtful", "row_unclear"}, last.breaks
    assert last.corrections == []


def test_a_person_may_say_that_it_is_meant_so(desk):
    """With `accept_implausible` the checks tell, and hold nothing back."""
    IN_QUOTE(desk)
    desk.add()
    checks = desk.check(mapping(), accept_implausible=True)
    assert [one.message for one in checks if one.failed] == []
    assert any("is it in quote currency" in one.message for one in checks)
    reports = desk.run(mapping(), accept_implausible=True)
    assert reports[0].plan is not None
    assert "mapping_doubtful" not in {one.kind for one in reports[0].plan.breaks}


def test_a_text_that_all_rows_have_is_no_client_order_id_and_stays(desk):
    """The venue's ids name the rows: they are repaired, and a column that is something else is not overwritten."""
    desk.add()
    wrong = mapping(columns={"client_order_id": "note"})
    told = " ".join(one.message for one in desk.check(wrong) if one.failed)
    assert "is another column the client order id" in told
    desk.run(wrong)
    assert {row[-1] for row in desk.table()} == {"x"}
    assert desk.drift() == [(1, "OPEN", 3.0, 3.0), (2, "DONE", 4.0, 3.05)]


LEFT_OUT = {
    "where": mapping() | {"where": {"note": "y"}},
    "profile": mapping(columns={"profile": "note"}),
    "profile's word": mapping(columns={"profile": "note"}, words={"profile": {"y": "bot"}}),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_rows_that_the_mapping_leaves_out_are_told_and_no_row_is_put_beside_them(desk, name):
    desk.add()
    desk.make_insertable()
    before = desk.table()
    told = " ".join(one.message for one in desk.check(LEFT_OUT[name]) if one.next_step)
    assert "left out by `where` or the profile" in told, told
    reports = desk.run(LEFT_OUT[name])
    assert desk.table() == before
    last = reports[-1].plan
    assert last is not None
    assert "write_refused" in {one.kind for one in last.breaks}, last.breaks
