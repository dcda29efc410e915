"""What a person decides where the evidence cannot: each a row with author, time and reason that the plans see.

Resolves what the person named; what follows from a decision is the core's. An order may be one that the books lack:
then it is known from the break that reported it, or from what a run read.
"""

from msgspec import Struct

from trueup.engine.people.quarantine import find_one_trade
from trueup.engine.people.words import check_words
from trueup.model.decode import decode_snapshot
from trueup.model.errors import InputError
from trueup.model.ids import are_apart, digest, names_break, normal_id, short_break_ids, symbol_token
from trueup.model.plan import Break
from trueup.model.snapshot import Decision, LocalOrder, VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import DecisionKind
from trueup.ports.ledger import Ledger
from trueup.ports.records import BreakRecord

RUNS_SEARCHED = 20  # snapshots, of some megabytes each at the most
ID_DIGITS = 12  # of a decision: short enough to be typed


class Subject(Struct, frozen=True, kw_only=True):
    """The order that a decision is about."""

    profile_id: str
    venue_order_id: str | None
    client_order_id: str | None
    symbol: str | None = None
    trade_id: str | None = None
    recorded: bool = False


def map_order(
    ledger: Ledger,
    order_id: str,
    trade_id: str,
    *,
    author: str,
    reason: str,
    profile_id: str | None = None,
) -> Decision:
    """The order belongs to this trade.

    Raises InputError where either is not known, they are of different instruments, or the order has a trade.
    """
    subject = find_subject(ledger, order_id, profile_id)
    if subject.trade_id is not None:
        raise InputError(f"order {order_id!r} is recorded with trade {subject.trade_id!r}", "order")
    _, trade = find_one_trade(ledger, trade_id, subject.profile_id)
    if are_apart(subject.symbol, trade.symbol):
        raise InputError(f"trade {trade_id!r} is of {trade.symbol}, the order of {subject.symbol}", "trade")
    return _decide(ledger, DecisionKind.MAP_TRADE, subject, author, reason, trade_id=trade.trade_id)


def adopt_order(
    ledger: Ledger, order_id: str, *, author: str, reason: str, profile_id: str | None = None
) -> Decision:
    """The venue order is this profile's, whatever its ids say. Raises InputError."""
    subject = _unrecorded(ledger, order_id, profile_id)
    return _decide(ledger, DecisionKind.ADOPT_ORDER, subject, author, reason)


def disown_order(
    ledger: Ledger, order_id: str, *, author: str, reason: str, profile_id: str | None = None
) -> Decision:
    """The venue order is not this profile's, whatever its ids say. Raises InputError."""
    subject = _unrecorded(ledger, order_id, profile_id)
    return _decide(ledger, DecisionKind.DISOWN_ORDER, subject, author, reason)


def ignore_break(
    ledger: Ledger,
    reference: str,
    until: str,
    *,
    author: str,
    reason: str,
    profile_id: str | None = None,
) -> Decision:
    """The break is information only, until then. `reference`: its id, or the beginning. Raises InputError."""
    if to_ns(until) <= to_ns(ledger.now()):
        raise InputError(f"{until} is over already: name a time to come", "--until")
    record = _one_break(ledger, reference, profile_id)
    subject = Subject(profile_id=record.profile_id, venue_order_id=None, client_order_id=None)
    return _decide(
        ledger,
        DecisionKind.IGNORE_BREAK,
        subject,
        author,
        reason,
        break_id=record.found.break_id,
        until=until,
    )


def assign_break(
    ledger: Ledger,
    reference: str,
    owner: str,
    *,
    author: str,
    reason: str,
    profile_id: str | None = None,
) -> Decision:
    """The break is this person's to look after; of several assignments the latest counts. Raises InputError."""
    if not owner.strip():
        raise InputError("name the person who looks after it", "NAME")
    record = _one_break(ledger, reference, profile_id)
    subject = Subject(profile_id=record.profile_id, venue_order_id=None, client_order_id=None)
    return _decide(
        ledger,
        DecisionKind.ASSIGN_BREAK,
        subject,
        author,
        reason,
        break_id=record.found.break_id,
        owner=owner.strip(),
    )


def owners_of(ledger: Ledger, profile_id: str | None = None) -> dict[str, str]:
    """Who looks after which break, by its id."""
    records = ledger.journal.list_decisions(profile_id)
    return {
        one.decision.break_id: one.decision.owner
        for one in records
        if one.revoked_at is None and one.decision.break_id is not None and one.decision.owner is not None
    }


def allow_again(
    ledger: Ledger, reference: str, *, author: str, reason: str, profile_id: str | None = None
) -> list[str]:
    """Undone repairs of this order or trade, or the one decision that holds it, may be made again; their ids.

    Raises InputError where none is held.
    """
    check_words(author=author, reason=reason)
    wanted = normal_id(reference)
    owners = [
        one.profile_id for one in ledger.journal.list_profiles() if profile_id in (None, one.profile_id)
    ]
    standing = ledger.journal.standing_decisions(owners)
    held = [
        one.decision_id
        for decisions in standing.values()
        for one in decisions
        if one.kind is DecisionKind.HOLD_REPAIR and wanted in {normal_id(id_) for id_ in _ids_of(one)}
    ]
    if not held:
        raise InputError(
            f"no undone repair of {reference!r} is held: `trueup decide list` shows them", "again"
        )
    for decision_id in held:
        ledger.journal.revoke_decision(decision_id, author, reason)
    for owner in owners:
        if any(one.decision_id in held for one in standing.get(owner, ())):
            ledger.journal.read_history_again(owner, _since(ledger, owner, held))
    return held


