"""Rows that are as they were are the very same; any other text is another row."""

import pytest
from msgspec.structs import fields

from trueup.ledgers.sql import known_rows
from trueup.ledgers.sql.known_rows import KnownBooks, written
from trueup.model.errors import LedgerDamaged
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import PositionSide, TradeStatus


def text(trade_id: str, entry_qty: str = "1", version: int = 1) -> str:
    return f'["{trade_id}","BTC/USD","long","open","{entry_qty}","0",null,"0",null,null,{version}]'


def test_a_row_is_decoded_in_the_order_of_its_fields() -> None:
    (trade,) = KnownBooks().trades.decode([text("t-1", "2.5", 3)])
    assert type(trade) is Trade
    assert trade == Trade(
        trade_id="t-1",
        symbol="BTC/USD",
        side=PositionSide.LONG,
        status=TradeStatus.OPEN,
        entry_qty="2.5",
        version=3,
    )


def test_what_did_not_change_is_the_same_row_wherever_it_stands() -> None:
    trades = KnownBooks().trades
    one, two = trades.decode([text("t-1"), text("t-2")])
    new, again, changed = trades.decode([text("t-3"), text("t-2"), text("t-1", "2")])
    assert again is two
    assert (new.trade_id, changed.entry_qty, one.entry_qty) == ("t-3", "2", "1")


def test_a_row_with_the_version_it_had_and_other_figures_is_another_one() -> None:
    """As after a backup was restored: a version may be had twice."""
    trades = KnownBooks().trades
    trades.decode([text("t-1", "1", version=2)])
    assert [one.entry_qty for one in trades.decode([text("t-1", "3", version=2)])] == ["3"]


def test_what_is_not_in_the_last_read_is_forgotten() -> None:
    trades = KnownBooks().trades
    (first,) = trades.decode([text("t-1")])
    trades.decode([])
    assert trades.decode([text("t-1")])[0] is not first


def test_a_long_list_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_rows, "ROWS_KEPT_MAX", 1)
    trades = KnownBooks().trades
    texts = [text("t-1"), text("t-2")]
    first, again = trades.decode(texts), trades.decode(texts)
    assert first == again
    assert first[0] is not again[0]


def test_a_row_comes_as_its_columns_too() -> None:
    columns = ("t-1", "BTC/USD", "long", "open", "2.5", "0", None, "0", None, None, 3)
    trades = KnownBooks().trades
    assert trades.decode([columns]) == KnownBooks().trades.decode([text("t-1", "2.5", 3)])
    (first,) = trades.decode([columns])
    assert trades.decode([("t-1", *columns[1:])])[0] is first


@pytest.mark.parametrize(("stored", "read"), [("[]", ()), ('["v-1","v-2"]', ("v-1", "v-2"))])
def test_a_column_that_is_a_list_is_read_as_one(stored: str, read: tuple[str, ...]) -> None:
    (order,) = KnownBooks().orders.decode([order_columns(stored)])
    assert (order.venue_order_id, order.previous_venue_order_ids, order.version) == ("v-9", read, 4)


def order_columns(previous: str, status: str = "pending_new") -> tuple[str | int | None, ...]:
    told = ("v-9", None, None, None, "buy", None, None, "10", None, None, status, "0", None, None, None, None)
    return (None, *told, None, False, 4, previous)


def test_what_no_row_can_be_is_damage() -> None:
    with pytest.raises(LedgerDamaged, match="a row of the ledger is"):
        KnownBooks().orders.decode([order_columns("[]", status="no such word")])


@pytest.mark.parametrize(
    ("row", "known_by"), [(("a", "p", "[1]"), "[1]"), (("a", "p", "x", None), ("x", None))]
)
def test_what_a_row_is_known_by(row: tuple, known_by: object) -> None:
    assert written([row], 2) == [known_by]
    assert written([], 2) == []


def test_the_columns_of_an_order_are_all_it_has() -> None:
    """They stand in an order of their own: a new field of the value needs a column."""
    columns = {field.name for field in fields(known_rows._OrderColumns)}
    assert columns == {field.name for field in fields(LocalOrder)}
