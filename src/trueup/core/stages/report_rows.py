"""The stage that tells which rows of the bot's own books are not judged, and keeps all others away from their orders.

A row that is gone, unclear, that refused a correction or disagrees with its own orders is a break in every run until it
is over. Of a row that is gone or unclear nothing is booked, and nothing is inserted in its place: its ids count as
existing. A person who disowns the order of a row that is gone has said that it is meant so. An order that could not be
inserted there stays missing.
"""

from trueup.core.draft.draft import Draft
from trueup.model.ids import digest, known_client_id, known_id
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalFault
from trueup.model.vocabulary import BreakKind, DecisionKind, LocalFaultKind

_UNJUDGED = (LocalFaultKind.ROW_REMOVED, LocalFaultKind.ROW_UNCLEAR)


def report_rows(draft: Draft) -> None:
    """Report each fault; freeze the orders of rows that are not judged."""
    for fault in draft.snapshot.local.faults:
        if not draft.in_scope(fault.symbol):
            continue
        if fault.kind in _UNJUDGED:
            _freeze(draft, fault)
        if not _is_disowned(draft, fault):
            _report(draft, fault)
        if fault.kind is LocalFaultKind.WRITE_REFUSED and fault.row_key is None:
            _report_missing(draft, fault)


def _freeze(draft: Draft, fault: LocalFault) -> None:
    venue_id, client_id = known_id(fault.venue_order_id), known_client_id(fault.client_order_id)
    index = draft.local_index(venue_id)
    if index is None and client_id is not None:
        index = draft.index_by_client_id.get(client_id)
    if index is not None:
        draft.frozen.add(index)
        return
    if venue_id is not None:
        draft.known_ids.add(venue_id)
    if client_id is not None:
        draft.known_client_ids.add(client_id)
        record = draft.venue.by_client_id(client_id)
        named = None if record is None else known_id(record.venue_order_id)
        if named is not None:
            draft.known_ids.add(named)


def _report(draft: Draft, fault: LocalFault) -> None:
    kind = BreakKind(fault.kind.value)
    subject = (
        fault.row_key or fault.venue_order_id or fault.client_order_id or fault.trade_id or fault.message
    )
    draft.add_break(
        digest(draft.profile.profile_id, "row", subject),
        kind,
        Reason(fault.kind.value),
        fault.message,
        ids=(fault.client_order_id, fault.venue_order_id, fault.trade_id),
        symbol=fault.symbol,
        local={"row_key": fault.row_key, "since": fault.since},
    )


def _report_missing(draft: Draft, fault: LocalFault) -> None:
    """A discovered order that the bot's books took not: the mirror has it, and to the bot it is missing as before."""
    venue_id = known_id(fault.venue_order_id)
    if venue_id is None:
        return
    draft.count("missing_locally")
    draft.add_break(
        draft.digest_of_ids(fault.symbol, venue_id),
        BreakKind.MISSING_LOCALLY,
        Reason.NOT_KNOWN_LOCALLY,
        "the bot's own books do not have it, and it could not be inserted there",
        ids=(fault.client_order_id, fault.venue_order_id, fault.trade_id),
        symbol=fault.symbol,
        local={"since": fault.since},
    )


def _is_disowned(draft: Draft, fault: LocalFault) -> bool:
    if fault.kind is not LocalFaultKind.ROW_REMOVED:
        return False
    ids = (known_id(fault.venue_order_id), known_client_id(fault.client_order_id))
    return any((DecisionKind.DISOWN_ORDER, one) in draft.decisions for one in ids if one is not None)
