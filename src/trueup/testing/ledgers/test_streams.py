"""Rows one by one are the same rows; and a schema that became newer stops whoever renews a lease."""

import pytest

from trueup.model.errors import LedgerError, RestartNeeded
from trueup.testing.ledgers.bench import ACCOUNT, Bench


def test_streamed_rows_are_the_rows(bench: Bench) -> None:
    for number in range(1, 4):
        bench.record_order(str(number))
    database = bench.ledger.database
    with database.reading():
        streamed = list(database.stream("export_orders", None))
    assert streamed == database.rows("export_orders", None)
    assert len(streamed) == 3


def test_whole_is_whole(bench: Bench) -> None:
    bench.record_order()
    assert bench.ledger.find_damage(quick=True) == []
    assert bench.ledger.find_damage(quick=False) == []


def test_a_newer_schema_stops_whoever_takes_or_renews_a_lease(bench: Bench) -> None:
    lease = bench.lease()
    bench.store.make_schema_newer()
    with pytest.raises(RestartNeeded, match="start the newer trueup"):
        bench.ledger.journal.renew_lease(lease, 30)
    with pytest.raises(RestartNeeded):
        bench.ledger.journal.acquire_lease(ACCOUNT, "h-2", 30)
    assert issubclass(RestartNeeded, LedgerError)
