"""Each checker bites: books, plans and effects that are right, and one spoiled in each way."""

import pytest
from msgspec import structs

from trueup.model.plan import Alert, Break, Correction, Deferral, Notification, Plan
from trueup.model.snapshot import (
    Fill,
    Finding,
    Local,
    LocalOrder,
    OrdersRead,
    Profile,
    Snapshot,
    Trade,
    Venue,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.vocabulary import (
    Action,
    BreakKind,
    CorrectionKind,
    DeferralReason,
    NotificationKind,
    Outcome,
    PositionSide,
    QueryBy,
    ReadState,
    Severity,
    Side,
    Status,
    TradeStatus,
)
from trueup.sim.checkers import (
    ProfileBooks,
    Violation,
    check_books,
    check_converged,
    check_plan,
    check_progress,
    check_replan,
)
from trueup.sim.checkers.check_converged import told_in_mass
from trueup.sim.clock import SimClock
from trueup.sim.market.instruments import MarketInstrument
from trueup.sim.market.market import Market
from trueup.sim.market.orders import OrderRequest

NOW = "2026-01-01T00:00:00Z"


@pytest.fixture
def market() -> Market:
    """p1's entry V-000001 filled 5 of 5 in two fills; its exit V-000002 is live; a person's V-000003."""
    market = Market(SimClock(NOW), [MarketInstrument(symbol="SPY", qty_decimals=0, start_ticks=1000)])
    for number, (side, qty, limit, who) in enumerate(
        ((Side.BUY, 5, 1000, "p1"), (Side.SELL, 5, 2000, "p1"), (Side.BUY, 9, 1, "person")), start=1
    ):
        request = OrderRequest(client_order_id=f"c{number}", symbol="SPY", side=side, qty=qty, limit=limit)
        market.submit("acc", request, who)
    market.match("SPY", 1000, 3)
    market.match("SPY", 990, 2)
    return market


ENTRY = LocalOrder(
    client_order_id="c1",
    venue_order_id="V-000001",
    trade_id="t1",
    symbol="SPY",
    side=Side.BUY,
    action=Action.ENTRY,
    qty="5",
    limit_price="10",
    status=Status.FILLED,
    filled_qty="5",
    filled_avg_price="9.96",  # (3 × 10.00 + 2 × 9.90) ÷ 5
)
EXIT = structs.replace(
    ENTRY,
    client_order_id="c2",
    venue_order_id="V-000002",
    side=Side.SELL,
    action=Action.EXIT,
    limit_price="20",
    status=Status.PENDING_NEW,
    filled_qty="0",
    filled_avg_price=None,
)
FILLS = [
    Fill(fill_id="F-000001", venue_order_id="V-000001", symbol="SPY", side=Side.BUY, qty="3", price="10"),
    Fill(fill_id="F-000002", venue_order_id="V-000001", symbol="SPY", side=Side.BUY, qty="2", price="9.9"),
]
TRADE = Trade(
    trade_id="t1",
    symbol="SPY",
    side=PositionSide.LONG,
    status=TradeStatus.OPEN,
    entry_qty="5",
    entry_avg_price="9.96",
)
LOCAL = Local(read_at=NOW, orders=[ENTRY, EXIT], fills=FILLS, trades=[TRADE])
EMPTY_PLAN = Plan(format="trueup.plan/1", plan_id="x", profile_id="p1", taken_at=NOW)


def books(**changes) -> ProfileBooks:
    return ProfileBooks(profile_id="p1", account_id="acc", local=structs.replace(LOCAL, **changes))


def test_true_books_violate_nothing(market):
    assert check_books(market, books()) == []
    assert check_converged(market, books(), EMPTY_PLAN) == []


@pytest.mark.parametrize(
    ("invariant", "changes"),
    [
        ("I1", {"fills": [*FILLS, FILLS[0]]}),
        ("I1", {"orders": [ENTRY, ENTRY, EXIT]}),
        ("I1", {"orders": [structs.replace(ENTRY, filled_qty="6", qty="6"), EXIT]}),
        ("I1", {"fills": [structs.replace(FILLS[0], fill_id="F-9"), FILLS[1]]}),
        ("I3", {"orders": [structs.replace(ENTRY, filled_qty="4"), EXIT]}),
        ("I3", {"orders": [structs.replace(ENTRY, qty="4"), EXIT]}),
        ("I3", {"trades": [structs.replace(TRADE, entry_qty="4")]}),
        ("I3", {"trades": [structs.replace(TRADE, exit_qty="1")]}),
        ("I4", {"orders": [ENTRY, structs.replace(EXIT, status=Status.CANCELED)]}),
        ("I4", {"orders": [structs.replace(ENTRY, status=Status.CANCELED), EXIT]}),
        ("I12", {"orders": [ENTRY, EXIT, structs.replace(EXIT, client_order_id="c9", venue_order_id="V-9")]}),
        (
            "I15",
            {"orders": [ENTRY, EXIT, structs.replace(EXIT, client_order_id="c3", venue_order_id="V-000003")]},
        ),
    ],
)
def test_spoiled_books_are_caught(market, invariant, changes):
    assert invariant in {violation.invariant for violation in check_books(market, books(**changes))}


def test_an_exit_beyond_the_trade_is_on_the_trade_which_is_open(market):
    market.match("SPY", 2000, 2)
    fill = Fill(
        fill_id="F-000003", venue_order_id="V-000002", symbol="SPY", side=Side.SELL, qty="7", price="20"
    )
    exited = structs.replace(EXIT, filled_qty="7", filled_avg_price="20", status=Status.PARTIALLY_FILLED)

    def violated(**trade):
        mine = books(orders=[ENTRY, exited], fills=[*FILLS, fill], trades=[structs.replace(TRADE, **trade)])
        return [one.message for one in check_books(market, mine) if one.subject == "t1"]

    assert violated(exit_qty="7") == []
    assert violated(exit_qty="5") == ["exit 5, its orders filled 7"]
    assert violated(exit_qty="7", status=TradeStatus.CLOSED) == ["is closed, 7 left it and 5 entered"]


@pytest.mark.parametrize(
    "changes",
    [
        {"orders": [ENTRY]},  # a live owned order is not in the books
        {"orders": [ENTRY, structs.replace(EXIT, venue_order_id=None)]},
        {"orders": [ENTRY, structs.replace(EXIT, limit_price="21")]},
        {"orders": [ENTRY, structs.replace(EXIT, qty="6")]},
        {"orders": [structs.replace(ENTRY, status=Status.PARTIALLY_FILLED), EXIT]},
        {"orders": [structs.replace(ENTRY, filled_avg_price="9.97"), EXIT]},
        {"fills": FILLS[:1]},
        {"fills": [structs.replace(FILLS[0], inferred=True, fill_id="digest"), FILLS[1]]},
        {"fills": [structs.replace(FILLS[0], price="9.9"), FILLS[1]]},
        {"trades": [structs.replace(TRADE, entry_qty="3")]},
        {"trades": [structs.replace(TRADE, fee_base_qty="1")]},
        {"orders": [ENTRY, EXIT, structs.replace(EXIT, client_order_id="never-sent", venue_order_id=None)]},
    ],
)
def test_books_that_differ_from_the_truth_have_not_converged(market, changes):
    assert [violation.invariant for violation in check_converged(market, books(**changes), EMPTY_PLAN)] != []


def test_a_plan_that_still_finds_something_has_not_converged(market):
    broken = Break(
        break_id="b",
        kind=BreakKind.FILL_DRIFT,
        severity=Severity.WARN,
        symbol="SPY",
        client_order_id="c1",
        venue_order_id=None,
        trade_id=None,
        reason="venue_filled_more",
        message="",
    )
    foreign = structs.replace(broken, kind=BreakKind.FOREIGN_ORDER)
    assert check_converged(market, books(), structs.replace(EMPTY_PLAN, breaks=[foreign])) == []
    assert len(check_converged(market, books(), structs.replace(EMPTY_PLAN, breaks=[broken, foreign]))) == 1


@pytest.mark.parametrize(
    ("neighbours_wait", "is_well"), [((), False), (("ethusd",), False), (("spy",), True)]
)
def test_a_position_stays_unsettled_only_where_a_neighbour_waits_for_a_person(
    market, neighbours_wait, is_well
):
    deferred = Deferral(
        reason=DeferralReason.NOT_SETTLED, client_order_id=None, venue_order_id=None, symbol="SPY"
    )
    plan = structs.replace(EMPTY_PLAN, deferred=[deferred])
    found = check_converged(market, books(), plan, neighbours_wait=neighbours_wait)
    assert (found == []) is is_well


def test_orders_that_were_never_sent_are_a_persons_while_their_mass_absence_is_told(market):
    lost = [structs.replace(EXIT, client_order_id=f"lost-{n}", venue_order_id=None) for n in range(4)]
    alert = Alert(type="X", severity="ERROR", message="", dedupe_key="p1:mass_absence")
    told = structs.replace(EMPTY_PLAN, alerts=[alert])
    assert [one.client_order_id for one in told_in_mass(market, books(orders=lost), told)] == [
        "lost-0",
        "lost-1",
        "lost-2",
        "lost-3",
    ]
    assert told_in_mass(market, books(orders=lost), EMPTY_PLAN) == []
    assert told_in_mass(market, books(orders=lost[1:]), told) == []


def test_progress_never_loses_rows_versions_or_quantity():
    def after(*orders: LocalOrder) -> list[str]:
        later = structs.replace(LOCAL, orders=list(orders))
        return [violation.invariant for violation in check_progress(LOCAL, later)]

    touched = structs.replace(EXIT, status=Status.CANCELED)
    assert after(ENTRY, EXIT) == after(ENTRY, structs.replace(touched, version=2)) == []
    assert after(ENTRY) == ["I8"]
    assert after(ENTRY, touched) == ["I8"]
    assert after(structs.replace(ENTRY, filled_qty="4", version=2), EXIT) == ["I2"]


CANCEL = Correction(
    correction_id="x",
    break_id="b",
    kind=CorrectionKind.SET_STATUS,
    reason="absent",
    client_order_id="c2",
    venue_order_id="V-000002",
    trade_id="t1",
    expected_version=1,
    changes={"status": "canceled"},
)
ABSENT = VenueAnswer(by=QueryBy.VENUE_ORDER_ID, id="V-000002", outcome=Outcome.ABSENT, read_at=NOW)
TWICE_ABSENT = Finding(
    kind=BreakKind.MISSING_AT_VENUE,
    venue_order_id="V-000002",
    first_seen_at=NOW,
    last_seen_at=NOW,
    confirmations=2,
)


def invariants_of(correction: Correction, venue: Venue, prior: tuple[Finding, ...] = ()) -> list[str]:
    snapshot = Snapshot(
        format="trueup.snapshot/1",
        taken_at=NOW,
        profile=Profile(profile_id="p1"),
        local=LOCAL,
        venue=venue,
        prior=list(prior),
    )
    plan = structs.replace(EMPTY_PLAN, corrections=[correction])
    return [violation.invariant for violation in check_plan(snapshot, plan)]


def test_a_cancel_needs_a_record_or_confirmed_absence():
    canceled = VenueOrder(venue_order_id="V-000002", status=Status.CANCELED)
    listed = Venue(open_orders=OrdersRead(state=ReadState.COMPLETE, rows=[canceled]))
    assert invariants_of(CANCEL, listed) == []
    assert invariants_of(CANCEL, Venue(answers=[ABSENT]), (TWICE_ABSENT,)) == []
    assert invariants_of(CANCEL, Venue(answers=[ABSENT])) == ["I4"]
    assert invariants_of(CANCEL, Venue(), (TWICE_ABSENT,)) == ["I4"]
    assert invariants_of(CANCEL, Venue(answers=[structs.replace(ABSENT, outcome=Outcome.UNKNOWN)])) == ["I4"]


def test_a_correction_stands_on_the_version_of_its_row():
    canceled = VenueOrder(venue_order_id="V-000002", status=Status.CANCELED)
    listed = Venue(open_orders=OrdersRead(state=ReadState.COMPLETE, rows=[canceled]))
    assert invariants_of(structs.replace(CANCEL, expected_version=2), listed) == ["I7"]


def test_an_id_is_of_one_thing_in_a_plan():
    """A bot obeys a notification id once: the second notification that bears it would be lost."""
    snapshot = Snapshot(
        format="trueup.snapshot/1", taken_at=NOW, profile=Profile(profile_id="p1"), local=LOCAL, venue=Venue()
    )
    told = Notification(
        notification_id="n",
        kind=NotificationKind.AMENDED,
        client_order_id="c2",
        venue_order_id=None,
        trade_id=None,
    )
    once = structs.replace(EMPTY_PLAN, notifications=[told])
    twice = structs.replace(EMPTY_PLAN, notifications=[told, structs.replace(told, reason="amended")])
    assert check_plan(snapshot, once) == []
    assert check_plan(snapshot, twice) == [Violation("I10", "n", "is the id of two in one plan")]


def test_planning_the_applied_state_again_plans_nothing():
    assert check_replan(EMPTY_PLAN) == []
    again = structs.replace(EMPTY_PLAN, corrections=[CANCEL])
    assert [violation.invariant for violation in check_replan(again)] == ["I11"]
