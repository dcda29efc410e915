"""What people write: a trade quarantined and released, decisions and their end; each with author, time and reason."""

import pytest
from msgspec.structs import replace

from trueup.engine.people import decide, quarantine
from trueup.engine.people.explain import explain
from trueup.model.errors import Conflict, InputError
from trueup.model.snapshot import Decision, Finding
from trueup.model.vocabulary import BreakKind, Side, Status
from trueup.testing.ledgers.bench import BOT, OTHER, Bench

BY = {"author": "ann", "reason": "seen on the website"}


def hold(bench: Bench, trade_id: str = "t-1", *, notify: bool = True) -> None:
    quarantine.quarantine_trade(bench.ledger, "mom-1", trade_id, notify=notify, **BY)


def release(bench: Bench, trade_id: str = "t-1") -> None:
    quarantine.release_trade(bench.ledger, "mom-1", trade_id, author="bob", reason="it is right", notify=True)


# -- quarantine -------------------------------------------------------------------------------------------------------


def test_a_bot_may_not_trade_what_is_quarantined(bench: Bench) -> None:
    bench.record_trade("t-1")
    bench.record_trade("t-2", "BTC/USD")
    assert bench.bot.may_trade("t-1")
    hold(bench)
    assert not bench.bot.may_trade("T-1 ")
    refused = bench.bot.may_trade(symbol="eth-usd")
    assert (refused.allowed, refused.reason) == (False, "trade t-1 of ETH/USD is quarantined by a person")
    assert bench.bot.may_trade("t-2", symbol="BTC/USD")
    release(bench)
    assert bench.bot.may_trade("t-1", symbol="ETH/USD")
    with pytest.raises(InputError, match="a trade or a symbol"):
        bench.bot.may_trade()


def test_a_quarantine_by_hand_is_logged_and_told(bench: Bench) -> None:
    bench.record_trade()
    hold(bench)
    assert (bench.trade()["status"], bench.trade()["quarantined_by"]) == ("quarantined", "person")
    release(bench)
    assert (bench.trade()["status"], bench.trade()["quarantined_by"]) == ("open", None)
    log = [
        (row["event"], row["written_by"], row["payload"].get("reason"))
        for row in bench.ledger.export("order_log")
    ]
    assert log[1:] == [
        ("quarantined", "person:ann", "seen on the website"),
        ("released", "person:bob", "it is right"),
    ]
    told = [item.notification for item in bench.ledger.journal.pending_notifications(10)]
    assert [(one.kind, one.trade_id, one.reason) for one in told] == [
        ("quarantined", "t-1", "seen on the website"),
        ("released", "t-1", "it is right"),
    ]
    bench.assert_log_is_true()


def test_without_an_executor_nobody_is_told(bench: Bench) -> None:
    bench.record_trade()
    hold(bench, notify=False)
    assert bench.ledger.journal.pending_notifications(10) == []


def test_what_is_not_quarantined_is_not_released_and_the_other_way(bench: Bench) -> None:
    bench.record_trade()
    with pytest.raises(Conflict, match="open, not quarantined"):
        release(bench)
    hold(bench)
    with pytest.raises(Conflict, match="already"):
        hold(bench)
    with pytest.raises(InputError, match="no trade 't-9'"):
        hold(bench, "t-9")
    assert len(bench.ledger.export("order_log")) == 2


def test_a_release_makes_parity_count_from_the_beginning(bench: Bench) -> None:
    bench.record_trade()
    hold(bench)
    seen = "2026-11-23T11:00:00Z"
    kinds = (BreakKind.POSITION_MISMATCH, BreakKind.MISSING_AT_VENUE)
    findings = [
        Finding(kind=kind, trade_id="t-1", first_seen_at=seen, last_seen_at=seen, confirmations=3)
        for kind in kinds
    ]
    snapshot, plan = bench.plan()
    bench.commit((snapshot, replace(plan, findings=findings)))
    release(bench)
    assert [one.kind for one in bench.ledger.journal.profile_states(["mom-1"])["mom-1"].prior] == [
        "missing_at_venue"
    ]


def test_a_release_that_is_refused_leaves_parity_what_it_counted(bench: Bench) -> None:
    bench.record_trade()
    seen = "2026-11-23T11:00:00Z"
    kind = BreakKind.POSITION_MISMATCH
    finding = Finding(kind=kind, trade_id="t-1", first_seen_at=seen, last_seen_at=seen, confirmations=2)
    snapshot, plan = bench.plan()
    bench.commit((snapshot, replace(plan, findings=[finding])))
    with pytest.raises(Conflict, match="open, not quarantined"):
        release(bench)
    assert [one.kind for one in bench.ledger.journal.profile_states(["mom-1"])["mom-1"].prior] == [kind]


