"""Takes back what a run or a person wrote, as new rows of the log: every order and trade as it was before.

Only where nothing builds on it; else the later row is named. A repair that is taken back is held: a decision keeps
what it had done, as digests, and no run makes it again until the evidence leads to something else, or a person says
so (`decide again`). Taking back an undo lets go of what it held, and taking back that holds it again: what becomes
of decisions is `undone_decisions`'. Decides no wording.
"""

from collections.abc import Sequence
from contextlib import closing

from msgspec import Struct
from msgspec.structs import replace

from trueup.engine.people.correct import Signature
from trueup.engine.people.hand import Hand, name_of
from trueup.engine.people.undone_decisions import holds, said_again, standing_undos, taken_back
from trueup.model.errors import Conflict, InputError
from trueup.model.ids import normal_id
from trueup.model.snapshot import Decision, LocalOrder, Trade
from trueup.model.vocabulary import PersonCorrectionKind
from trueup.ports.ledger import Ledger
from trueup.ports.people import Former, LaterRow, PersonCorrection, PersonRecord
from trueup.ports.records import RunRecord


class _Target(Struct, frozen=True, kw_only=True):
    """What is taken back: a run, or a person's correction; what it wrote. `is_run`: a repair, that is to be held."""

    profile_id: str
    name: str
    former: list[Former]
    is_run: bool
    record: PersonRecord | None = None


def undo(ledger: Ledger, reference: str, by: Signature) -> PersonCorrection:
    """As it is shown; `reference`: a run's id, one of its corrections', or a person's correction's.

    Raises InputError where nothing is named so or it wrote nothing, Conflict where something builds on it.
    """
    target = _find(ledger, reference, by.profile_id)
    for one in target.former:
        if one.later is not None:
            raise Conflict(f"{_subject(one)} was written since: {_said(one.later)}; undo that first")
    hand = Hand(ledger, target.profile_id, _account_of(ledger, target.profile_id))
    for one in target.former:
        if one.order is not None:
            order = one.order
            hand.change(
                order.before, _order_kept(order.before, order.after), order.fills_before, order.fills_after
            )
        if one.trade is not None:
            hand.set_trade(one.trade.before, _trade_kept(one.trade.before, one.trade.after))
    return hand.correction(
        PersonCorrectionKind.UNDO,
        reference,
        author=by.author,
        reason=by.reason,
        notify=by.notify,
        decisions=_decided(ledger, target, by),
        revokes=_let_go(ledger, target),
        undoes=target.name,
    )


def _order_kept(stands: LocalOrder | None, was: LocalOrder | None) -> LocalOrder | None:
    """As it was, at the version that it has: versions only rise. The bot's activity is not turned back either."""
    if stands is None or was is None:
        return was
    return replace(was, version=stands.version, last_activity_at=stands.last_activity_at)


def _trade_kept(stands: Trade | None, was: Trade | None) -> Trade | None:
    return was if stands is None or was is None else replace(was, version=stands.version)


# -- what is meant ----------------------------------------------------------------------------------------------------


def _find(ledger: Ledger, reference: str, profile_id: str | None) -> _Target:
    person = [
        one
        for one in ledger.journal.list_corrections(profile_id)
        if one.correction.correction_id == reference.strip().lower()
    ]
    if person:
        return _of_person(ledger, person[0])
    found = _of_run(ledger, reference, profile_id) or _of_correction(ledger, reference, profile_id)
    if found is None:
        raise InputError(
            f"no run and no correction is {reference!r}: `trueup status` lists runs,"
            " `trueup correct list` corrections",
            "undo",
        )
    return found


def _of_person(ledger: Ledger, record: PersonRecord) -> _Target:
    made = record.correction
    records = ledger.journal.list_corrections(made.profile_id)
    if (undone_by := standing_undos(records).get(made.correction_id)) is not None:
        raise InputError(f"{made.correction_id} was undone by {undone_by}", "undo")
    former: list[Former] = []
    if record.first_seq is not None and record.last_seq is not None:
        former = ledger.journal.former_between(made.profile_id, record.first_seq, record.last_seq)
    return _Target(
        profile_id=made.profile_id, name=made.correction_id, former=former, is_run=False, record=record
    )


