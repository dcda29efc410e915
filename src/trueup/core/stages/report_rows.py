"""The stage that tells which rows of the bot's own books are not judged, and keeps all others away from their orders.

A row that is gone, unclear, that refused a correction or disagrees with its own orders is a break in every run until it
is over. Of a row that is gone or unclear nothing is booked, and nothing is inserted in its place: its ids count as
existing. A person who disowns the order of a row that is gone has said that it is meant so. An order that could not be
inserted there stays missing.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.model.ids import digest, known_client_id, known_id
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalFault
from trueup.model.vocabulary import BreakKind, DecisionKind, LocalFaultKind

_UNJUDGED = (LocalFaultKind.ROW_REMOVED, LocalFaultKind.ROW_UNCLEAR)


def report_rows(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Report each fault; freeze the orders of rows that are not judged."""
    for fault in facts.snapshot.local.faults:
        if not facts.in_scope(fault.symbol):
            continue
        if fault.kind in _UNJUDGED:
            _freeze(local, venue, outcome, fault)
        if not _is_disowned(facts, fault):
            _report(facts, outcome, fault)
        if fault.kind is LocalFaultKind.WRITE_REFUSED and fault.row_key is None:
            _report_missing(facts, outcome, fault)


def _freeze(local: LocalSide, venue: VenueSide, outcome: RunOutcome, fault: LocalFault) -> None:
    venue_id, client_id = known_id(fault.venue_order_id), known_client_id(fault.client_order_id)
    index = local.local_index(venue_id)
    if index is None and client_id is not None:
        index = local.index_by_client_id.get(client_id)
    if index is not None:
        outcome.frozen.add(index)
        return
    if venue_id is not None:
        local.known_ids.add(venue_id)
    if client_id is not None:
        local.known_client_ids.add(client_id)
        record = venue.by_client_id(client_id)
        named = None if record is None else known_id(record.venue_order_id)
        if named is not None:
            local.known_ids.add(named)


def _report(facts: Facts, outcome: RunOutcome, fault: LocalFault) -> None:
    kind = BreakKind(fault.kind.value)
    subject = (
        fault.row_key or fault.venue_order_id or fault.client_order_id or fault.trade_id or fault.message
    )
    outcome.add_break(
        digest(facts.profile.profile_id, "row", subject),
        kind,
        Reason(fault.kind.value),
        fault.message,
        ids=(fault.client_order_id, fault.venue_order_id, fault.trade_id),
        symbol=fault.symbol,
        local={"row_key": fault.row_key, "since": fault.since},
    )


def _report_missing(facts: Facts, outcome: RunOutcome, fault: LocalFault) -> None:
    """A discovered order that the bot's books took not: the mirror has it, and to the bot it is missing as before."""
    venue_id = known_id(fault.venue_order_id)
    if venue_id is None:
        return
    outcome.count("missing_locally")
    outcome.add_break(
        facts.digest_of_ids(fault.symbol, venue_id),
        BreakKind.MISSING_LOCALLY,
        Reason.NOT_KNOWN_LOCALLY,
        "the bot's own books do not have it, and it could not be inserted there",
        ids=(fault.client_order_id, fault.venue_order_id, fault.trade_id),
        symbol=fault.symbol,
        local={"since": fault.since},
    )


def _is_disowned(facts: Facts, fault: LocalFault) -> bool:
    if fault.kind is not LocalFaultKind.ROW_REMOVED:
        return False
    ids = (known_id(fault.venue_order_id), known_client_id(fault.client_order_id))
    return any((DecisionKind.DISOWN_ORDER, one) in facts.decisions for one in ids if one is not None)
