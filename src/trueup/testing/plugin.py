"""Which venues, books and ledgers the suites run on, and a paper venue for a bot's own tests: what pytest is told.

Each option is a list of `name = module:function`; what the function returns stands in the `bench.py` or `store.py` of
the suite.
"""

from collections.abc import Callable
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from trueup.testing.paper import PaperDesk

BENCHES = {
    "trueup_venues": "venues under test: `name = module:function`, an async context manager `() -> Bench`",
    "trueup_books": "books under test: `name = module:function`, a context manager `(folder) -> Bench`",
    "trueup_ledgers": "ledgers under test: `name = module:function`, a context manager `(folder) -> Store`",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    for option, help_ in BENCHES.items():
        parser.addini(option, help_, type="linelist", default=[])


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than a few seconds; leave out with -m 'not slow'")


def parametrize(metafunc: pytest.Metafunc, fixture: str, option: str) -> None:
    """Each test of the suite once for everything that `option` names; a suite without any is skipped and says so."""
    if fixture in metafunc.fixturenames:
        given = dict(_named(line, option) for line in metafunc.config.getini(option))
        nothing = pytest.param(
            None, id="nothing", marks=pytest.mark.skip(f"the option {option} names nothing to test")
        )
        metafunc.parametrize(
            fixture, [pytest.param(given[name], id=name) for name in sorted(given)] or [nothing]
        )


def _named(line: str, option: str) -> tuple[str, Callable[..., Any]]:
    name, equals, place = (part.strip() for part in line.partition("="))
    if not equals or ":" not in place:
        raise pytest.UsageError(f"{option}: {line!r} is not `name = module:function`")
    try:
        return name, resolve_name(place)
    except (ImportError, AttributeError) as fault:
        raise pytest.UsageError(f"{option}: {place} is not there: {fault}") from fault


@pytest.fixture
def paper_venue() -> "PaperDesk":
    """An account at a simulated exchange in this process; its clock stands until the test moves it: `PaperDesk`."""
    from trueup.testing.paper import PaperDesk  # not for every start of pytest

    return PaperDesk()
