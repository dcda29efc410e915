"""One transaction of one run: what it writes, and what it leaves alone."""

from typing import Any

import pytest
from msgspec.structs import replace

from trueup.core.make_plan import make_plan
from trueup.ledgers.journal.journal_rows import encode
from trueup.model.decode import decode_plan, decode_snapshot
from trueup.model.errors import ConfigError, InputError, InvariantError
from trueup.model.plan import Plan
from trueup.model.snapshot import Finding, LocalOrder, VenueOrder
from trueup.model.vocabulary import Action, CorrectionKind, Side, Status
from trueup.testing.ledgers.bench import BOT, Bench


def partly_filled(bench: Bench, name: str = "1", **keys: object) -> VenueOrder:
    given = {"status": Status.PARTIALLY_FILLED, "filled_qty": "3", "filled_avg_price": "1000"}
    return bench.venue_order(name, **{**given, **keys})


def test_a_fill_moves_its_order_and_its_trade_once(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    report = bench.commit(bench.plan([partly_filled(bench)]))
    assert (report.applied, report.superseded, report.conflicts) == (2, 0, [])
    order, trade = bench.order(), bench.trade()
    assert (order.filled_qty, order.filled_avg_price, order.status) == ("3", "1000", Status.PARTIALLY_FILLED)
    assert (trade["entry_qty"], trade["entry_avg_price"]) == ("3", "1000")
    assert [(qty, inferred) for _, qty, inferred in bench.fills()] == [("3", True)]
    bench.assert_log_is_true()
    bench.settle()
    _, again = bench.plan([partly_filled(bench)])
    assert again.corrections == []


def test_a_trade_opened_since_the_snapshot_drops_what_the_plan_could_not_lay_onto_it(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    planned = bench.plan([partly_filled(bench)])
    bench.record_trade()
    report = bench.commit(planned)
    assert (report.applied, report.superseded, bench.order().filled_qty) == (0, 2, "0")
    bench.settle()
    assert bench.commit(bench.plan([partly_filled(bench)])).applied == 2
    assert (bench.order().filled_qty, bench.trade()["entry_qty"]) == ("3", "3")


def test_versions_rise_by_one_and_the_bots_activity_stands(bench: Bench) -> None:
    bench.record_trade()
    before = bench.record_order()
    bench.settle()
    bench.commit(bench.plan([partly_filled(bench)]))
    after = bench.order()
    assert after.version == before.version + 1
    assert after.last_activity_at == before.last_activity_at


def test_an_unknown_order_is_inserted_with_version_one(bench: Bench) -> None:
    bench.settle()
    report = bench.commit(bench.plan([partly_filled(bench, "9")]))
    order = bench.order("9")
    assert report.applied >= 2
    assert (order.client_order_id, order.version, order.filled_qty) == ("b1-9", 1, "3")
    bench.assert_log_is_true()


@pytest.mark.parametrize(("side", "is_inserted"), [(Side.BUY, False), (Side.SELL, True)])
def test_an_order_with_a_shared_client_id_may_be_the_one_that_a_bot_recorded_since(
    bench: Bench, side: Side, *, is_inserted: bool
) -> None:
    """It is inserted without that id, so that no unique key keeps it apart from the row that was sent with it."""
    bench.settle()
    orders = [bench.venue_order(one, client_order_id="b1-tag", side=Side.BUY) for one in ("8", "9")]
    planned = bench.plan(orders)
    assert [one.kind for one in planned[1].corrections] == [CorrectionKind.INSERT_ORDER] * 2
    sent: dict[str, Any] = {
        "client_order_id": "b1-tag",
        "trade_id": "t-1",
        "symbol": "ETH/USD",
        "status": Status.PENDING_NEW,
    }
    bench.bot.record_order(LocalOrder(**sent, side=side, action=Action.ENTRY, qty="10"))
    report = bench.commit(planned)
    assert (report.applied, report.superseded) == ((2, 0) if is_inserted else (0, 2))


def test_the_run_is_kept_and_replays_to_the_same_bytes(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    report = bench.commit(bench.plan([partly_filled(bench)]))
    run, snapshot_bytes, plan_bytes = bench.ledger.journal.load_run(report.run_id)
    assert (run.state, run.profile_id) == ("applied", "mom-1")
    assert encode(make_plan(decode_snapshot(snapshot_bytes))) == plan_bytes
    assert decode_plan(plan_bytes).plan_id == run.plan_id
    assert [one.run_id for one in bench.ledger.journal.list_runs("mom-1")] == [report.run_id]


def test_an_in_sync_run_writes_its_lease_only(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    before = bench.contents("leases")
    report = bench.commit(bench.plan([bench.venue_order()]))
    assert not report.recorded
    assert bench.contents("leases") == before


@pytest.mark.parametrize("state", ["dry", "blocked"])
def test_a_run_that_does_not_apply_changes_no_book(bench: Bench, state: str) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    books = ("orders", "trades", "fills", "order_log", "outbox")
    before = {table: rows for table, rows in bench.contents().items() if table in books}
    report = bench.commit(bench.plan([partly_filled(bench)]), state=state)
    assert {table: rows for table, rows in bench.contents().items() if table in books} == before
    assert (report.applied, report.recorded) == (0, True)
    assert [one.found.kind for one in bench.ledger.journal.list_breaks()] == ["fill_drift", "status_drift"]
    assert [one.state for one in bench.ledger.journal.list_runs()] == [state]


def test_a_failed_run_keeps_what_was_known(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    snapshot, plan = bench.plan([partly_filled(bench)])
    bench.commit((snapshot, plan), state="dry")
    known = bench.contents("leases", "runs")
    failed = Plan(
        format=plan.format,
        plan_id="",
        profile_id="mom-1",
        taken_at=snapshot.taken_at,
        result=replace(plan.result, processed=False, error="VenueUnavailable: no answer"),
    )
    bench.commit((snapshot, failed), state="failed")
    assert bench.contents("leases", "runs") == known
    assert bench.ledger.journal.list_runs()[0].error == "VenueUnavailable: no answer"


def test_the_same_plan_twice_applies_once(bench: Bench) -> None:
    """A command given twice (fault 34)."""
    bench.record_trade()
    bench.record_order()
    bench.settle()
    planned = bench.plan([partly_filled(bench)])
    assert bench.commit(planned).applied == 2
    again = bench.commit(planned)
    assert (again.applied, again.superseded, again.notifications) == (0, 2, 0)
    assert (bench.order().filled_qty, bench.trade()["entry_qty"]) == ("3", "3")
    bench.assert_log_is_true()


def test_breaks_are_followed_from_first_to_last(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    bench.commit(bench.plan([partly_filled(bench)]), state="dry")
    bench.settle()
    bench.commit(bench.plan([partly_filled(bench)]), state="dry")
    first, second = bench.ledger.journal.list_breaks()
    assert (first.found.kind, second.found.kind) == ("fill_drift", "status_drift")
    assert (first.first_seen_at[:19], first.last_seen_at[:19]) == (
        "2026-11-23T12:01:00",
        "2026-11-23T12:02:00",
    )
    assert (first.occurrences, first.resolution) == (2, None)
    bench.settle()
    bench.commit(bench.plan([partly_filled(bench)]))
    assert bench.ledger.journal.list_breaks() == []
    resolved = bench.ledger.journal.list_breaks(open_only=False)
    assert [(one.resolution, one.occurrences) for one in resolved] == [("corrected", 3), ("corrected", 3)]


def test_a_break_that_is_gone_is_closed_and_opens_afresh(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    bench.commit(bench.plan([partly_filled(bench)]), state="dry")
    bench.settle()
    bench.commit(bench.plan([bench.venue_order()]), state="dry")
    assert {one.resolution for one in bench.ledger.journal.list_breaks(open_only=False)} == {"not_seen_again"}
    bench.settle()
    bench.commit(bench.plan([partly_filled(bench)]), state="dry")
    again = bench.ledger.journal.list_breaks()
    assert [(one.first_seen_at[:19], one.occurrences) for one in again] == [("2026-11-23T12:03:00", 2)] * 2


def test_findings_are_the_next_snapshots_prior(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    _, plan = planned = bench.plan([])  # live locally, not open at the venue: a query, a finding
    bench.commit(planned, state="dry")
    assert plan.findings
    assert bench.snapshot().prior == plan.findings


def test_deferrals_remember_since_when(bench: Bench) -> None:
    bench.record_order()
    first = bench.plan([partly_filled(bench)])
    assert [one.reason for one in first[1].deferred] == ["recent_activity"]
    bench.commit(first)
    bench.clock.pass_s(2)
    bench.commit(bench.plan([partly_filled(bench)]))
    (deferral,) = bench.ledger.journal.list_deferrals("mom-1")
    assert (deferral.first_deferred_at[:19], deferral.venue_order_id) == ("2026-11-23T12:00:00", "v-1")
    bench.settle()
    bench.commit(bench.plan([partly_filled(bench)]))
    assert bench.ledger.journal.list_deferrals("mom-1") == []


def test_notifications_are_committed_with_their_corrections(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    report = bench.commit(bench.plan([partly_filled(bench)]))
    (item,) = bench.ledger.journal.pending_notifications(10)
    assert report.notifications == 1
    assert (item.profile_id, item.run_id, item.subject) == ("mom-1", report.run_id, "t-1")
    assert (item.notification.qty, item.notification.cumulative_qty) == ("3", "3")


def test_without_an_executor_the_outbox_stays_empty(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    report = bench.commit(bench.plan([partly_filled(bench)]), notify=False)
    assert (report.applied, report.notifications) == (2, 0)
    assert bench.ledger.journal.pending_notifications(10) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda plan: replace(plan, projected_orders=[replace(plan.projected_orders[0], filled_qty="4")]),
        lambda plan: replace(plan, projected_orders=[replace(plan.projected_orders[0], qty="2")]),
        lambda plan: replace(plan, projected_orders=[]),
        lambda plan: replace(plan, projected_trades=[replace(plan.projected_trades[0], entry_qty="30")]),
        lambda plan: replace(plan, projected_fills=[replace(plan.projected_fills[0], qty="5")]),
        lambda plan: replace(
            plan,
            projected_fills=[replace(plan.projected_fills[0], venue_order_id="v-77", client_order_id=None)],
        ),
    ],
)
def test_money_that_does_not_add_up_is_never_committed(bench: Bench, damage) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    snapshot, plan = bench.plan([partly_filled(bench)])
    lease, before = bench.lease(), bench.contents("leases")
    with pytest.raises(InvariantError):
        bench.commit((snapshot, damage(plan)), lease)
    assert bench.contents("leases") == before


def test_the_timeline_of_an_order_tells_who_did_what(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.settle()
    bench.commit(bench.plan([partly_filled(bench)]))
    timeline = bench.ledger.journal.order_timeline("mom-1", bench.order())
    bot = [(one.source, one.what, one.by) for one in timeline if one.by == "bot"]
    assert bot == [("log", "recorded", "bot"), ("log", "acknowledged", "bot")]
    rest = {(one.source, one.what) for one in timeline if one.by != "bot"}
    assert rest == {
        ("log", "corrected"),
        ("break", "fill_drift"),
        ("break", "status_drift"),
        ("correction", "book_fill"),
        ("correction", "set_status"),
        ("notification", "entry_fill"),
    }
    assert [one.at for one in timeline] == sorted(one.at for one in timeline)


def test_a_run_that_is_not_kept_is_a_clear_error(bench: Bench) -> None:
    with pytest.raises(InputError, match="not kept"):
        bench.ledger.journal.load_run("nonsense")


def test_an_order_re_bound_before_it_was_acknowledged_is_found_by_the_id_it_had(bench: Bench) -> None:
    """Its successor has a client order id of its own (simulator's seed 197)."""
    bench.record_trade()
    bench.record_order()
    bench.bot.record_order(replace(bench.order(), client_order_id="b1-7", venue_order_id=None))
    bench.settle()
    before = bench.venue_order("7", status=Status.REPLACED, replaced_by="v-8")
    after = bench.venue_order("8", replaces="v-7")
    snapshot, _ = bench.plan([bench.venue_order(), after])
    history = replace(snapshot.venue.history, orders=[before])
    snapshot = replace(snapshot, venue=replace(snapshot.venue, history=history))
    report = bench.commit((snapshot, make_plan(snapshot)))
    assert report.superseded == 0
    assert (bench.order("8").client_order_id, bench.order("8").previous_venue_order_ids) == ("b1-8", ("v-7",))


def test_the_watermark_falls_back_to_a_log_head_that_the_ledger_holds(bench: Bench) -> None:
    """A restored backup: its log ends before the head that the newer watermark was stored at."""
    bench.record_order()
    bench.settle()
    bench.commit(bench.plan([bench.venue_order()]), watermark="2026-11-23T11:00:00Z")
    bench.record_order("2")
    bench.settle()
    orders = [bench.venue_order(), bench.venue_order("2")]
    bench.commit(bench.plan(orders), watermark="2026-11-23T11:30:00Z")
    assert bench.ledger.journal.profile_states(["mom-1"])["mom-1"].watermark == "2026-11-23T11:30:00Z"
    bench.store.execute("UPDATE watermarks SET log_hash = 'of a head that was lost' WHERE log_seq > 2")
    assert bench.ledger.journal.profile_states(["mom-1"])["mom-1"].watermark == "2026-11-23T11:00:00Z"


def test_profiles_keep_their_home(bench: Bench) -> None:
    bench.ledger.journal.ensure_profiles([BOT])
    with pytest.raises(ConfigError, match="another profile id"):
        bench.ledger.journal.ensure_profiles([replace(BOT, account_id="acc-2")])
    with pytest.raises(ConfigError, match="another account id"):
        bench.ledger.journal.ensure_profiles([replace(BOT, venue="kraken")])
    assert [one.profile_id for one in bench.ledger.journal.list_profiles()] == ["mom-1"]


def test_a_paused_profile_says_why(bench: Bench) -> None:
    bench.ledger.journal.pause_profile("mom-1", "being looked at")
    state = bench.ledger.journal.profile_states(["mom-1"])["mom-1"]
    assert (state.paused, state.pause_reason) == (True, "being looked at")
    bench.ledger.journal.resume_profile("mom-1")
    assert not bench.ledger.journal.profile_states(["mom-1"])["mom-1"].paused


def test_what_a_venue_spells_otherwise_is_stored_and_logged_canonical(bench: Bench) -> None:
    bench.record_order()
    bench.settle(3600)
    amended = bench.venue_order(limit_price="1050.500")
    bench.commit(bench.plan([amended, bench.venue_order("2", qty="10.0", limit_price="1050.500")]))
    assert [bench.order(name).limit_price for name in "12"] == ["1050.5", "1050.5"]
    assert bench.order("2").qty == "10"
    logged = [one["payload"]["changes"] for one in bench.ledger.export("order_log", "mom-1")[-2:]]
    assert [one["limit_price"] for one in logged] == ["1050.5", "1050.5"]
    bench.assert_log_is_true()


def test_a_break_that_waits_in_a_finding_is_not_over(bench: Bench) -> None:
    bench.record_order()
    bench.settle()
    snapshot, plan = bench.plan([partly_filled(bench)])
    bench.commit((snapshot, plan), state="dry")
    waiting, gone = plan.breaks
    finding = Finding(
        break_id=waiting.break_id,
        kind=waiting.kind,
        first_seen_at=plan.taken_at,
        last_seen_at=plan.taken_at,
    )
    bench.commit((snapshot, replace(plan, breaks=[], corrections=[], findings=[finding])), state="dry")
    resolutions = {
        one.found.break_id: one.resolution for one in bench.ledger.journal.list_breaks(open_only=False)
    }
    assert resolutions == {waiting.break_id: None, gone.break_id: "not_seen_again"}


def test_a_quantity_of_zero_is_none_and_fills_as_much_as_the_venue_says(bench: Bench) -> None:
    bench.record_order("1", qty="0", order_type="market", limit_price=None)
    bench.settle()
    grown = {"qty": "0", "order_type": "market", "filled_qty": "3", "filled_avg_price": "1000"}
    bench.commit(bench.plan([bench.venue_order(status=Status.PARTIALLY_FILLED, **grown)]))
    assert (bench.order().filled_qty, bench.order().filled_avg_price) == ("3", "1000")


def test_what_a_run_does_not_correct_stays_open_beside_what_it_corrects(bench: Bench) -> None:
    bench.record_order("1")
    bench.record_order("2", qty="2")
    bench.settle()
    beyond = bench.venue_order(
        "2", qty="2", status=Status.PARTIALLY_FILLED, filled_qty="3", filled_avg_price="1000"
    )
    bench.commit(bench.plan([bench.venue_order(status=Status.CANCELED), beyond]))
    assert {
        (one.found.kind, one.resolution) for one in bench.ledger.journal.list_breaks(open_only=False)
    } == {
        ("status_drift", "corrected"),
        ("overfill", None),
    }
