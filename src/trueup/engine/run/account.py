"""What one run of an account is given, and what it hands back. Values only: nothing here reads or decides."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from trueup.engine.run.said import Said
from trueup.model.checked_rows import CheckedRows
from trueup.model.last_results import LastResults
from trueup.model.plan import Plan, Result
from trueup.model.policy import Policy
from trueup.model.snapshot import Profile, Snapshot
from trueup.model.vocabulary import ReadState
from trueup.ports.clock import Clock
from trueup.ports.executor import Executor
from trueup.ports.foreign_books import ForeignBooks, RepairAsked
from trueup.ports.ledger import Ledger
from trueup.ports.records import ApplyReport
from trueup.ports.venue import Venue

READ_TIMEOUT_S = 30.0  # one listing with all its pages; venues answer a page in 0.1 to 2 s
QUERY_TIMEOUT_S = 10.0  # one single-order query at every endpoint that can hold it
LEASE_TTL_S = 30.0  # the reference service's lock
CLOCK_SKEW_MAX_S = 30.0  # between our clock and a venue's; a machine without NTP drifts by seconds a day


class ManagedProfile(Struct, frozen=True, kw_only=True):
    """A profile and what trueup may do for it."""

    profile: Profile
    policy: Policy = Policy()

    @property
    def profile_id(self) -> str:
        return self.profile.profile_id


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagedAccount:
    """One account with everything that a run of it needs."""

    account_id: str
    profiles: Sequence[ManagedProfile]
    venue: Venue
    ledger: Ledger
    clock: Clock
    foreign: Sequence[
        ForeignBooks
    ] = ()  # whose rows the ledger's books mirror; none: the bots record into it
    executor: Executor | None = None
    read_timeout_s: float = READ_TIMEOUT_S
    query_timeout_s: float = QUERY_TIMEOUT_S
    lease_ttl_s: float = LEASE_TTL_S
    clock_skew_max_s: float = CLOCK_SKEW_MAX_S
    # by profile id: what was checked in the last run and is not checked again while it stays as it is
    checked: defaultdict[str, CheckedRows] = field(
        default_factory=lambda: defaultdict(CheckedRows), repr=False, compare=False
    )
    # by source: of the rows of foreign books as they were read last
    reckoned: defaultdict[str, LastResults] = field(
        default_factory=lambda: defaultdict(LastResults), repr=False, compare=False
    )
    # what the log was told of earlier runs
    said: Said = field(default_factory=Said, repr=False, compare=False)
    # by source: how far foreign books were read; the journal keeps it when something is taken in
    cursors: dict[str, str] = field(default_factory=dict, repr=False, compare=False)

    def books_of(self, profile_id: str) -> ForeignBooks | None:
        """The bot's own books, where it has any."""
        return next((one for one in self.foreign if profile_id in one.traits.profile_ids), None)

    @property
    def profile_ids(self) -> list[str]:
        return [managed.profile_id for managed in self.profiles]


class RunState(StrEnum):
    """How one profile's run ended. The journal keeps `dry`, `applied`, `blocked` and `failed`."""

    UNCHANGED = "unchanged"  # nothing new was found: nothing written
    DRY = "dry"
    APPLIED = "applied"
    BLOCKED = "blocked"  # the circuit breaker: the plan waits for a person
    STALE = "stale"  # not the plan that a person approved: nothing written
    FAILED = "failed"
    PAUSED = "paused"
    SKIPPED = "skipped"  # the lease is elsewhere, or was lost before this profile's turn


class ProfileReport(Struct, frozen=True, kw_only=True):
    """One profile's run. `snapshot` and `plan` are null where none was made."""

    profile_id: str
    state: RunState
    run_id: str | None = None
    snapshot: Snapshot | None = None
    plan: Plan | None = None
    applied: ApplyReport | None = None
    blocked_reason: str | None = None
    asked: list[RepairAsked] = []  # of the bot's own API
    history_gap: str | None = None  # what of the history could not be read: unproven, never clean
    error: str | None = None
    cause: str = "failed"  # of a failure: what its alert is about

    @property
    def result(self) -> Result:
        """The figures of the run; `processed` is false where the profile was not judged to its end."""
        if self.plan is not None and self.state is not RunState.FAILED:
            return self.plan.result
        return Result(processed=False, error=self.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """One run of an account. `contended`: another process holds its lease."""

    account_id: str
    processed: bool
    contended: bool = False
    profiles: list[ProfileReport] = field(default_factory=list)
    error: str | None = None

    @property
    def failure(self) -> str | None:
        """Why nothing could be judged: the database or the venue's open orders could not be read. Null: it could."""
        if self.contended:
            return None
        if self.error is not None:
            return self.error
        judged = [one for one in self.profiles if one.state not in (RunState.PAUSED, RunState.SKIPPED)]
        unseen = [why for one in judged if (why := _why_unseen(one)) is not None]
        return unseen[0] if judged and len(unseen) == len(judged) else None


def _why_unseen(report: ProfileReport) -> str | None:
    if report.state is RunState.FAILED:
        return report.error or "the run failed"
    read = None if report.snapshot is None else report.snapshot.venue.open_orders
    if read is None or read.state is not ReadState.FAILED:
        return None
    return f"the open orders could not be read: {read.error or 'no reason was given'}"
