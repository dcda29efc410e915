"""The plan in the making: what the stages share, and how each leaves its corrections for the later ones.

A stage judges into a `Judgement` (see `core.orders.judgement`) and commits it here whole, or defers it. Orders are
named by their index in `orders`; the local side read from here is always as the earlier stages' corrections leave it.
"""

from collections import Counter
from collections.abc import Collection, Iterable
from functools import cached_property

from msgspec.structs import replace

from trueup.core.draft.facts import Facts, Ids, shares_id
from trueup.core.draft.venue_index import VenueIndex
from trueup.core.draft.want import Want
from trueup.core.trades.trade_moves import TradeMoves
from trueup.model.facts_of import facts_of
from trueup.model.ids import known_client_id, known_id, normal_id, of_instrument, symbol_token
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
from trueup.model.snapshot import Fill, Finding, LocalOrder, Snapshot, Trade, VenueOrder
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


class Draft(Facts):
    """Everything between a snapshot and its plan."""

    def __init__(self, snapshot: Snapshot, *, has_own_ids: bool = False) -> None:
        super().__init__(snapshot, has_own_ids=has_own_ids)
        # the local side, as the corrections so far leave it
        self.orders: list[LocalOrder] = snapshot.local.orders
        self.original_orders = self.orders  # those in scope, as the snapshot has them
        self.changed_orders: dict[int, None] = {}  # of the snapshot's, in the order in which they changed
        self.drifted: set[int] = set()  # orders with a break of status, fill or terms
        self.changed_fills: dict[tuple[str | None, ...], Fill] = {}
        self.trades: dict[str, Trade] = {}
        self.changed_trades: set[str] = set()
        self.fills_of: dict[int, list[Fill]] = {}
        # the venue's side
        self.open_rows: list[VenueOrder] = snapshot.venue.open_orders.rows
        self.venue = VenueIndex()
        self.matched: list[VenueOrder | None] = []
        self.rebound: dict[int, VenueOrder] = {}  # orders bound to the record that replaced theirs
        self.venue_fills_of: dict[int, list[Fill]] = {}
        self.stray_fills: list[Fill] = []
        self.known_ids: set[str] = set()  # venue order ids that count as existing: replaced orders had them
        self.out_of_scope: dict[str, LocalOrder] = {}  # local orders by their venue order ids
        self.known_client_ids: set[str] = set()  # of local orders out of scope: not free for others
        self.ids_in_local_fills: set[str] = set()  # named by a local fill, but no local order has them
        self.venue_ids_twice: set[str] = set()  # of two local orders; found by `index_by_venue_id`
        self.ids_of_several: set[str] = set()  # venue order ids that orders of several instruments have
        self.frozen: set[int] = set()  # orders in an identity conflict: nothing of them is booked
        self.deferred_orders: set[int] = set()
        self.unsettled_symbols: set[str] = set()
        # what the plan says
        self.breaks: list[Break] = []
        self.open_breaks: list[Break] = []  # those that no correction of this plan mends
        self.break_versions: dict[str, int | None] = {}
        self.confirmations: dict[str, int] = {}
        self.restarted: set[str] = set()  # breaks whose `first_seen_at` begins anew in this run
        self.corrections: list[Correction] = []
        self.notifications: list[Notification] = []
        self.wants: dict[tuple[QueryBy, str], Want] = {}  # questions that the plan needs answered, by id
        self.unasked: dict[
            tuple[str | None, str | None], str
        ] = {}  # questions beyond the run's budget, and since when each waits
        self.history_queries: list[Query] = []
        self.ledger_ids: dict[
            str, str
        ] = {}  # ids that the one question to the ledger names, by comparable id
        self.deferrals: list[Deferral] = []
        self.waiting: list[tuple[DeferralReason, str, BreakKind, Ids, int | None]] = []
        self.alerts: list[Alert] = []
        self.held: set[str] = set()  # decisions by which an undone repair was not made again
        self.lapsed: list[str] = []  # decisions of that kind which hold nothing any more
        self.equal_tokens: set[str] = set()  # instruments whose positions were compared and are equal
        self.mass_absence: tuple[int, int] | None = None  # (vanished, live)
        self.counts: Counter[str] = Counter()  # figures of the plan's `result`
        self.watchdog_triggered = False
        self.coverage = CoverageResult()
        self.exit_backfill = ExitBackfillResult()
        self.sub_tag_repair = SubTagRepairResult()
        self.parity = ParityResult()
        self.no_go_counts: dict[str, int] = {}
        self.no_go_samples: list[NoGoSample] = []
        self.recent_tokens: set[str] | None = None
        self.deferred_records: set[str] = set()
        self.kept_findings: list[Finding] = []
        self.correction_count: dict[str, int] = {}
        self._indexed: int | None = (
            None  # how many of `orders` stand in the indexes; null: all (see `add_orders`)
        )
        self.trade_moves = TradeMoves()

    # -- lookups ------------------------------------------------------------------------------------------------------

    @cached_property
    def trade_keys(self) -> dict[str, list[str]]:
        """Keys of `trades` by their symbol's token; neither changes once the scope is filtered."""
        keys: dict[str, list[str]] = {}
        for key, trade in self.trades.items():
            keys.setdefault(symbol_token(trade.symbol), []).append(key)
        return keys

    @property
    def index_by_client_id(self) -> dict[str, int]:
        """Local orders by comparable client order id."""
        if self._indexed is not None:
            self._index_added()
        return self._index_by_client_id

    @property
    def index_by_venue_id(self) -> dict[str, int]:
        """Local orders by every comparable venue order id they have or had; a present one wins over a previous one."""
        if self._indexed is not None:
            self._index_added()
        return self._index_by_venue_id

    @cached_property
    def _index_by_client_id(self) -> dict[str, int]:
        found = ((known_client_id(order.client_order_id), index) for index, order in enumerate(self.orders))
        return {client_id: index for client_id, index in found if client_id is not None}

    @cached_property
    def _index_by_venue_id(self) -> dict[str, int]:
        index_of: dict[str, int] = {}
        bound_before = [index for index, order in enumerate(self.orders) if order.previous_venue_order_ids]
        for index in sorted(bound_before, key=lambda one: facts_of(self.orders[one])):
            for previous in self.orders[index].previous_venue_order_ids:
                index_of.setdefault(previous.strip().lower(), index)
        present: dict[str, int] = {}
        for index, order in enumerate(self.orders):
            venue_id = known_id(order.venue_order_id)
            if venue_id is not None:
                if venue_id in present:
                    self.venue_ids_twice.add(venue_id)
                present[venue_id] = index
        return index_of | present

    @cached_property
    def bound_before(self) -> list[LocalOrder]:
        """Local orders in scope that had another venue order id before, as the snapshot has them."""
        return [order for order in self.original_orders if order.previous_venue_order_ids]

    def know_out_of_scope(self, order: LocalOrder) -> None:
        """A local order that is not judged still exists: its ids are nobody else's."""
        venue_ids = (known_id(order.venue_order_id), *map(known_id, order.previous_venue_order_ids))
        self.out_of_scope |= {one: order for one in venue_ids if one is not None}
        self.known_ids.update(one for one in venue_ids if one is not None)
        client_id = known_client_id(order.client_order_id)
        if client_id is not None:
            self.known_client_ids.add(client_id)

    def is_others(self, venue_id: str | None, index: int) -> bool:
        """Whether another local order, in scope or not, has or had this comparable venue order id."""
        if venue_id in self.out_of_scope:
            return True
        return self.local_index(venue_id) not in (None, index)

    def is_free(self, client_id: str) -> bool:
        """Whether no local order has this comparable client order id, and the venue no two orders with it."""
        if client_id in self.index_by_client_id or client_id in self.known_client_ids:
            return False
        return not self.venue.is_shared(client_id)

    @cached_property
    def _holders(self) -> dict[str, int]:
        """Which local order each venue order was matched to, by the record's key."""
        return {record_key(record): index for index, record in enumerate(self.matched) if record is not None}

    def holder_of(self, record: VenueOrder) -> int | None:
        return self._holders.get(record_key(record))

    def set_holder(self, record: VenueOrder, index: int) -> None:
        self._holders[record_key(record)] = index
        venue_id = known_id(record.venue_order_id)
        if venue_id is not None:
            self.index_by_venue_id.setdefault(venue_id, index)

    # -- local queries ------------------------------------------------------------------------------------------------

    def ledger_lacks(self, *ids: tuple[QueryBy, str | None]) -> bool:
        """Whether no order of the whole ledger has any of these ids; asks for what is not answered yet."""
        if self.snapshot.local.extent is Extent.ALL:
            return True
        named = [(by, raw) for by, raw in ids if raw is not None]
        answers = [self.local_answers.get((by, raw.strip().lower())) for by, raw in named]
        self.ask_ledger(raw for (_, raw), answer in zip(named, answers, strict=True) if answer is None)
        return all(answer is Outcome.ABSENT for answer in answers)

    def is_free_everywhere(self, client_id: str) -> bool:
        """Free, and not known to the ledger beyond the snapshot either; asks the ledger where that is not answered."""
        return self.is_free(client_id) and self.ledger_lacks((QueryBy.CLIENT_ORDER_ID, client_id))

    def ask_ledger(self, ids: Iterable[str]) -> None:
        """Add ids to the one local question of this plan."""
        for one in ids:
            key = normal_id(one)
            self.ledger_ids[key] = min(one, self.ledger_ids.get(key, one))

    # -- what a judgement leaves --------------------------------------------------------------------------------------

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
    ) -> str:
        """Record one break; returns its id. `detail` tells two breaks of one kind and order apart."""
        break_id = digest_id + "-" + kind + detail
        if break_id in self.break_versions:
            return break_id
        if self.snapshot.local.decisions and not corrected:
            ignored = self.decisions.get((DecisionKind.IGNORE_BREAK, break_id))
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
        )
        self.breaks.append(found)
        if not corrected:
            self.open_breaks.append(found)
        return break_id

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
        self, index: int, reason: DeferralReason, kind: BreakKind = BreakKind.MISSING_AT_VENUE
    ) -> None:
        """Leave a local order unjudged; what earlier runs found of it stays found. `kind`: what it may turn out."""
        order = self.orders[index]
        ids = (order.client_order_id, order.venue_order_id, order.trade_id)
        self.defer(reason, kind, self.order_digest(order), ids, order.version)
        self.deferred_orders.add(index)
        self.unsettle(order.symbol)

    def defer_record(self, record: VenueOrder, reason: DeferralReason | None) -> None:
        """Leave a venue order without a local row unjudged."""
        ids = (record.client_order_id, record.venue_order_id, None)
        self.defer(reason, BreakKind.MISSING_LOCALLY, self.order_digest(record), ids)
        self.deferred_records.add(known_id(record.venue_order_id) or "")
        self.unsettle(record.symbol)

    def unsettle(self, symbol: str | None) -> None:
        """Positions of this instrument cannot be compared in this run."""
        if symbol is not None:
            self.unsettled_symbols.add(symbol_token(symbol))

    def ask(
        self,
        by: QueryBy,
        order_id: str,
        reason: Reason,
        *,
        waited_since_ns: tuple[int, int],
        ids: Ids,
        symbol: str | None,
        of_this_instrument: bool = False,
    ) -> bool:
        """Want one single-order query. False where this run asked it already: its answer is all there is.

        `of_this_instrument`: whether the symbol's instrument has an order of this id, too.
        """
        asked_id = of_instrument(order_id, symbol) if of_this_instrument and symbol is not None else order_id
        key = (by, asked_id.strip().lower())
        if key in self.venue.asked:
            return False
        self.unsettle(symbol)
        query = Query(side=QuerySide.VENUE, by=by, id=order_id, reason=reason, symbol=symbol)
        mine = Want(waited_since_ns=waited_since_ns, comparable_id=key[1], query=query, ids=ids)
        if key not in self.wants or mine.turn < self.wants[key].turn:
            self.wants[key] = mine
        return True

    def has_question(self, order: LocalOrder) -> bool:
        """Whether this plan asks about the order, or will about a fill that names its client order id."""
        mine = (order.client_order_id, order.venue_order_id, None)
        if any(shares_id(mine, want.ids) for want in self.wants.values()):
            return True
        client_id = known_client_id(order.client_order_id)
        return client_id is not None and any(
            known_client_id(fill.client_order_id) == client_id for fill in self.stray_fills
        )

    def set_order(self, index: int, order: LocalOrder, *, venue_updated_at: str | None) -> LocalOrder:
        """The order as it now stands; its version rises once, however much of it changed."""
        if not self.is_changed(index):
            version = self.orders[index].version + 1
            order = replace(order, version=version, venue_updated_at=venue_updated_at)
        elif venue_updated_at != order.venue_updated_at:
            order = replace(order, venue_updated_at=venue_updated_at)
        self.change_order(index, order)
        return order

    def change_order(self, index: int, order: LocalOrder) -> None:
        """`set_order` where the order has its new version already."""
        if self.orders is self.original_orders:
            self.orders = list(self.orders)
        if not self.is_inserted(index):
            self.changed_orders[index] = None
        self.orders[index] = order

    def add_order(self, order: LocalOrder) -> int:
        """A new local order (version 1 once written). Returns its index."""
        self.add_orders([order])
        self._index_added()
        return len(self.orders) - 1

    def add_orders(self, orders: list[LocalOrder]) -> None:
        """New local orders, by whose ids nobody looks yet: they are indexed when someone does."""
        if self.orders is self.original_orders:
            self.orders = list(self.orders)
        if self._indexed is None:
            self._indexed = len(self.orders)
        self.orders += orders
        self.matched += [None] * len(orders)

    def _index_added(self) -> None:
        first, self._indexed = self._indexed or 0, None
        for index in range(first, len(self.orders)):
            order = self.orders[index]
            venue_id, client_id = known_id(order.venue_order_id), known_client_id(order.client_order_id)
            if venue_id is not None:
                self._index_by_venue_id[venue_id] = index
            if client_id is not None:
                self._index_by_client_id[client_id] = index

    def is_inserted(self, index: int) -> bool:
        """Whether this plan adds the order."""
        return index >= len(self.original_orders)

    def is_changed(self, index: int) -> bool:
        """Whether this plan changed or adds the order."""
        return index in self.changed_orders or self.is_inserted(index)

    def projected_orders(self) -> list[LocalOrder]:
        """Every order that the corrections so far change, then every one that they add."""
        changed = [self.orders[index] for index in self.changed_orders]
        return changed + self.orders[len(self.original_orders) :]

    def original_version(self, index: int) -> int:
        """The version of the order that the snapshot has (0: none), which is what everything here was judged on."""
        if self.is_inserted(index):
            return 0
        return self.orders[index].version - (1 if index in self.changed_orders else 0)

    def set_fill(self, index: int, fill: Fill) -> None:
        """A fill of the order as it now stands, new or with what is left of its quantity."""
        fills = self.fills_of.setdefault(index, [])
        key = (fill.venue_order_id, fill.client_order_id, fill.fill_id)
        self.fills_of[index] = [
            one for one in fills if (one.venue_order_id, one.client_order_id, one.fill_id) != key
        ] + [fill]
        self.changed_fills[key] = fill

    def add_fill(self, index: int, fill: Fill) -> None:
        """`set_fill` where no fill of the order is known yet."""
        self.fills_of[index] = [fill]
        self.changed_fills[fill.venue_order_id, fill.client_order_id, fill.fill_id] = fill

    def local_index(self, venue_id: str | None) -> int | None:
        """The local order that has or had this comparable venue order id, or was matched to it."""
        return None if venue_id is None else self.index_by_venue_id.get(venue_id)

    def count(self, key: str, by: int = 1) -> None:
        """Add to one counter of the plan's result."""
        self.counts[key] += by

    def counted(self, key: str) -> int:
        return self.counts[key]

    def keep_findings_of(
        self, kind: BreakKind, token: str | None = None, *, digests: Collection[str] = ()
    ) -> None:
        """Findings that a skipped check neither counts nor resets; `token`: of this instrument's trades only.

        `digests`: what the ids of the instrument's breaks without a trade begin with.
        """
        for one in self.prior:
            trade = self.trades.get(known_id(one.trade_id) or "")
            of_token = token is None or (trade is not None and symbol_token(trade.symbol) == token)
            named = one.break_id is not None and one.break_id.split("-", 1)[0] in digests
            if one.kind is kind and (of_token or named):
                self.kept_findings.append(one)

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


def record_key(record: VenueOrder) -> str:
    """How one venue order is told from the others: its venue order id, else its client order id."""
    return known_id(record.venue_order_id) or f"client {known_client_id(record.client_order_id)}"
