"""A bot process writes its own table while trueup's process is killed at random statements of its runs.

Whatever happened: no write of the bot's is lost and none of ours is on a row that moved (a trigger of the bot's logs
every write; what the bot says was true at some time, so that a write of ours which takes anything back has overwritten
news); no row is doubled; and when the kills stop, a bounded number of runs makes the rows what the venue says, and the
next one writes nothing. More by `TRUEUP_KILLS=200 pytest tests/mirror/test_kills.py`.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.mirror.bot_process import Table
from tests.mirror.shell import SENT, Shell, account_of, told_order
from tests.patience import wait_until
from tests.postgres.databases import migrated_database
from tests.unit.books.tables.desk import MAPPING, T0, TABLES
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.postgresql import PostgresqlTables
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.books.tables.sqlite import SqliteTables
from trueup.engine.run.account import ManagedAccount, RunState
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.postgresql.database import PostgresDatabase
from trueup.ledgers.sqlite import open_sqlite
from trueup.ledgers.sqlite.database import SqliteDatabase
from trueup.model.snapshot import (
    Fill,
    VenueOrder,
)
from trueup.model.vocabulary import Side, Status

KILLS = int(os.environ.get("TRUEUP_KILLS", "10"))
STATEMENTS = (
    10,
    300,
)  # how many a life of trueup's process has; a run that changes something has sixty to ninety
RUNS_A_LIFE, LIVES_MAX, RUNS_UNTIL_TRUE_MAX = 6, 5, 6
KNOWN, LATE = (
    range(1, 11),
    range(11, 17),
)  # orders in the bot's table from the start, and those it inserts late
COLUMNS = {
    key: name
    for key, name in MAPPING["orders"]["columns"].items()
    if key not in ("trade_id", "last_activity_at", "profile")
}
ORDERS = MAPPING["orders"] | {
    "columns": COLUMNS,
    "writable": ["status", "filled_qty", "filled_avg_price", "client_order_id"],
    "words": {"status": {"OPEN": "open", "DONE": "filled", "GONE": "canceled"}, "side": {"BUY": "buy"}},
}
FILLS = MAPPING["fills"] | {"writable": ["fill_id", "order", "qty", "price", "filled_at"]}
BOTS_OWN = """
CREATE TABLE bot_log (n {serial}, note varchar(20), exch_id varchar(40));
CREATE TABLE audit (n {serial}, exch_id varchar(40), cid varchar(40), old_done double precision,
  old_avg double precision, old_state varchar(20), old_deal varchar(20), done double precision,
  state varchar(20), deal varchar(20));
CREATE UNIQUE INDEX one_venue_id ON my_orders (exch_id);
CREATE UNIQUE INDEX one_fill ON my_fills (order_row, ext)
"""
_LOGGED = (
    "INSERT INTO audit (exch_id, cid, old_done, old_avg, old_state, old_deal, done, state, deal) VALUES "
    "(old.exch_id, old.cid, old.done, old.avg_px, old.state, old.deal, new.done, new.state, new.deal);"
)


class Exchange(Shell):
    """A file that the test, the bot and trueup look at. What is filled only grows, and an end is one."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def read(self) -> dict[str, Any]:
        return dict(json.loads(self.path.read_text()))

    def write(self, orders: dict[str, Any]) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(orders))
        fresh.replace(self.path)

    def step(self, draw: Random) -> None:
        """All but the last order, which is left for `fill_last`."""
        orders = self.read()
        for order in list(orders.values())[:-1]:
            left = 10 - sum(order["fills"])
            if order["status"] == "live" and draw.random() < 6 / KILLS:
                order["fills"].append(min(left, draw.randint(1, 2)))
                if sum(order["fills"]) == 10:
                    order["status"] = "filled"
            elif order["status"] == "live" and draw.random() < 0.5 / KILLS:
                order["status"] = "canceled"
        self.write(orders)

    def fill_last(self) -> None:
        orders = self.read()
        orders[list(orders)[-1]]["fills"].append(1)
        self.write(orders)

    def orders(self) -> list[VenueOrder]:
        ends = {"filled": Status.FILLED, "canceled": Status.CANCELED}
        return [
            told_order(number, sum(one["fills"]), ends.get(one["status"]))
            for number, one in self.read().items()
        ]

    def fills(self) -> list[Fill]:
        return [
            Fill(fill_id=f"F{number}-{place}", venue_order_id=f"v-{number}", client_order_id=f"c-{number}",
                 symbol="ETH/USD", side=Side.BUY, qty=str(qty), price="1000", filled_at=SENT)
            for number, one in self.read().items()
            for place, qty in enumerate(one["fills"])
        ]  # fmt: skip


