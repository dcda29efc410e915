"""When a person is not to be disturbed, and when a day's digest is due: times of day in the person's own zone.

Decides how a time of day falls where clocks are put forward or back: a time that does not exist is taken as the moment
that the clocks show then (Python's own reading), one that exists twice as the first.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from msgspec import Struct

from trueup.model.times import NS_PER_S
from trueup.model.vocabulary import Severity

_RANKS = {Severity.INFO: 0, Severity.WARN: 1, Severity.ERROR: 2}


def is_at_least(severity: Severity, least: Severity) -> bool:
    return _RANKS[severity] >= _RANKS[least]


class QuietHours(Struct, frozen=True, kw_only=True):
    """From one time of day to another, over midnight where that is earlier. `pierced_by`: null = nothing does."""

    begin: dt.time
    end: dt.time
    zone: ZoneInfo
    pierced_by: Severity | None = Severity.ERROR

    def held_until_ns(self, severity: Severity, now_ns: int) -> int:
        """When it may be told: now, or when these hours end."""
        if self.pierced_by is not None and is_at_least(severity, self.pierced_by):
            return now_ns
        local = _local(now_ns, self.zone)
        now = local.time()
        over_midnight = self.end <= self.begin
        is_quiet = (now >= self.begin or now < self.end) if over_midnight else (self.begin <= now < self.end)
        if not is_quiet:
            return now_ns
        day = local.date() + dt.timedelta(days=1 if now >= self.end else 0)
        return max(now_ns, _ns(dt.datetime.combine(day, self.end, self.zone)))


def last_due_ns(at: dt.time, zone: ZoneInfo, now_ns: int) -> int:
    """The last moment, not after now, at which the clocks of that zone showed this time of day."""
    today = _local(now_ns, zone).date()
    due = [_ns(dt.datetime.combine(today - dt.timedelta(days=back), at, zone)) for back in (0, 1, 2)]
    return max(one for one in due if one <= now_ns)


def _local(now_ns: int, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.fromtimestamp(now_ns // NS_PER_S, zone)


def _ns(moment: dt.datetime) -> int:
    return int(moment.timestamp()) * NS_PER_S
