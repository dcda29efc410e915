"""Fills and trades of repaired orders in a bot's own tables; in SQLite and in PostgreSQL. Expected values by hand."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from tests.unit.books.tables.desk import MAPPING, T0, order
from trueup.books.tables.mapping import TablesMapping, decode_mapping
from trueup.books.tables.read_tables import Wanted
from trueup.books.tables.tables_books import writable_keys
from trueup.books.tables.write_rows import write_rows
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import PositionSide, Side, Status, TradeStatus
from trueup.ports.foreign_books import SetRow, WriteBack, WriteOutcome, WriteResult

NOON = "2025-11-24T12:00:00Z"
FILLS = MAPPING["fills"] | {"writable": ["fill_id", "order", "qty", "price", "fee", "filled_at"]}
TRADES = MAPPING["trades"] | {
    "writable": ["entry_qty", "exit_qty", "status"],
    "words": {"status": {"1": "open", "0": "closed"}},
}
BEFORE = Trade(
    trade_id="d-1", symbol="ETH/USD", side=PositionSide.LONG, status=TradeStatus.OPEN, entry_qty="3"
)
AFTER = Trade(
    trade_id="d-1", symbol="ETH/USD", side=PositionSide.LONG, status=TradeStatus.OPEN, entry_qty="7"
)
CLOSED = Trade(trade_id="d-1", symbol="ETH/USD", side=PositionSide.LONG, status=TradeStatus.CLOSED, entry_qty="7",
               exit_qty="7")  # fmt: skip


@pytest.fixture(params=["sqlite", "postgresql"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    with sqlite_bot(tmp_path) if request.param == "sqlite" else postgresql_bot() as made:
        if made.address.startswith("postgres"):
            made.execute("CREATE SEQUENCE fill_numbers START 100")
            made.execute("ALTER TABLE my_fills ALTER id SET DEFAULT nextval('fill_numbers')")
        made.execute("CREATE UNIQUE INDEX one_fill ON my_fills (ext, order_row)")
        made.add("my_orders", **order(1))
        made.add("my_fills", id=1, order_row=1, ext="F1", amount=3.0, price=1000.0, cost_fee=0.1, at=T0)
        made.add("my_deals", id="d-1", pair="ETH/USD", open=1, bought=3.0, sold=0.0)
        yield made


def mapped(**changes: Any) -> TablesMapping:
    return decode_mapping(MAPPING | {"fills": FILLS, "trades": TRADES} | changes, "books.b")


def fill(fill_id: str, qty: str = "4", **changes: Any) -> Fill:
    told = {"venue_order_id": "v-1", "symbol": "ETH/USD", "side": Side.BUY, "price": "999", "fee": "0.2",
            "filled_at": "2025-11-24T12:00:05Z"}  # fmt: skip
    return Fill(fill_id=fill_id, qty=qty, **(told | changes))


def judged(bot: Bot, mapping: TablesMapping | None = None, **changes: Any) -> WriteBack:
    with bot.reader(mapping or mapped(), ("mom",)) as reader:
        (row,) = reader.read(Wanted(keys=["1"])).rows
    told = {"values": {"filled_qty": "7", "filled_avg_price": "999.5"}, "fills": [fill("F2")]}
    return WriteBack(
        sequence=1, profile_id="mom", key="1", judged=row.fingerprint, order=row.order, **(told | changes)
    )


def write(bot: Bot, one: WriteBack, mapping: TablesMapping | None = None) -> WriteResult:
    with bot.reader(mapping or mapped(), ("mom",)) as reader, reader.database.writing():
        (result,) = write_rows(reader, reader.database, [one])
    return result


def fills(bot: Bot) -> list[Any]:
    text = "SELECT ext, order_row, amount, price, cost_fee, at FROM my_fills ORDER BY ext"
    return [tuple(one) for one in bot.execute(text)]


def deal(bot: Bot) -> Any:
    ((found),) = bot.execute("SELECT open, bought, sold FROM my_deals")
    return tuple(found)


F1 = ("F1", 1, 3.0, 1000.0, 0.1, T0)
F2 = ("F2", 1, 4.0, 999.0, 0.2, T0 + 5000)


def test_a_booked_fill_is_inserted_with_its_order_once(bot):
    one = judged(bot)
    result = write(bot, one)
    assert (result.outcome, result.error) == (WriteOutcome.DELIVERED, None)
    assert fills(bot) == [F1, F2]
    assert bot.value("done") == 7.0
    with bot.reader(mapped(), ("mom",)) as reader:  # what is remembered is what the next read finds
        (row,) = reader.read(Wanted(keys=["1"])).rows
    assert result.row == SetRow(key="1", fingerprint=row.fingerprint)
    again = write(bot, one)
    assert (again.outcome, again.row) == (WriteOutcome.DELIVERED, None)
    assert fills(bot) == [F1, F2]


def test_a_fill_that_the_bot_has_already_is_not_doubled(bot):
    result = write(bot, judged(bot, fills=[fill("f1 ", "3"), fill("F2")]))
    assert result.outcome is WriteOutcome.DELIVERED
    assert fills(bot) == [F1, F2]


def test_inferred_fills_are_no_rows_of_the_bots(bot):
    result = write(bot, judged(bot, fills=[fill("digest", inferred=True)]))
    assert result.outcome is WriteOutcome.DELIVERED
    assert (fills(bot), bot.value("done")) == ([F1], 7.0)


def test_fills_alone_need_no_column_of_the_order(bot):
    result = write(bot, judged(bot, values={}))
    assert result.outcome is WriteOutcome.DELIVERED
    assert (fills(bot), bot.value("done")) == ([F1, F2], 3.0)


def test_a_fill_of_the_bots_that_came_meanwhile_moves_the_row(bot):
    one = judged(bot)
    bot.add("my_fills", id=2, order_row=1, ext="F2", amount=4.0, price=999.0, cost_fee=0.2, at=T0 + 5000)
    result = write(bot, one)
    assert result.outcome is WriteOutcome.MOVED
    assert (len(fills(bot)), bot.value("done")) == (2, 3.0)


def test_a_refused_fill_takes_its_order_back_and_spoils_no_other(bot):
    if bot.address.startswith("postgres"):
        bot.execute("ALTER TABLE my_fills ADD CHECK (ext <> 'F2')")
    else:
        bot.execute("CREATE TRIGGER no BEFORE INSERT ON my_fills WHEN new.ext = 'F2' "
                    "BEGIN SELECT RAISE(ABORT, 'no'); END")  # fmt: skip
    bot.add("my_orders", **order(2))
    one = judged(bot)
    with bot.reader(mapped(), ("mom",)) as reader:
        (row,) = reader.read(Wanted(keys=["2"])).rows
        two = WriteBack(sequence=2, profile_id="mom", key="2", judged=row.fingerprint, order=row.order,
                        values={"filled_qty": "7", "filled_avg_price": "999.5"})  # fmt: skip
        with reader.database.writing():
            results = write_rows(reader, reader.database, [one, two])
    assert [one.outcome for one in results] == [WriteOutcome.REFUSED, WriteOutcome.DELIVERED]
    assert (bot.value("done", 1), bot.value("done", 2)) == (3.0, 7.0)


def test_a_trigger_that_adds_a_fill_to_its_order_is_found_out(bot):
    """Setting 7 and inserting the fill of 4 would make 11 of it: the order is refused, and nothing of it is left."""
    if bot.address.startswith("postgres"):
        bot.execute("CREATE FUNCTION adds() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE my_orders SET "
                    "done = done + new.amount WHERE id = new.order_row; RETURN new; END'")  # fmt: skip
        bot.execute("CREATE TRIGGER adds AFTER INSERT ON my_fills FOR EACH ROW EXECUTE FUNCTION adds()")
    else:
        bot.execute("CREATE TRIGGER adds AFTER INSERT ON my_fills BEGIN "
                    "UPDATE my_orders SET done = done + new.amount WHERE id = new.order_row; END")  # fmt: skip
    result = write(bot, judged(bot))
    assert result.outcome is WriteOutcome.REFUSED
    assert "a trigger changes it" in str(result.error)
    assert (fills(bot), bot.value("done")) == ([F1], 3.0)


def test_a_discovered_order_brings_its_fills(bot):
    bot.execute("CREATE UNIQUE INDEX one_venue_id ON my_orders (exch_id)")
    if bot.address.startswith("postgres"):
        bot.execute("CREATE SEQUENCE numbers START 100")
        bot.execute("ALTER TABLE my_orders ALTER id SET DEFAULT nextval('numbers')")
    found = LocalOrder(venue_order_id="v-9", symbol="ETH/USD", side=Side.BUY, qty="4", status=Status.FILLED,
                       filled_qty="4", filled_avg_price="999", submitted_at=NOON)  # fmt: skip
    insert = WriteBack(sequence=1, profile_id="mom", key=None, judged=None, values={}, order=found,
                       fills=[fill("F9", venue_order_id="v-9")])  # fmt: skip
    words = {"status": {"DONE": "filled"}, "side": {"BUY": "buy"}}
    result = write(bot, insert, mapped(orders=MAPPING["orders"] | {"words": words}))
    assert (result.outcome, result.error) == (WriteOutcome.DELIVERED, None)
    text = "SELECT f.ext, f.amount FROM my_fills f JOIN my_orders o ON o.id = f.order_row WHERE o.exch_id = 'v-9'"
    assert [tuple(one) for one in bot.execute(text)] == [("F9", 4.0)]


def test_fills_are_inserted_only_where_a_unique_key_protects_the_bots_own(bot):
    with bot.reader(mapped(), ("mom",)) as reader:
        assert "fills" in writable_keys(reader.database, reader.mapping)
        bot.execute("DROP INDEX one_fill")
        assert "fills" not in writable_keys(reader.database, reader.mapping)
        bot.execute("CREATE UNIQUE INDEX another ON my_fills (ext, at)")  # the bot's own time may differ
        assert "fills" not in writable_keys(reader.database, reader.mapping)


# -- trades -----------------------------------------------------------------------------------------------------------


def test_a_trade_that_is_as_it_was_is_set(bot):
    result = write(bot, judged(bot, trade_before=BEFORE, trade_after=AFTER))
    assert (result.outcome, result.error) == (WriteOutcome.DELIVERED, None)
    assert deal(bot) == (1, 7.0, 0.0)


def test_the_bots_word_for_closed_is_written(bot):
    write(bot, judged(bot, trade_before=BEFORE, trade_after=CLOSED))
    assert deal(bot) == (0, 7.0, 7.0)


def test_a_trade_that_has_it_already_stays(bot):
    bot.execute("UPDATE my_deals SET bought = 7.0")
    result = write(bot, judged(bot, trade_before=BEFORE, trade_after=AFTER))
    assert (result.error, deal(bot)) == (None, (1, 7.0, 0.0))


def test_a_trade_that_is_neither_is_left_alone_and_told(bot):
    """The bot counts 5 itself: it is not ours to say which of its sums is meant."""
    bot.execute("UPDATE my_deals SET bought = 5.0")
    result = write(bot, judged(bot, trade_before=BEFORE, trade_after=AFTER))
    assert result.outcome is WriteOutcome.DELIVERED
    assert "entry_qty 5, neither 3 nor 7" in str(result.error)
    assert (deal(bot), bot.value("done")) == ((1, 5.0, 0.0), 7.0)


def test_two_orders_of_a_trade_set_it_once(bot):
    bot.add("my_orders", **order(2))
    with bot.reader(mapped(), ("mom",)) as reader:
        rows = reader.read(Wanted(keys=["1", "2"])).rows
        writes = [
            WriteBack(sequence=number, profile_id="mom", key=row.key, judged=row.fingerprint, order=row.order,
                      values={"filled_qty": "7"}, trade_before=BEFORE, trade_after=AFTER)
            for number, row in enumerate(rows)
        ]  # fmt: skip
        with reader.database.writing():
            results = write_rows(reader, reader.database, writes)
    assert [one.error for one in results] == [None, None]
    assert deal(bot) == (1, 7.0, 0.0)


def test_quarantine_is_no_word_of_the_bots(bot):
    quarantined = Trade(trade_id="d-1", symbol="ETH/USD", side=PositionSide.LONG, status=TradeStatus.QUARANTINED,
                        entry_qty="7")  # fmt: skip
    result = write(bot, judged(bot, trade_before=BEFORE, trade_after=quarantined))
    assert (result.outcome, deal(bot)) == (WriteOutcome.DELIVERED, (1, 7.0, 0.0))


def test_an_open_quantity_of_its_own_column(bot):
    bot.execute("ALTER TABLE my_deals ADD COLUMN held double precision")
    bot.execute("UPDATE my_deals SET held = 3.0")
    columns = TRADES["columns"] | {"open_qty": "held"}
    mapping = mapped(trades=TRADES | {"columns": columns, "writable": ["open_qty"]})
    result = write(bot, judged(bot, mapping, trade_before=BEFORE, trade_after=AFTER), mapping)
    assert (result.error, deal(bot)) == (None, (1, 3.0, 0.0))
    assert bot.execute("SELECT held FROM my_deals")[0][0] == 7.0


# -- a fee that alone moved between the read and the write -------------------------------------------------------------


def with_fee_column(bot: Bot) -> TablesMapping:
    bot.execute("ALTER TABLE my_deals ADD COLUMN kept double precision")
    columns = TRADES["columns"] | {"fee_base_qty": "kept"}
    return mapped(trades=TRADES | {"columns": columns, "writable": ["entry_qty", "fee_base_qty"]})


@pytest.mark.parametrize("came", [0.2, None])
def test_a_fill_whose_fee_moved_is_not_what_was_judged(bot, came):
    one = judged(bot)
    bot.execute("UPDATE my_fills SET cost_fee = ?", came)
    assert write(bot, one).outcome is WriteOutcome.MOVED
    assert (fills(bot), bot.value("done")) == ([("F1", 1, 3.0, 1000.0, came, T0)], 3.0)


def test_a_trade_whose_fee_moved_is_left_alone_where_the_fee_is_set(bot):
    """The bot counts 0.002 itself meanwhile: neither the 0 that was judged nor the 0.003 that is wanted."""
    mapping = with_fee_column(bot)
    told = {"trade_before": BEFORE, "trade_after": replace(AFTER, fee_base_qty="0.003")}
    one = judged(bot, mapping, values={}, fills=[], **told)
    bot.execute("UPDATE my_deals SET kept = 0.002")
    result = write(bot, one, mapping)
    assert "fee_base_qty 0.002, neither 0 nor 0.003" in str(result.error)
    assert [tuple(each) for each in bot.execute("SELECT bought, kept FROM my_deals")] == [(3.0, 0.002)]


def test_a_trade_whose_fee_moved_keeps_it_where_something_else_is_set(bot):
    mapping = with_fee_column(bot)
    one = judged(bot, mapping, values={}, fills=[], trade_before=BEFORE, trade_after=AFTER)
    bot.execute("UPDATE my_deals SET kept = 0.002")
    assert write(bot, one, mapping).error is None
    assert [tuple(each) for each in bot.execute("SELECT bought, kept FROM my_deals")] == [(7.0, 0.002)]
