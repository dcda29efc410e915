"""Every test here runs on every kind of ledger: another database joins `STORES` and changes no test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.ledgers.bench import Bench
from tests.contract.ledgers.stores import STORES, SteppedClock, Store


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(params=sorted(STORES))
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with STORES[request.param](tmp_path) as store:
        yield store


@pytest.fixture
def bench(store: Store, clock: SteppedClock) -> Iterator[Bench]:
    bench = Bench(store, clock)
    yield bench
    bench.ledger.close()
