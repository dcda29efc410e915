"""A wrong mapping is found before it can do harm, and so is what a run would miss; in SQLite and in PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postgres.databases import run_as_owner
from tests.unit.books.tables.bots import Bot, postgresql_bot, sqlite_bot
from tests.unit.books.tables.desk import MAPPING, T0, order
from trueup.books.checks import BookCheck
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.tables_books import TablesBooks
from trueup.model.snapshot import Profile, VenueOrder
from trueup.model.vocabulary import Side, Status
from trueup.ports.foreign_books import BooksSettings, WriteMode
from trueup.service.clock import SystemClock


@pytest.fixture(params=["sqlite", "postgresql"])
def bot(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bot]:
    with sqlite_bot(tmp_path) if request.param == "sqlite" else postgresql_bot() as made:
        yield made


def at_venue(number: int, **changes: Any) -> VenueOrder:
    return VenueOrder(**({
        "venue_order_id": f"v-{number}", "client_order_id": f"c-{number}", "symbol": "ETH/USD", "side": Side.BUY,
        "status": Status.PARTIALLY_FILLED, "qty": "10", "limit_price": "1000",
    } | changes))  # fmt: skip


VENUE = [at_venue(number) for number in (1, 2, 3, 4)]


def check(
    bot: Bot,
    write: WriteMode = WriteMode.NEVER,
    address: str | None = None,
    kin: dict[str, Any] | None = None,
    **changes: Any,
) -> list[BookCheck]:
    tree = MAPPING | {"orders": MAPPING["orders"] | changes} | (kin or {})
    settings = BooksSettings(
        account_id="a", profiles=[Profile(profile_id="mom")], source="b", write=write, clock=SystemClock()
    )
    books = TablesBooks(settings, decode_mapping(tree, "b"), address or bot.address)
    try:
        return books.check(VENUE, complete=True)
    finally:
        books.close()


def test_what_a_person_is_to_run_names_things_as_the_database_does(bot):
    """`createdAt` without quotes is another column in PostgreSQL."""
    bot.execute('ALTER TABLE my_orders RENAME COLUMN exch_id TO "exchId"')
    told = check(bot, columns=columns(venue_order_id="exchId"))
    (advice,) = [
        str(one.next_step) for one in told if "my_orders" in one.message and "no index" in one.message
    ]
    assert 'CREATE INDEX my_orders_exchid ON my_orders ("exchId")' in advice
    bot.execute(next(one for one in advice.split("; ") if "exchId" in one).removeprefix("else "))


def test_statuses_that_the_bot_has_no_word_for_are_told_before_a_repair_needs_one(bot):
    told = check(bot, WriteMode.TABLES, words={"status": {"OPEN": "open", "DONE": "filled"}})
    lacking = [one for one in told if "no word of the bot's says" in one.message]
    assert [one.message for one in lacking] == [
        "no word of the bot's says canceled, expired, rejected: repairs that set it are refused"
    ]
    assert not [one for one in check(bot, WriteMode.TABLES) if "no word of the bot's" in one.message]


def test_a_view_of_sqlite_has_no_rights_to_be_granted(tmp_path):
    with sqlite_bot(tmp_path) as bot:
        bot.execute("CREATE VIEW shown AS SELECT * FROM my_orders")
        told = check(bot, WriteMode.TABLES, table="shown", key=["id"])
    (advice,) = [one.next_step for one in told if one.failed and "may not be written" in one.message]
    assert "a view takes no repairs" in str(advice)


def test_a_column_that_the_database_computes_cannot_be_repaired(bot):
    stored = "STORED" if bot.address.startswith("postgres") else "VIRTUAL"
    bot.execute(
        f"ALTER TABLE my_orders ADD COLUMN got double precision GENERATED ALWAYS AS (size - 1) {stored}"
    )
    told = check(bot, WriteMode.TABLES, columns=columns(filled_qty="got"))
    assert "got is computed by the database: repairs of it are refused" in failed(told)


def failed(checks: list[BookCheck]) -> list[str]:
    return [one.message for one in checks if one.failed]


def columns(**changes: str) -> dict[str, str]:
    return MAPPING["orders"]["columns"] | changes


def test_a_right_mapping_passes(bot):
    for number in (1, 2, 3, 4):
        bot.add("my_orders", **order(number))
    checks = check(bot)
    assert failed(checks) == []
    assert any("4 live orders" in one.message for one in checks)
    assert any("each with a meaning" in one.message for one in checks)


@pytest.mark.parametrize(
    ("rows", "changes", "why"),
    [
        ({}, {"columns": columns(qty="done", filled_qty="size")}, "more filled than ordered"),
        ({}, {"columns": columns(limit_price="size", qty="px")}, "average and limit differ more than ten times"),
        ({"state": "X", "done": 1.0}, {"words": {"status": {"X": "filled", "OPEN": "open"}}},
         "filled by their status, and less than ordered"),
        ({"size": 10_000.0, "done": 3_000.0}, {}, "is it in quote currency"),
        ({"exch_id": "x"}, {"columns": columns(venue_order_id="deal", client_order_id="deal"), "writable": []},
         "is another column the order id"),
        ({"pair": "BTC/EUR"}, {}, "names none of the live orders' symbols"),
    ],
)  # fmt: skip
def test_a_wrong_mapping_is_found(bot, rows, changes, why):
    for number in (1, 2, 3, 4):
        bot.add(
            "my_orders", **order(number) | rows | ({"exch_id": f"x-{number}"} if "exch_id" in rows else {})
        )
    assert any(why in one for one in failed(check(bot, **changes))), check(bot, **changes)


def test_seconds_for_milliseconds_leave_no_row_that_could_be_judged(bot):
    bot.add("my_orders", **order(1))
    checks = check(bot, times={"default": "s"})
    assert any("another unit" in one.message for one in checks)
    assert any("0 live orders" in one.message for one in checks)


def test_times_in_the_future_are_found(bot):
    bot.add("my_orders", **order(1, upd=T0 * 2))
    assert any("times in the future" in one for one in failed(check(bot)))


def test_columns_and_tables_that_are_not_there(bot):
    assert failed(check(bot, columns=columns(sub_tag="label"))) == ["my_orders has no column label"]
    assert failed(check(bot, table="none")) == ["orders: there is no table none"]


def test_a_word_without_a_meaning_is_named(bot):
    bot.add("my_orders", **order(1, state="ERLEDIGT"))
    assert any("'ERLEDIGT'" in one.message for one in check(bot))


@pytest.mark.parametrize(
    ("row", "means", "is_told"),
    [
        ({"state": "ZU", "done": 3.0}, "canceled", True),  # the venue has it live
        (
            {"state": "ZU", "done": 3.0, "exch_id": "v-9", "cid": "c-9"},
            "canceled",
            False,
        ),  # ended, and not whole
        ({"state": "ZU", "done": 10.0, "exch_id": "v-9", "cid": "c-9"}, "canceled", True),  # it filled
        ({"state": "ZU", "done": 10.0, "exch_id": "v-9", "cid": "c-9"}, "filled", False),
        ({"state": "ZU"}, "partially_filled", False),  # the venue has it so
        ({"state": "ZU", "exch_id": "v-9", "cid": "c-9"}, "partially_filled", True),  # the venue has it not
        ({"state": "CANCELED"}, "canceled", False),  # drift: everybody means that by this word
    ],
)
def test_a_word_that_no_order_confirms_is_told(bot, row, means, is_told):
    """One row alone proves no mapping wrong: it may have drifted. So it is told, and fails nothing."""
    bot.add("my_orders", **order(1))
    bot.add("my_orders", **order(2, **row))
    words = {"status": MAPPING["orders"]["words"]["status"] | {row["state"]: means}}
    found = check(bot, words=words)
    assert failed(found) == []
    told = [one.message for one in found if "no order of the venue confirms" in one.message]
    assert told == (
        [f"status words that no order of the venue confirms yet: ZU ({means})"] if is_told else []
    )


def test_a_missing_index_is_named(bot):
    assert any("no index begins with exch_id, cid, upd, deal" in one.message for one in check(bot))
    assert any("no index begins with order_row: reading scans my_fills" in one.message for one in check(bot))
    for column in ("exch_id", "cid", "upd", "deal"):
        bot.execute(f"CREATE INDEX i_{column} ON my_orders ({column})")
    bot.execute("CREATE INDEX i_fill ON my_fills (order_row)")
    bot.execute("CREATE INDEX i_deal_open ON my_deals (open)")
    assert not any("no index begins" in one.message for one in check(bot))


def test_what_a_repair_may_set(bot):
    checks = check(bot, WriteMode.TABLES, writable=["status"])
    assert any("filled_qty, filled_avg_price may not be set" in one.message for one in checks)
    assert any("not inserted (no unique key" in one.message for one in checks)


def test_repairs_that_may_set_nothing(bot):
    (told,) = [one for one in check(bot, WriteMode.TABLES, writable=[]) if one.failed]
    assert "no column may be set" in told.message
    assert (
        told.next_step == 'say writable = ["status", "filled_qty", "filled_avg_price"] in its table of orders'
    )
    assert failed(check(bot, WriteMode.NEVER, writable=[])) == []


def test_rights_on_postgresql(bot):
    if not bot.address.startswith("postgres"):
        pytest.skip("a file has no rights of columns")
    user = "trueup_rights_test"
    run_as_owner(f"DROP ROLE IF EXISTS {user}")
    run_as_owner(f"CREATE ROLE {user} LOGIN")
    address = bot.address.replace("//postgres@", f"//{user}@")
    try:
        for table in ("my_orders", "my_fills", "my_deals"):
            bot.execute(f"GRANT SELECT ON {table} TO {user}")
        bot.execute(f"GRANT UPDATE (state) ON my_orders TO {user}")
        assert any(
            "may not be written: done, avg_px" in one for one in failed(check(bot, WriteMode.TABLES, address))
        )
        assert not any("yet this user may" in one.message for one in check(bot, address=address))
        bot.execute(f"GRANT DELETE ON my_orders TO {user}")
        assert any("yet this user may DELETE" in one.message for one in check(bot, address=address))
    finally:
        bot.execute(f"DROP OWNED BY {user}")
        run_as_owner(f"DROP ROLE {user}")


KIN = {
    "fills": MAPPING["fills"] | {"writable": ["fill_id", "order", "qty", "price"]},
    "trades": MAPPING["trades"] | {"writable": ["entry_qty", "exit_qty"]},
}


def test_what_is_written_of_fills_and_trades(bot):
    bot.number_rows("my_fills")
    checks = check(bot, WriteMode.TABLES, kin=KIN)
    (unprotected,) = [
        one for one in checks if "fills are not inserted: no unique key of my_fills" in one.message
    ]
    assert str(unprotected.next_step).endswith(
        "UNIQUE INDEX my_fills_order_row_ext ON my_fills (order_row, ext)"
    )
    bot.execute(str(unprotected.next_step))
    told = [one.message for one in check(bot, WriteMode.TABLES, kin=KIN)]
    assert any("fills are inserted; trades have bought, sold set" in one for one in told)
    assert not any("fills are not inserted" in one for one in told)


def test_rights_of_fills_trades_and_inserts_on_postgresql(bot):
    if not bot.address.startswith("postgres"):
        pytest.skip("a file has no rights of columns")
    bot.number_rows("my_fills")
    bot.execute("CREATE UNIQUE INDEX one_fill ON my_fills (order_row, ext)")
    user = "trueup_kin_test"
    run_as_owner(f"DROP ROLE IF EXISTS {user}")
    run_as_owner(f"CREATE ROLE {user} LOGIN")
    address = bot.address.replace("//postgres@", f"//{user}@")
    try:
        for table in ("my_orders", "my_fills", "my_deals"):
            bot.execute(f"GRANT SELECT ON {table} TO {user}")
        bot.execute(f"GRANT UPDATE (done, avg_px, state, exch_id) ON my_orders TO {user}")
        bot.execute(f"GRANT UPDATE (bought) ON my_deals TO {user}")
        bot.execute(f"GRANT INSERT (ext, order_row, amount) ON my_fills TO {user}")
        checks = check(bot, WriteMode.TABLES, address, kin=KIN)
        steps = [str(one.next_step) for one in checks if one.failed]
        assert steps == [
            "GRANT UPDATE (sold) ON my_deals to trueup's user",
            "GRANT INSERT (price) ON my_fills to trueup's user",
        ]
        bot.execute(f"GRANT UPDATE (sold) ON my_deals TO {user}")
        bot.execute(f"GRANT INSERT (price) ON my_fills TO {user}")
        bot.execute(f"GRANT TRUNCATE ON my_deals TO {user}")
        checks = check(bot, WriteMode.TABLES, address, kin=KIN)
        assert failed(checks) == []
        assert any(
            "my_deals are only set and inserted, yet this user may TRUNCATE" in one.message for one in checks
        )
    finally:
        bot.execute(f"DROP OWNED BY {user}")
        run_as_owner(f"DROP ROLE {user}")
