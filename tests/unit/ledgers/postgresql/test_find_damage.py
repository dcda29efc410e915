"""What a PostgreSQL schema lacks is named; what somebody added to it is no damage."""

from contextlib import closing

import psycopg
import pytest

from tests.postgres.databases import migrated_database
from trueup.ledgers.postgresql import open_postgresql


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DROP TRIGGER trades_version ON trueup.trades", ["the trigger trades_version is missing"]),
        (
            "ALTER TABLE trueup.orders DISABLE TRIGGER orders_version",
            ["the trigger orders_version is switched off"],
        ),
        ("DROP INDEX trueup.orders_live", ["the index orders_live is missing"]),
        ("DROP TABLE trueup.watermarks", ["the table watermarks is missing"]),
        (
            """CREATE TABLE trueup.mine (x int); CREATE INDEX mine_too ON trueup.orders (sub_tag);
            ALTER TABLE trueup.orders ADD COLUMN note text""",
            [],
        ),
    ],
)
@pytest.mark.parametrize("quick", [True, False])
def test_a_part_that_is_gone_is_named(statement: str, said: list[str], quick: bool) -> None:
    with migrated_database() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)
        with closing(open_postgresql(url)) as ledger:
            assert ledger.find_damage(quick=quick) == said


def test_a_new_schema_is_whole_and_a_lease_below_its_first_epoch_is_not() -> None:
    with migrated_database() as url:
        with closing(open_postgresql(url)) as ledger:
            assert ledger.find_damage(quick=False) == []
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("INSERT INTO trueup.accounts (account_id) VALUES ('a')")
            connection.execute(
                "INSERT INTO trueup.leases (account_id, epoch, ttl_s, expires_at)"
                " VALUES ('a', -1, 60, '2026-11-23T12:00:00.000000000Z')"
            )
        with closing(open_postgresql(url)) as ledger:
            (line,) = ledger.find_damage(quick=False)
            assert line.startswith("a lease: the epoch of a is -1; ")
