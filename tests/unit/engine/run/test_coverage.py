"""Coverage through the engine, on real SQLite: what is asked of the venue's history, and when the watermark moves."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.engine.run.desk import ACCOUNT, Desk, ScriptedVenue, local_order, open_desk, profile
from trueup.engine.recorder.recorder import Recorder
from trueup.engine.run.account import AccountReport, ManagedAccount, RunState
from trueup.engine.run.alerts import AlertBook
from trueup.engine.run.run_account import reconcile_account
from trueup.model.errors import VenueUnavailable
from trueup.model.plan import Alert
from trueup.model.policy import Policy
from trueup.model.snapshot import HistoryRead, VenueOrder
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import PositionSide, ReadState, Side, Status
from trueup.sim.clock import run_simulated

FIRST_NS = to_ns("2026-11-23T10:00:00Z")
NOON = "2026-11-23T12:00:00Z"
OVERLAP_S = 600
PATTERN = r"^bot-(?P<trade>t-\d+)-"


class DatedVenue(ScriptedVenue):
    """Its history has orders from what is asked for on, but none before `kept_since`."""

    kept_since: str | None = None
    state = ReadState.COMPLETE

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.given: list[int] = []

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        self.sinces.append(since)
        rows = await self._give("venue history", self.past)
        known = [one for one in (since, self.kept_since) if one is not None]
        start = max(known, key=to_ns, default=None)
        orders = [one for one in rows if start is None or to_ns(one.submitted_at) >= to_ns(start)]
        self.given.append(len(orders))
        return HistoryRead(state=self.state, since=start, orders=orders)


class Sink:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    async def alert(self, profile_id: str, alert: Alert) -> None:
        self.seen.append((alert.type.removeprefix("RECONCILIATION_"), alert.dedupe_key))


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    desk.venue = DatedVenue(desk.clock, desk.log)
    yield desk
    desk.ledger.close()


def managed(desk: Desk, *profile_ids: str, **policy: Any) -> ManagedAccount:
    rules = Policy(client_order_id_pattern=PATTERN, parity_enabled=False, exit_backfill_enabled=False)
    account = desk.account(*profile_ids, policy=replace(rules, **policy))
    Recorder(desk.ledger, profile("mom-1")).open_trade("t-1", "ETH/USD", PositionSide.LONG)
    return account


def bought(number: int) -> VenueOrder:
    """One filled order a minute from ten o'clock on, that the bot never recorded."""
    at = from_ns(FIRST_NS + number * 20 * NS_PER_S)
    return VenueOrder(
        venue_order_id=f"v-{number}",
        client_order_id=f"bot-t-1-{number}",
        symbol="ETH/USD",
        side=Side.BUY,
        qty="1",
        status=Status.FILLED,
        filled_qty="1",
        filled_avg_price="1000",
        submitted_at=at,
        updated_at=at,
    )


def run(desk: Desk, account: ManagedAccount, **options: Any) -> AccountReport:
    return run_simulated(desk.clock, reconcile_account(account, **{"apply": True} | options))


def watermark(desk: Desk, profile_id: str = "mom-1") -> str | None:
    stored = desk.ledger.journal.profile_states([profile_id])[profile_id].watermark
    return None if stored is None else seconds_before(stored, 0)


def seconds_before(time: str, seconds: int) -> str:
    return from_ns(to_ns(time) - seconds * NS_PER_S)


def test_250_missing_orders_and_a_limit_of_100_take_three_runs(desk: Desk):
    account = managed(desk, coverage_inserts_max=100)
    desk.venue.past = [bought(number) for number in range(250)]
    inserted, limited = [], []
    for _ in range(3):
        (report,) = run(desk, account).profiles
        inserted.append(report.result.coverage.inserted)
        limited.append(report.result.coverage.skipped_insert_limit)
        desk.clock.advance(60 * NS_PER_S)
    assert (inserted, limited) == ([100, 100, 50], [150, 50, 0])
    assert len(desk.ledger.export("orders")) == 250
    assert desk.ledger.export("trades")[0]["entry_qty"] == "250"


