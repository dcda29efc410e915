"""Hummingbot's file of trades (`data/trades_*.csv`): its column `trade_fee` is JSON, and `order_id` the bot's own.

Decides which fee is an amount that the venue took: the one flat fee. A share of the value is none. Must not read files.
"""

import json
from typing import Any

from trueup.exports.rows import Row, Rows

_MADE = ("flat_fee", "flat_fee_token")


def say_fees(rows: Rows) -> Rows:
    """Adds the one flat fee of each row, and its currency."""
    made = [Row(row.number, row.cells | _flat_fee(row.cells.get("trade_fee"))) for row in rows.rows]
    return Rows(rows.name, [*rows.columns, *_MADE], made)


def _flat_fee(said: str | None) -> dict[str, str | None]:
    fees = _tree(said or "{}").get("flat_fees")
    if not isinstance(fees, list) or len(fees) != 1 or not isinstance(fees[0], dict):
        return dict.fromkeys(_MADE)
    told = (fees[0].get("amount"), fees[0].get("token"))
    return dict(zip(_MADE, (None if one is None else str(one) for one in told), strict=True))


def _tree(said: str) -> dict[str, Any]:
    """What is no object of JSON tells no fee."""
    try:
        tree = json.loads(said, parse_float=str, parse_int=str)
    except (json.JSONDecodeError, RecursionError):
        return {}
    return tree if isinstance(tree, dict) else {}