class Place:
    """Where the bot's tables and trueup's ledger are: `ledger_url` is another database, or the bot's own."""

    def __init__(self, folder: Path, address: str, ledger_url: str, *, fills: bool) -> None:
        self.folder, self.address, self.ledger_url, self.fills = folder, address, ledger_url, fills
        self.exchange = Exchange(folder / "exchange.json")

    @property
    def is_together(self) -> bool:
        return self.ledger_url.endswith(self.address)

    def make(self) -> None:
        on_server = self.address.startswith("postgres")
        table, serial = Table(self.address), "serial" if on_server else "integer PRIMARY KEY"
        for statement in (TABLES + ";" + BOTS_OWN.format(serial=serial)).split(";\n"):
            table.execute(statement)
        if on_server:
            for name in ("my_orders", "my_fills"):
                table.execute(f"CREATE SEQUENCE {name}_numbers START 100")
                table.execute(f"ALTER TABLE {name} ALTER id SET DEFAULT nextval('{name}_numbers')")
            table.execute(
                f"CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {_LOGGED} RETURN new; END'"
            )
            table.execute(
                "CREATE TRIGGER logs AFTER UPDATE ON my_orders FOR EACH ROW EXECUTE FUNCTION logs()"
            )
        else:
            table.execute(f"CREATE TRIGGER logs AFTER UPDATE ON my_orders BEGIN {_LOGGED} END")
            table.execute("PRAGMA journal_mode = WAL")
        self.exchange.write({str(one): {"fills": [], "status": "live"} for one in (*KNOWN, *LATE)})
        for number in KNOWN:
            table.execute(
                "INSERT INTO my_orders (bot, exch_id, cid, pair, direction, size, done, px, kind, state, created, upd) "
                "VALUES ('mom', ?, ?, 'ETH/USD', 'BUY', 10, 0, 1000, 'LIMIT', 'OPEN', ?, ?)",
                f"v-{number}", f"c-{number}", T0, T0,
            )  # fmt: skip

    @contextmanager
    def account(self) -> Iterator[ManagedAccount]:
        on_server = self.ledger_url.startswith("postgres")
        ledger = (
            open_postgresql(self.ledger_url)
            if on_server
            else open_sqlite(self.ledger_url[len("sqlite:///") :])
        )
        tree: dict[str, Any] = {"orders": ORDERS} | ({"fills": FILLS} if self.fills else {})
        account, books = account_of(
            self.address, tree, self.exchange, ledger, ledger_url=self.ledger_url, lease_ttl_s=0.05
        )
        assert (books.traits.together, books.traits.inserts) == (self.is_together, True)
        yield account
        books.close()
        ledger.close()


# -- trueup's process -------------------------------------------------------------------------------------------------


def dying_at(count: int) -> None:
    """This process is killed before its statement number `count`, or before or after a commit that comes there."""
    left = [count]

    def tick() -> None:
        left[0] -= 1
        if left[0] <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(kind: type, name: str, *, after: bool = False) -> None:
        honest: Callable[..., Any] = getattr(kind, name)

        def call(self: Any, *args: Any, **named: Any) -> Any:
            tick()
            result = honest(self, *args, **named)
            if after:
                tick()
            return result

        setattr(kind, name, call)

    def begun(kind: type) -> None:
        honest = getattr(kind, "_transaction")  # noqa: B009

        @contextmanager
        def within(self: Any, *args: Any) -> Iterator[None]:
            with honest(self, *args):
                yield
                tick()
            tick()

        setattr(kind, "_transaction", within)  # noqa: B010

    for kind in (SqliteTables, PostgresqlTables):
        begun(kind)
        counted(kind, "rows")
        counted(kind, "write")
    for other in (SqliteDatabase, PostgresDatabase):
        counted(other, "rows")
        counted(other, "write")
        counted(other, "_commit", after=True)


def live(place: Place, count: int) -> None:
    """Runs until it dies."""
    dying_at(count)
    with place.account() as account:
        for _ in range(RUNS_A_LIFE):
            asyncio.run(reconcile_account(account, apply=True))


def killed(place: Place, count: int) -> bool:
    """Whether it was killed in the midst of its runs."""
    child = os.fork()
    if not child:
        code = 1
        try:
            live(place, count)
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), "it failed before it was killed"
    return code != 0


# -- what has to hold -------------------------------------------------------------------------------------------------


def assert_nothing_was_taken_back(table: Table) -> tuple[int, int]:
    """How many writes of the bot's and of ours there were. Ours leave the bot's note as it is."""
    writes = table.execute(
        "SELECT exch_id, old_done, old_state, old_deal, done, state, deal FROM audit ORDER BY n"
    )
    ours = [one for one in writes if one[3] == one[6]]
    for venue_id, old_done, old_state, _, done, state, _ in ours:
        assert done >= old_done, f"{venue_id}: the bot's {old_done} was overwritten with {done}"
        assert old_state == "OPEN" or state == old_state, (
            f"{venue_id}: {old_state} was overwritten with {state}"
        )
    return len(writes) - len(ours), len(ours)


