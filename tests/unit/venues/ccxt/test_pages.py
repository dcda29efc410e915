"""Reading a span: complete only where every row was read, whichever end the venue pages from."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.venues.ccxt.pages import READS_MAX, Listing, Page, PageRules, read_span

NOW_MS = 10_000


class Server:
    """Rows at given times; pages of `limit` rows, the oldest or the newest first."""

    def __init__(self, times: list[int], limit: int, *, newest_first: bool, heeds_until: bool = True) -> None:
        self.rows = [{"id": str(index), "timestamp": time} for index, time in enumerate(sorted(times))]
        self.limit, self.newest_first, self.heeds_until = limit, newest_first, heeds_until
        self.reads = 0

    async def read(self, since_ms: int, until_ms: int | None) -> Page:
        self.reads += 1
        end = until_ms if until_ms is not None and self.heeds_until else NOW_MS
        rows: list[Any] = [row for row in self.rows if since_ms <= int(str(row["timestamp"])) <= end]
        page = rows[-self.limit :] if self.newest_first else rows[: self.limit]
        return Page(rows=page, held=len(page))


def run(server: Server, rules: PageRules, since_ms: int = 0) -> Listing:
    return asyncio.run(read_span(server.read, lambda row: row["id"], rules, since_ms, NOW_MS))


@given(
    times=st.lists(st.integers(0, NOW_MS), max_size=60),
    limit=st.integers(2, 9),
    newest_first=st.booleans(),
    heeds_until=st.booleans(),
    window_ms=st.sampled_from([None, 700, 5000]),
    until=st.booleans(),
)
def test_complete_means_all(
    times: list[int], limit: int, newest_first: bool, heeds_until: bool, window_ms: int | None, until: bool
) -> None:
    server = Server(times, limit, newest_first=newest_first, heeds_until=heeds_until)
    listing = run(server, PageRules(limit=limit, window_ms=window_ms, until=until))
    assert len({row["id"] for row in listing.rows}) == len(listing.rows)
    assert server.reads <= READS_MAX
    if listing.gap is None:
        assert len(listing.rows) == len(times)


@pytest.mark.parametrize("newest_first", [False, True])
def test_several_pages_are_read_to_the_end(newest_first: bool) -> None:
    server = Server(list(range(0, 2300, 100)), 5, newest_first=newest_first)
    listing = run(server, PageRules(limit=5, until=True))
    assert (len(listing.rows), listing.gap) == (23, None)


def test_a_full_page_without_until_is_not_complete() -> None:
    listing = run(Server([1, 2, 3], 2, newest_first=False), PageRules(limit=2))
    assert listing.gap is not None


def test_a_page_of_one_moment_is_not_complete() -> None:
    listing = run(Server([5, 5, 5], 2, newest_first=False), PageRules(limit=2, until=True))
    assert listing.gap is not None


def test_what_looks_like_a_page_counts_as_full() -> None:
    rules = PageRules()
    assert rules.is_full(Page(rows=[], held=100))
    assert not rules.is_full(Page(rows=[], held=101))


def test_windows_cover_the_whole_span() -> None:
    server = Server([0, 999, 1000, 5000, NOW_MS], 50, newest_first=False)
    listing = run(server, PageRules(limit=50, window_ms=1000, until=True))
    assert (len(listing.rows), listing.gap, server.reads) == (5, None, 11)


def test_too_long_a_span_is_bounded_and_said() -> None:
    server = Server([], 50, newest_first=False)
    listing = run(server, PageRules(limit=50, window_ms=10, until=True))
    assert listing.gap is not None
    assert server.reads == READS_MAX
