"""Listings made into values, with what is missing of them said.

A row that cannot be read is left out, named, and leaves its listing partial. Must not know what a row means.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec import Struct

from trueup.model.errors import VenueError
from trueup.model.vocabulary import ReadState
from trueup.venues.ccxt.pages import Listing

FAULTS_SHOWN_MAX = 3


class Span(Struct, frozen=True):
    """A time in milliseconds, and now."""

    since_ms: int | None
    now_ms: int


class Reader:
    """Collects what several listings of one read hold."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.gaps: list[str] = []
        self.answered = False
        self.failure: VenueError | None = None

    def fail(self, what: str, error: VenueError) -> None:
        self.failure = self.failure or error
        self.gaps.append(f"{what}: {type(error).__name__}: {error}")

    def add(self, listing: Listing, read: Callable[[Mapping[str, Any]], Any], *gaps: str | None) -> None:
        self.answered = self.answered or bool(listing.rows) or listing.gap is None
        for row in listing.rows:
            try:
                self.values.append(read(row))
            except ValueError as fault:
                self.gaps.append(f"left out: {fault}")
        self.gaps += [gap for gap in (listing.gap, *gaps) if gap is not None]

    @property
    def state(self) -> ReadState:
        return ReadState.PARTIAL if self.gaps else ReadState.COMPLETE

    @property
    def error(self) -> str | None:
        return _shown(self.gaps)


def _shown(gaps: Iterable[str]) -> str | None:
    distinct = list(dict.fromkeys(gaps))
    more = f"; and {len(distinct) - FAULTS_SHOWN_MAX} more" if len(distinct) > FAULTS_SHOWN_MAX else ""
    return ("; ".join(distinct[:FAULTS_SHOWN_MAX]) + more) or None
