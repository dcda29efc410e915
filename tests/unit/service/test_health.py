"""Readiness and metrics, over real HTTP on the loopback and a real journal."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.engine.run.desk import ACCOUNT, Desk, Told, filled, local_order, open_desk, profile
from trueup.engine.recorder.recorder import Recorder
from trueup.engine.run.account import ManagedAccount
from trueup.engine.run.run_account import reconcile_account
from trueup.model.errors import ConfigError
from trueup.model.snapshot import OrdersRead, Position, PositionsRead
from trueup.model.vocabulary import Action, PositionSide, ReadState
from trueup.ports.records import Attempt
from trueup.service.config import ServiceConfig
from trueup.service.metrics import Metrics
from trueup.service.scheduler import Service
from trueup.sim.clock import run_simulated
from trueup.surfaces.web.status_app import make_app, parse_address, serving

MINUTE_NS = 60_000_000_000
Get = Callable[[str], Awaitable[tuple[int, str]]]


@pytest.fixture
def desk(tmp_path: Path):
    desk = open_desk(tmp_path)
    yield desk
    desk.ledger.close()


def ask(account: ManagedAccount, *paths: str, metrics: Metrics | None = None) -> list[tuple[int, str]]:
    async def answers() -> list[tuple[int, str]]:
        app = make_app([account], metrics or Metrics(), objective_s=90)
        async with serving(app, "127.0.0.1:0") as address, aiohttp.ClientSession() as session:
            found = []
            for path in paths:
                async with session.get(f"http://{address}{path}") as response:
                    found.append((response.status, await response.text()))
            return found

    return asyncio.run(answers())


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def run(desk: Desk, account: ManagedAccount, **options: Any) -> None:
    run_simulated(desk.clock, reconcile_account(account, **options))


def test_a_run_dated_later_than_now_makes_nobody_ready(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    account = desk.account()
    run(desk, account)
    now_ns = desk.clock.now_ns() - 2 * 1440 * MINUTE_NS
    monkeypatch.setattr(desk.ledger.database, "now_ns", lambda: now_ns)
    ((status, text),) = ask(account, "/readyz")
    assert (status, "later than now" in text) == (503, True)


def test_ready_after_a_complete_run_and_not_before_nor_long_after(desk: Desk):
    account = desk.account()
    desk.venue.opened = OrdersRead(state=ReadState.PARTIAL)
    run(desk, account)
    ((status, text),) = ask(account, "/readyz")
    assert (status, "no run has been complete yet" in text) == (503, True)
    desk.venue.opened = []
    run(desk, account)
    assert ask(account, "/healthz", "/readyz")[1][0] == 200
    desk.clock.advance(2 * MINUTE_NS)
    ((status, text),) = ask(account, "/readyz")
    assert (status, "the last complete run is 120 s old, more than 90 s" in text) == (503, True)


def test_a_paused_profile_does_not_make_it_unready(desk: Desk):
    account = desk.account("mom", "rev")
    run(desk, account)
    desk.ledger.journal.pause_profile("rev", "maintenance")
    desk.clock.advance(MINUTE_NS)
    run(desk, account)
    desk.clock.advance(MINUTE_NS)
    ((status, text),) = ask(account, "/readyz")
    assert (status, "paused: maintenance" in text) == (200, True)


def test_a_journal_that_cannot_be_read_is_not_ready_and_the_process_still_healthy(desk: Desk):
    account = desk.account()
    desk.ledger.database.connection.execute("ALTER TABLE leases RENAME TO gone")
    statuses = [status for status, _ in ask(account, "/healthz", "/readyz", "/metrics")]
    assert statuses == [200, 503, 503]


class Refusing(Told):
    async def reconcile_entry_fill(self, notification: Any) -> None:
        raise ConnectionError("not now")


def test_metrics_count_what_happened(desk: Desk):
    account, metrics = desk.account(executor=Refusing()), Metrics()
    desk.record(local_order("a"))
    desk.record(local_order("b"))
    desk.venue.opened = [filled("a", "4")]
    service = Service([account], ServiceConfig(apply=True), desk.clock, metrics=metrics)
    run_simulated(desk.clock, service.run_once())
    desk.clock.advance(MINUTE_NS)
    ((status, text),) = ask(account, "/metrics", metrics=metrics)
    found = samples(text)
    assert status == 200
    assert found["trueup_runs_total", "applied"] == 1
    assert found["trueup_corrections_total", "book_fill"] == 1
    assert found["trueup_queries_total", "absent"] >= 1
    assert found["trueup_reads_total", "open_orders", "complete"] == 1
    assert found["trueup_breaks", "missing_at_venue"] == 1
    assert found["trueup_last_complete_run_age_seconds",] == 60
    assert (found["trueup_outbox_waiting",], found["trueup_outbox_oldest_age_seconds",]) == (1, 60)
    assert found["trueup_run_duration_seconds_count",] == 1
    desk.ledger.journal.acquire_lease(ACCOUNT, "somebody", 30)
    run_simulated(desk.clock, service.run_once())
    found = samples(ask(account, "/metrics", metrics=metrics)[0][1])
    assert found["trueup_lease_contentions_total",] == 1


def test_corrections_whose_rows_moved_are_counted_apart_from_those_applied(desk: Desk):
    """Two instruments: the one whose order the bot touches while the venue answers is dropped, the other applies."""
    account, metrics = desk.account(), Metrics()
    desk.venue.steps = []
    for name, symbol in (("a", "ETH/USD"), ("b", "BTC/USD")):
        desk.record(local_order(name, symbol=symbol))
    desk.venue.opened = [
        msgspec.structs.replace(filled(name, "4"), symbol=symbol)
        for name, symbol in (("a", "ETH/USD"), ("b", "BTC/USD"))
    ]
    open_orders = desk.venue.open_orders

    async def bot_writes_meanwhile() -> OrdersRead:
        desk.record(msgspec.structs.replace(desk.books()["a"], stop_price="1"))
        return await open_orders()

    desk.venue.open_orders = bot_writes_meanwhile  # type: ignore[method-assign]
    service = Service([account], ServiceConfig(apply=True), desk.clock, metrics=metrics)
    ((report,),) = [one.profiles for one in run_simulated(desk.clock, service.run_once())]
    assert report.applied is not None
    assert (report.applied.applied, report.applied.superseded) == (2, 2)
    found = samples(ask(account, "/metrics", metrics=metrics)[0][1])
    assert (
        found["trueup_corrections_total", "book_fill"],
        found["trueup_corrections_superseded_total",],
    ) == (1, 2)


def test_metrics_of_deferrals_positions_the_outbox_and_readiness(desk: Desk):
    account, metrics = desk.account(executor=Refusing()), Metrics()
    desk.venue.positions_read = PositionsRead(
        state=ReadState.COMPLETE, rows=[Position(symbol="ETH/USD", qty="2", mark_price="1000")]
    )
    Recorder(desk.ledger, profile("mom-1")).open_trade("t-1", "ETH/USD", PositionSide.LONG)
    desk.record(local_order("a", trade_id="t-1", action=Action.ENTRY))
    desk.venue.opened = [filled("a", "4")]
    service = Service([account], ServiceConfig(apply=True), desk.clock, metrics=metrics)
    for _ in range(10):
        run_simulated(desk.clock, service.run_once())
        desk.clock.advance(10 * MINUTE_NS)
    run_simulated(desk.clock, service.run_once())
    found = samples(ask(account, "/metrics", metrics=metrics)[0][1])
    assert (found["trueup_outbox_parked",], found["trueup_ready",]) == (1, 1)
    assert found["trueup_parity_mismatch_notional_usd",] == 2000
    desk.venue.opened = OrdersRead(state=ReadState.PARTIAL)
    run_simulated(desk.clock, service.run_once())
    desk.clock.advance(10 * MINUTE_NS)
    found = samples(ask(account, "/metrics", metrics=metrics)[0][1])
    assert found["trueup_deferred", "open_orders_incomplete"] == 1
    assert found["trueup_ready",] == 0


def test_readiness_and_metrics_say_which_account_backs_off_since_when_and_when_it_is_tried_next(desk: Desk):
    account, journal = desk.account(), desk.ledger.journal
    for _ in range(2):
        lease = journal.acquire_lease(ACCOUNT, "h", 30)
        assert lease is not None
        journal.release_lease(lease, {}, 60, Attempt(failure="a venue's own words"))
        desk.clock.advance(MINUTE_NS)
    (_, ready), (_, text) = ask(account, "/readyz", "/metrics")
    assert "own words" not in ready, "whoever can ask here is not shown a venue's text"
    assert msgspec.json.decode(ready)["failing"] == {
        ACCOUNT: {
            "failures": 2,
            "since": "2026-11-23T12:00:00.000000000Z",
            "next_try_at": "2026-11-23T12:02:00.000000000Z",
        }
    }
    found = samples(text)
    assert (found["trueup_accounts_failing",], found["trueup_account_failures_max",]) == (1, 2)
    assert found["trueup_account_failing_seconds_max",] == 120


@pytest.mark.parametrize(("ready_within_s", "objective_s"), [(None, 60), (45, 45)])
def test_the_objective_is_three_intervals_unless_it_is_configured(
    ready_within_s: float | None, objective_s: float
):
    assert ServiceConfig(interval_s=20, ready_within_s=ready_within_s).objective_s == objective_s


def test_every_metric_is_documented_and_no_other(desk: Desk):
    metrics = Metrics()
    exposed = {
        family.name + ("_total" if family.type == "counter" else "") for family in metrics.registry.collect()
    }
    page = (Path(__file__).parents[3] / "docs/reference/metrics.md").read_text()
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert {name.strip().strip("`") for cell in cells for name in cell.split(",")} == exposed


@pytest.mark.parametrize(
    ("address", "parsed"),
    [("127.0.0.1:8787", ("127.0.0.1", 8787)), ("[::1]:0", ("::1", 0)), ("host:65535", ("host", 65535))],
)
def test_an_address_is_a_host_and_a_port(address: str, parsed: tuple[str, int]):
    assert parse_address(address) == parsed


@pytest.mark.parametrize("address", ["8787", ":8787", "host:", "host:65536", "host:-1", "host:x"])
def test_anything_else_is_refused(address: str):
    with pytest.raises(ConfigError, match="HOST:PORT"):
        parse_address(address)


def test_a_taken_port_is_an_error_that_says_so(desk: Desk):
    account = desk.account()

    async def twice() -> None:
        app = make_app([account], Metrics(), 90)
        async with serving(app, "127.0.0.1:0") as address, serving(app, address):
            raise AssertionError("both listen")

    with pytest.raises(ConfigError, match="is the port taken"):
        asyncio.run(twice())


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/nothing"])
def test_a_page_of_another_origin_does_not_learn_whether_the_answer_was_a_good_one(
    desk: Desk, path: str
) -> None:
    async def headers() -> Any:
        app = make_app([desk.account()], Metrics(), objective_s=90)
        async with (
            serving(app, "127.0.0.1:0") as address,
            aiohttp.ClientSession() as session,
            session.get(f"http://{address}{path}", headers={"Origin": "http://elsewhere"}) as answer,
        ):
            return answer.headers

    found = asyncio.run(headers())
    assert found["cross-origin-resource-policy"] == "same-origin"
    assert found["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in found["content-security-policy"]
    assert "access-control-allow-origin" not in found


def test_a_request_that_is_none_says_nothing_in_the_log(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    async def answer() -> bytes:
        async with serving(make_app([desk.account()], Metrics(), objective_s=90), "127.0.0.1:0") as address:
            reader, writer = await asyncio.open_connection(*address.split(":"))
            writer.write(b"NO REQUEST\r\n\r\n")
            said = await reader.read()
            writer.close()
            return said

    assert asyncio.run(answer()).startswith(b"HTTP/1.1 400")
    assert capfd.readouterr().err == ""