def _since(ledger: Ledger, profile_id: str, held: list[str]) -> str | None:
    """When the oldest order was submitted whose repair was undone; null: not known of one."""
    times: list[str | None] = []
    for record in ledger.journal.list_corrections(profile_id):
        if any(one.decision_id in held for one in record.correction.decisions):
            rows = [change.before or change.after for change in record.correction.orders]
            times += [row.submitted_at for row in rows if row is not None]
    return min((one for one in times if one), key=to_ns) if times and None not in times else None


def _ids_of(one: Decision) -> list[str]:
    return [
        id_
        for id_ in (one.decision_id, one.venue_order_id, one.client_order_id, one.trade_id)
        if id_ is not None
    ]


def find_subject(ledger: Ledger, order_id: str, profile_id: str | None) -> Subject:
    """By either id: from the books, else from the breaks that named it. Raises InputError."""
    subjects = (
        _from_books(ledger, order_id, profile_id)
        or _from_breaks(ledger, order_id, profile_id)
        or _from_runs(ledger, order_id, profile_id)
    )
    if len(subjects) == 1:
        return next(iter(subjects.values()))
    if not subjects:
        raise InputError(
            f"no order {order_id!r} is recorded, and the newest kept runs have not read it from the venue",
            "order",
        )
    owners = sorted({one.profile_id for one in subjects.values()})
    if len(owners) > 1:
        raise InputError(f"several profiles know {order_id!r} ({', '.join(owners)}): say --profile", "order")
    symbols = ", ".join(sorted(one.symbol or "?" for one in subjects.values()))
    raise InputError(f"orders of {symbols} have the id {order_id!r}: name the client order id", "order")


Subjects = dict[tuple[str, str | None], Subject]  # by profile id and the symbol's token


def _from_books(ledger: Ledger, order_id: str, profile_id: str | None) -> Subjects:
    found: Subjects = {}
    for owner, order in ledger.books.find_order(order_id, profile_id):
        _add(found, owner, order, trade_id=order.trade_id, recorded=True)
    return found


def _from_breaks(ledger: Ledger, order_id: str, profile_id: str | None) -> Subjects:
    wanted = normal_id(order_id)
    found: Subjects = {}
    for one in ledger.journal.list_breaks(profile_id, open_only=False):
        if wanted in {normal_id(id_ or "") for id_ in (one.found.venue_order_id, one.found.client_order_id)}:
            _add(found, one.profile_id, one.found)
    return found


def _from_runs(ledger: Ledger, order_id: str, profile_id: str | None) -> Subjects:
    """What the newest kept runs read from the venue: somebody else's orders of the past are in no break."""
    wanted = normal_id(order_id)
    found: Subjects = {}
    for run in ledger.journal.list_runs(profile_id, RUNS_SEARCHED):
        venue = decode_snapshot(ledger.journal.load_run(run.run_id)[1]).venue
        for order in (*venue.open_orders.rows, *venue.history.orders):
            if wanted in {normal_id(id_ or "") for id_ in (order.venue_order_id, order.client_order_id)}:
                _add(found, run.profile_id, order)
    return found


def _add(
    found: Subjects,
    owner: str,
    named: LocalOrder | VenueOrder | Break,
    *,
    trade_id: str | None = None,
    recorded: bool = False,
) -> None:
    token = None if named.symbol is None else symbol_token(named.symbol)
    found[owner, token] = Subject(
        profile_id=owner,
        venue_order_id=named.venue_order_id,
        client_order_id=named.client_order_id,
        symbol=named.symbol,
        trade_id=trade_id,
        recorded=recorded,
    )


def _unrecorded(ledger: Ledger, order_id: str, profile_id: str | None) -> Subject:
    subject = find_subject(ledger, order_id, profile_id)
    if subject.recorded:
        raise InputError(f"order {order_id!r} is in the books of {subject.profile_id} already", "order")
    return subject


def _one_break(ledger: Ledger, reference: str, profile_id: str | None) -> BreakRecord:
    """The break that a reference names; of several the one that is open. Raises InputError."""
    records = ledger.journal.list_breaks(profile_id, open_only=False)
    found = [one for one in records if names_break(reference, one.found.break_id)]
    exact = [one for one in found if one.found.break_id == reference]
    still_open = [one for one in found if one.resolution is None]
    named = exact or still_open or found
    if len(named) == 1:
        return named[0]
    if not named:
        raise InputError(f"no break {reference!r}: `trueup breaks --json` has their ids", "break")
    listed = ", ".join(sorted(short_break_ids([one.found.break_id for one in named])))
    raise InputError(f"several breaks begin so: say which, {listed}", "break")


def _decide(
    ledger: Ledger,
    kind: DecisionKind,
    subject: Subject,
    author: str,
    reason: str,
    *,
    trade_id: str | None = None,
    break_id: str | None = None,
    until: str | None = None,
    owner: str | None = None,
) -> Decision:
    check_words(author=author, reason=reason, owner=owner)
    now = ledger.now()
    about = (subject.venue_order_id, subject.client_order_id, trade_id, break_id)
    decision = Decision(
        decision_id=digest(subject.profile_id, kind, *about, now)[:ID_DIGITS],
        kind=kind,
        venue_order_id=subject.venue_order_id,
        client_order_id=subject.client_order_id,
        symbol=subject.symbol,
        trade_id=trade_id,
        break_id=break_id,
        until=until,
        owner=owner,
        author=author,
        reason=reason,
        decided_at=now,
    )
    ledger.journal.add_decision(subject.profile_id, decision)
    return decision
