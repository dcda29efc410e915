"""Seventh stage: exits at the venue of trades that are open locally, where the venue holds less than the ledger says.

Owned, unbooked, ended venue exits become full local exit orders, one per venue order, with real price and quantity, in
one batch; together they must equal the shortfall. Anything else is a no-go, with its reason counted and sampled.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.has_told_price import has_told_price
from trueup.core.orders.hold_repairs import is_insert_held
from trueup.core.orders.insert_order import Insertion, insert_order
from trueup.core.orders.record_figures import filled_qty
from trueup.core.trades.gather_exits import Candidate, find_candidates, gather_exits
from trueup.core.trades.positions import (
    price_of,
    why_positions_unread,
)
from trueup.model.ids import digest, known_id, symbol_token
from trueup.model.money import ZERO, exceeds, is_same, text
from trueup.model.plan import ExitBackfillResult, NoGoSample, Query
from trueup.model.reasons import Reason
from trueup.model.snapshot import NOT_READ, Trade, VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import (
    Action,
    BreakKind,
    CorrectionKind,
    LedgerFeature,
    QuarantinedBy,
    QueryBy,
    QuerySide,
    ReadState,
)

NO_GO_SAMPLES_MAX = 20  # samples kept in a result; the counts are complete


def backfill_exits(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> None:
    """Propose and insert the exits that evidence proves; count every refusal."""
    skipped = _why_skipped(facts)
    if skipped is not None:
        outcome.exit_backfill = ExitBackfillResult(
            skipped_reason=skipped, dry_run=facts.policy.exit_backfill_dry_run
        )
        return
    candidates, unknown = find_candidates(facts, local, outcome)
    for trade in unknown:
        _no_go(facts, outcome, trade, Reason.POSITION_UNKNOWN)
    gather_exits(facts, local, venue, outcome, candidates)
    accepted: list[Candidate] = []
    for one in sorted(candidates, key=lambda one: not one.exits):  # first those that explain the others
        if _accept(facts, local, venue, outcome, candidates, one, accepted):
            accepted.append(one)
    proposed, inserted, batch_id = _insert(facts, local, venue, outcome, accepted)
    outcome.exit_backfill = ExitBackfillResult(
        attempted=True,
        batch_id=batch_id,
        dry_run=facts.policy.exit_backfill_dry_run,
        open_trade_candidates=len(candidates) + len(unknown),
        proposed=proposed,
        inserted=inserted,
        no_go_trades=outcome.counted("no_go_trades"),
    )


def _why_skipped(facts: Facts) -> str | None:
    if not facts.policy.exit_backfill_enabled:
        return "disabled"
    if facts.account_changed:
        return "account_changed"
    return why_positions_unread(facts.snapshot.venue.positions, failed_too=False)


# -- judging ----------------------------------------------------------------------------------------------------------


def _accept(
    facts: Facts,
    local: LocalSide,
    venue: VenueSide,
    outcome: RunOutcome,
    candidates: list[Candidate],
    one: Candidate,
    accepted: list[Candidate],
) -> bool:
    """Whether the trade's exits are proven; a no-go, or a question, where they are not."""
    if _needs_history(facts, outcome, one.trade):
        return False
    if one.waits:
        outcome.unsettle(one.trade.symbol)
        return False
    if not one.exits and _comes_to_shortfall(facts, accepted, one):
        return False  # the venue holds less by what left other trades: this one is whole
    reason = _refusal(facts, local, venue, candidates, one)
    if reason is None:
        return True
    _no_go(facts, outcome, one.trade, reason)
    qty = local.trade_moves.open_qty(facts, local, one.trade)
    outcome.add_break(
        facts.trade_digest(one.trade),
        BreakKind.MISSING_EXIT,
        reason,
        f"trade {one.trade.trade_id} is open with {text(qty)}, the venue holds {text(one.shortfall)} less: {reason}"
        + (f" ({', '.join(one.foreign)})" if reason is Reason.FOREIGN_EXIT else ""),
        ids=(None, None, one.trade.trade_id),
        symbol=one.trade.symbol,
        local={"open_qty": text(qty)},
        venue={"shortfall_qty": text(one.shortfall)},
        version=one.trade.version,
        price=price_of(facts, symbol_token(one.trade.symbol), one.trade),
    )
    return False


def _needs_history(facts: Facts, outcome: RunOutcome, trade: Trade) -> bool:
    """Asks for the history since the trade opened, where the snapshot lacks it."""
    history = facts.snapshot.venue.history
    unread = (
        history.state is ReadState.FAILED and history.error in (NOT_READ, None) and history.read_at is None
    )
    complete = history.state is ReadState.COMPLETE
    if not unread and (not complete or _reaches_back(history.since, trade.opened_at)):
        return False
    outcome.history_queries.append(
        Query(
            side=QuerySide.VENUE,
            by=QueryBy.HISTORY,
            id=None,
            reason=Reason.EXIT_HISTORY_NEEDED,
            symbol=trade.symbol,
            since=trade.opened_at,
        )
    )
    outcome.unsettle(trade.symbol)
    return True


