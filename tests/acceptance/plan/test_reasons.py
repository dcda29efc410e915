"""Every reason has a smallest snapshot that gives it: by name, so that an operator who meets one finds it here."""

from collections.abc import Callable

import pytest

from tests.acceptance.plan.snapshots import (
    Document,
    absent,
    at,
    fill,
    found,
    history,
    local_order,
    plan_of,
    snapshot,
    trade,
    unknown,
    venue_order,
)
from trueup.model.reasons import Reason

HALF: Document = {"status": "partially_filled", "filled_qty": "5", "filled_avg_price": "100"}
FEE: Document = {"fee": "1", "fee_currency": "USD"}
BOTH_ABSENT = [absent("v-1"), absent("c-1", "client_order_id")]
COVERAGE = {"coverage_enabled": True}
BACKFILL = {"exit_backfill_enabled": True}
PARITY = {"parity_enabled": True}
LONG: Document = {"entry_qty": "10", "entry_avg_price": "90"}
CONFIRMED: Document = {"first_seen_at": at(-120), "last_seen_at": at(-30), "confirmations": 2}
GONE_TWICE: Document = CONFIRMED | {"kind": "missing_at_venue", "venue_order_id": "v-1", "version": 3}
OFF_TWICE: Document = CONFIRMED | {"kind": "position_mismatch", "trade_id": "t-1", "version": 5}


def with_fault(kind: str) -> Document:
    document = pair({}, HALF)
    document["local"]["faults"] = [
        {"kind": kind, "message": "its row is not judged", "venue_order_id": "v-1", "symbol": "ETH/USD"}
    ]
    return document


def mapped(local: Document, venue: Document) -> Document:
    document = pair(local, venue)
    document["local"]["mapped"] = True
    return document


def mapped_many(count: int, local: Document) -> Document:
    ids = [{"venue_order_id": f"v-{number}", "client_order_id": f"c-{number}"} for number in range(count)]
    document = snapshot([local_order(**local, **one) for one in ids], [venue_order(**one) for one in ids])
    document["local"]["mapped"] = True
    return document


def gone(local: Document | None = None, **keys) -> Document:
    return snapshot([local or local_order()], [], **keys)


def gone_for_good(local: Document | None = None, **keys) -> Document:
    return gone(local, answers=BOTH_ABSENT, prior=[GONE_TWICE], **keys)


def pair(local: Document, venue: Document, **keys) -> Document:
    return snapshot([local_order(**local)], [venue_order(**venue)], **keys)


def past(*orders: Document, fills=(), policy: Document = COVERAGE, **keys) -> Document:
    return snapshot([], [], policy=policy, **({"history": history(orders, fills)} | keys))


def missed(**keys) -> Document:
    """A filled order of the history, unknown locally."""
    return venue_order(**({"status": "filled", "filled_qty": "10", "filled_avg_price": "100"} | keys))


def holding(qty: str, state: str = "complete", **keys) -> Document:
    row = {"symbol": "ETH/USD", "qty": qty, "mark_price": "100"} | keys
    return {"state": state, "read_at": at(-1), "rows": [row]}


def exits(*orders: Document, qty: str = "6", policy: Document | None = None, **keys) -> Document:
    """A trade that is long 10 while the venue holds `qty`."""
    keys = {"trades": [trade(**LONG)], "positions": holding(qty)} | keys
    return past(*orders, policy=BACKFILL | (policy or {}), **keys)


def sale(qty: str = "4", **keys) -> Document:
    return missed(**({"side": "sell", "qty": qty, "filled_qty": qty} | keys))


def parity(qty: str, **keys) -> Document:
    keys = {"trades": [trade(**LONG)], "policy": PARITY} | keys
    return snapshot([], [], positions=holding(qty), **keys)


V2: Document = {"venue_order_id": "v-2", "client_order_id": "c-2", "replaces": "v-1"}
V1: Document = {"status": "replaced", "replaced_by": "v-2"}
THREE_LIVE = [local_order(venue_order_id=f"v-{n}", client_order_id=f"c-{n}") for n in range(2, 5)]
CLIENT_ID_OF_ANOTHER = found(venue_order(venue_order_id="v-9"), by="client_order_id", id="c-1")

