"""What `trueup connect` shows of the books that it found: some rows, all words, what was left out."""

from typing import TYPE_CHECKING, Any

from trueup.model.harmless import visible
from trueup.surfaces.cli.invocation import Invocation
from trueup.surfaces.cli.terminal import counted, say, table

if TYPE_CHECKING:
    from trueup.ports.foreign_books import ForeignRow
    from trueup.service.connect.found import Found

ROWS_SHOWN = 3
WORDS_SHOWN = 40


def show(invocation: Invocation, found: "Found") -> None:
    """Three orders as trueup understands them, every word with its meaning, and what a person should know."""
    from rich.console import Group

    parts: list[Any] = [f"found: {visible(found.what)}, {counted(len(found.rows), 'order')} looked at"]
    if found.rows:
        rows = [_row(one) for one in found.rows[:ROWS_SHOWN]]
        names = (
            "row",
            "venue's id",
            "bot's id",
            "symbol",
            "side",
            "action",
            ">filled",
            ">of",
            ">at",
            "status",
            "sent",
        )
        parts += [
            "",
            table(
                f"{counted(len(rows), 'order')} as trueup understands {'it' if len(rows) == 1 else 'them'}",
                names,
                rows,
            ),
        ]
    if found.words:
        words = [
            (one.meaning, one.said, one.count, one.ours or "nobody knows")
            for one in found.words[:WORDS_SHOWN]
        ]
        parts += ["", table("Words, and what they mean", ("column", "word", ">rows", "means"), words)]
    if found.ignored:
        parts += ["", f"left out: {visible(', '.join(found.ignored))}"]
    invocation.show(Group(*parts))
    for note in found.notes:
        say(f"note: {note}")


def _row(row: "ForeignRow") -> tuple[object, ...]:
    order = row.order
    return (
        row.key,
        order.venue_order_id,
        order.client_order_id,
        order.symbol,
        order.side,
        order.action,
        order.filled_qty,
        order.qty,
        order.filled_avg_price or order.limit_price,
        order.status,
        order.submitted_at,
    )
