"""How every profile stands, on two axes that are never mixed: whether its books are in sync, and whether trueup works.

Decides: a profile whose last complete run is older than the objective, or that is paused, is *unknown*, whatever its
breaks say, for nobody has looked; an open break above info is *drifted*, and so is a repair that the bot's own rows do
not have yet; else it is in sync.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from heapq import nsmallest

import msgspec
from msgspec import Struct

from trueup.engine.holder import holder_name
from trueup.ledgers.sql.database import read_document
from trueup.model.at_stake import at_stake, subject_of, sum_at_stake
from trueup.model.money import total
from trueup.model.plan import Break
from trueup.model.snapshot import Profile
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import Severity
from trueup.ports.ledger import Ledger
from trueup.ports.records import AlertRecord, LeaseState, ProfileState, RunRecord, WaitingCounts

RUNS_SHOWN = 8
WORST_SHOWN = 5
FIGURES_KEPT = 100_000
_BREAK = msgspec.json.Decoder(Break)


class Sync(StrEnum):
    """Whether the books equal the venue's, as far as the last complete run saw."""

    IN_SYNC = "in_sync"
    DRIFTED = "drifted"
    UNKNOWN = "unknown"


class Standing(StrEnum):
    """Whether trueup does its work for the profile."""

    OK = "ok"
    LATE = "late"
    NEVER = "never"  # no run has been complete yet
    PAUSED = "paused"


class ProfileView(Struct, frozen=True, kw_only=True):
    """One profile. `age_s`: of its last complete run, null where there was none; `at_stake`: of its open breaks, in
    quote currencies added up as they stand; `unpriced`: breaks above info that say no amount; `repairs_unwritten`: they
    are committed, and the bot's own rows do not have them yet.
    """

    profile_id: str
    account_id: str | None
    venue: str | None
    sync: Sync
    health: Standing
    paused: bool
    pause_reason: str | None
    last_good_run_at: str | None
    age_s: float | None
    open_breaks: dict[str, int]
    deferred: int
    notifications_waiting: int
    notifications_parked: int
    repairs_unwritten: int
    at_stake: str | None
    unpriced: int


class AccountView(Struct, frozen=True, kw_only=True):
    """Who works on an account. `worked_by`: the machine and process that ran it last; `is_held`: it does right now.

    `late_s`: how long it has been due and nobody has begun; 0: it is not due, or runs. `failures`: runs in a row that
    could judge nothing, for which it is asked less and less often: since when, and why the last one could not.
    """

    account_id: str
    worked_by: str | None
    is_held: bool
    next_due_at: str | None
    late_s: float
    failures: int = 0
    failing_since: str | None = None
    failing_for_s: float = 0.0
    failure: str | None = None


class WorstBreak(Struct, frozen=True, kw_only=True):
    """One of the open breaks that need a person most. `at_stake`: null where it says no amount."""

    profile_id: str
    found: Break
    at_stake: str | None


class Overview(Struct, frozen=True, kw_only=True):
    """All profiles, those that need a person first; who works on their accounts; alerts that stand; the newest runs.

    `worst`: a few of the open breaks above info: errors first, then by the money at stake.
    """

    now: str
    profiles: list[ProfileView]
    worst: list[WorstBreak]
    accounts: list[AccountView]
    alerts: list[AlertRecord]
    runs: list[RunRecord]

    @property
    def sync_counts(self) -> dict[str, int]:
        """Drift first: it is looked for at night."""
        counts = Counter(one.sync.value for one in self.profiles)
        return {state.value: counts[state.value] for state in (Sync.DRIFTED, Sync.UNKNOWN, Sync.IN_SYNC)}

    @property
    def at_stake(self) -> str | None:
        amounts = [Decimal(one.at_stake) for one in self.profiles if one.at_stake is not None]
        return format(total(amounts), "f") if amounts else None

    @property
    def unpriced(self) -> int:
        return sum(one.unpriced for one in self.profiles)

    @property
    def oldest_age_s(self) -> float | None:
        """Of the profile that waits longest; null where one has never had a complete run."""
        ages = [one.age_s for one in self.profiles if not one.paused]
        return None if None in ages else max((age for age in ages if age is not None), default=None)


def read_overview(ledger: Ledger, objective_s: float, profile_id: str | None = None) -> Overview:
    """Six set-based reads, however many profiles there are. `objective_s`: how old a ready profile's run may be.

    `profile_id`: of this one alone; null: of all.
    """
    journal = ledger.journal
    profiles = [one for one in journal.list_profiles() if profile_id in (None, one.profile_id)]
    theirs = {one.account_id for one in profiles}
    now = ledger.now()
    leases = journal.lease_states()
    open_texts = journal.open_break_texts(profile_id)
    read = _Read(
        now_ns=to_ns(now),
        objective_s=objective_s,
        states=journal.profile_states([one.profile_id for one in profiles]),
        completed={key: at for lease in leases for key, at in lease.completed.items()},
        waiting=journal.count_waiting(),
        breaks=_by_profile(open_texts),
    )
    views = [_profile_view(one, read) for one in profiles]
    return Overview(
        now=now,
        profiles=sorted(views, key=_urgency),
        worst=_worst(open_texts),
        accounts=[account_view(one, read.now_ns) for one in leases if one.account_id in theirs],
        alerts=[one for one in journal.list_alerts(profile_id) if one.stands and not one.is_of_break],
        runs=journal.list_runs(profile_id, RUNS_SHOWN),
    )


