"""The audit of exit backfill: which exits a run proposed or inserted, for which trade, at what price, and why. Pure."""

from collections.abc import Iterable, Iterator

from trueup.ledgers.sql.database import Value
from trueup.model.ids import known_id, symbol_token
from trueup.model.plan import Break, Correction, Plan
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import BreakKind, CorrectionKind

PROPOSED, INSERTED = "proposed", "inserted"
Row = tuple[Value, ...]


def exit_audit(plan: Plan, applied: Iterable[Correction], *, run_id: str, audited_at: str) -> Iterator[Row]:
    """A row for each exit of the plan's batch. `applied`: of the plan's corrections."""
    batch_id = plan.result.exit_backfill.batch_id
    if batch_id is None:
        return
    inserted = {one.correction_id for one in applied}
    orders = {(known_id(one.venue_order_id), _token(one.symbol)): one for one in plan.projected_orders}
    symbols = {one.break_id: one.symbol for one in plan.breaks}
    for one in plan.corrections:
        if one.kind is CorrectionKind.INSERT_EXIT:
            state = INSERTED if one.correction_id in inserted else PROPOSED
            facts = (
                one.venue_order_id,
                one.trade_id,
                state,
                *_of_order(orders[known_id(one.venue_order_id), _token(symbols.get(one.break_id))]),
            )
            yield (plan.profile_id, batch_id, *facts, one.reason, run_id, audited_at)
    for found in plan.breaks:
        if found.kind is BreakKind.MISSING_EXIT and found.reason == Reason.DRY_RUN:
            facts = (found.venue_order_id, found.trade_id, PROPOSED, *_of_break(found))
            yield (plan.profile_id, batch_id, *facts, found.reason, run_id, audited_at)


def _token(symbol: str | None) -> str | None:
    return None if symbol is None else symbol_token(symbol)


def _of_order(order: LocalOrder) -> Row:
    return (order.symbol or "", order.side, order.filled_qty, order.filled_avg_price)


def _of_break(found: Break) -> Row:
    venue = found.venue or {}
    return (found.symbol or "", venue.get("side"), venue.get("filled_qty"), venue.get("filled_avg_price"))
