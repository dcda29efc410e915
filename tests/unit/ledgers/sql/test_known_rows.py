"""Rows that are as they were are the very same; any other text is another row."""

import pytest

from trueup.ledgers.sql import known_rows
from trueup.ledgers.sql.known_rows import KnownBooks
from trueup.model.errors import LedgerDamaged
from trueup.model.snapshot import Trade
from trueup.model.vocabulary import PositionSide, TradeStatus


def text(trade_id: str, entry_qty: str = "1", version: int = 1) -> tuple[str, str, str]:
    return "a", "p", f'["{trade_id}","BTC/USD","long","open","{entry_qty}","0",null,"0",null,null,{version}]'


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


def test_the_rows_around_one_that_changed_are_the_very_same() -> None:
    trades = KnownBooks().trades
    one, _, three, four = trades.decode([text(f"t-{number}") for number in (1, 2, 3, 4)])
    read = trades.decode([text("t-1"), text("t-2", "7"), text("t-3"), text("t-4")])
    assert [trade.entry_qty for trade in read] == ["1", "7", "1", "1"]
    assert (read[0], read[2], read[3]) == (one, three, four)
    assert read[0] is one
    assert read[3] is four
    longer = trades.decode([text("t-1"), text("t-5"), text("t-2", "7"), text("t-3"), text("t-4")])
    assert [trade.trade_id for trade in longer] == ["t-1", "t-5", "t-2", "t-3", "t-4"]
    assert [trade.trade_id for trade in trades.decode([text("t-1"), text("t-4")])] == ["t-1", "t-4"]


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
    columns = ("a", "p", "t-1", "BTC/USD", "long", "open", "2.5", "0", None, "0", None, None, 3)
    trades = KnownBooks().trades
    assert trades.decode([columns]) == KnownBooks().trades.decode([text("t-1", "2.5", 3)])
    (first,) = trades.decode([columns])
    assert type(first) is Trade
    assert trades.decode([("a", *columns[1:])])[0] is first


@pytest.mark.parametrize(("stored", "read"), [(None, ()), ('["v-1","v-2"]', ("v-1", "v-2"))])
def test_a_column_that_is_a_list_is_read_as_one(stored: str | None, read: tuple[str, ...]) -> None:
    (order,) = KnownBooks().orders.decode([order_columns(stored)])
    assert (order.venue_order_id, order.previous_venue_order_ids, order.version) == ("v-9", read, 4)


def order_columns(previous: str | None, status: str = "pending_new") -> tuple[str | int | None, ...]:
    told = ("v-9", None, None, None, "buy", None, None, "10", None, None, status, "0", None, None, None, None)
    return ("a", "p", None, *told, None, False, 4, previous)


@pytest.mark.parametrize(
    "row", [order_columns(None, status="no such word"), order_columns("[1]"), order_columns("no list")]
)
def test_what_no_row_can_be_is_damage(row: tuple[str | int | None, ...]) -> None:
    with pytest.raises(LedgerDamaged, match="a row of the ledger is"):
        KnownBooks().orders.decode([row])
