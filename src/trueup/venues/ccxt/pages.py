"""Reads a span of time from a venue that answers in pages, and says honestly whether that was all of it.

Exchanges page from either end, and which one ccxt does not say. So a full page counts for nothing but the time between
its own first and last row; what lies before and behind is asked again. A page is full when the venue's own answer held
as many rows as a page takes, or a number that looks like a page. Must not know what the rows are.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any

from msgspec import Struct

Row = Mapping[str, Any]
READS_MAX = 40  # of one listing: more is a longer history than one run should read
PAGE_SIZES = frozenset({20, 25, 50, 100, 200, 250, 300, 500, 1000, 2000, 2500})  # what exchanges cut pages at
DAY_MS = 86_400_000


class Page(Struct, frozen=True, kw_only=True):
    """One answer. `held`: how many rows it held before ccxt filtered them."""

    rows: list[Any]
    held: int


class PageRules(Struct, frozen=True, kw_only=True):
    """`limit`: rows of a page, null = not known; `window_ms`: longest span of one question; `until`: spans can end."""

    limit: int | None = None
    window_ms: int | None = None
    until: bool = False

    def is_full(self, page: Page) -> bool:
        held = max(page.held, len(page.rows))
        return held in PAGE_SIZES or (self.limit is not None and held >= self.limit)


class Listing(Struct, frozen=True, kw_only=True):
    """What was read, duplicates dropped. `gap`: why it may not be all; null = it is."""

    rows: list[Any]
    gap: str | None = None


Span = tuple[int, int | None]  # from and, unless it is open, to: milliseconds


async def read_span(
    read: Callable[[int, int | None], Awaitable[Page]],
    identity: Callable[[Row], Hashable],
    rules: PageRules,
    since_ms: int,
    now_ms: int,
) -> Listing:
    """Every row from `since_ms` on, by as many reads as it takes and `READS_MAX` at most."""
    rows: dict[Hashable, Any] = {}
    pending = _windows(since_ms, now_ms, rules.window_ms)
    for _ in range(READS_MAX):
        if not pending:
            return Listing(rows=list(rows.values()))
        span = pending.pop()
        page = await read(*span)
        rows.update((identity(row), row) for row in page.rows)
        if not rules.is_full(page):
            continue
        rest = _rest(span, page.rows) if rules.until else None
        if rest is None:
            return Listing(rows=list(rows.values()), gap="a page was full and the rest cannot be asked for")
        pending += rest
    return Listing(rows=list(rows.values()), gap=f"more than {READS_MAX} pages; shorten the time it covers")


def _windows(since_ms: int, now_ms: int, window_ms: int | None) -> list[Span]:
    """Spans no longer than a window, the newest first in the list; only that one is open."""
    if window_ms is None:
        return [(since_ms, None)]
    starts = list(range(min(since_ms, now_ms), now_ms + 1, window_ms))[: READS_MAX + 1]
    spans: list[Span] = [(start, start + window_ms - 1) for start in starts]
    if spans[-1][1] is not None and spans[-1][1] >= now_ms:
        spans[-1] = (spans[-1][0], None)
    return spans[::-1]


def _rest(span: Span, rows: list[Any]) -> list[Span] | None:
    """What a full page leaves unread of its span; null where asking would only give the same page again."""
    times = [int(row["timestamp"]) for row in rows if row.get("timestamp") is not None]
    if not times:
        return None
    first, last = min(times), max(times)
    rest: list[Span] = [(span[0], first), (last, span[1])]
    return None if span in rest else rest
