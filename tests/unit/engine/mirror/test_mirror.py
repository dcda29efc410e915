"""A bot's own table beside a real ledger: taken in, judged, written back. Expected values by hand, from books.md."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine.run.desk import Desk, Told, open_desk, venue_order
from trueup.engine.run.account import AccountReport, ManagedAccount, ProfileReport, RunState
from trueup.engine.run.run_account import reconcile_account
from trueup.model.policy import Policy
from trueup.model.snapshot import Fill
from trueup.model.vocabulary import Side, Status
from trueup.ports.foreign_books import WriteMode
from trueup.testing.books.table_books import TableBooks

MINUTE_NS = 60_000_000_000
PROFILE = "mom-1"
POLICY = Policy(parity_enabled=False, exit_backfill_enabled=False)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = open_desk(tmp_path)
    yield opened
    opened.ledger.close()


class Bench:
    """A desk whose bot has a table of its own."""

    def __init__(self, desk: Desk, folder: Path, **options: Any) -> None:
        self.desk = desk
        together = options.get("together", False)
        path = folder / ("trueup.sqlite" if together else "bot.db")
        self.books = TableBooks(path, PROFILE, **options)
        self.told = Told()
        self.account: ManagedAccount = desk.account(
            PROFILE, policy=POLICY, foreign=[self.books], executor=self.told
        )

    def run(self, *, apply: bool = True, wait: bool = True) -> ProfileReport:
        if wait:
            self.desk.clock.advance(MINUTE_NS)
        report: AccountReport = asyncio.run(reconcile_account(self.account, apply=apply))
        assert report.error is None, report.error
        (profile,) = report.profiles
        assert profile.state is not RunState.FAILED, profile.error
        return profile

    def venue(self, number: int = 1, **changes: Any) -> None:
        order = venue_order(f"b1-{number}", venue_order_id=f"v-{number}", **changes)
        others = [one for one in self.desk.venue.opened if one.venue_order_id != f"v-{number}"]
        self.desk.venue.opened = [*others, order]

    def mirror(self, number: int = 1) -> Any:
        (found,) = self.desk.ledger.books.find_order(f"b1-{number}")
        return found[1]

    def trade(self, trade_id: str = "t-1") -> Any:
        ((_, trade),) = self.desk.ledger.books.find_trade(trade_id)
        return trade

    def fills(self) -> list[tuple[str, str, bool]]:
        return [(one["fill_id"], one["qty"], one["inferred"]) for one in self.desk.ledger.export("fills")]

    def kinds(self, report: ProfileReport) -> list[str]:
        assert report.plan is not None
        return sorted(one.kind.value for one in report.plan.breaks)

    def waiting(self) -> int:
        connection = self.desk.ledger.database.connection
        return connection.execute("SELECT count(*) FROM write_backs WHERE outcome IS NULL").fetchall()[0][0]

    def assert_log_is_true(self) -> None:
        assert self.desk.ledger.journal.verify_log(PROFILE).broken is None
        folded = self.desk.ledger.fold_log(PROFILE)
        assert (folded.contradictions, folded.unlogged) == ([], [])


@pytest.fixture(params=[False, True], ids=["two databases", "one database"])
def bench(request: pytest.FixtureRequest, desk: Desk, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(desk, tmp_path, together=request.param)
    yield made
    made.assert_log_is_true()
    made.books.close()


def test_rows_are_taken_in_and_in_sync_writes_nothing(bench: Bench) -> None:
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    log = len(bench.desk.ledger.export("order_log"))
    assert bench.run().state is RunState.UNCHANGED
    assert len(bench.desk.ledger.export("order_log")) == log
    assert (bench.mirror().qty, bench.mirror().trade_id, bench.mirror().filled_qty) == ("10", "t-1", "0")
    assert (bench.trade().entry_qty, bench.trade().status) == ("0", "open")


def test_what_was_taken_in_just_now_is_judged_by_the_next_run(bench: Bench) -> None:
    bench.books.insert(1)
    bench.venue(1, status=Status.FILLED, filled_qty="10", filled_avg_price="1000")
    first = bench.run()
    assert first.plan is not None
    assert [one.reason.value for one in first.plan.deferred] == ["recent_activity"]
    assert bench.books.row()["status"] == "working"
    bench.run()
    row = bench.books.row()
    assert (row["status"], row["filled"], row["average"]) == ("done", "10", "1000")
    assert bench.waiting() == 0
    bench.run()
    assert bench.run().state is RunState.UNCHANGED
    assert [one.cumulative_qty for one in bench.told.notifications] == ["10"]
    assert (bench.trade().entry_qty, bench.trade().entry_avg_price) == ("10", "1000")


def test_a_known_time_of_the_row_is_its_activity(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk, tmp_path, changed=True)
    bench.books.insert(1, changed="2026-11-23T11:00:00Z")
    bench.venue(1, status=Status.FILLED, filled_qty="10", filled_avg_price="1000")
    bench.run()
    assert bench.books.row()["status"] == "done"


def test_a_row_that_changed_without_its_time_is_active_now(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk, tmp_path, changed=True)
    bench.books.insert(1, changed="2026-11-23T11:00:00Z")
    bench.venue(1)
    bench.run()
    bench.books.bot("UPDATE bot_orders SET price = '999'")
    report = bench.run()
    assert report.plan is not None
    assert [one.reason.value for one in report.plan.deferred] == ["recent_activity"]


def test_the_bot_wins_where_it_moved_the_row(bench: Bench) -> None:
    """It wrote between the taking-in and the commit: nothing of ours on a row that moved."""
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="4", filled_avg_price="1000")
    bench.desk.venue.meanwhile = lambda: bench.books.bot(
        "UPDATE bot_orders SET filled = '3', status = 'part', average = '1000'"
    )
    bench.run()
    assert (bench.books.row()["filled"], bench.told.notifications) == ("3", [])
    bench.desk.venue.meanwhile = lambda: None
    bench.run()  # taken in
    bench.run()  # judged
    assert (bench.books.row()["filled"], bench.mirror().filled_qty) == ("4", "4")
    bench.run()
    told = [(one.qty, one.cumulative_qty) for one in bench.told.notifications]
    assert told[-1] == ("1", "4")


def test_quantity_falls_where_the_bot_says_so_and_real_fills_go_newest_first(bench: Bench) -> None:
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    fills = [fill("F1", "3", 1), fill("F2", "2", 2), fill("F3", "1", 3)]
    bench.desk.venue.fills = fills
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="6", filled_avg_price="1000")
    bench.run()
    assert bench.books.row()["filled"] == "6"
    bench.desk.venue.fills = []
    bench.books.bot("UPDATE bot_orders SET filled = '4'")
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="4", filled_avg_price="1000")
    bench.run()
    # 4 of 6: F3 and F2 no longer fit beside F1; 1 of the 4 has no record
    assert bench.fills() == [("F1", "3", False)]
    assert (bench.mirror().filled_qty, bench.trade().entry_qty) == ("4", "4")
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="6", filled_avg_price="1000")
    bench.desk.venue.fills = fills
    bench.run()
    bench.run()
    assert (bench.books.row()["filled"], bench.mirror().filled_qty, bench.trade().entry_qty) == (
        "6",
        "6",
        "6",
    )
    assert {one[:2] for one in bench.fills() if one[1] != "0"} == {("F1", "3"), ("F2", "2"), ("F3", "1")}


def test_a_live_row_that_is_gone_is_told_and_never_put_back(bench: Bench) -> None:
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    bench.books.bot("DELETE FROM bot_orders")
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="4", filled_avg_price="1000")
    for _ in range(3):
        report = bench.run()
        assert bench.kinds(report) == ["row_removed"]
        assert report.plan is not None
        assert report.plan.corrections == []
    count = bench.books.connection.execute("SELECT count(*) FROM bot_orders").fetchall()
    assert count == [(0,)]
    bench.books.insert(7, client_id="b1-1", exchange_id="v-1")  # the bot itself put it back
    bench.run()
    assert bench.kinds(bench.run()) == ["fill_drift", "status_drift"]
    assert bench.books.row(7)["filled"] == "4"


def test_a_removal_that_the_bot_makes_by_itself_ends_the_order(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk, tmp_path, normal_removals=True)
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    bench.books.bot("DELETE FROM bot_orders")
    desk.venue.opened = []
    assert bench.kinds(bench.run()) == []
    assert bench.mirror().status is Status.CANCELED


def test_a_row_without_a_meaning_is_told_and_its_order_left_alone(bench: Bench) -> None:
    bench.books.insert(1, status="strange")
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="4", filled_avg_price="1000")
    for _ in range(3):
        report = bench.run()
        assert bench.kinds(report) == ["row_unclear"]
    assert bench.desk.ledger.export("orders") == []
    assert bench.books.row()["filled"] == "0"


def test_two_rows_of_one_venue_order_are_told(bench: Bench) -> None:
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    bench.books.insert(2, exchange_id=" V-1 ")
    assert "row_unclear" in bench.kinds(bench.run())
    assert bench.mirror().filled_qty == "0"


def test_an_order_that_only_the_venue_knew_is_inserted_once(bench: Bench) -> None:
    bench.books.insert(1)
    bench.venue(1)
    bench.venue(2, side=Side.BUY, submitted_at="2026-11-23T11:00:00Z")
    bench.run()
    bench.run()
    rows = bench.books.connection.execute("SELECT client_id, exchange_id, status FROM bot_orders ORDER BY id")
    assert rows.fetchall() == [("b1-1", "v-1", "working"), ("b1-2", "v-2", "working")]
    bench.run()
    assert bench.run().state is RunState.UNCHANGED


def test_the_bots_own_late_row_wins_over_our_insert(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk, tmp_path)
    bench.venue(2, submitted_at="2026-11-23T11:00:00Z")
    late = bench.books.write_back

    def bot_was_faster(writes: Any, within: Any = None) -> Any:
        bench.books.insert(9, client_id="b1-2", exchange_id="v-2", filled="1", status="part", average="1000")
        bench.books.write_back = late  # type: ignore[method-assign]
        return late(writes, within)

    bench.books.write_back = bot_was_faster  # type: ignore[method-assign]
    bench.run()
    assert bench.books.connection.execute("SELECT count(*) FROM bot_orders").fetchall() == [(1,)]
    bench.run()
    assert bench.mirror(2).filled_qty == "1"  # the bot's word
    bench.assert_log_is_true()


@pytest.mark.parametrize("mode", [WriteMode.NEVER, WriteMode.ASK])
def test_books_that_are_not_written_stay_as_they_are(desk: Desk, tmp_path: Path, mode: WriteMode) -> None:
    bench = Bench(desk, tmp_path, write=mode)
    bench.books.insert(1)
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="4", filled_avg_price="1000")
    bench.run()
    report = bench.run()
    assert (report.state, bench.kinds(report)) == (RunState.DRY, ["fill_drift", "status_drift"])
    assert (bench.books.row()["filled"], bench.mirror().filled_qty, bench.waiting()) == ("0", "0", 0)
    assert [one.trade_id for one in report.asked] == (["t-1"] if mode is WriteMode.ASK else [])


def test_a_column_that_may_not_be_written_stands_as_a_break(bench: Bench, desk: Desk, tmp_path: Path) -> None:
    together = bench.books.traits.together
    other = tmp_path / ("other.db" if not together else "trueup.sqlite")
    bench.account = desk.account(
        PROFILE,
        policy=POLICY,
        foreign=[books := TableBooks(other, PROFILE, writable=frozenset({"filled_qty"}), together=together)],
    )
    bench.books.close()
    bench.books = books
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="4", filled_avg_price="1000")
    bench.run()
    assert bench.books.row()["filled"] == "0"
    assert bench.kinds(bench.run()) == ["write_refused"]
    assert bench.kinds(bench.run()) == ["write_refused"]


def test_a_discovered_order_that_the_books_do_not_take_stays_missing(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk, tmp_path, inserts=False)
    bench.venue(1)
    bench.run()
    for _ in range(2):
        report = bench.run()
        assert report.plan is not None
        assert report.plan.corrections == []
        assert {(one.kind.value, one.corrected, one.venue_order_id) for one in report.plan.breaks} == {
            ("missing_locally", False, "v-1"),
            ("write_refused", False, "v-1"),
        }
        assert report.plan.result.missing_locally == 1
    assert bench.run().state is RunState.UNCHANGED
    bench.books.insert(1)  # the bot's own, late
    bench.run()
    assert bench.kinds(bench.run()) == []
    bench.books.close()


def test_a_refusal_of_the_database_stands_as_a_break_until_the_bot_moves(bench: Bench) -> None:
    bench.books.bot(
        "CREATE TRIGGER no BEFORE UPDATE ON bot_orders WHEN NEW.filled = '4' "
        "BEGIN SELECT RAISE(ABORT, 'not four'); END"
    )
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="4", filled_avg_price="1000")
    bench.run()
    assert bench.books.row()["filled"] == "0"
    report = bench.run()
    assert report.plan is not None
    assert [(one.kind.value, "not four" in one.message) for one in report.plan.breaks] == [
        ("write_refused", True)
    ]
    bench.books.bot("UPDATE bot_orders SET filled = '5', status = 'part', average = '1000'")
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="5", filled_avg_price="1000")
    bench.run()
    assert bench.kinds(bench.run()) == []


def test_notifications_wait_for_the_write_back(desk: Desk, tmp_path: Path) -> None:
    bench = Bench(desk, tmp_path)
    bench.books.insert(1)
    bench.venue(1)
    bench.run()
    bench.venue(1, status=Status.PARTIALLY_FILLED, filled_qty="4", filled_avg_price="1000")
    lock = TableBooks(tmp_path / "bot.db", PROFILE)
    lock.connection.execute("BEGIN IMMEDIATE")
    bench.books.connection.set_busy_timeout(1)
    report = asyncio.run(reconcile_account(bench.account, apply=True))
    assert report.error is None
    desk.clock.advance(MINUTE_NS)
    report = asyncio.run(reconcile_account(bench.account, apply=True))
    assert bench.told.notifications == []
    assert bench.waiting() == 1
    lock.connection.execute("COMMIT")
    lock.close()
    bench.run()
    assert bench.books.row()["filled"] == "4"
    assert [one.cumulative_qty for one in bench.told.notifications] == ["4"]


def fill(fill_id: str, qty: str, minute: int, number: int = 1) -> Fill:
    return Fill(
        fill_id=fill_id,
        venue_order_id=f"v-{number}",
        client_order_id=f"b1-{number}",
        symbol="ETH/USD",
        side=Side.BUY,
        qty=qty,
        price="1000",
        filled_at=f"2026-11-23T11:0{minute}:00Z",
    )
