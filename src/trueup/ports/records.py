"""What the journal hands out: plain values, as they stand in its tables."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from trueup.model.alert_message import AlertAbout, AlertMessage, MessageKind
from trueup.model.coverage_scope import CoverageScope
from trueup.model.plan import Alert, Break, Notification
from trueup.model.snapshot import (
    Decision,
    Finding,
)


class Lease(Struct, frozen=True, kw_only=True):
    """The timed right to work on an account. `holder` is a fresh uuid per acquisition; times are the database's."""

    account_id: str
    epoch: int
    holder: str
    expires_ns: int
    failures: int = 0  # runs in a row before it that could judge nothing


class Attempt(Struct, frozen=True, kw_only=True):
    """How a run of an account went. `failure`: why nothing of it could be judged; null: something was."""

    failure: str | None = None


class Classed(Struct, frozen=True, kw_only=True):
    """How far a run that found nothing new has finally classed a profile's history, and by which part of its policy."""

    profile_id: str
    watermark: str
    scope: CoverageScope | None


class Release(Struct, frozen=True, kw_only=True):
    """The end of an account's run.

    `completed`: profile id → taken_at of the runs that ended well (for `status`, readiness). `due_in_s`: when the
    account is due again; null: as before. `attempt`: how its run went; null: there was none. `classed`: what is kept
    with it, and only where the lease still is ours.
    """

    lease: Lease
    completed: dict[str, str] = {}
    due_in_s: float | None = None
    attempt: Attempt | None = None
    classed: Sequence[Classed] = ()


class Turn(Struct, frozen=True, kw_only=True):
    """The answer to a claim of an account: its lease; else how long from now it is not free or not due."""

    account_id: str
    lease: Lease | None = None
    held: bool = False  # another process works on it
    wait_s: float = 0.0


class ProfileState(Struct, frozen=True, kw_only=True):
    """What the journal remembers of a profile between runs."""

    prior: list[Finding] = []
    watermark: str | None = None  # coverage's: history before it is finally classed
    scope: CoverageScope | None = None  # of what was classed before the watermark; null: of nothing
    is_future: bool = (
        False  # a later watermark than now is stored: not believed, and gone with the next commit
    )
    paused: bool = False
    pause_reason: str | None = None


class ApplyReport(Struct, frozen=True, kw_only=True):
    """What one write transaction did. `superseded`: corrections dropped because their row (or its kin) moved."""

    run_id: str
    applied: int = 0
    superseded: int = 0
    superseded_ids: list[str] = []  # of those corrections
    notifications: int = 0
    conflicts: list[str] = []  # messages about fills that exist with other content
    recorded: bool = False  # a run that found and changed nothing new is not kept


class OutboxItem(Struct, frozen=True, kw_only=True):
    """One committed notification that the executor has not yet taken."""

    profile_id: str
    run_id: str
    sequence: int
    notification: Notification
    subject: str  # the trade, else the order: what notifications are in order within
    attempts: int = 0


class OutboxState(Struct, frozen=True, kw_only=True):
    """Of all profiles. `oldest_age_s`: since the oldest waiting notification was committed; 0 where none waits."""

    waiting: int
    parked: int
    oldest_age_s: float


class WaitingCounts(Struct, frozen=True, kw_only=True):
    """What of one profile waits: orders deferred, notifications not taken yet, notifications refused too often, and
    repairs that the bot's own rows do not have yet.
    """

    deferred: int = 0
    waiting: int = 0
    parked: int = 0
    unwritten: int = 0


class RunRecord(Struct, frozen=True, kw_only=True):
    """One kept run: any that found or changed something."""

    run_id: str
    profile_id: str
    taken_at: str
    state: str  # "dry" | "applied" | "blocked" (circuit breaker) | "failed"
    plan_id: str
    error: str | None = None


