"""Open trades of which the venue holds less than the ledger says, and the unbooked venue exits that may be theirs.

An exit goes to the trade that it names, or to the only one that it fits; where several fit, none has it. An exit that
somebody else sent is named, never booked. Nothing is judged here.
"""

from decimal import Decimal

from msgspec import Struct

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.ask_ledger import asks_whose_number, is_known_elsewhere, unanswered_ids
from trueup.core.orders.derive_action import (
    ended_before,
    lacks_entry,
    marked_action,
    named_trade,
    reduces,
    standing_trades,
)
from trueup.core.orders.judge_ownership import Owner, judge_ownership, names_other_profile
from trueup.core.orders.record_figures import filled_qty
from trueup.core.trades.positions import (
    Compared,
    compare_positions,
    is_settled,
    near,
    open_trades,
    report_unknown,
)
from trueup.model.ids import known_id, symbol_token
from trueup.model.money import ZERO
from trueup.model.snapshot import Trade, VenueOrder
from trueup.model.vocabulary import (
    TERMINAL,
    Action,
    Extent,
    ReadState,
)

_UNREAD = "its position could not be read"


class Candidate(Struct):
    """One open trade of which the venue holds less, the shortfall of its instrument, and the exits that are its."""

    trade: Trade
    shortfall: Decimal
    exits: list[VenueOrder]
    foreign: list[str] = []  # exits that somebody else sent: named, never booked
    ambiguous: bool = False
    waits: bool = False  # until the ledger has said whether an exit is booked already


def find_candidates(
    facts: Facts, local: LocalSide, outcome: RunOutcome
) -> tuple[list[Candidate], list[Trade]]:
    """Open trades of which the venue holds less, and those of which it did not say what it holds."""
    candidates: list[Candidate] = []
    unknown: list[Trade] = []
    complete = facts.snapshot.venue.positions.state is ReadState.COMPLETE
    known: dict[str, Compared] = {}
    for trade in open_trades(facts, local):
        token = symbol_token(trade.symbol)
        if (
            not is_settled(facts, local, outcome, token)
            or local.trade_moves.open_qty(facts, local, trade) < 0
        ):
            continue
        if complete and token not in known:
            known[token] = compare_positions(facts, local, token, trade.symbol)
        compared = known.get(token, Compared([], _UNREAD))
        mine = [one for one in compared.comparisons if one.side in (None, trade.side)]
        if not mine:
            unknown.append(trade)
            report_unknown(facts, outcome, token, trade.symbol, compared.why_unknown or _UNREAD)
        elif mine[0].shortfall(trade.side) > near(mine[0], facts.tolerance(trade.symbol)):
            candidates.append(Candidate(trade, mine[0].shortfall(trade.side), []))
    return candidates, unknown


def gather_exits(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, candidates: list[Candidate]
) -> None:
    """Give every unbooked exit to the trade it names, and to no other; else to the only one it can be of."""
    for record in _unbooked_exits(local, venue, outcome):
        action = marked_action(facts, record)
        if action is Action.ENTRY:
            continue
        fitting = [one for one in candidates if _may_close(record, one.trade)]
        named = named_trade(facts, local, venue, record)
        if named is not None:
            fitting = [one for one in fitting if known_id(one.trade.trade_id) == named]
        if not fitting or _is_booked_elsewhere(facts, local, venue, outcome, record, fitting):
            continue
        if judge_ownership(facts, local, venue, record) is not Owner.US:
            if not names_other_profile(facts, record):
                for one in fitting:
                    one.foreign = [*one.foreign, record.client_order_id or record.venue_order_id or ""]
            continue
        says_nothing = named is None and action is None
        if len(fitting) == 1 and not (says_nothing and _may_enter(facts, local, record)):
            fitting[0].exits.append(record)
        else:
            for one in fitting:
                one.ambiguous = True


def _is_booked_elsewhere(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    record: VenueOrder,
    fitting: list[Candidate],
) -> bool:
    """Whether the ledger has it beyond the snapshot, ours or another profile's; asks, and waits for the answer."""
    if facts.snapshot.local.extent is Extent.ALL:
        return False
    unanswered = unanswered_ids(facts, record)
    if unanswered or asks_whose_number(facts, venue, outcome, record):
        outcome.ask_ledger(unanswered)
        for one in fitting:
            one.waits = True
        return True
    return is_known_elsewhere(facts, local, record)


def _unbooked_exits(local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> list[VenueOrder]:
    found = [
        (venue_id, record)
        for venue_id, record in venue.by_id.items()
        if record.status in TERMINAL
        and (filled_qty(record) or ZERO) > 0
        and local.local_index(venue_id) is None
        and local.holder_of(record) is None
        and venue_id not in local.known_ids
        and venue_id not in local.ids_in_local_fills
        and venue_id not in outcome.deferred_records
    ]
    return [record for _, record in sorted(found, key=lambda one: one[0])]


def _may_enter(facts: Facts, local: LocalSide, record: VenueOrder) -> bool:
    """Whether it may as well be what a trade of the other side lacks."""
    standing = standing_trades(facts, local, record.symbol)
    return record.side is not None and lacks_entry(facts, local, record.side, standing)


def _may_close(record: VenueOrder, trade: Trade) -> bool:
    if (
        record.side is None
        or record.symbol is None
        or symbol_token(record.symbol) != symbol_token(trade.symbol)
    ):
        return False
    if not reduces(record.side, trade) or record.position_side not in (None, trade.side):
        return False
    return not ended_before(record, trade)
