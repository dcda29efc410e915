"""What the straight paths tell the executor of one order."""

from trueup.core.draft.outcome import RunOutcome
from trueup.core.orders.infer_fill import Growth
from trueup.model.ids import notification_id_of
from trueup.model.plan import Notification
from trueup.model.snapshot import LocalOrder
from trueup.model.vocabulary import NotificationKind


def tell_plainly(
    outcome: RunOutcome,
    order: LocalOrder,
    digest_id: str,
    version: int,
    kind: NotificationKind,
    cumulative_qty: str,
    *,
    growth: Growth | None = None,
    reason: str | None = None,
) -> None:
    """`order` as it will stand, its filled quantity as canonical text; `growth`: what the executor is told to add."""
    outcome.notifications.append(
        Notification(
            notification_id=notification_id_of(digest_id, version, kind, cumulative_qty),
            kind=kind,
            client_order_id=order.client_order_id,
            venue_order_id=order.venue_order_id,
            trade_id=order.trade_id,
            qty=None if growth is None else growth.row.qty,
            price=None if growth is None else growth.price,
            cumulative_qty=cumulative_qty,
            cumulative_avg_price=order.filled_avg_price,
            reason=reason,
        )
    )
