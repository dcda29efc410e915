"""A buffer for one local order: breaks, corrections, growth and notices, committed to the plan whole or dropped whole.

Nothing is visible to others until `commit`. So "recent" lives in one place, and an in-sync order costs nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from trueup.core.draft.facts import Facts, Ids
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.booked_side import Booking
from trueup.core.orders.derive_action import derive_action
from trueup.core.orders.fold_fills import Fold
from trueup.core.orders.hold_repairs import held_repair, tell_undone_order
from trueup.core.orders.pending import Changes, PendingBreak, PendingCorrection
from trueup.model.ids import (
    correction_id_of,
    known_client_id,
    known_id,
    notification_id_of,
    symbol_token,
)
from trueup.model.money import ZERO, canonical, divide, sum_text, text
from trueup.model.plan import Correction, FillChange, Notification, Standing
from trueup.model.reasons import Reason
from trueup.model.repairs import repair_digest
from trueup.model.snapshot import Fill, LocalOrder, VenueOrder
from trueup.model.times import is_before, to_ns
from trueup.model.vocabulary import (
    Action,
    BreakKind,
    CorrectionKind,
    NotificationKind,
    QueryBy,
    Severity,
    Status,
)

_ORDER_KEYS = frozenset(LocalOrder.__struct_fields__)


class Judgement:
    """What one order's judgement found and would do. `order` is the order as it would stand."""

    def __init__(
        self,
        facts: Facts,
        local: LocalSide,
        venue: VenueSide,
        outcome: RunOutcome,
        index: int,
        record: VenueOrder | None = None,
    ) -> None:
        self.facts, self.local, self.venue, self.outcome = facts, local, venue, outcome
        self.index = index
        self.before = local.orders[index]
        self.order = self.before
        self.record = record
        self.digest = facts.order_digest(self.before)
        self.ids: Ids = (
            self.before.client_order_id or (_client_id_of(local, record) if record else None),
            self.before.venue_order_id or (record.venue_order_id if record else None),
            self.before.trade_id,
        )
        self.breaks: list[PendingBreak] = []
        self.corrections: list[PendingCorrection] = []
        self.bookings: list[Booking] = []
        self.changed_fills: list[Fill] = []  # booked ones, shrunk or amended
        self.growth_qty = self.growth_cost = self.recost = ZERO
        self.fee_fills: list[Fill] = []
        self.notices: dict[NotificationKind, str | None] = {}  # with the reason given first
        self.questions: list[tuple[QueryBy, str, Reason, str | None]] = []
        self.adopted_fills: list[Fill] = []  # of the record this order is being bound to
        self.on_commit: list[Callable[[], None]] = []

    @property
    def is_silent(self) -> bool:
        return not (self.breaks or self.corrections or self.questions)

    def found(
        self,
        kind: BreakKind,
        reason: Reason,
        message: str,
        *,
        local: Changes | None = None,
        venue: Changes | Standing | None = None,
        corrected: bool = False,
        severity: Severity | None = None,
        detail: str = "",
        confirmations: int = 0,
        restarted: bool = False,
    ) -> None:
        self.breaks.append(
            PendingBreak(
                kind=kind,
                reason=reason,
                message=message,
                local=local,
                venue=venue,
                corrected=corrected,
                severity=severity,
                detail=detail,
                confirmations=confirmations,
                restarted=restarted,
            )
        )

    def correct(
        self,
        kind: CorrectionKind,
        break_kind: BreakKind,
        reason: str,
        *,
        changes: Any = None,
        fill: FillChange | None = None,
        detail: str = "",
    ) -> None:
        """One correction, in the order in which it applies; `changes` are laid onto `order`. `detail`: its break's."""
        self.corrections.append(PendingCorrection(kind, reason, break_kind, fill, changes, detail))
        if changes and not isinstance(changes, LocalOrder):
            self.order = replace(self.order, **{key: changes[key] for key in changes if key in _ORDER_KEYS})

    def book(self, fold: Fold, break_kind: BreakKind, *, amend_kind: BreakKind | None = None) -> None:
        """Take over what a fold amends and books, in the order of its fills. `amend_kind`: of the average's break."""
        for one in fold.amendments:
            kind = amend_kind if one.reason is Reason.VENUE_AVERAGE_DIFFERS else None
            self.correct(CorrectionKind.AMEND_FILL, kind or break_kind, one.reason, changes=one.changes)
        for booking in fold.bookings:
            self.correct(booking.kind, break_kind, booking.reason, fill=booking.change)
        self.bookings += fold.bookings
        self.changed_fills += [*fold.shrunk, *(one.row for one in fold.amendments)]
        self.growth_qty += fold.growth_qty
        self.growth_cost += fold.growth_cost
        self.recost += fold.recost
        self.fee_fills += fold.fee_fills
        average = None if fold.filled_avg_price is None else text(fold.filled_avg_price)
        status = self.order.status
        if status is Status.PENDING_NEW and fold.filled_qty > 0:
            status = Status.PARTIALLY_FILLED
        self.order = replace(
            self.order, filled_qty=sum_text(fold.filled_qty), filled_avg_price=average, status=status
        )

    def notify(self, kind: NotificationKind, reason: str | None = None) -> None:
        """Tell the executor once per kind: what is told holds the order as it is after all of its corrections."""
        self.notices.setdefault(kind, reason)

    def ask(
        self,
        reason: Reason,
        by: QueryBy = QueryBy.VENUE_ORDER_ID,
        order_id: str | None = None,
        *,
        of_symbol: str | None = None,
    ) -> None:
        """Ask for this order's record, by the venue order id that it will have unless told otherwise.

        `of_symbol`: whether that instrument has an order of this id, too.
        """
        wanted = order_id or self.order.venue_order_id or self.ids[1]
        if wanted is not None:
            self.questions.append((by, wanted, reason, of_symbol))

    @property
    def answered(self) -> bool:
        """Whether the record was read by a query of this run: there is nothing fresher to ask for."""
        venue_id = known_id(self.record.venue_order_id) if self.record is not None else None
        return venue_id is not None and venue_id in self.venue.answered

    @property
    def can_ask(self) -> bool:
        """Whether a query for the record by its venue order id was not asked yet in this run."""
        venue_id = known_id(self.record.venue_order_id if self.record is not None else self.ids[1])
        return venue_id is not None and (QueryBy.VENUE_ORDER_ID, venue_id) not in self.venue.asked

    # -- commit -------------------------------------------------------------------------------------------------------

    def commit(self) -> None:
        """Lay everything onto the local side, and leave it with the outcome."""
        facts, local, venue, outcome = self.facts, self.local, self.venue, self.outcome
        if facts.holds and self.corrections:
            self._leave_undone()
        break_ids: dict[tuple[BreakKind, str], str] = {}
        if not local.is_inserted(self.index) and any(one.is_drift for one in self.breaks):
            outcome.drifted.add(self.index)
        for pending in self.breaks:
            break_ids[pending.kind, pending.detail] = self._add_break(pending)
        version = local.original_version(self.index)
        for correction in self.corrections:
            self._add_correction(correction, break_ids[correction.break_kind, correction.detail], version)
        if self.corrections:
            self._commit_state()
        for notice, told in self.notices.items():
            self._add_notification(notice, told, version)
        for by, order_id, reason, of_symbol in self.questions:
            outcome.ask(
                by,
                order_id,
                reason,
                asked=venue.asked,
                waited_since_ns=self._waited_since_ns(),
                ids=self.ids,
                symbol=of_symbol or self.before.symbol,
                of_this_instrument=of_symbol is not None,
            )
        for leave in self.on_commit:
            leave()

    def _leave_undone(self) -> None:
        """Where a person undid exactly this repair, it is found and not made."""
        digests = [repair_digest(one.kind, one.fill, one.changes) for one in self.corrections]
        held = held_repair(self.facts, self.outcome, (self.before, self.record), digests)
        if held is None:
            return
        self.breaks = [replace(one, corrected=False) for one in self.breaks]
        self.corrections, self.notices, self.on_commit = [], {}, []
        tell_undone_order(self.facts, self.outcome, held, self.before)

    def _add_break(self, pending: PendingBreak) -> str:
        return self.outcome.add_break(
            self.digest,
            pending.kind,
            pending.reason,
            pending.message,
            ids=self.ids,
            symbol=self.before.symbol or (self.record.symbol if self.record else None),
            local=pending.local,
            venue=pending.venue,
            corrected=pending.corrected,
            severity=pending.severity,
            detail=pending.detail,
            version=self.before.version,
            confirmations=pending.confirmations,
            restarted=pending.restarted,
        )

    def _add_correction(self, pending: PendingCorrection, break_id: str, version: int) -> None:
        corrections = self.outcome.corrections
        self.outcome.correction_count[self.digest] = ordinal = (
            self.outcome.correction_count.get(self.digest, 0) + 1
        )
        corrections.append(
            Correction(
                correction_id=correction_id_of(self.digest, version, ordinal),
                break_id=break_id,
                kind=pending.kind,
                reason=pending.reason,
                client_order_id=self.ids[0],
                venue_order_id=self.ids[1],
                trade_id=self.ids[2],
                expected_version=version,
                fill=pending.fill,
                changes=pending.changes,
            )
        )

    def _commit_state(self) -> None:
        local, before = self.local, self.order.venue_updated_at
        updated_at = None if self.record is None else self.record.updated_at
        later = updated_at if updated_at is not None and _is_later(updated_at, before) else before
        self.order = local.set_order(self.index, self.order, venue_updated_at=later)
        for booking in self.bookings:
            local.set_fill(self.index, booking.row)
        for fill in self.changed_fills:
            local.set_fill(self.index, fill)
        if local.trades and (self.growth_qty or self.recost or self.fee_fills):
            local.trade_moves.note(
                local,
                self.index,
                self.action,
                growth_qty=self.growth_qty,
                growth_cost=self.growth_cost,
                recost=self.recost,
                real_fills=self.fee_fills,
            )

    @property
    def action(self) -> Action:
        return derive_action(self.facts, self.local, self.order, self.record)

    def _add_notification(self, kind: NotificationKind, reason: str | None, version: int) -> None:
        order = self.order
        grew = kind in (NotificationKind.ENTRY_FILL, NotificationKind.EXIT_FILL)
        cumulative = canonical(order.filled_qty)
        was, now = known_id(self.before.venue_order_id), known_id(order.venue_order_id)
        bound_to = None if was in (None, now) else now
        self.outcome.notifications.append(
            Notification(
                notification_id=notification_id_of(self.digest, version, kind, cumulative, bound_to),
                kind=kind,
                client_order_id=order.client_order_id,
                venue_order_id=order.venue_order_id,
                trade_id=order.trade_id,
                qty=text(self.growth_qty) if grew else None,
                price=text(divide(self.growth_cost, self.growth_qty)) if grew else None,
                cumulative_qty=cumulative,
                cumulative_avg_price=order.filled_avg_price,
                reason=reason,
            )
        )

    def _waited_since_ns(self) -> tuple[int, int]:
        """Since when this order waits to be asked about: since it was last judged, else since its last activity."""
        finding = self.facts.prior_of(
            f"{self.digest}-{BreakKind.MISSING_AT_VENUE}", BreakKind.MISSING_AT_VENUE, self.ids
        )
        if finding is not None:
            return to_ns(finding.last_seen_at), to_ns(finding.first_seen_at)
        time = self.before.last_activity_at or self.before.submitted_at
        return (0, 0) if time is None else (to_ns(time), to_ns(time))


