"""What freqtrade's own tables and dumps leave unsaid: which side a stop has, and whether an order opens or closes.

freqtrade's rule (its `Order` and `LocalTrade`): an order on the trade's entry side (sell where `is_short`) is an entry,
any other an exit, a stop always. Must not read files.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from trueup.exports.read_texts import TRUE_WORDS, read_amount
from trueup.exports.rows import Row, Rows
from trueup.model.errors import InputError
from trueup.model.money import ZERO, add, text


def is_dump(item: dict[str, Any]) -> bool:
    """Whether this object is one of freqtrade's trades with its orders in it."""
    return isinstance(item.get("orders"), list) and "pair" in item and "is_open" in item


def orders_of(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The trade's orders, each with what only the trade says."""
    inherited = {
        "pair": item["pair"],
        "is_short": item.get("is_short"),
        "ft_trade_id": item.get("trade_id", item.get("id")),
    }
    for order in item["orders"]:
        if isinstance(order, dict):
            yield inherited | order


def with_sums(item: dict[str, Any]) -> dict[str, Any]:
    """The trade, with what its orders filled: its own `amount` is what is left, and ignores open orders."""
    entry, exit_, fee = ZERO, ZERO, ZERO
    for order in orders_of(item):
        filled = _told(order, "filled")
        if _is_entry(str(order.get("ft_order_side") or ""), is_short=bool(item.get("is_short"))):
            entry, fee = add(entry, filled), add(fee, _told(order, "ft_fee_base"))
        else:
            exit_ = add(exit_, filled)
    return item | {"entry_filled": text(entry), "exit_filled": text(exit_), "fee_base_qty": text(fee)}


def say_actions(rows: Rows) -> Rows:
    """Adds `ft_action`, and `ft_side` where the row has no side of its own."""
    made = [
        Row(row.number, row.cells | _said(row.cells, told="is_short" in rows.columns)) for row in rows.rows
    ]
    return Rows(rows.name, [*rows.columns, "ft_action", "ft_side"], made)


def say_exits(rows: Rows) -> Rows:
    """Of trades without their orders: a closed one has sold all of it. `amount` of an open one is what is left."""
    if "exit_filled" in rows.columns:
        return rows
    made = [
        Row(
            row.number,
            row.cells | {"exit_filled": "0" if _is_true(row, "is_open") else row.cells.get("amount")},
        )
        for row in rows.rows
    ]
    return Rows(rows.name, [*rows.columns, "exit_filled"], made)


def _said(cells: dict[str, str | None], *, told: bool) -> dict[str, str | None]:
    """Without `is_short` only a stop is certain: it closes."""
    said = (cells.get("ft_order_side") or "").lower()
    is_short = (cells.get("is_short") or "").lower() in TRUE_WORDS
    action = (
        ("entry" if _is_entry(said, is_short=is_short) else "exit")
        if told or said not in ("buy", "sell")
        else None
    )
    closing = "buy" if is_short else "sell"
    side = said if said in ("buy", "sell") else closing if told else None
    return {"ft_action": action, "ft_side": side}


def _is_entry(order_side: str, *, is_short: bool) -> bool:
    return order_side == ("sell" if is_short else "buy")


def _is_true(row: Row, column: str) -> bool:
    return (row.cells.get(column) or "").lower() in TRUE_WORDS


def _told(order: dict[str, Any], key: str) -> Decimal:
    """Raises InputError where it is no amount."""
    try:
        return Decimal(read_amount(str(order.get(key) or 0), signed=True))
    except ValueError as fault:
        raise InputError(f"{key} of one of its orders: {fault}", "--trades") from None
