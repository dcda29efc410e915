"""`trueup.plan/1`: what one run found, would change, asks and tells. Keys stand in the public document's order."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from trueup.model.snapshot import Fill, Finding, LocalOrder, Trade
from trueup.model.vocabulary import (
    AlertCause,
    BreakKind,
    CorrectionKind,
    DeferralReason,
    NotificationKind,
    QueryBy,
    QuerySide,
    Severity,
    Status,
)

PLAN_FORMAT = "trueup.plan/1"


class Standing(Struct, frozen=True, gc=False):
    """How an order without a local row stands at the venue, in the venue's own texts. Reads like the dict it is once
    decoded, at a fifth of the memory.
    """

    status: Status | None
    qty: str | None
    filled_qty: str | None

    def __getitem__(self, key: str) -> str | None:
        if key not in self.__struct_fields__:
            raise KeyError(key)
        value: str | None = getattr(self, key)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.__struct_fields__)

    def __len__(self) -> int:
        return len(self.__struct_fields__)

    __contains__, get = Mapping.__contains__, Mapping.get
    keys, values, items = Mapping.keys, Mapping.values, Mapping.items


Mapping.register(Standing)  # a struct cannot inherit from it


class Break(Struct, frozen=True, gc=False, kw_only=True):
    """One proven disagreement. `local` and `venue` hold only the keys that disagree, as each side has them.

    `price`: what the difference is valued at where neither side's keys say it: the venue's mark price, else the trade's
    average entry; null: not known.
    """

    break_id: str
    kind: BreakKind
    severity: Severity
    symbol: str | None
    client_order_id: str | None
    venue_order_id: str | None
    trade_id: str | None
    reason: str
    message: str
    local: dict[str, Any] | None = None
    venue: Any = None  # {key: value}; of a venue order without a local row its Standing (a dict when decoded)
    corrected: bool = False
    price: str | None = None


class FillChange(Struct, frozen=True, gc=False, kw_only=True):
    """A fill to book. Its growth of the order is `qty` − `superseded_qty`.

    `supersedes` names the oldest inferred fill whose place it takes (null: quantity booked without a record).
    """

    fill_id: str
    qty: str
    price: str | None
    inferred: bool = False
    price_estimated: bool = False
    supersedes: str | None = None
    superseded_qty: str | None = None


class Correction(Struct, frozen=True, gc=False, kw_only=True):
    """One change to the local side; it applies to `expected_version` of its order (or trade) only; 0 = a new row."""

    correction_id: str
    break_id: str
    kind: CorrectionKind
    reason: str
    client_order_id: str | None
    venue_order_id: str | None
    trade_id: str | None
    expected_version: int
    fill: FillChange | None = None
    changes: Any = None  # {key: new value}; of an inserted order the whole LocalOrder (a dict when decoded)


class Notification(Struct, frozen=True, gc=False, kw_only=True):
    """What the bot's executor is told: `qty`, `price` are the growth; cumulative figures are set, not added."""

    notification_id: str
    kind: NotificationKind
    client_order_id: str | None
    venue_order_id: str | None
    trade_id: str | None
    qty: str | None = None
    price: str | None = None
    cumulative_qty: str | None = None
    cumulative_avg_price: str | None = None
    reason: str | None = None


class Query(Struct, frozen=True, gc=False, kw_only=True):
    """One question. History: `symbol` and `since`; local: `ids`, all in one question (`by` null)."""

    side: QuerySide
    by: QueryBy | None
    id: str | None
    reason: str
    symbol: str | None = None
    since: str | None = None
    ids: list[str] | None = None


class Deferral(Struct, frozen=True, gc=False, kw_only=True):
    """What this run did not judge, and why: an order; or (`symbol`) the position of an instrument."""

    reason: DeferralReason
    client_order_id: str | None
    venue_order_id: str | None
    symbol: str | None = None


DEGRADED = "RECONCILIATION_DEGRADED"  # the type of every alert so far: a profile is not kept true at present


