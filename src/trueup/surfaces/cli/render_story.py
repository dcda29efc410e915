"""One order's or trade's story as a table: what the bot, the venue, trueup and people did, in order of time.

What happened is `service.views.story`'s; here is only how a terminal shows it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from trueup.engine.people.explain import Explanation
from trueup.model.snapshot import LocalOrder, Snapshot, Trade, VenueOrder
from trueup.ports.records import BreakRecord
from trueup.service.views.story import Event, events, pairs
from trueup.service.views.texts import brief_time
from trueup.surfaces.cli.terminal import severity, styled, table

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {"bot": "cyan", "venue": "magenta", "trueup": "green", "person": "yellow"}


def render_story(explanation: Explanation, snapshots: list[Snapshot]) -> "RenderableType":
    from rich.console import Group

    from trueup.surfaces.cli.render_plan import spaced

    return Group(*spaced(_parts(explanation, snapshots)))


def _parts(explanation: Explanation, snapshots: list[Snapshot]) -> Iterator["RenderableType"]:
    if explanation.order is not None:
        yield styled(_title(explanation.profile_id, explanation.order), "bold")
    if explanation.venue_order is not None:
        yield styled(_venue_title(explanation.profile_id, explanation.venue_order), "bold")
    if explanation.trade is not None:
        yield styled(_trade_title(explanation.profile_id, explanation.trade), "bold")
    if explanation.breaks:
        yield _breaks_table(explanation.breaks)
    happened = events(explanation, snapshots)
    if happened:
        yield _events_table(happened)


def _title(profile_id: str, order: LocalOrder) -> str:
    ids = " / ".join(one for one in (order.client_order_id, order.venue_order_id) if one)
    price = f" @ {order.limit_price}" if order.limit_price else ""
    trade = f", trade {order.trade_id}" if order.trade_id else ""
    return (
        f"{ids}: {order.side} {order.qty or '?'} {order.symbol or ''}{price}, now {order.status}, "
        f"{order.filled_qty} filled ({profile_id}{trade})"
    )


def _venue_title(profile_id: str, order: VenueOrder) -> str:
    ids = " / ".join(one for one in (order.client_order_id, order.venue_order_id) if one)
    price = f" @ {order.limit_price}" if order.limit_price else ""
    return (
        f"{ids}: {order.side or 'order of'} {order.qty or '?'} {order.symbol or ''}{price} at the venue,"
        f" {order.status or order.raw_status or 'status not known'}, {order.filled_qty or '?'} filled;"
        f" not in the books ({profile_id})"
    )


def _trade_title(profile_id: str, trade: Trade) -> str:
    by = f" by {trade.quarantined_by}" if trade.quarantined_by else ""
    return (
        f"trade {trade.trade_id}: {trade.side} {trade.symbol}, now {trade.status}{by}, "
        f"{trade.entry_qty} entered, {trade.exit_qty} exited ({profile_id})"
    )


def _events_table(happened: list[Event]) -> "RenderableType":
    days = {event.at[:10] for event in happened}
    on_one_day = len(days) == 1
    rows = [
        (
            event.at[11:19] if on_one_day else brief_time(event.at),
            styled(event.who, _STYLES[event.who]),
            event.what,
            event.detail,
        )
        for event in happened
    ]
    title = f"What happened (UTC, {days.pop()})" if on_one_day else "What happened (UTC)"
    return table(title, ("time", "who", "what", "detail"), rows, rows_max=None)


def _breaks_table(records: list[BreakRecord]) -> "RenderableType":
    rows = [
        (
            severity(one.found.severity),
            one.found.kind,
            one.found.reason,
            _evidence(one.found.local, one.found.venue),
            one.resolution or "open",
        )
        for one in records
    ]
    return table("Breaks", ("severity", "kind", "rule", "evidence", "state"), rows)


def _evidence(local: dict[str, Any] | None, venue: dict[str, Any] | None) -> str:
    sides = (("local", local), ("venue", venue))
    texts = [f"{name} {pairs(values)}" for name, values in sides if values]
    return "; ".join(texts) or "see the run"
