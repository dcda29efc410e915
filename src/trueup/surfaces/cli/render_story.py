"""One order's or trade's story as a table: what the bot, the venue, trueup and people did, in order of time.

All but the venue's part stands in the journal; the venue's part is what it said in the snapshots that trueup judged.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from trueup.engine.people.explain import Explanation
from trueup.ledgers.journal.order_log import PERSON
from trueup.model.ids import known_client_id, known_id
from trueup.model.snapshot import Fill, LocalOrder, Snapshot, Trade, VenueOrder
from trueup.model.times import to_ns
from trueup.ports.records import BreakRecord, TimelineEntry
from trueup.surfaces.cli.terminal import brief, brief_time, severity, styled, table

if TYPE_CHECKING:
    from rich.console import RenderableType

_STYLES = {"bot": "cyan", "venue": "magenta", "trueup": "green", "person": "yellow"}
_LOG_KEYS_SHOWN = (
    *("status", "filled_qty", "qty", "limit_price", "venue_order_id"),
    *("entry_qty", "exit_qty", "quarantined_by"),
)


class Event(Struct, frozen=True):
    """One line of the story. `rank` orders what happened at the same time: causes before their effects."""

    at: str
    who: str
    what: str
    detail: str
    rank: int = 0


def render_story(explanation: Explanation, snapshots: list[Snapshot]) -> "RenderableType":
    from rich.console import Group

    from trueup.surfaces.cli.render_plan import spaced

    return Group(*spaced(_parts(explanation, snapshots)))


def _parts(explanation: Explanation, snapshots: list[Snapshot]) -> Iterator["RenderableType"]:
    if explanation.order is not None:
        yield styled(_title(explanation.profile_id, explanation.order), "bold")
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
    texts = [f"{name} {_pairs(values)}" for name, values in sides if values]
    return "; ".join(texts) or "see the run"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {brief(value)}" for key, value in values.items() if value is not None)


# -- events -----------------------------------------------------------------------------------------------------------


def events(explanation: Explanation, snapshots: list[Snapshot]) -> list[Event]:
    """All of it, by time: at equal times the venue, then the bot, then what trueup found, did and told."""
    found = [event for entry in explanation.timeline for event in _of_entry(entry)]
    for order in [explanation.order] if explanation.order is not None else explanation.orders:
        found += _of_venue(order, snapshots)
    return sorted(dict.fromkeys(found), key=lambda one: (to_ns(one.at), one.rank))


def _of_entry(entry: TimelineEntry) -> Iterator[Event]:
    detail = entry.detail
    if entry.source == "break":
        yield Event(entry.at, "trueup", f"found {entry.what}", f"{detail['message']} [{detail['reason']}]", 2)
    elif entry.source == "correction":
        what = f"{detail['state']} {entry.what}"
        yield Event(entry.at, "trueup", what, f"{_correction(detail)} [{detail['reason']}]", 3)
    elif entry.source == "notification":
        yield Event(entry.at, "trueup", f"told the bot: {entry.what}", _notification(detail), 4)
    elif entry.source == "decision":
        until = f" (until {detail['until'][:10]})" if detail.get("until") else ""
        yield Event(entry.at, "person", f"decided {entry.what}{until}", _signed(entry), 1)
    elif not (entry.by or "").startswith("trueup"):  # its own writes are its corrections
        who = "person" if (entry.by or "").startswith(PERSON) else "bot"
        yield Event(entry.at, who, entry.what.replace("_", " "), _logged(entry), 1)


def _signed(entry: TimelineEntry) -> str:
    about = f"trade {entry.detail['trade_id']}; " if entry.detail.get("trade_id") else ""
    return f"{about}{(entry.by or '').removeprefix(PERSON)}: {entry.detail['reason']}"


def _logged(entry: TimelineEntry) -> str:
    """What a write of the bot or a person changed, the fills it booked, and what it says of itself."""
    detail = entry.detail
    changes = detail.get("changes") or {}
    texts = [f"{key} {brief(changes[key])}" for key in _LOG_KEYS_SHOWN if changes.get(key) is not None]
    texts += [
        f"fill {fill['fill_id']}: {fill['qty']} @ {brief(fill.get('price'))}"
        for fill in detail.get("fills") or ()
    ]
    if detail.get("reason"):
        texts.append(_signed(entry) if (entry.by or "").startswith(PERSON) else detail["reason"])
    return ", ".join(texts)


def _correction(detail: dict[str, Any]) -> str:
    fill, changes = detail.get("fill"), detail.get("changes") or {}
    if fill:
        inferred = " (inferred)" if fill.get("inferred") else ""
        return f"{fill['qty']} @ {brief(fill.get('price'))}{inferred}"
    shown = {key: value for key, value in changes.items() if key in (*_LOG_KEYS_SHOWN, "client_order_id")}
    return _pairs(shown)


def _notification(detail: dict[str, Any]) -> str:
    told = detail["notification"]
    qty, price, total = told.get("qty"), told.get("price"), told.get("cumulative_qty")
    growth = f"{qty} @ {brief(price)}, {total} in all" if qty else None
    parked = f"parked: {detail['error']}" if detail["parked_at"] else "waiting"
    state = "delivered" if detail["delivered_at"] else parked
    return ", ".join(part for part in (growth, told.get("reason"), state) if part)


def _of_venue(order: LocalOrder, snapshots: list[Snapshot]) -> Iterator[Event]:
    ids = {known_id(one) for one in (order.venue_order_id, *order.previous_venue_order_ids)} - {None}
    client_id = known_client_id(order.client_order_id)
    for snapshot in snapshots:
        venue = snapshot.venue
        answered = [answer.order for answer in venue.answers if answer.order is not None]
        for record in (*venue.history.orders, *venue.open_orders.rows, *answered):
            same_client_id = client_id is not None and known_client_id(record.client_order_id) == client_id
            if known_id(record.venue_order_id) in ids or same_client_id:
                yield from _of_record(record)
        for fill in venue.history.fills:
            if known_id(fill.venue_order_id) in ids and fill.filled_at:
                yield _of_fill(fill)


def _of_record(record: VenueOrder) -> Iterator[Event]:
    if record.submitted_at:
        name = f"venue order id {record.venue_order_id}"
        yield Event(record.submitted_at, "venue", f"received the {record.side}", name)
    if record.updated_at:
        order = record.client_order_id or record.venue_order_id
        filled = f"{order}: {record.filled_qty} of {record.qty or '?'} filled" if record.filled_qty else ""
        average = f" at {brief(record.filled_avg_price)} on average" if record.filled_avg_price else ""
        yield Event(
            record.updated_at, "venue", f"has it as {record.status or record.raw_status}", filled + average
        )


def _of_fill(fill: Fill) -> Event:
    return Event(
        fill.filled_at or "", "venue", "filled", f"{fill.fill_id}: {fill.qty} @ {brief(fill.price)}", -1
    )