class Alert(Struct, frozen=True, gc=False, kw_only=True):
    """`cause`: what a program may act upon; `dedupe_key` only tells one alert from another."""

    type: str
    severity: str
    message: str
    dedupe_key: str
    cause: AlertCause = AlertCause.OTHER


class NoGoSample(Struct, frozen=True, gc=False, kw_only=True):
    """One refusal of the exit backfill, for a person who asks why a trade stays open."""

    profile_id: str
    symbol: str
    trade_id: str
    reason: str


class CoverageResult(Struct, frozen=True, kw_only=True):
    """How many orders of the history fell into each class; every one is in exactly one."""

    attempted: bool = False
    skipped_reason: str | None = None
    dry_run: bool = False
    scanned: int = 0
    filled_like: int = 0
    owned: int = 0
    eligible: int = 0
    missing_locally: int = 0
    inserted: int = 0
    would_insert: int = 0
    deferred: int = 0
    skipped_not_filled_like: int = 0
    skipped_not_owned: int = 0
    skipped_not_owned_actionable: int = 0
    skipped_not_owned_legacy_local: int = 0
    skipped_not_owned_before_baseline: int = 0
    skipped_unmapped_trade: int = 0
    skipped_unmapped_action: int = 0
    skipped_missing_fill_data: int = 0
    skipped_missing_order_id: int = 0
    skipped_existing: int = 0
    skipped_insert_limit: int = 0
    skipped_undone: int = 0


class ExitBackfillResult(Struct, frozen=True, kw_only=True):
    """What the exit backfill tried and refused. `batch_id` names all exits that one run inserts."""

    attempted: bool = False
    skipped_reason: str | None = None
    batch_id: str | None = None
    dry_run: bool = False
    open_trade_candidates: int = 0
    proposed: int = 0
    inserted: int = 0
    no_go_trades: int = 0


class SubTagRepairResult(Struct, frozen=True, kw_only=True):
    """How many labels the venue has and the books lack."""

    repaired: int = 0
    unsupported: bool = False


class ParityResult(Struct, frozen=True, kw_only=True):
    """Notionals are in USD; null = a rate or price is unknown, which is not zero."""

    attempted: bool = False
    skipped_reason: str | None = None
    mismatched_trades: int = 0
    quarantined_trades: int = 0
    auto_closed_trades: int = 0
    max_mismatch_notional_usd: str | None = "0"
    total_mismatch_notional_usd: str | None = "0"
    watchdog_triggered: bool = False


class Result(Struct, frozen=True, kw_only=True):
    """The run's counts, as the service reports them; null `error`: it was judged to its end."""

    processed: bool = True
    mismatches: int = 0
    missing_at_venue: int = 0
    missing_locally: int = 0
    foreign_orders: int = 0
    out_of_scope: int = 0
    no_go_trades: int = 0
    no_go_reason_counts: dict[str, int] = field(default_factory=dict)
    no_go_samples: list[NoGoSample] = field(default_factory=list)
    coverage: CoverageResult = CoverageResult()
    exit_backfill: ExitBackfillResult = ExitBackfillResult()
    sub_tag_repair: SubTagRepairResult = SubTagRepairResult()
    parity: ParityResult = ParityResult()
    integrity_watchdog_triggered: bool = False
    error: str | None = None


class Plan(Struct, frozen=True, kw_only=True):
    """Everything that one run decided about one profile; `projected_*` is how the books stand once it is applied."""

    format: str
    plan_id: str
    profile_id: str
    taken_at: str
    breaks: list[Break] = []
    corrections: list[Correction] = []
    projected_orders: list[LocalOrder] = []
    projected_trades: list[Trade] = []
    projected_fills: list[Fill] = []
    notifications: list[Notification] = []
    queries: list[Query] = []
    findings: list[Finding] = []
    deferred: list[Deferral] = []
    alerts: list[Alert] = []
    lapsed: list[str] = []  # decisions that hold an undone repair, and hold nothing any more
    result: Result = Result()