class LeaseState(Struct, frozen=True, kw_only=True):
    """A lease as `status` shows it. `holder` null: free; `last_holder`: who worked on it last, or does.

    `completed`: profile id → taken_at of its last good run. `failures`: runs in a row that could judge nothing, the
    first of them at `failing_since`; `failure`: why the last one could not.
    """

    account_id: str
    epoch: int
    holder: str | None
    last_holder: str | None
    expires_at: str
    next_due_at: str | None
    completed: dict[str, str]
    failures: int = 0
    failing_since: str | None = None
    failure: str | None = None


class BreakRecord(Struct, frozen=True, kw_only=True):
    """A break over time. `resolution`: null (open), "corrected" or "not_seen_again"; `run_id`: the last that saw it."""

    profile_id: str
    found: Break
    first_seen_at: str
    last_seen_at: str
    occurrences: int
    resolution: str | None
    resolved_at: str | None
    run_id: str


class AlertRecord(Struct, frozen=True, kw_only=True):
    """When an alert was last told. `stands`: it has not recovered since; `began_at`: since when it stands.

    `told_at`: when people were last told of it, besides the log; null: nobody was.
    """

    profile_id: str
    alert: Alert
    raised_at: str
    stands: bool
    began_at: str | None = None
    told_at: str | None = None
    about: AlertAbout | None = None

    @property
    def is_of_break(self) -> bool:
        """Whether it tells of one break, which views show as such already."""
        return self.about is not None and self.about.break_id is not None


class AlertChange(Struct, frozen=True, kw_only=True):
    """What became of an alert: it was raised, stands still and is told again, or is over."""

    record: AlertRecord
    kind: MessageKind


class NewDelivery(Struct, frozen=True, kw_only=True):
    """A message to be told by one notifier, not before that time. The same id again is the same delivery.

    `ends_untold`: what was told of its alert and nobody has tried to deliver yet, because it was put off, need not be
    told any more, and this neither.
    """

    delivery_id: str
    notifier: str
    message: AlertMessage
    not_before: str
    ends_untold: bool = False


class Delivery(Struct, frozen=True, kw_only=True):
    """A committed one, claimed by who tells it. Its message says whether it may have been told before."""

    sequence: int
    delivery_id: str
    message: AlertMessage
    attempts: int


class DeliveryRecord(Struct, frozen=True, kw_only=True):
    """A delivery as it stands. `outcome`: null (it waits), told, refused (too often), withdrawn (over untold)."""

    delivery_id: str
    notifier: str
    message: AlertMessage
    committed_at: str
    not_before: str
    attempts: int
    outcome: str | None
    settled_at: str | None
    error: str | None


class DecisionRecord(Struct, frozen=True, kw_only=True):
    """A person's decision, and who took it back where it was."""

    profile_id: str
    decision: Decision
    revoked_at: str | None = None
    revoked_by: str | None = None
    revoke_reason: str | None = None


class DeferralRecord(Struct, frozen=True, kw_only=True):
    """An order that is deferred since `first_deferred_at`, in every run since; ids in their comparable form."""

    client_order_id: str | None
    venue_order_id: str | None
    reason: str
    first_deferred_at: str


class TimelineEntry(Struct, frozen=True, kw_only=True):
    """One thing that happened to an order or a trade. `source`: log, break, correction, notification or decision."""

    at: str
    source: str
    what: str
    by: str | None
    detail: dict[str, Any]


class LoggedOrder(Struct, frozen=True, kw_only=True):
    """One row of the order log of an order that a run repaired; `payload` as the log has it, JSON."""

    profile_id: str
    order_key: int
    logged_at: str
    written_by: str
    payload: str


class LogReport(Struct, frozen=True, kw_only=True):
    """`broken`: the first fault of the order log's chain, null where it is whole. `rows`: how many it has."""

    rows: int
    broken: str | None


class FoldReport(Struct, frozen=True, kw_only=True):
    """`contradictions`: where the log and the books disagree. `unlogged`: written past the log since the last write.

    `trades`: those that are not the sum of their orders.
    """

    contradictions: list[str]
    unlogged: list[str]
    trades: list[str] = []
