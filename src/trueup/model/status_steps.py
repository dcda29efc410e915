"""Which status may follow which, and on which terms: the one table of an order's statuses. Others ask it.

A row is what the books say, a column what the venue says; the mark is what becomes of the books' status.

    .   the same: nothing
    >   follows: a live order is in another live status
    w   waits: the bot's own request to cancel or replace is believed for `transitional_timeout_s` after its last
        activity, then the order is live again as the venue says
    e   ends: after its fills are booked; by a record, or by absence that is confirmed
    c   ends otherwise: it had ended, the venue says by another word; after its fills are booked
    r   reopens: it had ended, and is live; only by a record not older than the recorded end, and never where the
        whole quantity is filled

What evidence each step needs beside that is its rule's (`core/orders/judge_status`). Knows no order.
"""

from collections.abc import Mapping
from enum import StrEnum

from trueup.model.vocabulary import TERMINAL, Status


class Step(StrEnum):
    """What becomes of the status that the books have."""

    SAME = "."
    FOLLOWS = ">"
    WAITS = "w"
    ENDS = "e"
    ENDS_OTHERWISE = "c"
    REOPENS = "r"


_TABLE = """
                   new part p_can p_rep susp  fill can exp rej repl
pending_new        .   >    >     >     >     e    e   e   e   e
partially_filled   >   .    >     >     >     e    e   e   e   e
pending_cancel     w   w    .     w     w     e    e   e   e   e
pending_replace    w   w    w     .     w     e    e   e   e   e
suspended          >   >    >     >     .     e    e   e   e   e
filled             r   r    r     r     r     .    c   c   c   c
canceled           r   r    r     r     r     c    .   c   c   c
expired            r   r    r     r     r     c    c   .   c   c
rejected           r   r    r     r     r     c    c   c   .   c
replaced           r   r    r     r     r     c    c   c   c   .
"""


def _read(table: str) -> Mapping[tuple[Status, Status], Step]:
    rows = [line.split() for line in table.strip().splitlines()[1:]]
    return {
        (Status(before), after): Step(mark)
        for before, *marks in rows
        for after, mark in zip(Status, marks, strict=True)
    }


STEPS = _read(_TABLE)  # (the books' status, the venue's) → the step

UNFILLED_ENDS = tuple(one for one in Status if one in TERMINAL and one is not Status.FILLED)
CANCELABLE = tuple(one for one in Status if STEPS[one, Status.PENDING_CANCEL] is Step.FOLLOWS)
IN_WORK = frozenset(CANCELABLE) - {Status.SUSPENDED}  # it may fill, and nothing else is asked of it
