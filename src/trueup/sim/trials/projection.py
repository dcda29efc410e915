"""A snapshot as it would be after its own plan: what I11 is checked on.

Rows stand as the plan says; `last_activity_at` stays what it was, else "recent" would make the check trivially true.
"""

from msgspec import structs

from trueup.model.ids import normal_id
from trueup.model.plan import Plan
from trueup.model.snapshot import Fill, LocalAnswer, LocalOrder, Snapshot, Trade
from trueup.model.vocabulary import CorrectionKind


def projected(snapshot: Snapshot, plan: Plan) -> Snapshot:
    """With the plan's projections in place, without the findings that it dropped, and no count above the plan's."""
    local = snapshot.local
    counts = {finding.break_id: finding.confirmations for finding in plan.findings}
    return structs.replace(
        snapshot,
        local=structs.replace(
            local,
            orders=_lay_orders(_rename_rebound(local.orders, plan), plan.projected_orders),
            answers=[_with_projected(answer, plan) for answer in local.answers],
            fills=_lay_fills(local.fills, plan.projected_fills),
            trades=_lay_trades(local.trades, plan.projected_trades),
        ),
        prior=[
            structs.replace(one, confirmations=min(one.confirmations, counts[one.break_id]))
            for one in snapshot.prior
            if one.break_id in counts
        ],
    )


def _with_projected(answer: LocalAnswer, plan: Plan) -> LocalAnswer:
    """A local answer as it would be given now."""
    if answer.order is None:
        return answer
    laid = _lay_orders(_rename_rebound([answer.order], plan), plan.projected_orders)
    return structs.replace(answer, order=laid[0])


def _rename_rebound(rows: list[LocalOrder], plan: Plan) -> list[LocalOrder]:
    """The rows, those that the plan re-binds with the client order id that they get."""
    renamed = {
        one.client_order_id: one.changes["client_order_id"]
        for one in plan.corrections
        if one.kind is CorrectionKind.BIND_IDS and (one.changes or {}).get("client_order_id")
    }
    return [
        structs.replace(row, client_order_id=renamed[row.client_order_id])
        if row.client_order_id in renamed and row.venue_order_id is None
        else row
        for row in rows
    ]


def _lay_orders(rows: list[LocalOrder], projected: list[LocalOrder]) -> list[LocalOrder]:
    """The rows with each projected order in the place of its row, new ones at the end."""
    laid = list(rows)
    for order in projected:
        index = next((index for index, row in enumerate(laid) if _is_same_row(row, order)), len(laid))
        laid[index : index + 1] = [order]
    return laid


def _lay_fills(rows: list[Fill], projected: list[Fill]) -> list[Fill]:
    """The rows with projected fills in their places, without those of which nothing is left."""
    named = [
        ((fill.symbol, fill.venue_order_id or fill.client_order_id, fill.fill_id), fill)
        for fill in (*rows, *projected)
    ]
    by_identity = dict(named)
    return [fill for fill in by_identity.values() if fill.qty != "0"]


def _venue_ids(order: LocalOrder) -> set[str]:
    ids = (order.venue_order_id, *order.previous_venue_order_ids)
    return {normal_id(venue_order_id) for venue_order_id in ids if venue_order_id is not None}


def _is_same_row(order: LocalOrder, projected: LocalOrder) -> bool:
    if order.symbol != projected.symbol:
        return False
    if order.venue_order_id is not None and normal_id(order.venue_order_id) in _venue_ids(projected):
        return True
    unbound = order.venue_order_id is None or projected.venue_order_id is None
    return (
        unbound and order.client_order_id is not None and order.client_order_id == projected.client_order_id
    )


def _lay_trades(rows: list[Trade], projected_trades: list[Trade]) -> list[Trade]:
    by_id = {trade.trade_id: trade for trade in [*rows, *projected_trades]}
    return list(by_id.values())