def assert_ours_were_on_what_was_judged(place: Place, account: ManagedAccount, table: Table) -> None:
    """Every write of ours found the row as some write-back of it was judged on."""
    reader = TablesReader(open_tables(place.address), decode_mapping({"orders": ORDERS}, "b"), ["mom"])
    ledger: Any = account.ledger
    connection = ledger.database.connection
    judged = {one for (one,) in connection.execute("SELECT judged FROM write_backs").fetchall()}
    rows = table.execute("SELECT exch_id, cid, old_done, old_avg, old_state FROM audit WHERE old_deal = deal OR "
                         "(old_deal IS NULL AND deal IS NULL)")  # fmt: skip
    for venue_id, client_id, done, average, state in rows:
        (now,) = reader.order_cells(Wanted(ids=[venue_id]))
        now.cells |= {
            "client_order_id": client_id, "filled_qty": done, "filled_avg_price": average, "status": state,
        }  # fmt: skip
        assert reader.fingerprint(now) in judged, (
            f"{venue_id} was set from {(done, state)}, which nobody judged"
        )


def assert_nothing_is_lost_or_doubled(place: Place, table: Table) -> None:
    orders = place.exchange.read()
    words = {"live": "OPEN", "filled": "DONE", "canceled": "GONE"}
    rows = table.execute("SELECT exch_id, done, state FROM my_orders ORDER BY exch_id")
    assert [tuple(one) for one in rows] == [
        (f"v-{number}", float(sum(one["fills"])), words[one["status"]])
        for number, one in sorted(orders.items())
    ]
    notes = dict(table.execute("SELECT exch_id, note FROM bot_log ORDER BY n"))
    kept = dict(table.execute("SELECT exch_id, deal FROM my_orders WHERE deal IS NOT NULL"))
    assert kept == notes
    fills = table.execute(
        "SELECT o.exch_id, f.ext, f.amount FROM my_fills f JOIN my_orders o ON o.id = f.order_row"
    )
    assert len({(one[0], one[1]) for one in fills}) == len(fills)
    if place.fills:
        named = {fill_id for _, fill_id, _ in fills}
        assert named == {one.fill_id for one in place.exchange.fills()}
    for venue_id, fill_id, qty in fills:
        number, _, at = fill_id[1:].partition("-")
        assert (venue_id, qty) == (f"v-{number}", float(orders[number]["fills"][int(at)]))


@pytest.fixture(
    params=["sqlite", "sqlite, fills", "sqlite, one database", "postgresql", "postgresql, one database"]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    ledger, with_fills = f"sqlite:///{tmp_path}/trueup.sqlite", "," in request.param
    if request.param in ("sqlite", "sqlite, fills"):
        yield Place(tmp_path, f"{tmp_path}/bot.db", ledger, fills=with_fills)
    elif request.param.startswith("sqlite"):
        open_sqlite(f"{tmp_path}/trueup.sqlite").close()
        yield Place(tmp_path, f"{tmp_path}/trueup.sqlite", ledger, fills=with_fills)
    else:
        with migrated_database() as url:
            yield Place(tmp_path, url, url if "one" in request.param else ledger, fills=with_fills)
            drop_what_is_the_bots(url)


def drop_what_is_the_bots(url: str) -> None:
    table = Table(url)
    for name in ("my_orders", "my_fills", "my_deals", "bot_log", "audit"):
        table.execute(f"DROP TABLE {name}")
    table.execute("DROP SEQUENCE my_orders_numbers, my_fills_numbers")
    table.execute("DROP FUNCTION logs")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_killing_it_at_any_statement_loses_and_doubles_nothing(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.make()
    draw, table = Random(place.address[-1] + str(KILLS)), Table(place.address)
    bot = subprocess.Popen(
        [sys.executable, "-m", "tests.mirror.bot_process", place.address, str(place.exchange.path), "7"],
        stdin=subprocess.PIPE,
    )
    kills = lives = 0
    try:
        wait_until(lambda: bot.poll() is not None or table.execute("SELECT 1 FROM bot_log LIMIT 1"))
        while kills < KILLS and lives < LIVES_MAX * KILLS:
            lives += 1
            place.exchange.step(draw)
            kills += killed(place, draw.randint(*STATEMENTS))
            assert bot.poll() is None, "the bot died"
    finally:
        bot.communicate()
    assert bot.returncode == 0
    assert_nothing_was_taken_back(table)
    place.exchange.fill_last()  # the bot is gone: only we can write it, however slow we were until now
    with place.account() as account:
        for _ in range(RUNS_UNTIL_TRUE_MAX):
            report = run_when_free(account)
            assert [one.error for one in report.profiles] == [None]
        theirs, ours = assert_nothing_was_taken_back(table)
        assert_nothing_is_lost_or_doubled(place, table)
        if not place.is_together and not place.fills:
            assert_ours_were_on_what_was_judged(place, account, table)
        count = table.execute("SELECT count(*) FROM audit")
        assert run_when_free(account).profiles[0].state is RunState.UNCHANGED
        assert table.execute("SELECT count(*) FROM audit") == count
        assert account.ledger.journal.verify_log("mom").broken is None
    with capsys.disabled():
        print(f"\n{kills} kills in mid-run, of {lives} lives; {theirs} writes of the bot's, {ours} of ours")
    assert kills == KILLS
    assert theirs > KILLS
    assert ours > 0


def run_when_free(account: ManagedAccount) -> Any:
    """The lease of the last one that was killed ends by itself."""
    while True:
        report = asyncio.run(reconcile_account(account, apply=True))
        if not report.contended:
            return report
