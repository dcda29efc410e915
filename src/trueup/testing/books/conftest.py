"""Runs each test on every kind of books that `trueup_books` names; each on empty tables of its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from trueup.testing.books.bench import Bench
from trueup.testing.plugin import parametrize


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "make_bench", "trueup_books")


@pytest.fixture
def bench(make_bench: Any, tmp_path: Path) -> Iterator[Bench]:
    with make_bench(tmp_path) as bench:
        yield bench
