"""How much drifted, by profile and day: every break counts on the day it was first seen, whatever became of it."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from msgspec import Struct

from trueup.model.vocabulary import Severity
from trueup.ports.records import BreakRecord

DAYS_SHOWN = 35


class DriftDays(Struct, frozen=True, kw_only=True):
    """`days`: dates, oldest first; `counts`: by profile id, as many figures as there are days."""

    days: list[str]
    counts: dict[str, list[int]]

    @property
    def totals(self) -> list[int]:
        return [sum(column) for column in zip(*self.counts.values(), strict=True)] or [0] * len(self.days)

    @property
    def largest(self) -> int:
        return max((count for row in self.counts.values() for count in row), default=0)


def drift_by_day(records: Iterable[BreakRecord], profile_ids: Iterable[str], days: list[str]) -> DriftDays:
    """Breaks above info, of `days` only."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for one in records:
        if one.found.severity is not Severity.INFO:
            found[one.profile_id][one.first_seen_at[:10]] += 1
    return DriftDays(
        days=days, counts={profile: [found[profile][day] for day in days] for profile in profile_ids}
    )
