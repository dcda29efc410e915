"""Columns as people declare them: what they hold is found, and repairs are written in the form that they hold."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from trueup.books.keys import key_cells, row_key
from trueup.books.tables.database import RowRefused
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.open_tables import open_tables
from trueup.books.tables.read_tables import TablesReader, Wanted
from trueup.books.tables.write_rows import write_rows
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import Side, Status
from trueup.ports.foreign_books import ForeignRow, WriteBack, WriteOutcome, WriteResult

LIVE = Wanted(live=True)
COLUMNS = {
    "venue_order_id": "oid", "symbol": "sym", "side": "side", "qty": "qty", "filled_qty": "done",
    "filled_avg_price": "avg", "status": "st",
}  # fmt: skip
WRITABLE = ["status", "filled_qty", "filled_avg_price"]
CODES = {"status": {"1": "pending_new", "2": "filled"}}
WORDS = {"status": {"open": "open", "filled": "filled"}, "side": {"buy": "buy"}}
FILLED = {"status": Status.FILLED, "filled_qty": "2", "filled_avg_price": "9.5"}
FIRST, NEXT = UUID(int=0x10), UUID(int=0x11)


class Books:
    """Rows of the table `o`, read and written by a mapping."""

    def __init__(self, bot: Bot, **orders: Any) -> None:
        tree = {"table": "o", "columns": COLUMNS, "words": WORDS, "writable": WRITABLE} | orders
        self._database = open_tables(bot.address, writable=True)
        self.reader = TablesReader(self._database, decode_mapping({"orders": tree}, "b"), ["mom"])

    def rows(self, wanted: Wanted = LIVE) -> list[ForeignRow]:
        with self._database.reading():
            return list(self.reader.read(wanted).rows)

    def set(self, values: dict[str, Any]) -> WriteResult:
        (row,) = self.rows()
        return self._write(row.key, row.fingerprint, values, row.order)

    def insert(self, **order: Any) -> WriteResult:
        known = {"symbol": "A/B", "side": Side.BUY, "qty": "1", "status": Status.PENDING_NEW} | order
        return self._write(None, None, {}, LocalOrder(**known))

    def _write(
        self, key: str | None, judged: str | None, values: dict[str, Any], order: LocalOrder
    ) -> WriteResult:
        write = WriteBack(
            sequence=1, profile_id="mom", key=key, judged=judged or "", values=values, order=order
        )
        with self._database.writing():
            (result,) = write_rows(self.reader, self._database, [write])
        return result

    def close(self) -> None:
        self._database.close()


@contextmanager
def books(bot: Bot, **orders: Any) -> Iterator[Books]:
    made = Books(bot, **orders)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def server() -> Iterator[Bot]:
    with postgresql_bot() as made:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Bot]:
    with sqlite_bot(tmp_path) as made:
        yield made


def table(bot: Bot, **kinds: str) -> None:
    declared = {
        "id": "integer PRIMARY KEY", "oid": "varchar(40)", "sym": "varchar(9)", "side": "varchar(9)", "qty": "real",
        "done": "real", "avg": "real", "st": "varchar(9)",
    } | kinds  # fmt: skip
    bot.execute(f"CREATE TABLE o ({', '.join(f'{name} {kind}' for name, kind in declared.items())})")


def row(**cells: Any) -> dict[str, Any]:
    return {"id": 1, "oid": "v-1", "sym": "A/B", "side": "buy", "qty": 2.0, "done": 0.0, "st": "open"} | cells


# -- PostgreSQL ------------------------------------------------------------------------------------------------------


def test_a_padded_column_is_found_and_written_by_its_whole_text(server):
    table(server, id="char(8) PRIMARY KEY", oid="char(20)", st="char(16)")
    server.add("o", **row(id="one"))
    with books(server) as mine:
        assert [one.order.venue_order_id for one in mine.rows()] == ["v-1"]
        assert [one.order.status for one in mine.rows(Wanted(ids=["v-1"]))] == [Status.PENDING_NEW]
        assert mine.set(FILLED).outcome is WriteOutcome.DELIVERED
    assert server.execute("SELECT trim(st), done, avg FROM o") == [("filled", 2.0, 9.5)]


@pytest.mark.parametrize("kind", ["code", "numeric(2)", "real", "smallint"])
def test_codes_are_found_in_any_column_of_numbers_and_in_domains(server, kind):
    server.execute("CREATE DOMAIN small AS smallint CHECK (value < 9)")
    server.execute("CREATE DOMAIN code AS small")
    table(server, st=kind)
    server.add("o", **row(st=1))
    with books(server, words=CODES) as mine:
        assert [one.order.status for one in mine.rows()] == [Status.PENDING_NEW]
        assert mine.set(FILLED).outcome is WriteOutcome.DELIVERED
    assert server.execute("SELECT st::integer FROM o") == [(2,)]


def test_a_time_with_a_zone_is_written_as_that_moment_whatever_the_session_says(server):
    """The tests' server lives in New York: a time without a zone would be another moment there."""
    table(server, made="timestamp", seen="timestamptz")
    server.add("o", **row(made="2025-11-24 12:00", seen="2025-11-24T12:00:00Z"))
    columns = COLUMNS | {"submitted_at": "made", "venue_updated_at": "seen"}
    times = {"default": "UTC"}
    with books(server, columns=columns, times=times, writable=[*WRITABLE, "venue_updated_at"]) as mine:
        assert mine.set({"venue_updated_at": "2025-11-24T13:30:00Z"}).outcome is WriteOutcome.DELIVERED
    ((seen,),) = server.execute("SELECT seen FROM o")
    assert seen == dt.datetime(2025, 11, 24, 13, 30, tzinfo=dt.UTC)


