"""The outcome: what the plan says so far. Stages add to it; nothing that was said is taken back.

Breaks, deferrals, questions, alerts and counters; the corrections and notifications that a judgement committed, and of
which orders nothing more is judged in this run.
"""

from collections import Counter
from collections.abc import Container, Iterable

from msgspec import Struct, field

from trueup.core.draft.facts import Facts, Ids
from trueup.core.draft.want import Want
from trueup.model.ids import known_id, normal_id, of_instrument, symbol_token
from trueup.model.plan import (
    Alert,
    Break,
    Correction,
    CoverageResult,
    Deferral,
    ExitBackfillResult,
    NoGoSample,
    Notification,
    ParityResult,
    Query,
    Result,
    Standing,
    SubTagRepairResult,
)
from trueup.model.reasons import Reason
from trueup.model.snapshot import Finding, LocalOrder, VenueOrder
from trueup.model.vocabulary import (
    BreakKind,
    DecisionKind,
    DeferralReason,
    Extent,
    Outcome,
    QueryBy,
    QuerySide,
    Severity,
)

SEVERITY_OF = {
    BreakKind.FOREIGN_ORDER: Severity.INFO,
    BreakKind.IDS_INCOMPLETE: Severity.INFO,
    BreakKind.OVERFILL: Severity.ERROR,
    BreakKind.IDENTITY_CONFLICT: Severity.ERROR,
    BreakKind.UNMAPPED_INSTRUMENT: Severity.ERROR,
    BreakKind.PRICE_MISSING: Severity.ERROR,
    BreakKind.POSITION_MISMATCH: Severity.ERROR,
    BreakKind.TRADE_OVERRUN: Severity.ERROR,
    BreakKind.FILLS_CONTRADICT: Severity.ERROR,
    BreakKind.ROW_REMOVED: Severity.ERROR,
    BreakKind.WRITE_REFUSED: Severity.ERROR,
    BreakKind.MAPPING_DOUBTFUL: Severity.ERROR,
}  # every other kind: warn


