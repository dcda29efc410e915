"""What an undo does to decisions, and which of a person's corrections it leaves standing.

Rules: an undone repair is held; an undo takes back the decisions that its target made, and makes those again that its
target took back; a baseline is said anew instead, for the newest counts. Writes nothing.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from trueup.model.errors import InputError
from trueup.model.snapshot import Decision
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
    """Ids of the decisions that the correction made and that still stand.

    Raises InputError for a baseline that does not stand any more.
    """
    made = record.correction
    decided = {one.decision_id for one in made.decisions}
    standing = ledger.journal.standing_decisions([made.profile_id]).get(made.profile_id, [])
    own = [one.decision_id for one in standing if one.decision_id in decided]
    if made.kind is PersonCorrectionKind.SET_BASELINE and not own:
        raise InputError(
            f"what {made.correction_id} said was taken back already: `trueup decide list --all` says by whom",
            "undo",
        )
    return own


def said_again(ledger: Ledger, record: PersonRecord, *, author: str, reason: str) -> list[Decision]:
    """The decisions that the correction took back. Raises InputError for a baseline: it is said anew."""
    made = record.correction
    known = {one.decision.decision_id: one.decision for one in ledger.journal.list_decisions(made.profile_id)}
    taken = [known[one] for one in made.revokes if one in known]
    for one in taken:
        if one.kind is DecisionKind.SET_BASELINE:
            raise InputError(
                "a baseline that was taken back is said anew:"
                f" trueup correct baseline {one.symbol} {one.qty} --profile {made.profile_id} --why …",
                "undo",
            )
    now = ledger.now()
    return [replace(one, decision_id="", author=author, reason=reason, decided_at=now) for one in taken]


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
