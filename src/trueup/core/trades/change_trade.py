"""One correction of a trade's status, with what is told of it: quarantined, closed, or released.

Quantities follow only where the trade lags behind its orders. A change that a person undid is not made again.
"""

from typing import Any

from msgspec.structs import replace

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.orders.hold_repairs import is_change_held
from trueup.core.trades.move_trade import settle_status
from trueup.core.trades.trade_moves import same_quantities, trades_with_live_entry, trades_with_unfilled_entry
from trueup.model.ids import (
    break_id_of,
    known_id,
    trade_correction_id_of,
    trade_notification_id_of,
)
from trueup.model.plan import Correction, Notification
from trueup.model.reasons import Reason
from trueup.model.snapshot import Trade
from trueup.model.vocabulary import (
    CorrectionKind,
    NotificationKind,
    QuarantinedBy,
    TradeStatus,
)

_CHANGES: dict[CorrectionKind, dict[str, Any]] = {
    CorrectionKind.QUARANTINE_TRADE: {
        "status": TradeStatus.QUARANTINED,
        "quarantined_by": QuarantinedBy.PARITY,
    },
    CorrectionKind.CLOSE_TRADE: {"status": TradeStatus.CLOSED, "quarantined_by": None},
}


def _standing(facts: Facts, local: LocalSide, trade: Trade) -> Trade:
    """The trade with what its orders filled, where it lags behind them."""
    return local.trade_moves.lagging(facts, local).get(known_id(trade.trade_id) or "", trade)


def settled_state(facts: Facts, local: LocalSide, trade: Trade) -> dict[str, Any]:
    """What the trade becomes in the bot's hands: closed where nothing of it is left."""
    freed = replace(_standing(facts, local, trade), status=TradeStatus.OPEN, quarantined_by=None)
    key = known_id(trade.trade_id)
    settled = settle_status(
        freed,
        tolerance=facts.tolerance(trade.symbol),
        has_live_entry=key in trades_with_live_entry(facts, local),
        entry_ended=key in trades_with_unfilled_entry(facts, local, local.orders),
    )
    moved = {key: getattr(settled, key) for key in ("entry_qty", "exit_qty", "entry_avg_price")}
    lagging = {} if same_quantities(settled, trade) else moved
    return {"status": settled.status, "quarantined_by": None} | lagging


def change_trade(
    facts: Facts,
    local: LocalSide,
    outcome: RunOutcome,
    trade: Trade,
    kind: CorrectionKind,
    notice: NotificationKind,
    detail: str,
    reason: Reason,
) -> bool:
    """One correction of a trade's status, with its notice; quantities follow only where they lag behind the orders.

    False: a person undid exactly that, and it is left.
    """
    own = facts.trade_digest(trade)
    key = known_id(trade.trade_id) or ""
    version = trade.version - (1 if key in local.changed_trades else 0)
    is_settled_again = kind is CorrectionKind.RELEASE_TRADE or reason is Reason.ORDERS_FILLED_MORE
    changes = settled_state(facts, local, trade) if is_settled_again else _CHANGES[kind]
    if facts.trade_holds and is_change_held(facts, outcome, trade, kind, changes):
        return False
    outcome.corrections.append(
        Correction(
            correction_id=trade_correction_id_of(own, version, kind),
            break_id=break_id_of(own, detail),
            kind=kind,
            reason=reason,
            client_order_id=None,
            venue_order_id=None,
            trade_id=trade.trade_id,
            expected_version=version,
            changes=changes,
        )
    )
    outcome.notifications.append(
        Notification(
            notification_id=trade_notification_id_of(own, version, notice),
            kind=notice,
            client_order_id=None,
            venue_order_id=None,
            trade_id=trade.trade_id,
            reason=reason,
        )
    )
    local.set_trade(replace(trade, **changes))
    return True
