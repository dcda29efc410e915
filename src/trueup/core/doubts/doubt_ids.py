"""Whether the rows' ids are of another kind than the mapping says: swapped, or another column's.

Only where no row is the venue's by its id, and the venue has orders just like them under the other id, or under ids
of its own; or where one client order id stands in all rows.
"""

from collections.abc import Sequence

from trueup.core.doubts.doubt import ROWS_MIN, ROWS_OF_WORD_MIN, ZONE_NEAR_S, Doubt, Pair, doubt_of
from trueup.model.ids import known_client_id, known_id, symbol_token
from trueup.model.money import amount
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import LIVE


def other_ids(
    orders: Sequence[LocalOrder], venue: Sequence[VenueOrder], pairs: Sequence[Pair], *, complete: bool
) -> Doubt | None:
    """No order is the venue's by its id, and the venue has them under the other id, or under ids of its own."""
    if pairs:
        return None
    venue_ids = {known_id(one.venue_order_id) for one in venue} - {None}
    client_ids = {known_client_id(one.client_order_id) for one in venue} - {None}
    turned = [
        one
        for one in orders
        if known_id(one.venue_order_id) in client_ids or known_client_id(one.client_order_id) in venue_ids
    ]
    if turned:
        return doubt_of(
            Reason.ORDER_IDS_DIFFER, turned, orders,
            "the venue's order id stands where the bot's own is expected, or the other way round: are they swapped?",
        )  # fmt: skip
    shapes = {_shape(one) for one in venue_ids if one is not None}
    terms: dict[tuple[object, ...], list[VenueOrder]] = {}
    for record in venue:
        if record.replaces is None:
            terms.setdefault(_terms(record), []).append(record)
    twins = [
        one
        for one in orders
        if one.status in LIVE
        and known_id(one.venue_order_id) is not None
        and any(_sent_together(one, record) for record in terms.get(_terms(one), ()))
    ]
    strange = [one for one in twins if _shape(known_id(one.venue_order_id) or "") not in shapes]
    if not complete or (len(twins) < ROWS_MIN and not strange):
        return None
    return doubt_of(
        Reason.ORDER_IDS_DIFFER, twins, orders,
        "the venue knows none of their ids, and has orders like them under others: is another column the order id?",
    )  # fmt: skip


def one_client_id(pairs: Sequence[Pair]) -> Doubt | None:
    """All rows have one client order id, which the venue has of none: a word of another column."""
    known = [
        (local, client_id, known_client_id(record.client_order_id))
        for local, record in pairs
        if (client_id := known_client_id(local.client_order_id)) is not None
    ]
    said, told = {one for _, one, _ in known}, {one for *_, one in known}
    if len(known) < ROWS_OF_WORD_MIN or len(said) > 1 or said & told or len(told - {None}) < ROWS_MIN:
        return None
    return doubt_of(
        Reason.ORDER_IDS_DIFFER, [local for local, *_ in known], known,
        "all have one client order id, and the venue another of each: is another column the client order id?",
    )  # fmt: skip


def _terms(one: LocalOrder | VenueOrder) -> tuple[object, ...]:
    amounts = (None if each is None else amount(each).normalize() for each in (one.qty, one.limit_price))
    return (symbol_token(one.symbol or ""), one.side, *amounts)


def _sent_together(local: LocalOrder, record: VenueOrder) -> bool:
    """Bots repeat their orders: one that was sent at another time is another one."""
    if local.submitted_at is None or record.submitted_at is None:
        return True
    return abs(to_ns(local.submitted_at) - to_ns(record.submitted_at)) <= ZONE_NEAR_S * NS_PER_S


def _shape(one: str) -> tuple[bool, int]:
    """What tells ids of two kinds apart: digits or not, and about how many characters."""
    return one.isdigit(), len(one) // 4
