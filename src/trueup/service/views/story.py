"""One order's or trade's story: what the bot, the venue, trueup and people did, in order of time.

All but the venue's part stands in the journal; the venue's part is what it said in the snapshots that trueup judged.
Decides the order at equal times: the venue, then the bot, then what trueup found, did and told.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from trueup.engine.people.explain import Explanation
from trueup.ledgers.journal.order_log import PERSON
from trueup.model.decode import decode_snapshot
from trueup.model.errors import InputError
from trueup.model.ids import known_client_id, known_id
from trueup.model.snapshot import Fill, LocalOrder, Snapshot, VenueOrder
from trueup.model.times import to_ns
from trueup.ports.ledger import Ledger
from trueup.ports.records import TimelineEntry
from trueup.service.views.texts import brief

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


def venue_snapshots(books: Ledger, explanation: Explanation) -> list[Snapshot]:
    """The snapshots of the run, or of the runs that saw its breaks: what the venue said. Purged ones are left out."""
    snapshots = []
    run_ids = [record.run_id for record in explanation.breaks]
    run_ids += [] if explanation.run is None else [explanation.run.run_id]
    for run_id in dict.fromkeys(run_ids):
        try:
            snapshots.append(decode_snapshot(books.journal.load_run(run_id)[1]))
        except InputError:
            continue
    return snapshots


def events(explanation: Explanation, snapshots: list[Snapshot]) -> list[Event]:
    """All of it, by time: at equal times the venue, then the bot, then what trueup found, did and told."""
    found = [event for entry in explanation.timeline for event in _of_entry(entry)]
    for order in [explanation.order] if explanation.order is not None else explanation.orders:
        found += _of_venue(order, snapshots)
    if explanation.venue_order is not None:
        found += _of_record(explanation.venue_order)
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
    return pairs(shown)


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


def pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{key} {brief(value)}" for key, value in values.items() if value is not None)
