"""The books of a moment: what was logged until then, and nothing later."""

from typing import Any

from trueup.service.views.books_at import books_at


def row(second: int, order_key: int | None, of_trade: str, **changes: str) -> dict[str, Any]:
    return {
        "logged_at": f"2026-11-23T12:00:{second:02}Z",
        "order_key": order_key,
        "trade_id": of_trade,
        "payload": {"changes": changes},
    }


LOG = [
    row(0, None, "t-1", trade_id="t-1", status="open"),
    row(1, 7, "t-1", client_order_id="c-1", status="pending_new", filled_qty="0"),
    row(5, 7, "t-1", status="filled", filled_qty="10"),
    row(9, None, "t-1", status="closed"),
]


def test_before_during_and_after() -> None:
    assert books_at(LOG, "2026-11-23T11:59:59Z").orders == []
    then = books_at(LOG, "2026-11-23T12:00:04Z")
    assert then.orders == [{"client_order_id": "c-1", "status": "pending_new", "filled_qty": "0"}]
    assert then.trades == [{"trade_id": "t-1", "status": "open"}]
    last = books_at(LOG, "2026-11-23T12:00:09Z")
    assert (last.rows, last.orders[0]["status"], last.trades[0]["status"]) == (4, "filled", "closed")
