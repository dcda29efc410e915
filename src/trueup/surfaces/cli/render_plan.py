"""A plan for people: breaks, corrections, queries, deferrals, alerts, and one line that sums it up."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from trueup.model.plan import Break, Correction, Plan, Query
from trueup.model.vocabulary import CorrectionKind, ReadState
from trueup.service.views.texts import brief, brief_time
from trueup.surfaces.cli.terminal import counted, severity, styled, table

if TYPE_CHECKING:
    from rich.console import RenderableType

_SEVERITY_ORDER = {"error": 0, "warn": 1, "info": 2}


def render_plan(plan: Plan, read: ReadState | None = None) -> "RenderableType":
    """`read`: of the venue's open orders, without which nothing is in sync; null: not known."""
    from rich.console import Group

    return Group(*spaced(_parts(plan, read)))


def spaced(parts: Iterable["RenderableType"]) -> Iterator["RenderableType"]:
    """The same, with an empty line between any two."""
    for number, part in enumerate(parts):
        if number:
            yield ""
        yield part


def _parts(plan: Plan, read: ReadState | None) -> Iterator["RenderableType"]:
    yield styled(f"{plan.profile_id} at {brief_time(plan.taken_at)} UTC", "bold")
    if plan.breaks:
        yield breaks_table(plan.breaks)
    if plan.corrections:
        rows = [(c.kind, order_name(c), correction_text(c), c.reason) for c in plan.corrections]
        yield table("Corrections", ("kind", "order", "change", "reason"), rows)
    if plan.queries:
        yield table(
            "Open questions", ("to", "about", "reason"), [_query_row(query) for query in plan.queries]
        )
    if plan.deferred:
        counts = Counter(str(deferral.reason) for deferral in plan.deferred)
        yield table("Not judged in this run", ("reason", ">orders"), sorted(counts.items()))
    if plan.alerts:
        alerts = [(severity(alert.severity.lower()), alert.type, alert.message) for alert in plan.alerts]
        yield table("Alerts", ("severity", "type", "message"), alerts)
    yield summary(plan, read)


def breaks_table(breaks: list[Break], title: str = "Breaks") -> "RenderableType":
    worst_first = sorted(breaks, key=lambda found: _SEVERITY_ORDER[found.severity])
    rows = [
        (
            severity(b.severity),
            b.kind,
            b.symbol,
            order_name(b),
            b.message or b.reason,
            "yes" if b.corrected else "no",
        )
        for b in worst_first
    ]
    return table(title, ("severity", "kind", "symbol", "order", "what", "repair"), rows)


def order_name(item: Break | Correction) -> str | None:
    """The id a person knows it by: the bot's own, else the venue's, else the trade's."""
    return (
        item.client_order_id or item.venue_order_id or (f"trade {item.trade_id}" if item.trade_id else None)
    )


def correction_text(correction: Correction) -> str:
    """What it changes, in a few words: `+4 @ 1000 (inferred)`, `status canceled`."""
    if correction.fill is not None:
        fill = correction.fill
        marks = [
            word
            for word, on in (("inferred", fill.inferred), ("price estimated", fill.price_estimated))
            if on
        ]
        if fill.superseded_qty:
            marks.append(f"in place of {fill.superseded_qty}")
        return f"{fill.qty} @ {brief(fill.price)}" + (f" ({', '.join(marks)})" if marks else "")
    changes: dict[str, Any] = to_builtins(correction.changes) or {}
    if correction.kind in (CorrectionKind.INSERT_ORDER, CorrectionKind.INSERT_EXIT):
        terms = f"{changes.get('side')} {changes.get('qty') or '?'} {changes.get('symbol') or ''}"
        return f"{terms}, {changes.get('status')}"  # what it filled is booked by corrections of its own
    return ", ".join(f"{key} → {brief(value)}" for key, value in changes.items())


def _query_row(query: Query) -> tuple[str, str, str]:
    subject = query.id or query.symbol or f"{len(query.ids or ())} ids"
    return (
        query.side,
        f"{query.by or 'ids'} {subject}" + (f" since {query.since}" if query.since else ""),
        query.reason,
    )


def summary(plan: Plan, read: ReadState | None) -> "RenderableType":
    if plan.result.error:
        return styled(f"failed: {plan.result.error}", "bold red")
    counts = [
        counted(len(plan.breaks), "break"),
        counted(len(plan.corrections), "correction"),
        counted(len(plan.queries), "open question"),
        f"{len(plan.deferred)} not judged",
    ]
    text = ", ".join(count for count in counts if not count.startswith("0 "))
    if read not in (None, ReadState.COMPLETE):
        part = "were not read" if read is ReadState.FAILED else "were read in part"
        return styled(f"incomplete: the venue's open orders {part}{text and f'; {text}'}", "bold yellow")
    return styled(text or "in sync", "bold" if text else "bold green")