def test_rows_that_changed_are_found_beside_a_unit_that_is_not_theirs(server):
    table(server, made="bigint", upd="timestamptz")
    server.add("o", **row(st="filled", done=2.0, made=1_763_985_600_000, upd="2025-11-24T12:00:00Z"))
    columns = COLUMNS | {"submitted_at": "made", "last_activity_at": "upd"}
    with books(server, columns=columns, times={"default": "ms"}) as mine:
        assert len(mine.rows(Wanted(changed_since="2025-11-24T11:59:00Z"))) == 1
        assert mine.rows(Wanted(changed_since="2025-11-24T12:01:00Z")) == []


@pytest.mark.parametrize(
    "body", ["RAISE EXCEPTION 'mine' USING ERRCODE = 'BT001'", "PERFORM * FROM no_such_table"]
)
def test_what_a_trigger_refuses_in_words_of_its_own_is_refused_for_good(server, body):
    table(server)
    server.add("o", **row())
    server.execute(
        f"CREATE FUNCTION mine() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN new; END $$"
    )
    server.execute("CREATE TRIGGER mine BEFORE UPDATE ON o FOR EACH ROW EXECUTE FUNCTION mine()")
    with books(server) as mine:
        assert mine.set(FILLED).outcome is WriteOutcome.REFUSED


def test_a_right_that_is_missing_is_named_with_what_to_do(server):
    table(server)
    server.add("o", **row())
    with books(server) as mine:
        mine.reader.database.write("SET ROLE pg_monitor")
        with pytest.raises(RowRefused, match="grant it to the user"):
            mine.reader.database.write("UPDATE o SET st = 'filled'")


def test_an_empty_table_has_no_row_that_changed(server):
    table(server, upd="bigint")
    with books(server, columns=COLUMNS | {"last_activity_at": "upd"}) as mine:
        assert mine.rows(Wanted(live=True, changed_since="2025-11-24T11:59:00Z")) == []


def test_a_point_in_the_name_of_a_column_is_part_of_it(server):
    table(server, **{'"info.st"': "varchar(9)"})
    server.add("o", **row(**{'"info.st"': "open"}))
    with books(server, columns=COLUMNS | {"status": "info.st"}) as mine:
        assert mine.set(FILLED).outcome is WriteOutcome.DELIVERED
    assert server.execute('SELECT "info.st" FROM o') == [("filled",)]


# -- SQLite ----------------------------------------------------------------------------------------------------------


def test_columns_without_a_type_keep_numbers_as_numbers(file):
    """`3` and `'3'` are two values there: neither is missed, and the bot's arithmetic meets none of our texts."""
    file.execute("CREATE TABLE o (id, oid, sym, side, qty, done, avg, st)")
    file.add("o", **row(oid=71, st=1))
    file.add("o", **row(id=2, oid=72, qty=1.0, done=1.0, avg=8.5, st=2))
    with books(file, words=CODES, key=["id"]) as mine:
        assert [one.order.venue_order_id for one in mine.rows()] == ["71"]
        assert len(mine.rows(Wanted(ids=["72"]))) == 1
        assert mine.set(FILLED).outcome is WriteOutcome.DELIVERED
    found = file.execute("SELECT done, avg, st, typeof(st), typeof(avg) FROM o WHERE id = 1")
    assert found == [(2.0, 9.5, 2, "integer", "real")]


def test_what_a_person_mends_in_the_mapping_is_read_anew_from_rows_that_did_not_move(file):
    """Else a word, a unit or a zone that was wrong once would stay so, in a mirror of rows that never change."""
    table(file, made="varchar(20)")
    file.add("o", **row(made="2025-11-24 12:00"))
    columns = COLUMNS | {"submitted_at": "made"}
    prints = set()
    for changed in (
        {"times": {"default": "UTC"}},
        {"times": {"default": "America/New_York"}},
        {"times": {"default": "UTC"}, "words": {"status": {"open": "canceled"}}},
        {"times": {"default": "UTC"}, "fixed": {"sub_tag": "x"}},
    ):
        with books(file, columns=columns, **changed) as mine:
            prints |= {one.fingerprint for one in mine.rows(Wanted(ids=["v-1"]))}
        with books(file, columns=columns, **changed) as again:
            assert {one.fingerprint for one in again.rows(Wanted(ids=["v-1"]))} <= prints
    assert len(prints) == 4