def account_view(lease: LeaseState, now_ns: int) -> AccountView:
    """A lease whose time is over is held by nobody."""
    is_held = lease.holder is not None and to_ns(lease.expires_at) > now_ns
    due_at = lease.next_due_at
    late_ns = 0 if is_held or due_at is None else max(0, now_ns - to_ns(due_at))
    since_ns = now_ns if lease.failing_since is None else to_ns(lease.failing_since)
    return AccountView(
        account_id=lease.account_id,
        worked_by=None if lease.last_holder is None else holder_name(lease.last_holder),
        is_held=is_held,
        next_due_at=due_at,
        late_s=late_ns / NS_PER_S,
        failures=lease.failures,
        failing_since=lease.failing_since,
        failing_for_s=max(0, now_ns - since_ns) / NS_PER_S,
        failure=lease.failure,
    )


class _Figures(Struct, frozen=True, gc=False):
    """What is counted of one open break. `at_stake`: null where it says no amount; `subject`: whose money it is."""

    severity: Severity
    at_stake: Decimal | None
    subject: str | None


class _Read(Struct, frozen=True, kw_only=True):
    """What the profiles are judged from."""

    now_ns: int
    objective_s: float
    states: Mapping[str, ProfileState]
    completed: Mapping[str, str]
    waiting: Mapping[str, WaitingCounts]
    breaks: Mapping[str, list[_Figures]]


def _profile_view(profile: Profile, read: _Read) -> ProfileView:
    profile_id = profile.profile_id
    state = read.states.get(profile_id, ProfileState())
    completed_at = read.completed.get(profile_id)
    age_s = None if completed_at is None else (read.now_ns - to_ns(completed_at)) / NS_PER_S
    found = read.breaks.get(profile_id, [])
    waiting = read.waiting.get(profile_id, WaitingCounts())
    drift = [(one.subject, one.at_stake) for one in found if one.severity is not Severity.INFO]
    known, unpriced = sum_at_stake(drift)
    standing = _standing(state, age_s, read.objective_s)
    return ProfileView(
        profile_id=profile_id,
        account_id=profile.account_id,
        venue=profile.venue,
        sync=_sync(standing, drifted=bool(drift or waiting.unwritten)),
        health=standing,
        paused=state.paused,
        pause_reason=state.pause_reason,
        last_good_run_at=completed_at,
        age_s=age_s,
        open_breaks=dict(Counter(one.severity.value for one in found)),
        deferred=waiting.deferred,
        notifications_waiting=waiting.waiting,
        notifications_parked=waiting.parked,
        repairs_unwritten=waiting.unwritten,
        at_stake=None if known is None else format(known, "f"),
        unpriced=unpriced,
    )


def _standing(state: ProfileState, age_s: float | None, objective_s: float) -> Standing:
    if state.paused:
        return Standing.PAUSED
    if age_s is None:
        return Standing.NEVER
    return Standing.OK if 0 <= age_s <= objective_s else Standing.LATE  # below 0: the clock was put back


def _sync(standing: Standing, *, drifted: bool) -> Sync:
    if standing is not Standing.OK:
        return Sync.UNKNOWN
    return Sync.DRIFTED if drifted else Sync.IN_SYNC


def _urgency(one: ProfileView) -> tuple[int, int, str]:
    """Drift first, then what nobody has looked at, then the rest; within them by errors."""
    rank = {Sync.DRIFTED: 0, Sync.UNKNOWN: 1, Sync.IN_SYNC: 2}[one.sync]
    return rank, -one.open_breaks.get("error", 0), one.profile_id


def _worst(stored: Iterable[tuple[str, str]]) -> list[WorstBreak]:
    def rank(one: tuple[str, str]) -> tuple[bool, Decimal]:
        figures = _figures_of(one[1])
        return figures.severity is not Severity.ERROR, -(figures.at_stake or Decimal(0))

    drift = (one for one in stored if _figures_of(one[1]).severity is not Severity.INFO)
    return [
        WorstBreak(
            profile_id=profile_id,
            found=read_document(_BREAK, text),
            at_stake=None if amount is None else format(amount, "f"),
        )
        for profile_id, text in nsmallest(WORST_SHOWN, drift, key=rank)
        for amount in (_figures_of(text).at_stake,)
    ]


def _by_profile(stored: Iterable[tuple[str, str]]) -> dict[str, list[_Figures]]:
    found: dict[str, list[_Figures]] = {}
    for profile_id, text in stored:
        found.setdefault(profile_id, []).append(_figures_of(text))
    return found


@lru_cache(maxsize=FIGURES_KEPT)  # ten thousand breaks stand for days, and are counted every few seconds
def _figures_of(text: str) -> _Figures:
    one = read_document(_BREAK, text)
    return _Figures(one.severity, at_stake(one), subject_of(one))