def _reaches_back(since: str | None, opened_at: str | None) -> bool:
    return since is None or (opened_at is not None and to_ns(since) <= to_ns(opened_at))


def _refusal(
    facts: Facts, local: LocalSide, venue: VenueSide, candidates: list[Candidate], one: Candidate
) -> Reason | None:
    exits, trade = one.exits, one.trade
    filled = sum((filled_qty(record) or ZERO for record in exits), ZERO)
    tolerance = facts.tolerance(trade.symbol)
    if trade.quarantined_by is QuarantinedBy.PERSON:
        return Reason.QUARANTINED
    if facts.snapshot.venue.history.state is not ReadState.COMPLETE:
        return Reason.HISTORY_INCOMPLETE
    if one.ambiguous:
        return Reason.AMBIGUOUS_TRADE
    if not exits:
        return Reason.FOREIGN_EXIT if one.foreign else Reason.NO_EXIT_FOUND
    if not all(has_told_price(venue, record) for record in exits):
        return Reason.PRICE_MISSING
    if exceeds(filled, local.trade_moves.open_qty(facts, local, trade) + tolerance):
        return Reason.QUANTITY_EXCEEDS_TRADE
    if not _comes_to_shortfall(facts, candidates, one):
        return Reason.FOREIGN_EXIT if one.foreign else Reason.QUANTITY_MISMATCH
    if LedgerFeature.EXIT_AUDIT in facts.snapshot.local.unsupported:
        return Reason.AUDIT_MISSING
    return None


def _comes_to_shortfall(facts: Facts, candidates: list[Candidate], one: Candidate) -> bool:
    """Whether the exits of all candidates that share the instrument, and so the shortfall, come to it."""
    sharing = [
        each
        for each in candidates
        if symbol_token(each.trade.symbol) == symbol_token(one.trade.symbol)
        and each.trade.side is one.trade.side
    ]
    filled = sum((filled_qty(record) or ZERO for each in sharing for record in each.exits), ZERO)
    tolerance = facts.tolerance(one.trade.symbol)
    return is_same(filled, one.shortfall) or abs(filled - one.shortfall) <= tolerance


def _no_go(facts: Facts, outcome: RunOutcome, trade: Trade, reason: Reason) -> None:
    outcome.count("no_go_trades")
    outcome.no_go_counts[reason] = outcome.no_go_counts.get(reason, 0) + 1
    if len(outcome.no_go_samples) < NO_GO_SAMPLES_MAX:
        outcome.no_go_samples.append(
            NoGoSample(
                profile_id=facts.profile.profile_id,
                symbol=trade.symbol,
                trade_id=trade.trade_id,
                reason=reason,
            )
        )


# -- inserting --------------------------------------------------------------------------------------------------------


def _insert(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, accepted: list[Candidate]
) -> tuple[int, int, str | None]:
    """Insert the accepted trades' exits, whole trades only. Returns (proposed, inserted, batch id)."""
    exits = sorted(known_id(record.venue_order_id) or "" for one in accepted for record in one.exits)
    batch_id = digest(facts.profile.profile_id, "exit batch", facts.snapshot.taken_at, *exits)
    room = facts.policy.exit_backfill_inserts_max
    proposed = inserted = 0
    for one in accepted:
        if len(one.exits) > room:
            _no_go(facts, outcome, one.trade, Reason.INSERT_LIMIT)
            continue
        room -= len(one.exits)
        proposed += len(one.exits)
        for record in one.exits:
            inserted += _insert_exit(facts, local, venue, outcome, one.trade, record)
    return proposed, inserted, batch_id if proposed else None


def _insert_exit(
    facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome, trade: Trade, record: VenueOrder
) -> bool:
    message = f"exit of trade {trade.trade_id}: {record.side} {record.filled_qty} {record.symbol} was unknown locally"
    if facts.policy.exit_backfill_dry_run:
        outcome.add_break(
            facts.order_digest(record),
            BreakKind.MISSING_EXIT,
            Reason.DRY_RUN,
            message,
            ids=(record.client_order_id, record.venue_order_id, trade.trade_id),
            symbol=record.symbol,
            venue={"filled_qty": record.filled_qty, "filled_avg_price": record.filled_avg_price},
        )
        return False
    if facts.holds and is_insert_held(facts, outcome, record):
        return False
    insert_order(
        facts,
        local,
        venue,
        outcome,
        record,
        Insertion(
            break_kind=BreakKind.MISSING_EXIT,
            correction_kind=CorrectionKind.INSERT_EXIT,
            reason=Reason.EXIT_AT_VENUE,
            message=message,
            trade_id=trade.trade_id,
            action=Action.EXIT,
            notify_discovery=False,
        ),
    )
    return True
