"""Whether rows can be what the mapping says they are: what a wrong mapping shows before it can do harm.

Local: times in the future, fills that do not add up, more filled than ordered, an average far off its limit. Beside
the venue: ids that no venue order has, prices off by more than ten times. Each fault is one line for a person. A status
word that no order confirms is no fault: it is told, to be looked at before repairs are written.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from trueup.books.tables.words import CLOSED, OPEN, word_meaning
from trueup.core.doubts.doubt_mapping import doubts_of
from trueup.model.ids import known_client_id, known_id, symbol_token
from trueup.model.money import ZERO, add, amount, divide, is_same, multiply
from trueup.model.notional import ordered_qty
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import CUT_SHORT, LIVE, Status
from trueup.ports.foreign_books import ForeignRow

LIVE_MIN = 3  # live orders: that none of fewer is known, a bot that was away may show
FUTURE_S = 300  # what two clocks may differ by and still be clocks
PRICE_FACTOR_MAX = 10  # an average so far from its limit, or from the venue's, is another quantity
SHARE_MIN = Decimal(
    "0.2"
)  # of the rows that could show a fault: fewer are drift, which is what a plan is for
NOISE = Decimal("1e-9")
SHOWN_MAX = 3


def implausible_rows(rows: Sequence[ForeignRow], now: str) -> list[str]:
    """What of the rows by themselves cannot be; empty where nothing is wrong."""
    limit_ns = to_ns(now) + FUTURE_S * 10**9
    faults = [
        _told(rows, lambda row: _times(row), lambda row: any(to_ns(one) > limit_ns for one in _times(row)),
              "times in the future: seconds taken for milliseconds, or another time zone?", least=1),
        _told(rows, lambda row: ordered_qty(row.order) is not None, _is_overfilled,
              "more filled than ordered: are the quantities swapped, or in quote currency?"),
        _told(rows, lambda row: row.order.status is Status.FILLED and ordered_qty(row.order) is not None, _is_short,
              "filled by their status, and less than ordered: what do the status word and the quantities mean?"),
        _told(rows, lambda row: row.order.status in CUT_SHORT and bool(row.order.qty), _is_whole,
              "canceled by their status, and filled to the end: what does the status word mean?"),
        _told(rows, lambda row: bool(_prices(row.order)), _is_far_off,
              "average and limit differ more than ten times: are price and quantity swapped?"),
        _told(rows, lambda row: bool(row.fills), _fills_differ,
              "their fills do not come to what is filled: is a quantity in quote currency?"),
        _told(rows, lambda row: row.order.status is Status.PENDING_NEW, lambda row: amount(row.order.filled_qty) < ZERO,
              "a negative quantity"),
    ]  # fmt: skip
    return [one for one in faults if one is not None]


def implausible_beside(
    rows: Sequence[ForeignRow], venue: Sequence[VenueOrder], *, complete: bool
) -> list[str]:
    """What the venue's orders show to be impossible. `complete`: every live order of the venue is among them."""
    faults = [one.message for one in doubts_of([row.order for row in rows], venue, complete=complete)]
    live = [row for row in rows if row.order.status in (Status.PENDING_NEW, Status.PARTIALLY_FILLED)]
    symbols = {symbol_token(one.symbol) for one in venue if one.symbol is not None}
    if symbols and live and not symbols & {symbol_token(row.order.symbol or "") for row in live}:
        faults.append(
            "the venue names none of the live orders' symbols: is another column the symbol, or the venue another?"
        )
    if complete and not faults and len(live) >= LIVE_MIN and venue and not _named(live, venue):
        faults.append(
            f"none of {len(live)} live orders is known to the venue by its id: is another column the order id, or does "
            "a status word of ended orders mean live?"
        )
    return faults


