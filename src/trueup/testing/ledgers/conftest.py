"""Runs each test on every ledger that `trueup_ledgers` names; each on an empty database of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trueup.testing.ledgers.bench import Bench
from trueup.testing.ledgers.store import SteppedClock, Store
from trueup.testing.plugin import parametrize


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "make_store", "trueup_ledgers")


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def store(make_store: Any, tmp_path: Path) -> Iterator[Store]:
    with make_store(tmp_path) as store:
        yield store


@pytest.fixture
def bench(store: Store, clock: SteppedClock) -> Iterator[Bench]:
    bench = Bench(store, clock)
    yield bench
    bench.ledger.close()