def _client_id_of(local: LocalSide, record: VenueOrder) -> str | None:
    """The record's client order id, unless it names another local order."""
    is_anothers = known_client_id(record.client_order_id) in local.index_by_client_id
    return None if is_anothers else record.client_order_id


def notify_growth(judgement: Judgement) -> None:
    """Tell the executor of an order's growth, or of a changed cost at an equal quantity."""
    if judgement.growth_qty > 0:
        entry = judgement.action is Action.ENTRY
        judgement.notify(NotificationKind.ENTRY_FILL if entry else NotificationKind.EXIT_FILL)
    elif judgement.recost:
        judgement.notify(NotificationKind.AMENDED)


def _is_later(left: str, right: str | None) -> bool:
    return right is None or is_before(right, left)


def turn_of(order: LocalOrder) -> str:
    """The order in which orders are judged: by what they are, never by where they stand in a list."""
    venue_id, client_id, trade_id = order.venue_order_id, order.client_order_id, order.trade_id
    return "\x00".join(
        (
            "" if venue_id is None else venue_id.strip().lower(),
            "" if client_id is None else client_id.strip().lower(),
            "" if trade_id is None else trade_id.strip().lower(),
            "" if order.symbol is None else symbol_token(order.symbol),
            order.side,
        )
    )


def ids_text(ids: Sequence[str | None]) -> str:
    """How messages name an order: the first id it has."""
    return next((one for one in (ids[0], ids[1], ids[2]) if one), "without an id")