def test_a_live_exit_keeps_no_trade_open_that_has_nothing_left(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "10"))
    hold(bench)
    bench.record_order("2", side=Side.SELL, action="exit")
    bench.record_order("3", side=Side.SELL, action="exit")
    bench.bot.record_fill("b1-2", bench.fill("F2", "10", name="2"))
    release(bench)
    assert bench.trade()["status"] == "closed"


def test_a_trade_that_an_older_version_left_behind_is_level_when_it_is_released(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "10"))
    bench.record_order("2", side=Side.SELL, action="exit")
    bench.bot.record_fill("b1-2", bench.fill("F2", "10", name="2"))
    bench.store.execute("UPDATE trades SET exit_qty = '7', status = 'open'")
    hold(bench)
    release(bench)
    assert (bench.trade()["exit_qty"], bench.trade()["status"]) == ("10", "closed")


def test_a_trade_whose_quantity_is_gone_closes_with_its_release(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    bench.bot.record_fill("b1-1", bench.fill("F1", "10"))
    hold(bench)
    bench.record_order("2", side=Side.SELL, action="exit")
    bench.bot.record_fill("b1-2", bench.fill("F2", "10", name="2"))
    assert bench.trade()["status"] == "quarantined"
    release(bench)
    assert bench.trade()["status"] == "closed"


def test_a_trade_whose_entry_ended_unfilled_meanwhile_closes_with_its_release(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order()
    hold(bench)
    bench.bot.record_canceled("b1-1")
    assert bench.trade()["status"] == "quarantined"
    release(bench)
    assert bench.trade()["status"] == "closed"


# -- decisions --------------------------------------------------------------------------------------------------------


def decisions_read(bench: Bench) -> list[Decision]:
    return bench.ledger.journal.standing_decisions(["mom-1"]).get("mom-1", [])


def foreign(bench: Bench) -> None:
    """A venue order that no prefix owns: reported as foreign."""
    order = bench.venue_order("9", client_order_id="web-9")
    bench.commit(bench.plan([order], owned_client_order_id_prefixes=("b1",)))


def test_an_adopted_order_becomes_the_bots(bench: Bench) -> None:
    foreign(bench)
    made = decide.adopt_order(bench.ledger, "WEB-9", **BY)
    assert (made.venue_order_id, made.client_order_id, made.author) == ("v-9", "web-9", "ann")
    assert decisions_read(bench) == [made]
    order = bench.venue_order("9", client_order_id="web-9")
    bench.commit(bench.plan([order], owned_client_order_id_prefixes=("b1",)))
    assert bench.order("9").client_order_id == "web-9"
    with pytest.raises(InputError, match="in the books of mom-1 already"):
        decide.disown_order(bench.ledger, "v-9", **BY)


def test_a_disowned_order_stays_foreign(bench: Bench) -> None:
    order = bench.venue_order("9", client_order_id="b1-9")
    bench.commit(bench.plan([order]), state="dry")
    decide.disown_order(bench.ledger, "b1-9", **BY)
    _, plan = bench.plan([order])
    assert plan.corrections == []
    assert [one.kind for one in plan.breaks] == ["foreign_order"]


def test_a_mapped_order_moves_its_trade(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order(trade_id=None)
    bench.bot.record_fill("b1-1", bench.fill("F1", "4"))
    decide.map_order(bench.ledger, "v-1", "T-1", **BY)
    bench.settle()
    found = {"status": Status.PARTIALLY_FILLED, "filled_qty": "4", "filled_avg_price": "1000"}
    bench.commit(bench.plan([bench.venue_order(**found)]))
    assert (bench.order().trade_id, bench.trade()["entry_qty"]) == ("t-1", "4")
    with pytest.raises(InputError, match="recorded with trade 't-1'"):
        decide.map_order(bench.ledger, "v-1", "t-1", **BY)
    bench.assert_log_is_true()


def test_an_ignored_break_is_information_until_its_time_is_over(bench: Bench) -> None:
    bench.record_order(qty="3")
    found = {"qty": "2", "filled_qty": "3", "status": Status.PARTIALLY_FILLED, "filled_avg_price": "1000"}
    bench.bot.record_fill("b1-1", bench.fill("F1", "3"))
    bench.settle()
    planned = bench.plan([bench.venue_order(**found)])
    bench.commit(planned, state="dry")
    (broken, *_) = [one for one in planned[1].breaks if one.severity != "info"]
    decide.ignore_break(bench.ledger, broken.break_id, "2026-11-24T00:00:00Z", **BY)
    again = {one.break_id: one for one in bench.plan([bench.venue_order(**found)])[1].breaks}
    assert again[broken.break_id].severity == "info"
    assert "ignored by ann: seen on the website" in again[broken.break_id].message
    bench.settle(86_400)
    assert decisions_read(bench) == []
    with pytest.raises(InputError, match="over already"):
        decide.ignore_break(bench.ledger, broken.break_id, "2026-11-24T00:00:00Z", **BY)


def test_a_revoked_decision_is_evidence_no_longer_but_stays_on_record(bench: Bench) -> None:
    foreign(bench)
    made = decide.adopt_order(bench.ledger, "v-9", **BY)
    bench.ledger.journal.revoke_decision(made.decision_id, "bob", "a mistake")
    assert decisions_read(bench) == []
    (kept,) = bench.ledger.journal.list_decisions("mom-1")
    assert (kept.decision, kept.revoked_by, kept.revoke_reason) == (made, "bob", "a mistake")
    with pytest.raises(InputError, match="no decision"):
        bench.ledger.journal.revoke_decision(made.decision_id, "bob", "again")
    assert bench.ledger.journal.list_decisions("mean-2") == []


def test_what_nobody_knows_is_not_decided(bench: Bench) -> None:
    for name, call in {
        "no order 'x'": lambda: decide.adopt_order(bench.ledger, "x", **BY),
        "no break 'xxxxxxx'": lambda: decide.ignore_break(
            bench.ledger, "xxxxxxx", "2027-01-01T00:00:00Z", **BY
        ),
    }.items():
        with pytest.raises(InputError, match=name):
            call()
    bench.record_order(trade_id=None)
    with pytest.raises(InputError, match="no trade 't-9'"):
        decide.map_order(bench.ledger, "v-1", "t-9", **BY)
    bench.record_trade("t-2", "BTC/USD")
    with pytest.raises(InputError, match="trade 't-2' is of BTC/USD, the order of ETH/USD"):
        decide.map_order(bench.ledger, "v-1", "t-2", **BY)
    assert bench.ledger.journal.list_decisions() == []


def test_an_order_that_two_profiles_reported_needs_the_profiles_name(bench: Bench) -> None:
    bench.ledger.journal.ensure_profiles([OTHER])
    order = bench.venue_order("9", client_order_id="web-9")
    for profile in (BOT, OTHER):
        bench.commit(bench.plan([order], profile=profile, owned_client_order_id_prefixes=("b1",)))
    with pytest.raises(InputError, match="mean-2, mom-1"):
        decide.adopt_order(bench.ledger, "v-9", **BY)
    decide.adopt_order(bench.ledger, "v-9", profile_id="mean-2", **BY)
    assert [one.profile_id for one in bench.ledger.journal.list_decisions()] == ["mean-2"]


# -- what is told of it -----------------------------------------------------------------------------------------------


def test_an_order_that_only_a_breaks_text_names_is_explained_by_that_break(bench: Bench) -> None:
    """Somebody else's exit is in no break's ids: the trade's break tells of it."""
    bench.ledger.journal.ensure_profiles([BOT])
    order = bench.venue_order("9", client_order_id="web-9")
    bench.commit(bench.plan([order], owned_client_order_id_prefixes=("b1",)))
    (named,) = explain(bench.ledger, "bot")  # "not placed by this profile's bot"
    assert [one.found.client_order_id for one in named.breaks] == ["web-9"]
    with pytest.raises(InputError):
        explain(bench.ledger, "bo")
    with pytest.raises(InputError):
        explain(bench.ledger, "ot")


def test_the_story_of_an_order_and_of_a_trade_has_what_people_did(bench: Bench) -> None:
    bench.record_trade()
    bench.record_order(trade_id=None)
    made = decide.map_order(bench.ledger, "v-1", "t-1", **BY)
    bench.ledger.journal.revoke_decision(made.decision_id, "bob", "a mistake")
    hold(bench)
    (of_order,) = explain(bench.ledger, "b1-1")
    people = [(one.what, one.by) for one in of_order.timeline if (one.by or "").startswith("person:")]
    assert people == [("map_trade", "person:ann"), ("revoked map_trade", "person:bob")]
    (of_trade,) = explain(bench.ledger, "t-1")
    assert of_trade.trade is not None
    whats = [(one.source, one.what, one.by) for one in of_trade.timeline]
    assert ("log", "quarantined", "person:ann") in whats
    assert ("notification", "quarantined", "person:ann") in whats
    assert ("decision", "map_trade", "person:ann") in whats