def test_a_limited_run_moves_the_watermark_to_the_first_order_it_left(desk: Desk):
    account = managed(desk, coverage_inserts_max=100)
    desk.venue.past = [bought(number) for number in range(250)]
    run(desk, account)
    assert watermark(desk) == bought(100).submitted_at
    run(desk, account)
    assert desk.venue.sinces == [None, seconds_before(bought(100).submitted_at or "", OVERLAP_S)]


def test_the_next_run_with_nothing_new_reads_the_overlap_only_and_writes_nothing(desk: Desk):
    account = managed(desk, coverage_inserts_max=250)
    desk.venue.past = [bought(number) for number in range(250)]
    run(desk, account)
    desk.clock.advance(60 * NS_PER_S)
    desk.log.clear()
    (report,) = run(desk, account).profiles
    assert desk.venue.sinces == [None, seconds_before(NOON, OVERLAP_S)]
    assert desk.venue.given == [250, 0]  # type: ignore[attr-defined] # the last of them was sent at 11:23
    assert (report.state, report.result.coverage.scanned) == (RunState.UNCHANGED, 0)
    assert [one for one in desk.log if one.startswith("commit")] == []


def test_every_order_of_a_run_is_in_one_class(desk: Desk):
    account = managed(desk, coverage_inserts_max=100)
    desk.venue.past = [bought(number) for number in range(250)]
    run(desk, account)
    (report,) = run(desk, account).profiles
    coverage = report.result.coverage
    classed = coverage.inserted + coverage.skipped_existing + coverage.skipped_insert_limit
    assert (coverage.scanned, classed) == (180, 180)  # 150 that are left, and 30 of the overlap


@pytest.mark.parametrize("how", ["dry", "stage dry", "partial", "failed", "deferred", "superseded"])
def test_the_watermark_does_not_move_with_a_run_that_did_not_class_all(desk: Desk, how: str):
    account = managed(desk, coverage_dry_run=how == "stage dry")
    desk.venue.past = [bought(number) for number in range(3)]
    if how == "partial":
        desk.venue.state = ReadState.PARTIAL  # type: ignore[attr-defined]
    if how == "failed":
        desk.venue.past = VenueUnavailable("503")
    if how == "deferred":
        sent = from_ns(desk.clock.now_ns())
        Recorder(desk.ledger, profile("mom-1")).record_order(local_order("fresh", submitted_at=sent))
    if how == "superseded":
        record_meanwhile(desk)
    (report,) = run(desk, account, apply=how != "dry").profiles
    assert watermark(desk) is None
    if how == "superseded":
        assert report.applied is not None
        assert report.applied.superseded_ids
    desk.clock.advance(60 * NS_PER_S)
    run(desk, account)
    assert desk.venue.sinces == [None, None]


def record_meanwhile(desk: Desk) -> None:
    """The bot records one of the missing orders while the venue answers."""
    open_orders = desk.venue.open_orders

    async def slow() -> Any:
        order = local_order("bot-t-1-2", venue_order_id="v-2", qty="1", limit_price=None, trade_id="t-1")
        Recorder(desk.ledger, profile("mom-1")).record_order(order)
        desk.venue.open_orders = open_orders  # type: ignore[method-assign]
        return await open_orders()

    desk.venue.open_orders = slow  # type: ignore[method-assign]


def test_the_account_reads_from_the_least_watermark_of_its_profiles(desk: Desk):
    account = desk.account("mom", "rev")
    run(desk, account)
    noon = watermark(desk, "mom")
    desk.ledger.journal.pause_profile("rev", "later")
    desk.clock.advance(7200 * NS_PER_S)
    run(desk, account)
    desk.ledger.journal.resume_profile("rev")
    run(desk, account)
    assert (noon, watermark(desk, "mom")) == (NOON, "2026-11-23T14:00:00Z")
    assert desk.venue.sinces == [None, seconds_before(NOON, OVERLAP_S), seconds_before(NOON, OVERLAP_S)]


