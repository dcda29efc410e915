"""Builds snapshots as the public document has them, plans them, and shows plans in one line per correction.

Knows the documents only (formats.md), nothing of the core. The stages over trades and history are switched off here
unless a test asks for them: a test of the order rules then says only what it is about.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import msgspec

from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot

Document = dict[str, Any]

NOW = dt.datetime(2026, 11, 23, 12, 0, 0, tzinfo=dt.UTC)
STAGES_OFF: Document = {
    "coverage_enabled": False,
    "exit_backfill_enabled": False,
    "sub_tag_repair_enabled": False,
    "parity_enabled": False,
    "watchdog_enabled": False,
}


def at(seconds: float) -> str:
    """The time so many seconds after the plan's "now" (before it: negative)."""
    moment = (NOW + dt.timedelta(seconds=seconds)).isoformat()
    return moment.replace("+00:00", "Z")


def local_order(**keys: Any) -> Document:
    """A live entry of 10 ETH at 100, submitted and last touched an hour ago."""
    return {
        "client_order_id": "c-1",
        "venue_order_id": "v-1",
        "trade_id": None,
        "symbol": "ETH/USD",
        "side": "buy",
        "action": "entry",
        "order_type": "limit",
        "qty": "10",
        "limit_price": "100",
        "status": "pending_new",
        "submitted_at": at(-3600),
        "last_activity_at": at(-3600),
        "version": 3,
    } | keys


def venue_order(**keys: Any) -> Document:
    """The same order as the venue has it."""
    return {
        "venue_order_id": "v-1",
        "client_order_id": "c-1",
        "symbol": "ETH/USD",
        "side": "buy",
        "order_type": "limit",
        "qty": "10",
        "limit_price": "100",
        "status": "pending_new",
        "filled_qty": "0",
        "submitted_at": at(-3600),
        "updated_at": at(-600),
    } | keys


def fill(fill_id: str, qty: str, price: str | None = "100", **keys: Any) -> Document:
    """A fill record of v-1, executed half an hour ago."""
    return {
        "fill_id": fill_id,
        "venue_order_id": "v-1",
        "symbol": "ETH/USD",
        "side": "buy",
        "qty": qty,
        "price": price,
        "filled_at": at(-1800),
    } | keys


def trade(**keys: Any) -> Document:
    return {
        "trade_id": "t-1",
        "symbol": "ETH/USD",
        "side": "long",
        "status": "open",
        "entry_qty": "0",
        "exit_qty": "0",
        "opened_at": at(-7200),
        "version": 5,
    } | keys


def found(order: Document, **keys: Any) -> Document:
    return {"by": "venue_order_id", "id": order["venue_order_id"], "outcome": "found", "order": order} | keys


def absent(order_id: str, by: str = "venue_order_id", **keys: Any) -> Document:
    return {"by": by, "id": order_id, "outcome": "absent"} | keys


def unknown(order_id: str, by: str = "venue_order_id", error: str = "timeout") -> Document:
    return {"by": by, "id": order_id, "outcome": "unknown", "error": error}


def open_orders(rows: Iterable[Document], state: str = "complete", **keys: Any) -> Document:
    return {"state": state, "read_at": at(-1), "rows": list(rows)} | keys


def history(orders: Iterable[Document] = (), fills: Iterable[Document] = (), **keys: Any) -> Document:
    """A complete read of the last day."""
    return {
        "state": "complete",
        "read_at": at(-1),
        "since": at(-86400),
        "orders": list(orders),
        "fills": list(fills),
    } | keys


def snapshot(
    local: Iterable[Document] = (),
    venue: Iterable[Document] | Document = (),
    *,
    trades: Iterable[Document] = (),
    fills: Iterable[Document] = (),
    answers: Iterable[Document] = (),
    history: Document | None = None,
    positions: Document | None = None,
    policy: Document | None = None,
    instruments: Iterable[Document] = (),
    prior: Iterable[Document] = (),
    local_keys: Document | None = None,
    venue_keys: Document | None = None,
    profile: Document | None = None,
    taken_at: str | None = None,
) -> Document:
    """`venue`: rows of a complete open-order read, or a whole read."""
    read = venue if isinstance(venue, dict) else open_orders(venue)
    return {
        "format": "trueup.snapshot/1",
        "taken_at": taken_at or at(0),
        "profile": {"profile_id": "mom-1", "user_id": "u-7", "venue": "alpaca", "account_id": "acc-1"}
        | (profile or {}),
        "policy": STAGES_OFF | (policy or {}),
        "instruments": list(instruments),
        "local": {
            "read_at": at(-2),
            "orders": list(local),
            "fills": list(fills),
            "trades": list(trades),
        }
        | (local_keys or {}),
        "venue": {
            "open_orders": read,
            "history": history,
            "positions": positions,
            "answers": list(answers),
        }
        | (venue_keys or {}),
        "prior": list(prior),
    }


def plan_bytes(document: Document) -> bytes:
    return msgspec.json.encode(make_plan(decode_snapshot(msgspec.json.encode(_without_nulls(document)))))


