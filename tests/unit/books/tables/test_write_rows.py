"""Repairs written into a bot's tables: set where nothing moved, and otherwise not; in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from tests.unit.books.tables.desk import MAPPING, mapping, order
from trueup.books.tables.read_tables import Wanted
from trueup.books.tables.tables_books import TablesBooks
from trueup.model.errors import Conflict
from trueup.model.snapshot import LocalOrder, Profile
from trueup.model.vocabulary import Side, Status
from trueup.ports.foreign_books import BooksSettings, WriteBack, WriteMode, WriteOutcome
from trueup.service.clock import SystemClock

LIVE = Wanted(live=True)
SEVEN: dict[str, Any] = {"filled_qty": "7", "filled_avg_price": "999.5"}


@pytest.fixture(params=["sqlite", "postgresql"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    with sqlite_bot(tmp_path) if request.param == "sqlite" else postgresql_bot() as made:
        made.add("my_orders", **order(1))
        yield made


def write_to(bot: Bot, values: dict[str, Any], key: str = "1", sequence: int = 1) -> WriteBack:
    row = next(one for one in bot.read(Wanted(keys=[key])).rows)
    return WriteBack(
        sequence=sequence,
        profile_id="mom",
        key=key,
        judged=row.fingerprint,
        values=values,
        order=row.order,
    )


def test_values_are_set_and_read_back(bot):
    (result,) = bot.write(write_to(bot, SEVEN | {"status": Status.PARTIALLY_FILLED}))
    assert (result.outcome, result.error) == (WriteOutcome.DELIVERED, None)
    assert (bot.value("done"), bot.value("avg_px"), bot.value("state")) == (7.0, 999.5, "OPEN")
    assert result.row is not None
    (row,) = bot.read(LIVE).rows
    assert row.order.filled_qty == "7"
    assert (result.row.key, result.row.fingerprint) == (row.key, row.fingerprint)  # what the next read finds


def test_a_table_that_lets_nothing_through_is_left_after_some_rows(bot, monkeypatch):
    """Each wait for a lock takes seconds: a thousand would outlast the lease. What was not tried has no result."""
    tried = list[int]()

    def locked(_: object) -> None:
        tried.append(1)
        raise Conflict("the bot holds a lock")

    write = write_to(bot, SEVEN)
    writes = [replace(write, sequence=number) for number in range(1, 11)]
    settings = BooksSettings(account_id="a", profiles=[Profile(profile_id="mom")], source="b",
                             write=WriteMode.TABLES, clock=SystemClock())  # fmt: skip
    books = TablesBooks(settings, mapping(), bot.address)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(type(books.reader.database), "writing", locked)
            results = books.write_back(writes)
        assert [(one.sequence, one.outcome) for one in results] == [
            (number, WriteOutcome.FAILED) for number in (1, 2, 3)
        ]
        assert len(tried) == 3
        assert bot.value("done") == 3.0
        outcomes = [one.outcome for one in books.write_back(writes)]  # the lock is gone
        assert outcomes == [WriteOutcome.DELIVERED] * 10
    finally:
        books.close()


def test_only_what_is_given_is_touched(bot):
    bot.write(write_to(bot, {"filled_qty": "7"}))
    assert (bot.value("done"), bot.value("avg_px"), bot.value("upd"), bot.value("px")) == (
        7.0,
        1000.0,
        1763985600000,
        1000.0,
    )


def test_a_row_that_moved_is_left_alone(bot):
    write = write_to(bot, SEVEN)
    bot.execute("UPDATE my_orders SET done = 5.0")
    (result,) = bot.write(write)
    assert result.outcome is WriteOutcome.MOVED
    assert (bot.value("done"), bot.value("avg_px")) == (5.0, 1000.0)


def test_a_row_that_has_it_already_is_delivered(bot):
    write = write_to(bot, SEVEN)
    bot.execute("UPDATE my_orders SET done = 7.0, avg_px = 999.5")
    (result,) = bot.write(write)
    assert result.outcome is WriteOutcome.DELIVERED
    assert result.row is None  # it may have been the bot that wrote it, and more: its word counts
    (again,) = bot.write(write)
    assert again == result


def test_a_row_that_is_gone_is_not_made_again(bot):
    write = write_to(bot, SEVEN)
    bot.execute("DELETE FROM my_orders")
    (result,) = bot.write(write)
    assert result.outcome is WriteOutcome.MOVED
    assert bot.execute("SELECT count(*) FROM my_orders") == [(0,)]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"qty": "11"}, "qty is not among the writable columns"),
        ({"status": Status.SUSPENDED}, "no word for status suspended"),
    ],
)
def test_what_may_not_be_written_is_refused(bot, values, why):
    (result,) = bot.write(write_to(bot, values))
    assert result.outcome is WriteOutcome.REFUSED
    assert why in str(result.error)
    assert bot.value("state") == "OPEN"


def test_a_row_that_the_database_refuses_spoils_no_other(bot):
    if bot.address.startswith("postgres"):
        bot.execute("ALTER TABLE my_orders ADD CHECK (done < 8 OR id <> 1)")
    else:
        bot.execute("CREATE TRIGGER no BEFORE UPDATE ON my_orders WHEN new.done >= 8 AND new.id = 1 "
                    "BEGIN SELECT RAISE(ABORT, 'too much'); END")  # fmt: skip
    bot.add("my_orders", **order(2))
    one, two = write_to(bot, {"filled_qty": "9"}, "1", 1), write_to(bot, {"filled_qty": "9"}, "2", 2)
    results = bot.write(one, two)
    assert [one.outcome for one in results] == [WriteOutcome.REFUSED, WriteOutcome.DELIVERED]
    assert (bot.value("done", 1), bot.value("done", 2)) == (3.0, 9.0)


def test_what_a_trigger_makes_of_it_is_read_back(bot):
    if bot.address.startswith("postgres"):
        bot.execute("CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
                    "'BEGIN new.avg_px := trunc(new.avg_px); RETURN new; END'")  # fmt: skip
        bot.execute("CREATE TRIGGER cut BEFORE UPDATE ON my_orders FOR EACH ROW EXECUTE FUNCTION cut()")
    else:
        bot.execute("CREATE TRIGGER cut AFTER UPDATE OF avg_px ON my_orders BEGIN "
                    "UPDATE my_orders SET avg_px = CAST(new.avg_px AS INTEGER) WHERE id = new.id; END")  # fmt: skip
    (result,) = bot.write(write_to(bot, SEVEN))
    assert result.row is not None
    (row,) = bot.read(LIVE).rows
    assert row.order.filled_avg_price == "999"
    assert result.row.fingerprint == row.fingerprint


def test_a_status_ends_with_the_bots_own_word(bot):
    (result,) = bot.write(write_to(bot, {"status": Status.CANCELED}))
    assert result.outcome is WriteOutcome.DELIVERED
    assert bot.value("state") == "GONE"


DISCOVERED = LocalOrder(
    client_order_id="c-9", venue_order_id="v-9", symbol="ETH/USD", side=Side.BUY, order_type="limit", qty="2",
    limit_price="900", status=Status.FILLED, filled_qty="2", filled_avg_price="900",
    submitted_at="2025-11-24T12:00:00Z",
)  # fmt: skip
INSERT = WriteBack(sequence=9, profile_id="mom", key=None, judged=None, values={}, order=DISCOVERED)
WORDS = {"status": {"OPEN": "open", "DONE": "filled"}, "side": {"BUY": "buy"}}


def test_a_discovered_order_is_inserted_once(bot):
    bot.execute("CREATE UNIQUE INDEX one_venue_id ON my_orders (exch_id)")
    if bot.address.startswith("postgres"):
        bot.execute("CREATE SEQUENCE numbers START 100")
        bot.execute("ALTER TABLE my_orders ALTER id SET DEFAULT nextval('numbers')")
    (result,) = bot.write(INSERT, words=WORDS)
    assert (result.outcome, result.error) == (WriteOutcome.DELIVERED, None)
    (row,) = bot.execute("SELECT bot, cid, pair, direction, size, done, avg_px, state, created FROM my_orders "
                         "WHERE exch_id = 'v-9'")  # fmt: skip
    assert tuple(row) == ("mom", "c-9", "ETH/USD", "BUY", 2.0, 2.0, 900.0, "DONE", 1763985600000)
    (again,) = bot.write(INSERT, words=WORDS)
    assert again.outcome is WriteOutcome.MOVED
    assert bot.execute("SELECT count(*) FROM my_orders WHERE exch_id = 'v-9'") == [(1,)]


def test_a_database_that_keeps_the_row_as_it_was_has_refused(bot):
    """Else the row would look repaired for good: it would be remembered as ours."""
    if bot.address.startswith("postgres"):
        bot.execute("CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN old; END'")
        bot.execute("CREATE TRIGGER keep BEFORE UPDATE ON my_orders FOR EACH ROW EXECUTE FUNCTION keep()")
    else:
        bot.execute("CREATE TRIGGER keep AFTER UPDATE ON my_orders BEGIN UPDATE my_orders SET done = old.done, "
                    "avg_px = old.avg_px WHERE id = new.id; END")  # fmt: skip
    (result,) = bot.write(write_to(bot, SEVEN))
    assert result.outcome is WriteOutcome.REFUSED
    assert "the row is as it was" in str(result.error)


@pytest.mark.parametrize(("done", "written"), [(-3.0, -7.0), (0.0, None)])
def test_the_sign_of_a_bot_that_sells_in_negative_numbers(bot, done, written):
    """Where nothing is filled yet nothing tells whether the filled quantity has the sign, too."""
    bot.execute("UPDATE my_orders SET size = -10.0, done = ?", done)
    (result,) = bot.write(write_to(bot, {"filled_qty": "7"}))
    assert bot.value("done") == (done if written is None else written)
    assert (result.outcome is WriteOutcome.REFUSED) == (written is None)


def test_a_sell_is_not_inserted_where_only_a_sign_could_say_it(bot):
    bot.execute("CREATE UNIQUE INDEX one_venue_id ON my_orders (exch_id)")
    columns = {meaning: name for meaning, name in MAPPING["orders"]["columns"].items() if meaning != "side"}
    sell = replace(INSERT, order=replace(DISCOVERED, side=Side.SELL))
    (result,) = bot.write(sell, words=WORDS, columns=columns)
    assert result.outcome is WriteOutcome.REFUSED
    assert bot.execute("SELECT count(*) FROM my_orders") == [(1,)]