def test_a_history_that_begins_too_late_is_unproven_and_said_so(desk: Desk, caplog: pytest.LogCaptureFixture):
    account, sink = managed(desk, exit_backfill_enabled=True), Sink()
    alerts = AlertBook(sink, desk.ledger.journal)
    run(desk, account, alerts=alerts)
    assert (watermark(desk), sink.seen) == (NOON, [])
    desk.clock.advance(86_400 * NS_PER_S)
    desk.venue.kept_since = "2026-11-24T06:00:00Z"  # type: ignore[attr-defined]
    run(desk, account, alerts=alerts)
    (report,) = run(desk, account, alerts=alerts).profiles
    assert watermark(desk) == NOON
    assert sink.seen == [("DEGRADED", "mom-1:coverage:history_gap")]
    assert "between is unproven" in str(report.history_gap)
    assert "reconciliation_history_gap" in [one.message for one in caplog.records]
    accepted = managed(desk, coverage_baseline_at="2026-11-24T06:00:00Z", exit_backfill_enabled=True)
    run(desk, accepted, alerts=alerts)
    assert sink.seen[1:] == [("RECOVERED", "mom-1:coverage:history_gap")]
    assert watermark(desk) == "2026-11-24T12:00:00Z"


def test_a_first_history_that_begins_somewhere_leaves_what_is_before_unproven(desk: Desk):
    desk.venue.kept_since = "2026-11-22T06:00:00Z"  # type: ignore[attr-defined]
    (report,) = run(desk, managed(desk)).profiles
    assert "begins at 2026-11-22T06:00:00Z: what lies before that is unproven" in str(report.history_gap)


def test_a_baseline_is_where_the_first_read_begins(desk: Desk):
    account = managed(desk, coverage_baseline_at="2026-11-23T09:00:00Z")
    (report,) = run(desk, account).profiles
    assert desk.venue.sinces == [seconds_before("2026-11-23T09:00:00Z", OVERLAP_S)]
    assert (report.history_gap, watermark(desk)) == (None, NOON)


def test_a_restored_backup_is_covered_again_from_the_watermark_its_log_still_holds(desk: Desk):
    account = managed(desk)
    desk.venue.past = [bought(0)]
    run(desk, account)
    desk.clock.advance(7200 * NS_PER_S)
    desk.venue.past.append(
        replace(bought(1), submitted_at="2026-11-23T13:59:00Z", updated_at="2026-11-23T13:59:00Z")
    )
    run(desk, account)
    assert watermark(desk) == "2026-11-23T14:00:00Z"
    connection = desk.ledger.database.connection
    connection.execute("UPDATE watermarks SET log_hash = 'lost' WHERE watermark LIKE '%T14%'")
    run(desk, account)
    assert desk.venue.sinces[-1] == seconds_before(NOON, OVERLAP_S)
    assert len(desk.ledger.export("orders")) == 2
    assert desk.ledger.books.read(ACCOUNT, ["mom-1"], 1e9)["mom-1"].unsupported == ()


@pytest.mark.parametrize(
    "narrow",
    [
        {"coverage_enabled": False},
        {"managed_symbols": ("BTC/USD",)},
        {"owned_client_order_id_prefixes": ("other",)},
        {"coverage_baseline_at": NOON},
    ],
    ids=lambda one: next(iter(one)),
)
def test_what_was_not_classed_is_looked_for_when_it_is_again(desk: Desk, narrow: dict[str, Any]):
    """An order of ten o'clock, passed over by a run at noon (simulator's seeds 10376, 10693)."""
    desk.venue.past = [bought(0)]
    run(desk, managed(desk, **narrow))
    assert (watermark(desk), desk.ledger.export("orders")) == (NOON, [])
    run(desk, managed(desk))
    assert desk.venue.sinces[-1] is None
    assert [order["venue_order_id"] for order in desk.ledger.export("orders")] == ["v-0"]


def test_a_narrower_scope_keeps_the_watermark(desk: Desk):
    run(desk, managed(desk))
    desk.clock.advance(7200 * NS_PER_S)
    run(desk, managed(desk, managed_symbols=("ETH/USD",)))
    assert desk.venue.sinces == [None, seconds_before(NOON, OVERLAP_S)]