SMALLEST: dict[Reason, Callable[[], Document]] = {
    # a matched pair
    Reason.VENUE_STATUS_DIFFERS: lambda: pair({}, {"status": "canceled"}),
    Reason.VENUE_FILLED_MORE: lambda: pair({}, HALF),
    Reason.NEW_FILL_RECORDS: lambda: pair(HALF, HALF, history=history(fills=[fill("F1", "5")])),
    Reason.FILL_CONTENT_DIFFERS: lambda: pair(
        HALF, HALF, fills=[fill("F1", "5")], history=history(fills=[fill("F1", "4")])
    ),
    Reason.FILL_ROWS_EXCEED_BOOKED: lambda: pair({}, {}, fills=[fill("F1", "5")]),
    Reason.FILLS_AHEAD_OF_RECORD: lambda: pair(
        {}, HALF, history=history(fills=[fill("F1", "6")]), answers=[unknown("v-1")]
    ),
    Reason.MORE_THAN_RECORD: lambda: pair(
        {}, HALF, history=history(fills=[fill("F1", "6")]), answers=[found(venue_order(**HALF))]
    ),
    Reason.EXECUTION_CORRECTED: lambda: pair(
        HALF,
        HALF,
        fills=[fill("F1", "5")],
        history=history(fills=[fill("F2", "5", "101")]),
        answers=[found(venue_order(**HALF))],
    ),
    Reason.SAME_EXECUTION: lambda: pair(
        HALF, HALF, fills=[fill("S1", "5")], history=history(fills=[fill("F1", "5")])
    ),
    Reason.VENUE_AVERAGE_DIFFERS: lambda: pair(HALF, HALF | {"filled_avg_price": "99"}),
    Reason.FILLS_OFF_AVERAGE: lambda: pair(HALF, HALF | {"filled_avg_price": "99"}, fills=[fill("F1", "5")]),
    Reason.PRICE_BECAME_KNOWN: lambda: pair(
        HALF,
        HALF | {"filled_avg_price": "99"},
        fills=[fill("F1", "5", price_estimated=True)],
        history=history(fills=[fill("F1", "5", "99")]),
    ),
    Reason.FEE_MISSING_LOCALLY: lambda: pair(
        HALF, HALF, fills=[fill("F1", "5")], history=history(fills=[fill("F1", "5", **FEE)])
    ),
    Reason.FEE_DIFFERS: lambda: pair(
        HALF,
        HALF,
        fills=[fill("F1", "5", **FEE | {"fee": "2"})],
        history=history(fills=[fill("F1", "5", **FEE)]),
    ),
    Reason.ESTIMATED_QTY: lambda: pair(
        {"order_type": "market"}, HALF | {"order_type": "market", "qty": None, "status": "filled"}
    ),
    Reason.FILLED_QTY_MISSING: lambda: pair({}, {"status": "partially_filled", "filled_qty": None}),
    Reason.FILLED_BELOW_QTY: lambda: pair(HALF, HALF | {"status": "filled"}),
    Reason.VENUE_TERMS_DIFFER: lambda: pair({}, {"limit_price": "99"}),
    Reason.VENUE_QTY_BELOW_FILLED: lambda: pair(HALF, HALF | {"qty": "4"}),
    Reason.VENUE_RECORD_OLDER: lambda: pair({"venue_updated_at": at(-60)}, {"limit_price": "99"}),
    Reason.VENUE_FILLED_LESS: lambda: pair(HALF, {}),
    Reason.TRANSITION_TIMED_OUT: lambda: pair({"status": "pending_cancel"}, {}),
    Reason.EXCEEDS_ORDER_QTY: lambda: pair({}, HALF | {"filled_qty": "11"}),
    Reason.NO_PRICE: lambda: pair(
        {"limit_price": None}, HALF | {"filled_avg_price": None, "limit_price": None}
    ),
    Reason.LIVE_AT_VENUE: lambda: pair({"status": "canceled"}, {}),
    Reason.FILLED_NEVER_REOPENED: lambda: pair(
        HALF | {"status": "filled", "filled_qty": "10"}, HALF | {"filled_qty": "10"}
    ),
    Reason.FILLED_AFTER_ALL: lambda: pair({"status": "canceled"}, HALF | {"status": "canceled"}),
    Reason.VENUE_FILL: lambda: pair({}, HALF, history=history(fills=[fill("F1", "5")])),
    Reason.INFERRED_FROM_CUMULATIVE: lambda: pair({}, HALF),
    Reason.REAL_FILL_REPLACES: lambda: pair(HALF, HALF, history=history(fills=[fill("F1", "5")])),
    # replaced orders
    Reason.REPLACED_AT_VENUE: lambda: pair({}, V2, history=history([venue_order(**V1)])),
    Reason.SUCCESSOR_NOT_READ: lambda: gone(history=history([venue_order(**V1)])),
    Reason.PREDECESSOR_NOT_READ: lambda: snapshot([], [venue_order(**V2)]),
    Reason.SUCCESSOR_OF_REPLACED: lambda: pair(HALF, V2, history=history([venue_order(**(HALF | V1))])),
    # identity
    Reason.IDS_MISSING_LOCALLY: lambda: pair({"venue_order_id": None}, {}),
    Reason.TWO_LOCAL_ORDERS: lambda: snapshot(
        [local_order(client_order_id="c-7"), local_order(venue_order_id=None)], [venue_order()]
    ),
    Reason.SYMBOL_OR_SIDE_CONTRADICTS: lambda: pair({}, {"side": "sell"}),
    Reason.FILL_NAMES_TWO_ORDERS: lambda: snapshot(
        [local_order(), local_order(venue_order_id="v-2", client_order_id="c-2")],
        [],
        history=history(fills=[fill("F1", "5", client_order_id="c-2")]),
    ),
    Reason.KNOWN_FROM_LOCAL_FILL: lambda: snapshot([], [venue_order()], fills=[fill("F1", "5")]),
    Reason.CLIENT_ID_SHARED: lambda: snapshot(
        [local_order(), local_order(venue_order_id="v-2")], [venue_order(), venue_order(venue_order_id="v-2")]
    ),
    Reason.CLIENT_ID_REUSED: lambda: gone(answers=[absent("v-1"), CLIENT_ID_OF_ANOTHER]),
    Reason.OWNERS_CONTRADICT: lambda: snapshot(
        [],
        [venue_order(sub_tag="desk-2")],
        policy={"owned_client_order_id_prefixes": ["c"], "owned_sub_tags": ["desk-1"]},
    ),
    Reason.ORDER_WITHOUT_ID: lambda: snapshot([], [venue_order(venue_order_id=None, client_order_id=None)]),
    Reason.RECORD_INCOMPLETE: lambda: snapshot([], [venue_order(side=None)]),
    # missing at the venue
    Reason.LIVE_LOCALLY_NOT_IN_OPEN_ORDERS: gone,
    Reason.QUERY_UNANSWERED: lambda: gone(answers=[unknown("v-1")]),
    Reason.NO_ID_TO_QUERY: lambda: gone(
        local_order(venue_order_id=None, client_order_id=None, trade_id="t-1")
    ),
    Reason.ABSENT_UNCONFIRMED: lambda: gone(answers=BOTH_ABSENT),
    Reason.MASS_ABSENCE: lambda: snapshot([local_order(), *THREE_LIVE], [], answers=BOTH_ABSENT),
    Reason.ACCOUNT_CHANGED: lambda: gone(
        answers=BOTH_ABSENT, venue_keys={"account_id": "acc-2", "recorded_account_id": "acc-1"}
    ),
    Reason.ABSENT_HELD: lambda: gone_for_good(policy={"on_confirmed_absence": "hold"}),
    Reason.ABSENT_HISTORY_INCOMPLETE: lambda: gone_for_good(history=history(state="partial")),
    Reason.ABSENT_BUT_FILLED: lambda: gone_for_good(history=history(fills=[fill("F1", "5")])),
    Reason.ABSENT_IN_TRANSITION: lambda: gone_for_good(local_order(status="pending_cancel")),
    Reason.ABSENT_QUESTION_OPEN: lambda: gone_for_good(
        history=history(fills=[fill("F1", "5", venue_order_id="v-9", client_order_id="c-1")])
    ),
    Reason.ABSENT_BY_POLICY: gone_for_good,
    Reason.STATUS_NOT_KNOWN: lambda: gone(answers=[found(venue_order(status=None, raw_status="odd"))]),
    Reason.LIVE_BUT_NOT_LISTED: lambda: gone(
        answers=[found(venue_order())], prior=[CONFIRMED | {"kind": "end_unknown", "venue_order_id": "v-1"}]
    ),
    # missing locally
    Reason.NOT_KNOWN_LOCALLY: lambda: snapshot([], [venue_order()]),
    Reason.NOT_OWNED: lambda: snapshot([], [venue_order()], policy={"owned_sub_tags": ["desk-1"]}),
    Reason.NOT_IN_INSTRUMENTS: lambda: snapshot([], [venue_order()], instruments=[{"symbol": "BTC/USD"}]),
    Reason.UNKNOWN_FILL_ORDER: lambda: past(fills=[fill("F1", "5")]),
    # trades
    Reason.BEYOND_OPEN_QTY: lambda: pair(
        {"trade_id": "t-1", "side": "sell", "action": "exit"},
        HALF | {"side": "sell"},
        trades=[trade(**LONG, exit_qty="8")],
    ),
    Reason.ORDERS_FILLED_MORE: lambda: pair(
        {"trade_id": "t-1", "filled_qty": "3", "filled_avg_price": "100", "status": "partially_filled"},
        HALF,
        trades=[trade()],
    ),
    # coverage
    Reason.COVERED_FROM_HISTORY: lambda: past(missed(sub_tag="t-1"), trades=[trade(**LONG)]),
    Reason.MISSING_FILL_DATA: lambda: past(missed(qty=None, filled_qty=None)),
    Reason.UNMAPPED_TRADE: lambda: past(missed()),
    Reason.INSERT_LIMIT: lambda: past(
        missed(sub_tag="t-1"), trades=[trade(**LONG)], policy=COVERAGE | {"coverage_inserts_max": 0}
    ),
    Reason.DRY_RUN: lambda: past(
        missed(sub_tag="t-1"), trades=[trade(**LONG)], policy=COVERAGE | {"coverage_dry_run": True}
    ),
    # exit backfill
    Reason.EXIT_AT_VENUE: lambda: exits(sale()),
    Reason.EXIT_HISTORY_NEEDED: lambda: exits(history=history(since=at(-60))),
    Reason.POSITION_UNKNOWN: lambda: exits(sale(), positions=holding("6", "failed")),
    Reason.HISTORY_INCOMPLETE: lambda: exits(history=history(state="partial")),
    Reason.NO_EXIT_FOUND: exits,
    Reason.AMBIGUOUS_TRADE: lambda: exits(sale(), trades=[trade(**LONG), trade(trade_id="t-2", **LONG)]),
    Reason.FOREIGN_EXIT: lambda: exits(sale(), policy={"owned_sub_tags": ["desk-1"]}),
    Reason.QUANTITY_EXCEEDS_TRADE: lambda: exits(sale("12"), qty="0"),
    Reason.QUANTITY_MISMATCH: lambda: exits(sale("3")),
    Reason.PRICE_MISSING: lambda: exits(sale(filled_avg_price=None)),
    Reason.QUARANTINED: lambda: exits(
        sale(), trades=[trade(**LONG, status="quarantined", quarantined_by="person")]
    ),
    # sub-tags
    Reason.SUB_TAG_AT_VENUE: lambda: pair({}, {"sub_tag": "desk-1"}, policy={"sub_tag_repair_enabled": True}),
    # rows of the bot's own books
    Reason.ROW_REMOVED: lambda: with_fault("row_removed"),
    Reason.ROW_UNCLEAR: lambda: with_fault("row_unclear"),
    Reason.WRITE_REFUSED: lambda: with_fault("write_refused"),
    Reason.TRADE_ROW_DIFFERS: lambda: with_fault("trade_row_differs"),
    # what a mapping makes of them
    Reason.ORDER_IDS_DIFFER: lambda: mapped({"venue_order_id": "c-1", "client_order_id": "v-1"}, {}),
    Reason.COLUMNS_SWAPPED: lambda: mapped({"qty": "100", "limit_price": "10"}, {}),
    Reason.UNIT_DIFFERS: lambda: mapped({"qty": "1000"}, {}),
    Reason.WORDS_DIFFER: lambda: mapped_many(3, {"status": "canceled"}),
    # parity
    Reason.POSITION_LESS: lambda: parity("4"),
    Reason.POSITION_MORE: lambda: parity("14"),
    Reason.PARITY_RESTORED: lambda: parity(
        "10",
        trades=[trade(**LONG, status="quarantined", quarantined_by="parity")],
        policy=PARITY | {"parity_confirmations": 1, "parity_min_age_s": 0},
    ),
    Reason.POSITION_FLAT: lambda: parity(
        "0",
        prior=[OFF_TWICE],
        instruments=[{"symbol": "ETH/USD", "quote": "USD"}],
        policy=PARITY | {"parity_action": "auto_close", "parity_auto_close_notional_max_usd": "1000"},
    ),
}


def reasons_of(plan: Document) -> set[str]:
    rows = (*plan["breaks"], *plan["corrections"], *plan["queries"])
    return {row["reason"] for row in rows} | set(plan["result"]["no_go_reason_counts"])


@pytest.mark.parametrize("reason", SMALLEST)
def test_reason(reason):
    assert reason in reasons_of(plan_of(SMALLEST[reason]()))


NOT_IN_A_PLAIN_SNAPSHOT = {
    Reason.AUDIT_MISSING,  # the ledger's, which has no audit table
    Reason.DECIDED_BY_PERSON,
    Reason.HISTORY_GAP,  # the engine's, which knows the watermark
    Reason.UNDONE_BY_PERSON,
    Reason.UNMAPPED_ACTION,
}


def test_every_reason_has_its_snapshot():
    assert set(Reason) - set(SMALLEST) == NOT_IN_A_PLAIN_SNAPSHOT