def plan(*args: Any, **keys: Any) -> Document:
    """The plan, as the public document, of `snapshot(*args, **keys)`."""
    return plan_of(snapshot(*args, **keys))


def plan_of(document: Document) -> Document:
    decoded: Document = msgspec.json.decode(plan_bytes(document))
    return decoded


def _without_nulls(document: Document) -> Document:
    venue = {key: value for key, value in document["venue"].items() if value is not None}
    return document | {"venue": venue}


# What a plan says, in words short enough for a table


def steps(plan: Document) -> list[str]:
    """One line per correction, in order. A status that only follows from a fill (partially filled) is left out."""
    lines = [_step(correction) for correction in plan["corrections"]]
    return [line for line in lines if line and not line.endswith(" partially_filled")]


def _step(correction: Document) -> str:
    head = f"{correction['kind']} {correction['venue_order_id'] or correction['client_order_id']}"
    changes = correction["changes"] or {}
    match correction["kind"]:
        case "book_fill":
            return f"{head} {_fill(correction['fill'])}"
        case "supersede_fill":
            fill = correction["fill"]
            return f"{head} {_fill(fill)} for {fill['superseded_qty']} of {fill['supersedes'] or 'legacy'}"
        case "set_status":
            return f"{head} {changes['status']}"
        case "amend_order":
            terms = {key: changes[key] for key in ("qty", "limit_price", "stop_price") if key in changes}
            return f"{head} " + " ".join(f"{key}={value}" for key, value in terms.items())
        case "quarantine_trade" | "release_trade" | "close_trade":
            return f"{correction['kind']} {correction['trade_id']}"
        case _:
            return head


def _fill(fill: Document) -> str:
    name = "inferred" if fill["inferred"] else fill["fill_id"]
    return f"{name} {fill['qty']} @ {fill['price']}" + (" estimated" if fill["price_estimated"] else "")


def kinds(plan: Document) -> set[str]:
    return {item["kind"] for item in plan["breaks"]}


def the_break(plan: Document, kind: str) -> Document:
    [only] = [item for item in plan["breaks"] if item["kind"] == kind]
    return dict(only)


def stands(plan: Document, order_id: str) -> str | None:
    """The projected order of that venue order id (or client order id): `status filled @ average`."""
    if not _projected_orders(plan, order_id):
        return None
    order = projected(plan, order_id)
    price = f" @ {order['filled_avg_price']}" if order["filled_avg_price"] is not None else ""
    return f"{order['status']} {order['filled_qty']}{price}"


def projected(plan: Document, order_id: str) -> Document:
    """The one projected order of that venue order id (or client order id)."""
    [order] = _projected_orders(plan, order_id)
    return order


def _projected_orders(plan: Document, order_id: str) -> list[Document]:
    return [
        order
        for order in plan["projected_orders"]
        if order_id in (order["venue_order_id"], order["client_order_id"])
    ]


def projected_trade(plan: Document, trade_id: str = "t-1") -> str | None:
    """`status entry/exit` of the projected trade."""
    rows = [row for row in plan["projected_trades"] if row["trade_id"] == trade_id]
    assert len(rows) <= 1
    return f"{rows[0]['status']} {rows[0]['entry_qty']}/{rows[0]['exit_qty']}" if rows else None


def projected_fills(plan: Document) -> dict[str, str]:
    """Real fills by their id, inferred ones together as `inferred`: effective quantities."""
    return {
        ("inferred" if fill["inferred"] else fill["fill_id"]): fill["qty"] for fill in plan["projected_fills"]
    }


def told(plan: Document) -> list[str]:
    """One line per notification: kind, growth and cumulative figures."""
    lines = []
    for item in plan["notifications"]:
        growth = f" {item['qty']} @ {item['price']} of {item['cumulative_qty']}" if item["qty"] else ""
        lines.append(f"{item['kind']} {item['venue_order_id'] or item['client_order_id']}{growth}")
    return lines


def asked(plan: Document) -> list[str]:
    """One line per query."""
    return [f"{item['side']} {item['by'] or 'ids'} {item['id'] or item['ids']}" for item in plan["queries"]]


def deferred(plan: Document) -> set[str]:
    return {item["reason"] for item in plan["deferred"]}


def alerts(plan: Document) -> list[str]:
    """`severity key`, without those that only say that a stage is switched off."""
    keys = [f"{alert['severity']} {alert['dedupe_key']}" for alert in plan["alerts"]]
    return [key for key in keys if not key.endswith(":disabled")]


def errors_alerted(plan: Document) -> list[str]:
    return [key for key in alerts(plan) if key.startswith("ERROR ")]


def confirmations(plan: Document, kind: str = "missing_at_venue") -> int | None:
    """Of the only finding of that kind; null where there is none."""
    counts = [finding["confirmations"] for finding in plan["findings"] if finding["kind"] == kind]
    assert len(counts) <= 1
    return counts[0] if counts else None


def quiet(plan: Document) -> bool:
    """Nothing found, changed, asked, told or put off."""
    keys = ("breaks", "corrections", "notifications", "queries", "deferred", "findings", "projected_orders")
    return not any(plan[key] for key in keys)
