"""What an undo does to decisions, and which of a person's corrections it leaves standing.

Rules: an undone repair is held; an undo takes back the decisions that its target made, and makes those again that its
target took back. A baseline that was said anew since is not undone beneath the new one. Writes nothing.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from trueup.model.errors import Conflict, InputError
from trueup.model.ids import symbol_token
from trueup.model.snapshot import Decision
from trueup.model.times import to_ns
from trueup.model.vocabulary import DecisionKind, PersonCorrectionKind
from trueup.ports.ledger import Ledger
from trueup.ports.people import Former, PersonRecord


def standing_undos(records: Sequence[PersonRecord]) -> dict[str, str]:
    """By the id of what is undone now: the undo that did it. `records`: a profile's or all, in any order."""
    undoing: dict[str, list[str]] = {}
    for one in records:
        if one.correction.undoes is not None:
            undoing.setdefault(one.correction.undoes, []).append(one.correction.correction_id)
    found: dict[str, str | None] = {}

    def standing_undo(name: str) -> str | None:
        if name not in found:
            found[name] = next((one for one in undoing.get(name, ()) if standing_undo(one) is None), None)
        return found[name]

    return {name: undo for name in undoing if (undo := standing_undo(name)) is not None}


def holds(former: Sequence[Former], *, author: str, reason: str, now: str) -> list[Decision]:
    """One for each order, and each trade, that a run repaired."""
    return [_hold(one, author, reason, now) for one in former if _evidence_of(one)]


def taken_back(ledger: Ledger, record: PersonRecord) -> list[str]:
    """Ids of the decisions that the correction made, or that were made again for it, and that still stand.

    Raises InputError for a baseline that does not stand any more, Conflict for one that was said anew since.
    """
    made = record.correction
    records = ledger.journal.list_corrections(made.profile_id)
    decided = _decided_by(made.correction_id, records)
    standing = ledger.journal.standing_decisions([made.profile_id]).get(made.profile_id, [])
    own = [one for one in standing if one.decision_id in decided]
    if made.kind is PersonCorrectionKind.SET_BASELINE:
        if not own:
            raise InputError(
                f"what {made.correction_id} said was taken back already: `trueup decide list --all` says by whom",
                "undo",
            )
        others = [one for one in standing if one.decision_id not in decided]
        _refuse_said_anew(own[0], max(one.decided_at for one in own), others, records)
    return [one.decision_id for one in own]


def said_again(ledger: Ledger, record: PersonRecord, *, author: str, reason: str) -> list[Decision]:
    """The decisions that the correction took back. Raises Conflict for a baseline that was said anew since."""
    made = record.correction
    known = {one.decision.decision_id: one.decision for one in ledger.journal.list_decisions(made.profile_id)}
    taken = [known[one] for one in made.revokes if one in known]
    for one in taken:
        if one.kind is DecisionKind.SET_BASELINE:
            standing = ledger.journal.standing_decisions([made.profile_id]).get(made.profile_id, [])
            records = ledger.journal.list_corrections(made.profile_id)
            _refuse_said_anew(one, record.corrected_at, standing, records)
    now = ledger.now()
    return [replace(one, decision_id="", author=author, reason=reason, decided_at=now) for one in taken]


def _decided_by(correction_id: str, records: Sequence[PersonRecord]) -> set[str]:
    """Ids of what a correction decided, and of what each undo of an undo of it decided again."""
    found = {
        one.decision_id
        for each in records
        if each.correction.correction_id == correction_id
        for one in each.correction.decisions
    }
    undone_by = [one.correction.correction_id for one in records if one.correction.undoes == correction_id]
    again = [one.correction.correction_id for one in records if one.correction.undoes in undone_by]
    return found.union(*(_decided_by(one, records) for one in again))


def _refuse_said_anew(
    baseline: Decision, since: str, standing: Sequence[Decision], records: Sequence[PersonRecord]
) -> None:
    """Raises Conflict where another baseline of the same instrument was said after `since`."""
    for one in standing:
        is_same = symbol_token(one.symbol or "") == symbol_token(baseline.symbol or "")
        if one.kind is DecisionKind.SET_BASELINE and is_same and to_ns(one.decided_at) > to_ns(since):
            by = next(
                each.correction.correction_id
                for each in records
                if any(own.decision_id == one.decision_id for own in each.correction.decisions)
            )
            raise Conflict(f"the baseline of {one.symbol} was said anew since, by {by}; undo that first")


def _hold(one: Former, author: str, reason: str, now: str) -> Decision:
    order = None if one.order is None else one.order.before or one.order.after
    trade = None if one.trade is None else one.trade.before or one.trade.after
    return Decision(
        decision_id="",
        kind=DecisionKind.HOLD_REPAIR,
        venue_order_id=None if order is None else order.venue_order_id,
        client_order_id=None if order is None else order.client_order_id,
        symbol=None if order is None else order.symbol,
        trade_id=trade.trade_id if trade is not None else None if order is None else order.trade_id,
        evidence=_evidence_of(one),
        author=author,
        reason=reason,
        decided_at=now,
    )


def _evidence_of(one: Former) -> tuple[str, ...]:
    change = one.order if one.order is not None else one.trade
    return () if change is None else change.evidence
