"""A person's correction as lines: of each order, fill and trade every key that changes, before and after."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from trueup.engine.people.hand import name_of
from trueup.model.ids import normal_id
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.model.vocabulary import DecisionKind
from trueup.ports.people import OrderChange, PersonCorrection

NOTHING = "–"  # a key without a value
NOT_THERE = "not recorded"
_SHOWN_OF_NEW = ("symbol", "side", "status", "filled_qty", "filled_avg_price", "trade_id", "action")
_SHOWN_OF_NEW_TRADE = ("symbol", "side", "status", "entry_qty", "exit_qty", "entry_avg_price")
_NEVER_SHOWN = frozenset({"version", "last_activity_at"})


class Line(Struct, frozen=True, kw_only=True):
    """One key of one thing. `is_amount`: a reader may hide it."""

    subject: str
    key: str
    before: str
    after: str
    is_amount: bool = False


def changes_of(made: PersonCorrection) -> list[Line]:
    """In the order in which they are written."""
    lines: list[Line] = []
    for change in made.orders:
        lines += _of_order(change)
    for trade in made.trades:
        subject = f"trade {(trade.before or trade.after).trade_id}"  # type: ignore[union-attr]
        lines += _of_row(subject, trade.before, trade.after, _SHOWN_OF_NEW_TRADE)
    for decision in made.decisions:
        if decision.kind is DecisionKind.SET_BASELINE:
            told = {"before": "as configured", "after": decision.qty or "0"}
            lines.append(Line(subject=f"baseline {decision.symbol}", key="qty", is_amount=True, **told))
        elif decision.kind is DecisionKind.HOLD_REPAIR:
            name = decision.client_order_id or decision.venue_order_id or decision.trade_id or "?"
            lines.append(
                Line(subject=f"repair of {name}", key="made again", before="yes", after="not by itself")
            )
    lines += [
        Line(subject=f"decision {one}", key="stands", before="yes", after="revoked") for one in made.revokes
    ]
    return lines


def subject_of(made: PersonCorrection) -> str | None:
    """The order, else the trade, that it is about first: what has a story. Null for what changes none: a baseline."""
    orders = [order for change in made.orders if (order := change.before or change.after) is not None]
    trades = [trade for change in made.trades if (trade := change.before or change.after) is not None]
    names = [*map(name_of, orders), *(one.trade_id for one in trades)]
    return names[0] if names else None


def _of_order(change: OrderChange) -> Iterator[Line]:
    order = change.before or change.after
    if order is None:
        return
    subject = f"order {name_of(order)}"
    yield from _of_row(subject, change.before, change.after, _SHOWN_OF_NEW)
    before = {normal_id(one.fill_id): one for one in change.fills_before}
    after = {normal_id(one.fill_id): one for one in change.fills_after}
    for key in dict.fromkeys((*before, *after)):
        old, new = before.get(key), after.get(key)
        if old != new and (old or new) is not None:
            named = old or new
            yield Line(
                subject=subject,
                key=f"fill {named.fill_id if named else key}",
                before=_fill(old),
                after=_fill(new),
                is_amount=True,
            )


def _of_row(
    subject: str, before: LocalOrder | Trade | None, after: LocalOrder | Trade | None, shown: tuple[str, ...]
) -> Iterator[Line]:
    old, new = ({} if one is None else asdict(one) for one in (before, after))
    for key in old or new:
        if key in _NEVER_SHOWN or old.get(key) == new.get(key):
            continue
        if (before is None or after is None) and key not in shown:
            continue
        yield Line(
            subject=subject,
            key=key,
            before=NOT_THERE if before is None else _said(old.get(key)),
            after=NOT_THERE if after is None else _said(new.get(key)),
            is_amount=key.endswith(("qty", "price")),
        )


def _said(value: Any) -> str:
    if value is None or value in ((), ""):
        return NOTHING
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _fill(one: Fill | None) -> str:
    return "not booked" if one is None else f"{one.qty} @ {one.price or '?'}"
