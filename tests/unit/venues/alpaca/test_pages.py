"""Pages of fills: what cannot be the account's own listing is not believed."""

import asyncio
import json
from typing import Any, cast

import pytest

from trueup.model.errors import VenueUnavailable
from trueup.venues.alpaca.pages import list_fills
from trueup.venues.http.reader import HttpReader


class OnePage:
    """Answers every read with these rows."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self._body = json.dumps(rows).encode()

    async def read(self, path: str, params: dict[str, str]) -> bytes:
        return self._body


def row(fill_id: str, order_id: str) -> dict[str, Any]:
    return {
        "id": fill_id, "order_id": order_id, "symbol": "SPY", "side": "buy", "qty": "1", "price": "600",
        "transaction_time": "2026-11-23T12:00:00Z",
    }  # fmt: skip


def test_one_id_for_executions_of_several_orders_is_no_listing() -> None:
    """The reply to another request put one id into every row; look-alikes were superseded by it, and back."""
    pages = OnePage([row("17::f-1", "v-1"), row("17::f-1", "v-2")])
    with pytest.raises(VenueUnavailable, match="not believed"):
        asyncio.run(list_fills(cast(HttpReader, pages), None))


def test_a_row_that_stands_there_twice_is_one_execution() -> None:
    pages = OnePage([row("17::f-1", "v-1"), row("17::f-1", "v-1"), row("18::f-2", "v-2")])
    found = asyncio.run(list_fills(cast(HttpReader, pages), None))
    assert [one.fill_id for one in found.fills] == ["f-1", "f-2"]