def _of_run(ledger: Ledger, reference: str, profile_id: str | None) -> _Target | None:
    """A run's rows stay in the log when its record is purged: then every profile's is looked through."""
    run = _kept_run(ledger, reference)
    known = [one.profile_id for one in ledger.journal.list_profiles()] if run is None else [run.profile_id]
    for owner in (one for one in known if profile_id in (None, one)):
        former = ledger.journal.former_of_run(owner, reference)
        if former:
            return _Target(profile_id=owner, name=reference, former=former, is_run=True)
    if run is None:
        return None
    raise InputError(f"run {run.run_id} wrote nothing to the books: there is nothing to undo", "undo")


def _kept_run(ledger: Ledger, run_id: str) -> RunRecord | None:
    try:
        return ledger.journal.load_run(run_id)[0]
    except InputError:
        return None


def _of_correction(ledger: Ledger, reference: str, profile_id: str | None) -> _Target | None:
    """One of a run's corrections: with it go its order's others, its trade, and the orders that moved that trade."""
    with closing(ledger.stream_export("corrections", profile_id)) as rows:
        named = (one for one in rows if one["correction_id"] == reference)
        row = next((one for one in named if one["state"] == "applied" and one["run_id"]), None)
    if row is None:
        return None
    former = ledger.journal.former_of_run(row["profile_id"], row["run_id"])
    kin = _kin(former, row["client_order_id"], row["venue_order_id"], row["trade_id"])
    return _Target(profile_id=row["profile_id"], name=row["run_id"], former=kin, is_run=True)


def _kin(
    former: Sequence[Former], client_id: str | None, venue_id: str | None, trade_id: str | None
) -> list[Former]:
    """Everything that hangs together with the order or trade, through trades."""
    trades = {normal_id(trade_id)} if trade_id else set()
    kin: list[Former] = []
    for _ in range(len(former) + 1):
        found = [one for one in former if one not in kin and _is_kin(one, client_id, venue_id, trades)]
        if not found:
            return kin
        kin += found
        trades |= {key for one in found for key in _trades_of(one)}
    return kin


def _is_kin(one: Former, client_id: str | None, venue_id: str | None, trades: set[str]) -> bool:
    if trades & _trades_of(one):
        return True
    orders = [] if one.order is None else [one.order.before, one.order.after]
    return any(
        order is not None
        and ((client_id, venue_id) == (order.client_order_id, order.venue_order_id))
        and (client_id is not None or venue_id is not None)
        for order in orders
    )


def _trades_of(one: Former) -> set[str]:
    sides = [*((one.order.before, one.order.after) if one.order is not None else ())]
    named = {normal_id(side.trade_id) for side in sides if side is not None and side.trade_id is not None}
    if one.trade is not None:
        named |= {
            normal_id(side.trade_id) for side in (one.trade.before, one.trade.after) if side is not None
        }
    return named


# -- decisions ---------------------------------------------------------------------------------------------------------


def _decided(ledger: Ledger, target: _Target, by: Signature) -> list[Decision]:
    if target.is_run:
        return holds(target.former, author=by.author, reason=by.reason, now=ledger.now())
    return (
        [] if target.record is None else said_again(ledger, target.record, author=by.author, reason=by.reason)
    )


def _let_go(ledger: Ledger, target: _Target) -> list[str]:
    return [] if target.record is None else taken_back(ledger, target.record)


# -- words for errors -------------------------------------------------------------------------------------------------


def _subject(one: Former) -> str:
    if one.order is not None:
        order = one.order.before or one.order.after
        return "an order" if order is None else f"order {name_of(order)}"
    trade = None if one.trade is None else one.trade.before or one.trade.after
    return "a trade" if trade is None else f"trade {trade.trade_id}"


def _said(later: LaterRow) -> str:
    if later.seq is None:
        return "by a statement past the order log"
    return f"row {later.seq} of the order log ({later.event} by {later.written_by}, {later.at})"


def _account_of(ledger: Ledger, profile_id: str) -> str:
    accounts = {one.profile_id: one.account_id for one in ledger.journal.list_profiles()}
    return accounts.get(profile_id) or ""
