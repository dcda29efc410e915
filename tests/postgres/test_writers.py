"""What SQLite's single writer gave for nothing holds with many writers: log, keys, versions, and no lock in the way."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.patience import PATIENCE_S
from tests.postgres.databases import migrated_database
from trueup.engine.recorder.recorder import Recorder
from trueup.ledgers.postgresql import database as module
from trueup.ledgers.postgresql import open_postgresql
from trueup.model.errors import LedgerError
from trueup.model.snapshot import LocalOrder, Profile
from trueup.model.vocabulary import Side, Status

BOT = Profile(profile_id="mom-1", account_id="acc-1")
WRITERS, ORDERS = 6, 15


@pytest.fixture
def url() -> Iterator[str]:
    with migrated_database() as url:
        yield url


def new_order(name: str) -> LocalOrder:
    return LocalOrder(
        client_order_id=name, symbol="ETH/USD", side=Side.BUY, qty="1", status=Status.PENDING_NEW
    )


def at_once(*calls: Callable[[], object]) -> None:
    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result(PATIENCE_S)


def test_many_recorders_of_one_profile_make_one_log(url: str) -> None:
    """Each in a process's own ledger, and several threads of one."""
    ledgers = [open_postgresql(url) for _ in range(3)]
    bots = [Recorder(ledger, BOT) for ledger in ledgers]

    def write(number: int) -> None:
        for order in range(ORDERS):
            bots[number % 3].record_order(new_order(f"b{number}-{order}"))

    at_once(*(lambda number=number: write(number) for number in range(WRITERS)))
    report = ledgers[0].journal.verify_log(BOT.profile_id)
    assert (report.rows, report.broken) == (WRITERS * ORDERS, None)
    assert ledgers[0].fold_log(BOT.profile_id).contradictions == []
    assert len(ledgers[0].export("orders")) == WRITERS * ORDERS
    for ledger in ledgers:
        ledger.close()


def test_a_claim_does_not_wait_for_a_row_that_another_has_locked(url: str) -> None:
    ledger = open_postgresql(url)
    ledger.journal.ensure_profiles([BOT, Profile(profile_id="p-2", account_id="acc-2")])
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM trueup.leases WHERE account_id = 'acc-1' FOR UPDATE")
        turns = ledger.journal.claim_leases(["acc-1", "acc-2"], "h-1", 30, due_within_s=600)
    assert [one.lease is not None for one in turns] == [False, True]
    ledger.close()


def test_who_waits_too_long_for_a_row_says_so(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BEGIN_WRITING", module._BEGIN_WRITING.replace("'10s'", "'100ms'"))
    ledger = open_postgresql(url)
    ledger.journal.ensure_profiles([BOT])
    with psycopg.connect(url) as other:
        other.execute("SELECT 1 FROM trueup.profiles FOR UPDATE")
        with pytest.raises(LedgerError, match="kept a row locked for 10 s; nothing was written: run again"):
            ledger.journal.pause_profile(BOT.profile_id, "why")
    ledger.journal.pause_profile(BOT.profile_id, "why")
    ledger.close()


def test_a_lost_connection_costs_one_call_and_the_next_connects_again(url: str) -> None:
    ledger = open_postgresql(url)
    gate = threading.Barrier(4)

    def use() -> None:
        with ledger.database.reading():
            gate.wait(PATIENCE_S)  # four connections at once

    at_once(use, use, use, use)
    with psycopg.connect(url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(LedgerError, match="connection was lost; nothing was written: the next run connects"):
        ledger.now()
    for _ in range(5):
        ledger.now()
    ledger.close()


def test_a_bots_own_statement_between_two_writes_is_logged_as_outside(url: str) -> None:
    ledger = open_postgresql(url)
    bot = Recorder(ledger, BOT)
    bot.record_order(new_order("b-1"))
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("UPDATE trueup.orders SET sub_tag = 'mine'")
        other.execute("INSERT INTO trueup.orders (account_id, profile_id, client_order_id, side, status)"
                      " VALUES ('acc-1', 'mom-1', 'b-2', 'buy', 'pending_new')")  # fmt: skip
    bot.record_order(new_order("b-3"))
    assert [row["written_by"] for row in ledger.export("order_log")] == ["bot", "outside", "outside", "bot"]
    assert ledger.fold_log(BOT.profile_id).unlogged == []
    ledger.close()