class RunOutcome(Struct):
    """Everything that one plan decided so far."""

    facts: Facts
    # found
    breaks: list[Break] = []
    open_breaks: list[Break] = []  # those that no correction of this plan mends
    break_versions: dict[str, int | None] = {}
    confirmations: dict[str, int] = {}
    restarted: set[str] = set()  # breaks whose `first_seen_at` begins anew in this run
    kept_findings: list[Finding] = []  # of checks that this run skipped
    drifted: set[int] = set()  # local orders with a break of status, fill or terms
    frozen: set[int] = set()  # local orders in an identity conflict: nothing of them is booked
    ids_of_several: set[str] = set()  # venue order ids that orders of several instruments have
    # corrected and told
    corrections: list[Correction] = []
    correction_count: dict[str, int] = {}  # by an order's digest
    notifications: list[Notification] = []
    alerts: list[Alert] = []
    held: set[str] = set()  # decisions by which an undone repair was not made again
    lapsed: list[str] = []  # decisions of that kind which hold nothing any more
    # asked
    wants: dict[tuple[QueryBy, str], Want] = {}  # questions that the plan needs answered, by id
    unasked: dict[tuple[str | None, str | None], str] = {}  # beyond the budget, and since when
    history_queries: list[Query] = []
    ledger_ids: dict[str, str] = {}  # that the one question to the ledger names, by comparable id
    # left unjudged
    deferrals: list[Deferral] = []
    waiting: list[tuple[DeferralReason, str, BreakKind, Ids, int | None]] = []
    deferred_orders: set[int] = set()
    deferred_records: set[str] = set()
    unsettled_symbols: set[str] = set()
    # counted
    counts: Counter[str] = field(default_factory=Counter)  # figures of the plan's `result`
    mass_absence: tuple[int, int] | None = None  # (vanished, live)
    equal_tokens: set[str] = set()  # instruments whose positions were compared and are equal
    watchdog_triggered: bool = False
    coverage: CoverageResult = CoverageResult()
    exit_backfill: ExitBackfillResult = ExitBackfillResult()
    sub_tag_repair: SubTagRepairResult = SubTagRepairResult()
    parity: ParityResult = ParityResult()
    no_go_counts: dict[str, int] = {}
    no_go_samples: list[NoGoSample] = []

    # -- found --------------------------------------------------------------------------------------------------------

    def add_break(
        self,
        digest_id: str,
        kind: BreakKind,
        reason: Reason,
        message: str,
        *,
        ids: Ids,
        symbol: str | None,
        local: dict[str, object] | None = None,
        venue: dict[str, object] | Standing | None = None,
        corrected: bool = False,
        severity: Severity | None = None,
        version: int | None = None,
        confirmations: int = 0,
        detail: str = "",
        restarted: bool = False,
        price: str | None = None,
    ) -> str:
        """Record one break; returns its id. `detail` tells two breaks of one kind and order apart."""
        break_id = digest_id + "-" + kind + detail
        if break_id in self.break_versions:
            return break_id
        if self.facts.snapshot.local.decisions and not corrected:
            ignored = self.facts.decisions.get((DecisionKind.IGNORE_BREAK, break_id))
            if ignored is not None:
                severity, message = (
                    Severity.INFO,
                    f"{message} (ignored by {ignored.author}: {ignored.reason})",
                )
        self.break_versions[break_id] = version
        self.confirmations[break_id] = confirmations
        if restarted:
            self.restarted.add(break_id)
        found = Break(
            break_id=break_id,
            kind=kind,
            severity=severity or SEVERITY_OF.get(kind, Severity.WARN),
            symbol=symbol,
            client_order_id=ids[0],
            venue_order_id=ids[1],
            trade_id=ids[2],
            reason=reason,
            message=message,
            local=local,
            venue=venue,
            corrected=corrected,
            price=price,
        )
        self.breaks.append(found)
        if not corrected:
            self.open_breaks.append(found)
        return break_id

    # -- left unjudged ------------------------------------------------------------------------------------------------

    def defer(
        self,
        reason: DeferralReason | None,
        kind: BreakKind,
        digest_id: str,
        ids: Ids,
        version: int | None = None,
    ) -> None:
        """Leave something unjudged in this run; the finding lets later runs know since when.

        `reason` null: a query was wanted, and the budget will tell whether it is open or has to wait.
        """
        if reason is not None:
            self.deferrals.append(Deferral(reason=reason, client_order_id=ids[0], venue_order_id=ids[1]))
        self.waiting.append((reason or DeferralReason.QUERY_OPEN, f"{digest_id}-{kind}", kind, ids, version))

    def wait(self, kind: BreakKind, digest_id: str, ids: Ids, version: int | None) -> None:
        """Nothing is found, put off or asked yet; the finding lets later runs know since when it stands."""
        self.waiting.append((DeferralReason.QUERY_OPEN, f"{digest_id}-{kind}", kind, ids, version))

    def defer_order(
        self,
        index: int,
        order: LocalOrder,
        reason: DeferralReason,
        kind: BreakKind = BreakKind.MISSING_AT_VENUE,
    ) -> None:
        """Leave a local order unjudged; what earlier runs found of it stays found. `kind`: what it may turn out."""
        ids = (order.client_order_id, order.venue_order_id, order.trade_id)
        self.defer(reason, kind, self.facts.order_digest(order), ids, order.version)
        self.deferred_orders.add(index)
        self.unsettle(order.symbol)

    def defer_record(self, record: VenueOrder, reason: DeferralReason | None) -> None:
        """Leave a venue order without a local row unjudged."""
        ids = (record.client_order_id, record.venue_order_id, None)
        self.defer(reason, BreakKind.MISSING_LOCALLY, self.facts.order_digest(record), ids)
        self.deferred_records.add(known_id(record.venue_order_id) or "")
        self.unsettle(record.symbol)

    def unsettle(self, symbol: str | None) -> None:
        """Positions of this instrument cannot be compared in this run."""
        if symbol is not None:
            self.unsettled_symbols.add(symbol_token(symbol))

    # -- asked --------------------------------------------------------------------------------------------------------

    def ask(
        self,
        by: QueryBy,
        order_id: str,
        reason: Reason,
        *,
        asked: Container[tuple[QueryBy, str]],
        waited_since_ns: tuple[int, int],
        ids: Ids,
        symbol: str | None,
        of_this_instrument: bool = False,
    ) -> bool:
        """Want one single-order query. False where this run `asked` it already: its answer is all there is.

        `of_this_instrument`: whether the symbol's instrument has an order of this id, too.
        """
        asked_id = of_instrument(order_id, symbol) if of_this_instrument and symbol is not None else order_id
        key = (by, asked_id.strip().lower())
        if key in asked:
            return False
        self.unsettle(symbol)
        query = Query(side=QuerySide.VENUE, by=by, id=order_id, reason=reason, symbol=symbol)
        mine = Want(waited_since_ns=waited_since_ns, comparable_id=key[1], query=query, ids=ids)
        if key not in self.wants or mine.turn < self.wants[key].turn:
            self.wants[key] = mine
        return True

    def ledger_lacks(self, *ids: tuple[QueryBy, str | None]) -> bool:
        """Whether no order of the whole ledger has any of these ids; asks for what is not answered yet."""
        if self.facts.snapshot.local.extent is Extent.ALL:
            return True
        named = [(by, raw) for by, raw in ids if raw is not None]
        answers = [self.facts.local_answers.get((by, raw.strip().lower())) for by, raw in named]
        self.ask_ledger(raw for (_, raw), answer in zip(named, answers, strict=True) if answer is None)
        return all(answer is Outcome.ABSENT for answer in answers)

    def ask_ledger(self, ids: Iterable[str]) -> None:
        """Add ids to the one local question of this plan."""
        for one in ids:
            key = normal_id(one)
            self.ledger_ids[key] = min(one, self.ledger_ids.get(key, one))

    # -- counted ------------------------------------------------------------------------------------------------------

    def count(self, key: str, by: int = 1) -> None:
        """Add to one counter of the plan's result."""
        self.counts[key] += by

    def counted(self, key: str) -> int:
        return self.counts[key]

    def build_result(self, *, mismatches: int) -> Result:
        return Result(
            coverage=self.coverage,
            exit_backfill=self.exit_backfill,
            sub_tag_repair=self.sub_tag_repair,
            parity=self.parity,
            no_go_reason_counts=dict(sorted(self.no_go_counts.items())),
            no_go_samples=self.no_go_samples,
            integrity_watchdog_triggered=self.watchdog_triggered,
            mismatches=mismatches,
            **self.counts,  # type: ignore[arg-type]
        )
