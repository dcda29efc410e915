"""On both ledgers: what asks for `database` runs on a SQLite file, and in a PostgreSQL database of its own.

What does not is about a file (that is lost or damaged), has no ledger at all, is about a bot's own tables beside a
mirror whose suite `testing/ledgers` runs on both, or races and crashes, which `tests/postgres/trials.py` does there.
"""

from collections.abc import Iterator

import pytest

from tests.acceptance.database import VARIABLE
from tests.postgres.databases import migrated_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if request.param == "sqlite":
        yield
        return
    with migrated_database() as url:
        monkeypatch.setenv(VARIABLE, url)
        yield
