"""Checks of plans as plain values: I4, I6, I7, I10, I11, I12.

Decides what a plan may do on the evidence of its snapshot. Must not know the stages that made it.
"""

from collections import Counter
from collections.abc import Collection, Iterable

from trueup.model.plan import Correction, Plan
from trueup.model.policy import Policy
from trueup.model.reasons import Reason
from trueup.model.repairs import repair_digest
from trueup.model.snapshot import Decision, Snapshot, VenueOrder
from trueup.model.vocabulary import BreakKind, CorrectionKind, DecisionKind, Outcome
from trueup.sim.checkers.facts import Violation, plain_id, row_of


def check_plan(snapshot: Snapshot, plan: Plan) -> list[Violation]:
    """I4, I6, I7, I10, I12: a correction stands on evidence and on its row's version, an id on one thing."""
    records = _records(snapshot)
    symbols = {one.break_id: one.symbol for one in plan.breaks}
    found: list[Violation] = []
    for correction in plan.corrections:
        subject = f"{correction.kind.value} {correction.client_order_id or correction.venue_order_id}"
        symbol = symbols.get(correction.break_id)
        row = row_of(snapshot.local, symbol, correction.venue_order_id, correction.client_order_id)
        if correction.expected_version and row is not None and correction.expected_version != row.version:
            found.append(
                Violation("I7", subject, f"judged version {correction.expected_version}, not {row.version}")
            )
        if correction.kind is CorrectionKind.SET_STATUS and isinstance(correction.changes, dict):
            status = str(correction.changes.get("status"))
            ids = [correction.venue_order_id, *(row.previous_venue_order_ids if row is not None else ())]
            plain_ids = {plain_id(one) for one in ids if one is not None}
            own = [one for one in records if one.symbol == symbol]
            if not _is_proven(snapshot, status, plain_ids, correction.client_order_id, own):
                found.append(
                    Violation("I4", subject, f"set to {status} without a record or confirmed absence")
                )
    return sorted(
        found + _check_ids(plan) + _check_dry(snapshot.policy, plan) + _check_undone(snapshot, plan)
    )


def _check_ids(plan: Plan) -> list[Violation]:
    """I10: a bot that obeys an id once would miss the second that bears it."""
    ids = Counter(one.notification_id for one in plan.notifications)
    ids.update(one.correction_id for one in plan.corrections)
    ids.update(one.break_id for one in plan.breaks)
    return [Violation("I10", one, "is the id of two in one plan") for one, times in ids.items() if times > 1]


def _check_undone(snapshot: Snapshot, plan: Plan) -> list[Violation]:
    """What a person undid is not made again while it is the same, and it is told while it stands."""
    found: list[Violation] = []
    told = " ".join(one.message for one in plan.breaks if one.kind is BreakKind.REPAIR_UNDONE)
    symbols = {one.break_id: one.symbol for one in plan.breaks}
    for held in (one for one in snapshot.local.decisions if one.kind is DecisionKind.HOLD_REPAIR):
        subject = f"{held.client_order_id} {held.venue_order_id} {held.trade_id}"
        made = [one for one in plan.corrections if _is_about(one, held, symbols.get(one.break_id))]
        same = [repair_digest(one.kind, one.fill, one.changes) in held.evidence for one in made]
        if made and all(same):
            found.append(Violation("held", subject, "is repaired again as it was when a person undid it"))
        if held.decision_id not in plan.lapsed and held.decision_id not in told:
            found.append(Violation("held", subject, "stands undone, and nobody is told"))
    return found


def _is_about(correction: Correction, held: Decision, symbol: str | None) -> bool:
    if None not in (held.symbol, symbol) and held.symbol != symbol:  # one number, two instruments
        return False
    if held.venue_order_id is None and held.client_order_id is None:
        is_trades = correction.venue_order_id is None and correction.client_order_id is None
        return is_trades and correction.trade_id == held.trade_id
    same_venue_id = held.venue_order_id is not None and plain_id(correction.venue_order_id or "") == plain_id(
        held.venue_order_id
    )
    return same_venue_id or (held.client_order_id or "") == correction.client_order_id


def _check_dry(policy: Policy, plan: Plan) -> list[Violation]:
    """I12: what a stage was told to report only, it does not insert."""
    covers = policy.coverage_enabled and not policy.coverage_dry_run
    backfills = policy.exit_backfill_enabled and not policy.exit_backfill_dry_run
    return [
        Violation(
            "I12", f"{one.kind.value} {one.venue_order_id}", "is inserted by a stage that is off or dry"
        )
        for one in plan.corrections
        if (
            one.reason == Reason.COVERED_FROM_HISTORY
            and one.kind is CorrectionKind.INSERT_ORDER
            and not covers
        )
        or (one.kind is CorrectionKind.INSERT_EXIT and not backfills)
    ]


def check_replan(plan: Plan) -> list[Violation]:
    """I11: `plan` was made again after its predecessor's projections were applied."""
    return [
        Violation(
            "I11",
            f"{correction.kind.value} {correction.venue_order_id}",
            "is planned again after it was applied",
        )
        for correction in plan.corrections
    ]


def check_replay(plan: Plan, again: Plan) -> list[Violation]:
    """`again` was made of the same snapshot, by itself: what earlier runs reckoned decides nothing."""
    if plan == again:
        return []
    return [Violation("replay", plan.profile_id, "another plan follows from the same snapshot")]


def _records(snapshot: Snapshot) -> list[VenueOrder]:
    answers = [answer.order for answer in snapshot.venue.answers if answer.order is not None]
    return [*snapshot.venue.open_orders.rows, *snapshot.venue.history.orders, *answers]


def _is_proven(
    snapshot: Snapshot,
    status: str,
    venue_order_ids: Collection[str],
    client_order_id: str | None,
    records: Iterable[VenueOrder],
) -> bool:
    """Does a record of this order say so; or, for an end, is it absent now and was it in earlier runs?"""
    for record in records:
        named = plain_id(record.venue_order_id or "") in venue_order_ids or (
            client_order_id is not None and record.client_order_id == client_order_id
        )
        # a replacement also proves itself by its successor's record
        if named and record.status is not None and (record.status.value == status or record.replaced_by):
            return True
        if status == "replaced" and plain_id(record.replaces or "") in venue_order_ids:
            return True
    if status not in ("canceled", "rejected"):
        return False
    absent = any(
        answer.outcome is Outcome.ABSENT
        and (plain_id(answer.id) in venue_order_ids or answer.id == client_order_id)
        for answer in snapshot.venue.answers
    )
    needed = snapshot.policy.absence_confirmations - 1  # this run's answer is the last one
    earlier = any(
        finding.confirmations >= needed
        and finding.kind is BreakKind.MISSING_AT_VENUE
        and (
            plain_id(finding.venue_order_id or "") in venue_order_ids
            or finding.client_order_id == client_order_id
        )
        for finding in snapshot.prior
    )
    return absent and (earlier or needed == 0)
