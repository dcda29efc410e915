"""Whether a bot's rows, as a mapping reads them, can be of the orders that the venue has: what a wrong mapping shows.

Theory: a wrong mapping is wrong in every row, a drift only in some. So a fault counts where rows show it and none that
could contradict it does: columns are swapped where the venue has each row's two figures the other way round, and has
no row's as they stand. Where anything is doubted nothing of these books is judged (`make_plan`), because every
repair would be made of the same misreading. Must not know which column is mapped to what.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from trueup.core.doubts.doubt import (
    ROWS_MIN,
    ROWS_OF_WORD_MIN,
    SHARE_MIN,
    SHARE_OF_WORD,
    ZONE_NEAR_S,
    Doubt,
    Pair,
    doubt_of,
)
from trueup.core.doubts.doubt_amounts import average_for_limit, left_for_filled, other_unit, swapped
from trueup.core.doubts.doubt_ids import one_client_id, other_ids
from trueup.model.ids import are_apart, known_client_id, known_id
from trueup.model.money import amount, is_same, multiply
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, Snapshot, VenueOrder
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import CUT_SHORT, LIVE, TERMINAL, ReadState, Status

ZONE_STEP_S = 900  # time zones are whole quarters of an hour apart
_SWAPPED = (
    ("qty", "limit_price"),
    ("qty", "filled_qty"),
    ("limit_price", "filled_avg_price"),
    ("limit_price", "stop_price"),
)
_WORD = "what does the status word mean?"


def mapping_doubts(snapshot: Snapshot) -> list[Doubt]:
    """Nothing is doubted of books that nobody mapped."""
    if not snapshot.local.mapped:
        return []
    venue = snapshot.venue
    answered = [one.order for one in venue.answers if one.order is not None]
    complete = venue.open_orders.state is ReadState.COMPLETE
    records = [*venue.open_orders.rows, *venue.history.orders, *answered]
    return doubts_of(snapshot.local.orders, records, complete=complete)


def doubts_of(
    orders: Sequence[LocalOrder], venue: Sequence[VenueOrder], *, complete: bool = True
) -> list[Doubt]:
    """`venue`: any of its orders, in whatever read they were; `complete`: all that are live are among them."""
    pairs = _pairs(orders, venue)
    found = [
        other_ids(orders, venue, pairs, complete=complete),
        one_client_id(pairs),
        *(swapped(pairs, one, other) for one, other in _SWAPPED),
        average_for_limit(pairs),
        left_for_filled(pairs),
        other_unit(pairs),
        _other_side(pairs),
        _other_status(pairs),
        _other_zone(pairs),
    ]
    return [one for one in found if one is not None]


def _pairs(orders: Iterable[LocalOrder], venue: Iterable[VenueOrder]) -> list[Pair]:
    """Orders that share an id, which two instruments may have, with the venue's last record of each."""
    by_id: dict[str | None, list[VenueOrder]] = {}
    by_client: dict[str | None, list[VenueOrder]] = {}
    for record in venue:
        by_id.setdefault(known_id(record.venue_order_id), []).append(record)
        by_client.setdefault(known_client_id(record.client_order_id), []).append(record)
    pairs = []
    for order in orders:
        venue_id, client_id = known_id(order.venue_order_id), known_client_id(order.client_order_id)
        named = by_id.get(venue_id, []) if venue_id is not None else []
        if venue_id is None and client_id is not None:
            named = by_client.get(client_id, [])
        same = [one for one in named if not are_apart(order.symbol, one.symbol)]
        pairs += [(order, same[-1])] if same else []
    return pairs


# -- words and times --------------------------------------------------------------------------------------------------


def _other_side(pairs: Sequence[Pair]) -> Doubt | None:
    said = [pair for pair in pairs if pair[1].side is not None]
    wrong = [local for local, record in said if local.side is not record.side]
    if len(wrong) < max(ROWS_MIN, len(said)):
        return None
    return doubt_of(
        Reason.WORDS_DIFFER, wrong, said, "the venue has the other side: what do the words of side mean?"
    )


def _other_status(pairs: Sequence[Pair]) -> Doubt | None:
    """An end that the venue hardly ever has, although it has filled as much; or `filled` with little filled."""
    short = [local for local, _ in pairs if local.status is Status.FILLED and _is_short(local)]
    filled = [local for local, _ in pairs if local.status is Status.FILLED]
    if len(short) >= ROWS_OF_WORD_MIN and len(short) >= SHARE_MIN * len(filled):
        return doubt_of(
            Reason.WORDS_DIFFER, short, filled, "filled by their status, and less than half is: " + _WORD
        )
    live = [local for local, record in pairs if record.status in LIVE]
    ended = [local for local in live if local.status in TERMINAL]
    if len(ended) >= ROWS_OF_WORD_MIN and len(ended) == len(live):
        return doubt_of(
            Reason.WORDS_DIFFER, ended, live, "ended by their status, and live at the venue: " + _WORD
        )
    for status in TERMINAL:
        said = [pair for pair in pairs if pair[0].status is status and pair[1].status is not None]
        wrong = [local for local, record in said if _contradicts(local, record)]
        if len(wrong) >= ROWS_OF_WORD_MIN and len(wrong) >= SHARE_OF_WORD * len(said):
            return doubt_of(
                Reason.WORDS_DIFFER, wrong, said, f"{status} by their status, and not at the venue: " + _WORD
            )
    return None


def _is_short(local: LocalOrder) -> bool:
    return multiply(amount(local.filled_qty), Decimal(2)) < amount(local.qty)


def _contradicts(local: LocalOrder, record: VenueOrder) -> bool:
    """Ended otherwise, with as much filled: what the bot missed is drift."""
    if not is_same(amount(local.filled_qty), amount(record.filled_qty)):
        return False
    return (local.status is Status.FILLED) is not (record.status is Status.FILLED) and {
        local.status,
        record.status,
    } <= {Status.FILLED, *CUT_SHORT}


def _other_zone(pairs: Sequence[Pair]) -> Doubt | None:
    """Sent at the same number of quarters of an hour before or after what the venue says."""
    known = [
        (local, to_ns(local.submitted_at) - to_ns(record.submitted_at))
        for local, record in pairs
        if local.submitted_at is not None and record.submitted_at is not None
    ]
    steps = [(local, round(off_ns / (ZONE_STEP_S * NS_PER_S)), off_ns) for local, off_ns in known]
    near = [(local, step) for local, step, off_ns in steps if step and _is_near(off_ns, step)]
    if not near:
        return None
    step, count = Counter(step for _, step in near).most_common(1)[0]
    if count < ROWS_OF_WORD_MIN or count < SHARE_OF_WORD * len(known):
        return None
    hours = abs(step) * ZONE_STEP_S / 3600
    return doubt_of(
        Reason.UNIT_DIFFERS, [local for local, one in near if one == step], [one[0] for one in known],
        f"sent {hours:g} h {'after' if step > 0 else 'before'} what the venue says: is the time zone another?",
    )  # fmt: skip


def _is_near(off_ns: int, step: int) -> bool:
    return abs(off_ns - step * ZONE_STEP_S * NS_PER_S) <= ZONE_NEAR_S * NS_PER_S
