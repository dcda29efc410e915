"""Mapped tables read: what is live, changed, named; in SQLite and in PostgreSQL."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from tests.unit.books.tables.desk import MAPPING, T0, mapping, order
from trueup.books.tables.database import Cells
from trueup.books.tables.find_rows import RowFinder
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.model.errors import LedgerError
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.times import from_ns
from trueup.model.vocabulary import LIVE as LIVE_STATUSES
from trueup.model.vocabulary import PositionSide, Side, Status, TradeStatus
from trueup.ports.foreign_books import ForeignRead, ForeignRow

NOON = "2025-11-24T12:00:00Z"


@pytest.fixture(params=["sqlite", "postgresql"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    with sqlite_bot(tmp_path) if request.param == "sqlite" else postgresql_bot() as made:
        yield made


def ids(read: ForeignRead) -> list[str]:
    return sorted(str(one.order.venue_order_id) for one in read.rows)


LIVE = Wanted(live=True)
NO_PROFILE = {meaning: name for meaning, name in MAPPING["orders"]["columns"].items() if meaning != "profile"}


def test_a_row_is_read_as_it_is_mapped(bot):
    bot.add("my_orders", **order(1))
    bot.add("my_fills", id=1, order_row=1, ext="F1", amount=3.0, price=1000.0, cost_fee=-0.1, at=T0)
    bot.add("my_deals", id="d-1", pair="ETH/USD", open=1, bought=3.0, sold=0.0)
    read = bot.read(LIVE)
    (one,) = read.rows
    assert one.order == LocalOrder(
        client_order_id="c-1", venue_order_id="v-1", trade_id="d-1", symbol="ETH/USD", side=Side.BUY,
        order_type="limit", qty="10", limit_price="1000", status=Status.PARTIALLY_FILLED, filled_qty="3",
        filled_avg_price="1000",
        submitted_at=NOON, last_activity_at=NOON,
    )  # fmt: skip
    assert (one.key, one.profile_id, one.changed_at) == ("1", "mom", NOON)
    assert one.fills is not None
    (fill,) = one.fills
    assert fill == Fill(
        fill_id="F1", venue_order_id="v-1", client_order_id="c-1", symbol="ETH/USD", side=Side.BUY, qty="3",
        price="1000", fee="-0.1", filled_at=NOON,
    )  # fmt: skip
    (trade,) = read.trades
    assert trade.trade == Trade(
        trade_id="d-1",
        symbol="ETH/USD",
        side=PositionSide.LONG,
        status=TradeStatus.OPEN,
        entry_qty="3",
    )
    assert read.unclear == []


def test_only_live_rows_are_read_and_those_that_were_asked_for(bot):
    bot.add("my_orders", **order(1))
    bot.add("my_orders", **order(2, state="DONE", done=10.0))
    bot.add("my_orders", **order(3, state="GONE", upd=T0 + 5_000))
    bot.add("my_orders", **order(4, state="NEW", done=None))
    assert ids(bot.read(LIVE)) == ["v-1", "v-4"]
    assert ids(bot.read(Wanted(live=True, changed_since="2025-11-24T12:00:01Z"))) == ["v-1", "v-3", "v-4"]
    assert ids(bot.read(Wanted(keys=["2"]))) == ["v-2"]
    assert ids(bot.read(Wanted(ids=["V-2", "c-3"]))) == ["v-2", "v-3"]
    assert ids(bot.read(Wanted())) == []


def test_the_fingerprint_moves_with_any_mapped_value(bot):
    bot.add("my_orders", **order(1))
    before = bot.read(LIVE).rows[0]
    assert bot.read(LIVE).rows[0] == before
    bot.execute("UPDATE my_orders SET done = 4.0")
    after = bot.read(LIVE).rows[0]
    assert after.fingerprint != before.fingerprint
    bot.add("my_fills", id=1, order_row=1, ext="F1", amount=4.0, price=1000.0, at=T0)
    assert bot.read(LIVE).rows[0].fingerprint != after.fingerprint


def test_profiles_and_where_choose_rows(bot):
    bot.add("my_orders", **order(1, bot="mom"))
    bot.add("my_orders", **order(2, bot="arb"))
    bot.add("my_orders", **order(3, bot="old"))
    assert [one.profile_id for one in bot.read(LIVE, owners=("mom", "arb")).rows] == ["mom", "arb"]
    words = {"status": {"OPEN": "open"}, "profile": {"arb": "bot-2"}}
    assert [one.profile_id for one in bot.read(LIVE, owners=("bot-2",), words=words).rows] == ["bot-2"]
    assert ids(bot.read(LIVE, owners=("mom",), where={"bot": ["old", "arb"]}, columns=NO_PROFILE)) == [
        "v-2",
        "v-3",
    ]


def test_a_row_that_says_nothing_certain_is_a_fault_with_its_ids(bot):
    bot.add("my_orders", **order(1, state="OPEN", direction="sideways"))
    bot.add("my_orders", **order(2, state="OPEN", kind=None, size=None, direction=None))
    read = bot.read(LIVE)
    assert read.rows == []
    assert [(one.key, one.venue_order_id) for one in read.unclear] == [("1", "v-1"), ("2", "v-2")]
    assert "my_orders 1: side: 'sideways'" in read.unclear[0].message


def test_names_and_values_cannot_break_out_of_a_statement(bot):
    evil = 'x"; DROP TABLE my_orders; --%s'
    quoted = (
        '"x""; DROP TABLE my_orders; --%%s"'
        if bot.address.startswith("postgres")
        else '"x""; DROP TABLE my_orders; --%s"'
    )
    bot.execute(f'CREATE TABLE {quoted} (id integer primary key, "a""b" text, st text)')
    bot.execute(f"INSERT INTO {quoted} VALUES (1, ?, 'OPEN')", "v'; --")
    tree = {"table": evil, "columns": {"venue_order_id": 'a"b', "status": "st"}, "fixed": {"side": "buy"}}
    with bot.reader(decode_mapping({"orders": tree}, "b"), ("p",)) as reader:
        assert ids(reader.read(Wanted(ids=["v'; --"]))) == ["v'; --"]
    assert bot.execute("SELECT count(*) FROM my_orders") == [(0,)]


def test_a_database_opened_for_reading_is_not_written(bot):
    bot.add("my_orders", **order(1))
    database = open_tables(bot.address)
    with pytest.raises(LedgerError), database.writing():
        database.write("DELETE FROM my_orders")
    with pytest.raises(LedgerError), database.reading():
        database.write("DELETE FROM my_orders")
    database.close()
    assert bot.value("cid") == "c-1"


def test_a_file_is_never_made(tmp_path):
    with pytest.raises(LedgerError, match="no such file"):
        open_tables(str(tmp_path / "none.db"))
    assert not (tmp_path / "none.db").exists()


def test_a_table_without_a_key_needs_one_said(bot):
    bot.execute("CREATE VIEW seen AS SELECT * FROM my_orders")
    bot.add("my_orders", **order(1))
    with pytest.raises(LedgerError, match="no primary key: say key"):
        bot.read(LIVE, table="seen")
    assert ids(bot.read(LIVE, table="seen", key=["id"])) == ["v-1"]


@pytest.mark.parametrize("wanted", [
    Wanted(live=True, changed_since="2025-11-24T12:00:01Z"),
    Wanted(keys=["1", "2"]),
    Wanted(ids=["v-1", "c-2"]),
    Wanted(trade_ids=["d-1"]),
])  # fmt: skip
def test_what_a_run_reads_is_found_by_the_bots_own_indexes(bot, wanted):
    """A million closed rows are not looked at: each statement of the read is a search, none is a scan."""
    for number in range(1, 200):
        bot.add("my_orders", **order(number, state="OPEN" if number < 3 else "DONE"))
    for column in ("upd", "exch_id", "cid", "deal"):
        bot.execute(f"CREATE INDEX i_{column} ON my_orders ({column})")
    said = []
    mapped = decode_mapping({"orders": MAPPING["orders"]}, "b")
    with bot.reader(mapped, ("mom",)) as reader:
        honest = reader.database.rows

        def heard(text, values=()):
            said.append((text, values))
            return honest(text, values)

        reader.database.rows = heard
        with reader.database.reading():
            assert reader.read(wanted).rows
        asked = [
            (text, values) for text, values in said if "my_orders" in text and " IS NOT NULL " not in text
        ]
        assert asked
        with reader.database.writing():
            for text, values in asked:
                assert not scans(bot, honest, text, values), text


def scans(bot, rows, text, values) -> list[str]:
    if not bot.address.startswith("postgres"):
        return [
            line
            for *_, line in rows(f"EXPLAIN QUERY PLAN {text}", values)
            if line.startswith("SCAN my_orders")
        ]
    rows("SELECT set_config('enable_seqscan', 'off', true)")
    return [line for (line,) in rows(f"EXPLAIN {text}", values) if "Seq Scan" in line]


LONG = "x" * 10_000_000


@pytest.mark.parametrize(
    "column",
    ["exch_id", "cid", "pair", "direction", "size", "done", "px", "kind", "state", "deal", "upd"],
)
def test_a_text_of_10_mb_is_a_fault_of_its_row_and_is_not_carried_on(tmp_path: Path, column: str):
    with sqlite_bot(tmp_path) as bot:
        bot.add("my_orders", **order(1))
        bot.add("my_orders", **order(2, **{column: LONG}))
        read = bot.read(Wanted(keys=["1", "2"]))
    assert ids(read) == ["v-1"]
    (unclear,) = read.unclear
    assert unclear.message.startswith("my_orders 2: ")
    assert len(repr(unclear)) < 3000


def test_a_text_of_10_mb_in_a_fill_and_a_column_that_nobody_mapped(tmp_path: Path):
    with sqlite_bot(tmp_path) as bot:
        bot.execute("ALTER TABLE my_orders ADD COLUMN note text")
        bot.add("my_orders", **order(1, note=LONG))
        bot.add("my_orders", **order(2))
        bot.add("my_fills", id=1, order_row=2, ext=LONG, amount=3.0, price=1000.0, at=T0)
        read = bot.read(LIVE)
    assert ids(read) == ["v-1"]
    assert [one.key for one in read.unclear] == ["2"]
    assert len(repr(read)) < 10_000


# -- a read that finds nobody wrote ---------------------------------------------------------------------------------


def live(reader: TablesReader, since: str = NOON) -> dict[str, ForeignRow]:
    with reader.database.reading():
        return {row.key: row for row in reader.read_live(since).rows}


def test_what_nobody_wrote_since_is_not_read_again(tmp_path, monkeypatch):
    with sqlite_bot(tmp_path) as bot, bot.reader(mapping(), ("mom",)) as reader:
        bot.add("my_orders", **order(1))
        first = live(reader)
        sent: list[object] = []
        select = RowFinder.rows

        def noted(*args: Any, **more: Any) -> list[Cells]:
            sent.append(args)
            return select(*args, **more)

        monkeypatch.setattr(RowFinder, "rows", noted)
        assert live(reader, "2025-11-24T12:00:10Z") == first
        assert sent == []
        live(reader, "2025-11-24T11:59:59Z")  # looks back further
        assert sent
        sent.clear()
        bot.execute("UPDATE my_deals SET sold = 1")  # changes no row, and its commit says so
        live(reader)
        assert sent == []
        bot.add("my_fills", id=1, order_row=1, ext="F1", amount=3.0, price=1000.0, at=T0)
        assert live(reader)["1"].fingerprint != first["1"].fingerprint
        assert sent


def test_a_view_says_another_thing_at_another_time(tmp_path):
    """One that counts by the clock changes though nobody writes."""
    with sqlite_bot(tmp_path) as bot:
        bot.add("my_orders", **order(1, state="OPEN"))
        bot.execute(
            "CREATE VIEW seen AS SELECT my_orders.*, julianday('now') AS now FROM my_orders WHERE julianday('now') > 0"
        )
        with bot.reader(mapping(table="seen", key=["id"]), ("mom",)) as reader, reader.database.reading():
            assert reader.database.state(["seen"]) is None
            assert reader.database.state(["my_orders", "My_Fills"]) is not None


def test_a_file_that_was_put_in_its_place_is_the_bots(tmp_path):
    (tmp_path / "restored").mkdir()
    with sqlite_bot(tmp_path) as bot, bot.reader(mapping(), ("mom",)) as reader:
        bot.add("my_orders", **order(1))
        assert live(reader).keys() == {"1"}
        with sqlite_bot(tmp_path / "restored") as restored:
            restored.add("my_orders", **order(2))
        Path(tmp_path, "bot.db-wal").unlink()
        Path(tmp_path, "bot.db-shm").unlink()
        Path(tmp_path, "restored", "bot.db").replace(tmp_path / "bot.db")
        assert live(reader).keys() == {"2"}
        with reader.database.writing():
            reader.database.write("UPDATE my_orders SET done = 4 WHERE id = 2")
        assert live(reader)["2"].order.filled_qty == "4"
        Path(tmp_path, "bot.db").unlink()
        with pytest.raises(LedgerError, match="there is no such file"):
            live(reader)


@pytest.mark.parametrize("seed", range(10))
def test_a_reader_that_has_read_before_finds_what_a_new_one_finds(bot, seed):
    """Whoever writes what; of what is recent no longer it may have more, as it stands."""
    dice, number, now_ms = random.Random(seed), 0, T0
    mapped = mapping() if dice.random() < 0.5 else decode_mapping({"orders": MAPPING["orders"]}, "b")
    with bot.reader(mapped, ("mom",)) as reader:
        for _ in range(40):
            now_ms += dice.choice((0, 1_000, 60_000))
            for _ in range(dice.choice((0, 0, 1, 3))):
                number, state = number + 1, dice.choice(("OPEN", "DONE", "odd"))
                done, one = dice.choice((1, 3, 3.5)), dice.randint(1, number)
                bot.add(
                    "my_orders",
                    **order(number, state=state, done=done, upd=now_ms, deal=f"d-{dice.randint(1, 5)}"),
                )
                bot.execute("UPDATE my_orders SET done = ?, upd = ? WHERE id = ?", done, now_ms, one)
                bot.add(
                    "my_fills", id=number, order_row=one, ext=f"F{number}", amount=1.0, price=9.0, at=now_ms
                )
                bot.execute("DELETE FROM my_deals")
                bot.add(
                    "my_deals",
                    id=f"d-{dice.randint(1, 5)}",
                    pair="ETH/USD",
                    open=dice.randint(0, 1),
                    bought=done,
                )
                bot.execute("DELETE FROM my_orders WHERE id = ?", dice.randint(1, 3 * number))
            if dice.random() < 0.2:
                with reader.database.writing():
                    reader.database.write(f"UPDATE my_orders SET done = {dice.randint(1, 9)}, upd = {now_ms}")
            since = from_ns((now_ms - 90_000) * 10**6)
            found, anew = live(reader, since), {}
            with bot.reader(mapped, ("mom",)) as other:
                anew = live(other, since)
                with other.database.reading():
                    standing = {row.key: row for row in other.read(Wanted(keys=list(found))).rows}
            assert found | anew == found == standing
            assert all(row.order.status not in LIVE_STATUSES for key, row in found.items() if key not in anew)


# -- rows as texts --------------------------------------------------------------------------------------------------


ORDERS_ALONE = decode_mapping({"orders": MAPPING["orders"]}, "b")


def test_the_cells_of_what_is_as_it_was_are_not_read_again(monkeypatch: pytest.MonkeyPatch):
    with postgresql_bot() as bot, bot.reader(ORDERS_ALONE, ("mom",)) as reader:
        for number in range(1, 10):
            bot.add("my_orders", **order(number))
        first = live(reader)
        sent: list[tuple[Any, ...]] = []
        rows = reader.database.rows

        def noted(text: str, values: Any = ()) -> list[Cells]:
            found = rows(text, values)
            sent.extend(found if "my_orders" in text else [])
            return found

        monkeypatch.setattr(reader.database, "rows", noted)
        assert live(reader) == first
        assert {len(cells) for cells in sent} == {2}  # the key and a text
        sent.clear()
        bot.execute("UPDATE my_orders SET done = 4 WHERE id = 7")
        again = live(reader)
        assert again["7"].order.filled_qty == "4"
        assert again == first | {"7": again["7"]}
        assert [cells[0] for cells in sent if len(cells) > 2] == [7]


def test_texts_of_rows_that_one_key_names():
    """Whoever says a key that is none: no row is taken for another."""
    mapped = decode_mapping({"orders": MAPPING["orders"] | {"key": ["kind"]}}, "b")
    with postgresql_bot() as bot, bot.reader(mapped, ("mom",)) as reader:
        for number in range(1, 12):
            bot.add("my_orders", **order(number, kind="LIMIT" if number < 9 else f"K{number}"))
        for done in (3, 4, 5):
            bot.execute("UPDATE my_orders SET done = ? WHERE id IN (2, 10)", done)
            with reader.database.reading():
                found = {row.order.venue_order_id: row.order.filled_qty for row in reader.read(LIVE).rows}
            assert found == {f"v-{number}": "3" for number in range(1, 12)} | {
                "v-2": str(done),
                "v-10": str(done),
            }


def test_a_view_that_says_another_thing_within_one_transaction():
    with postgresql_bot() as bot:
        bot.add("my_orders", **order(1))
        bot.execute(
            "CREATE VIEW seen AS SELECT id, bot, exch_id, random()::text AS cid, pair, direction, size, done, avg_px,"
            " px, kind, state, deal, created, upd FROM my_orders"
        )
        mapped = decode_mapping({"orders": MAPPING["orders"] | {"table": "seen", "key": ["id"]}}, "b")
        with bot.reader(mapped, ("mom",)) as reader:
            for _ in range(2):
                assert [row.order.venue_order_id for row in live(reader).values()] == ["v-1"]


def test_what_looks_alike_as_a_text_is_another_row():
    """Null and nothing, a comma in a cell and between two, quotes, a text that is a number."""
    cells = [(None, "a"), ("", "a"), ("a", None), ("a,b", "c"), ("a", "b,c"), ('"', "\\"), ("\\", '"')]
    with postgresql_bot() as bot, bot.reader(ORDERS_ALONE, ("mom",)) as reader:
        bot.add("my_orders", **order(1))
        for client_id, trade_id in cells:
            bot.execute("UPDATE my_orders SET cid = ?, deal = ?", client_id, trade_id)
            with bot.reader(ORDERS_ALONE, ("mom",)) as other:
                assert live(reader) == live(other)