def unproven_words(
    rows: Sequence[ForeignRow], words: Mapping[str, str], venue: Sequence[VenueOrder], *, complete: bool
) -> list[str]:
    """Status words that a person gave a meaning, and that no order confirms. `words`: by row key, the bot's own.

    An order confirms its word where the venue has it with that status; an ended one also where a complete list of live
    orders lacks it and its quantities say the same. A word that everybody uses so needs no proof.
    """
    by_venue = {known_id(one.venue_order_id): one for one in venue if known_id(one.venue_order_id)}
    by_client = {known_client_id(one.client_order_id): one for one in venue}
    by_client.pop(None, None)
    means: dict[str, Status | None] = {}
    proven = set()
    for row in rows:
        word, order = words.get(row.key), row.order
        if word is None or word_meaning("status", word) in (order.status, OPEN, CLOSED):
            continue
        means[word] = order.status
        record = by_venue.get(known_id(order.venue_order_id)) or by_client.get(
            known_client_id(order.client_order_id)
        )
        is_ended = record is None and complete and order.status not in LIVE and _adds_up(row)
        if is_ended or (record is not None and _kind(record.status) == _kind(order.status)):
            proven.add(word)
    return [f"{word} ({means[word]})" for word in sorted(means.keys() - proven)]


def _adds_up(row: ForeignRow) -> bool:
    """Whether the quantities of an ended order are those of its status: all of it was filled, or less."""
    return _is_whole(row) if row.order.status is Status.FILLED else not _is_whole(row)


def _kind(status: Status | None) -> Status | None:
    """Of live orders, and of those that were cut short, one each."""
    if status in LIVE:
        return Status.PENDING_NEW
    return Status.CANCELED if status in CUT_SHORT else status


def _named(live: Sequence[ForeignRow], venue: Sequence[VenueOrder]) -> list[ForeignRow]:
    ids = {known_id(one.venue_order_id) for one in venue} - {None}
    clients = {known_client_id(one.client_order_id) for one in venue} - {None}
    return [
        row
        for row in live
        if known_id(row.order.venue_order_id) in ids or known_client_id(row.order.client_order_id) in clients
    ]


def _told(
    rows: Sequence[ForeignRow],
    concerns: Callable[[ForeignRow], object],
    is_wrong: Callable[[ForeignRow], bool],
    what: str,
    least: int = 2,
) -> str | None:
    """One line where a fault is more than an accident."""
    asked = [row for row in rows if concerns(row)]
    wrong = [row for row in asked if is_wrong(row)]
    if len(wrong) < least or len(wrong) < SHARE_MIN * len(asked):
        return None
    return f"{len(wrong)} of {len(asked)} orders: {what} {_keys(wrong)}"


def _keys(rows: Sequence[ForeignRow]) -> str:
    shown = ", ".join(row.key for row in rows[:SHOWN_MAX])
    return f"(rows {shown}{' …' if len(rows) > SHOWN_MAX else ''})"


def _times(row: ForeignRow) -> list[str]:
    order = row.order
    return [
        one for one in (order.submitted_at, order.last_activity_at, order.venue_updated_at) if one is not None
    ]


def _is_overfilled(row: ForeignRow) -> bool:
    return amount(row.order.filled_qty) > multiply(amount(row.order.qty), 1 + NOISE)


def _is_short(row: ForeignRow) -> bool:
    return amount(row.order.filled_qty) < multiply(amount(row.order.qty), Decimal("0.5"))


def _is_whole(row: ForeignRow) -> bool:
    qty = amount(row.order.qty)
    return bool(qty) and is_same(amount(row.order.filled_qty), qty)


def _prices(order: LocalOrder) -> tuple[str, str] | None:
    if order.filled_avg_price is None or order.limit_price is None:
        return None
    return order.filled_avg_price, order.limit_price


def _is_far_off(row: ForeignRow) -> bool:
    prices = _prices(row.order)
    return prices is not None and _factor(*prices) > PRICE_FACTOR_MAX


def _factor(one: str | None, other: str | None) -> Decimal:
    left, right = abs(amount(one)), abs(amount(other))
    if not left or not right:
        return Decimal(1)
    return max(divide(left, right), divide(right, left))


def _fills_differ(row: ForeignRow) -> bool:
    total, filled = ZERO, amount(row.order.filled_qty)
    for fill in row.fills or ():
        total = add(total, amount(fill.qty))
    return abs(total - filled) > multiply(max(total, filled), NOISE)