# -- both ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    with sqlite_bot(tmp_path) if request.param == "sqlite" else postgresql_bot() as made:
        yield made


def test_uuids_that_are_stored_as_bytes_are_found_and_never_doubled(bot):
    raw = "bytea" if bot.address.startswith("postgres") else "BLOB"
    table(bot, id=f"{raw} PRIMARY KEY", oid=f"{raw} UNIQUE")
    bot.add("o", **row(id=FIRST.bytes, oid=FIRST.bytes))
    with books(bot, columns=COLUMNS | {"client_order_id": "id"}) as mine:
        assert [one.order.venue_order_id for one in mine.rows(Wanted(ids=[str(FIRST)]))] == [str(FIRST)]
        (known,) = mine.rows()
        assert [one.key for one in mine.rows(Wanted(keys=[known.key]))] == [known.key]
        assert mine.insert(venue_order_id=str(FIRST)).outcome is WriteOutcome.MOVED
        assert mine.set(FILLED).outcome is WriteOutcome.DELIVERED
        made = mine.insert(venue_order_id=str(NEXT), client_order_id=str(NEXT))
        assert (made.outcome, made.error) == (WriteOutcome.DELIVERED, None)
        refused = mine.insert(venue_order_id="v-9", client_order_id=str(UUID(int=9)))
        assert "v-9 is no UUID" in str(refused.error)
    found = bot.execute("SELECT id, oid, st FROM o ORDER BY oid")
    assert [(bytes(key), bytes(oid), st) for key, oid, st in found] == [
        (FIRST.bytes, FIRST.bytes, "filled"),
        (NEXT.bytes, NEXT.bytes, "open"),
    ]


def test_a_key_with_a_time_is_one_whatever_zone_a_session_has():
    there = dt.timezone(dt.timedelta(hours=-5))
    noon = dt.datetime(2025, 11, 24, 12, tzinfo=dt.UTC)
    assert row_key(("a", noon.astimezone(there))) == row_key(("a", noon))


@pytest.mark.parametrize("cells", [(7,), ("7",), (FIRST.bytes,), ("a", b"\x00\xff", 3)])
def test_a_key_is_itself_again(cells):
    assert key_cells(row_key(cells)) == cells


def test_what_the_database_computes_is_refused_for_good(bot):
    stored = "STORED" if bot.address.startswith("postgres") else ""
    table(bot, rest="real", done=f"real GENERATED ALWAYS AS (qty - rest) {stored}")
    cells = row(rest=2.0)
    del cells["done"]
    bot.add("o", **cells)
    with books(bot) as mine:
        assert mine.set(FILLED).outcome is WriteOutcome.REFUSED
    assert bot.execute("SELECT st FROM o") == [("open",)]


# -- names, as the bot's rows have them -------------------------------------------------------------------------------


def names(bot: Bot, spelled: list[str]) -> None:
    bot.execute("CREATE UNIQUE INDEX one ON o (oid)")
    for number, symbol in enumerate(spelled, 1):
        bot.add("o", **row(id=number, oid=f"v-{number}", sym=symbol, st="filled"))


@pytest.mark.parametrize(
    ("spelled", "written"),
    [
        ([], "BTC/USD"),
        (["BTCUSD"], "BTCUSD"),
        (["btc-usd", "BTC/USD"], "BTC/USD"),
        (["ETH/USD"], "BTC/USD"),
    ],
)
def test_an_inserted_symbol_is_spelled_as_the_bot_spells_it(file, spelled, written):
    table(file)
    names(file, spelled)
    with books(file) as mine:
        made = mine.insert(venue_order_id="v-9", symbol="BTC/USD")
    assert (made.outcome, made.error) == (WriteOutcome.DELIVERED, None)
    assert file.execute("SELECT sym FROM o WHERE oid = 'v-9'") == [(written,)]


@pytest.mark.parametrize("spelled", [["ETHUSD"], ["eth/usd"], ["btcusd", "btc-usd"]])
def test_a_symbol_that_the_bot_may_spell_otherwise_is_not_inserted(file, spelled):
    table(file)
    names(file, spelled)
    with books(file) as mine:
        made = mine.insert(venue_order_id="v-9", symbol="BTC/USD")
    assert made.outcome is WriteOutcome.REFUSED
    assert "how does the bot write symbol BTC/USD?" in str(made.error)


@pytest.mark.parametrize(("said", "written"), [("LIMIT", "LIMIT"), ("Limit", "Limit"), ("LMT", None)])
def test_an_inserted_order_type_is_the_bots_own_word(file, said, written):
    table(file, kind="varchar(9)")
    file.execute("CREATE UNIQUE INDEX one ON o (oid)")
    file.add("o", **row(kind=said))
    with books(file, columns=COLUMNS | {"order_type": "kind"}) as mine:
        made = mine.insert(venue_order_id="v-9", order_type="limit")
    assert (made.outcome is WriteOutcome.DELIVERED) is (written is not None)
    found = file.execute("SELECT kind FROM o WHERE oid = 'v-9'")
    assert found == ([] if written is None else [(written,)])
