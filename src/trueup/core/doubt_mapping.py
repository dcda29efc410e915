"""Whether a bot's rows, as a mapping reads them, can be of the orders that the venue has: what a wrong mapping shows.

Theory: a wrong mapping is wrong in every row, a drift only in some. So a fault counts where rows show it and none that
could contradict it does: columns are swapped where the venue has each row's two figures the other way round, and has
no row's as they stand. Where anything is doubted nothing of these books is judged (`make_plan`), because every
repair would be made of the same misreading. Must not know which column is mapped to what.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.model.ids import are_apart, known_client_id, known_id, symbol_token
from trueup.model.money import amount, divide, is_same, multiply
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, Snapshot, VenueOrder
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import CUT_SHORT, LIVE, TERMINAL, ReadState, Status

FACTOR_MAX = 10  # the issue's: what a mapped price or quantity may differ by and still be the venue's
SHARE_MIN = Decimal(
    "0.2"
)  # of the orders that could show another unit: fewer are drift, which is what a plan is for
SHARE_OF_WORD = Decimal(
    "0.8"
)  # of the orders with one status, or times: a word or a zone is right in some rows only
ROWS_MIN = 2  # for what one order may be by accident
ROWS_OF_WORD_MIN = 3  # for what two lost cancels look like
QUOTE_TOLERANCE = Decimal("0.001")  # an amount of money is a quantity times a price that moved on since
PRICE_NEAR_ONE = Decimal("0.01")  # where quantity and cost are hardly told apart
ZONE_STEP_S, ZONE_NEAR_S = 900, 60  # time zones are whole quarters of an hour apart
_SWAPPED = (
    ("qty", "limit_price"),
    ("qty", "filled_qty"),
    ("limit_price", "filled_avg_price"),
    ("limit_price", "stop_price"),
)
_WORD = "what does the status word mean?"
Pair = tuple[LocalOrder, VenueOrder]


class Doubt(Struct, frozen=True):
    """Why the rows cannot be what the mapping says, and the orders that show it (at most a few)."""

    reason: Reason
    message: str


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
        _other_ids(orders, venue, pairs, complete=complete),
        *(_swapped(pairs, one, other) for one, other in _SWAPPED),
        _other_unit(pairs),
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


# -- ids --------------------------------------------------------------------------------------------------------------


def _other_ids(
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
        return _doubt(
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
    return _doubt(
        Reason.ORDER_IDS_DIFFER, twins, orders,
        "the venue knows none of their ids, and has orders like them under others: is another column the order id?",
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


# -- amounts ----------------------------------------------------------------------------------------------------------


def _swapped(pairs: Sequence[Pair], one: str, other: str) -> Doubt | None:
    wrong, right = [], 0
    for local, record in pairs:
        if record.by_notional:
            continue
        ours, theirs = (
            (_known(local, one), _known(local, other)),
            (_known(record, one), _known(record, other)),
        )
        if theirs[0] == theirs[1]:
            continue
        right += ours == theirs
        if ours == (theirs[1], theirs[0]):
            wrong.append(local)
    if not wrong or right:
        return None
    what = f"the venue has their {one} as {other}, and the other way round: are the columns swapped?"
    return _doubt(Reason.COLUMNS_SWAPPED, wrong, pairs, what)


def _known(order: LocalOrder | VenueOrder, name: str) -> Decimal | None:
    """A price of zero is none; nothing filled is 0."""
    value = amount(getattr(order, name))
    return value if value or name == "filled_qty" else None


def _other_unit(pairs: Sequence[Pair]) -> Doubt | None:
    """A quantity in quote currency, in contracts or in cents: off by the price, or by more than ten times."""
    for name in ("qty", "limit_price", "filled_qty"):
        known = [pair for pair in pairs if not pair[1].by_notional and _both(pair, name) is not None]
        right = [local for local, record in known if is_same(*_amounts((local, record), name))]
        shown = [pair for pair in known if name != "filled_qty" or not _may_be_missed(pair)]
        money = [local for local, record in shown if name != "limit_price" and _is_money(local, record, name)]
        least = ROWS_MIN if name == "filled_qty" else 1
        if len(money) >= least and _outweighs(money, right, known):
            what = f"their {name} is the venue's times the price: is it in quote currency?"
            return _doubt(Reason.UNIT_DIFFERS, money, known, what)
        off = [pair[0] for pair in shown if _factor(*_amounts(pair, name)) > FACTOR_MAX]
        if len(off) >= least and _outweighs(off, right, known):
            what = f"their {name} is off the venue's by more than ten times: is it in another unit?"
            return _doubt(Reason.UNIT_DIFFERS, off, known, what)
    return _part_of_cost(pairs)


def _outweighs(wrong: Sequence[LocalOrder], right: Sequence[LocalOrder], known: Sequence[Pair]) -> bool:
    """One order that a person amended is drift beside one that is as the venue has it; a fifth of many is not."""
    return bool(wrong) and (not right or (len(wrong) >= ROWS_MIN and len(wrong) >= SHARE_MIN * len(known)))


def _may_be_missed(pair: Pair) -> bool:
    """Less filled than at the venue: what a bot that is deaf to fills has, by whatever factor."""
    ours, theirs = _amounts(pair, "filled_qty")
    return ours < theirs


def _part_of_cost(pairs: Sequence[Pair]) -> Doubt | None:
    """Filled in quote currency at prices below 1, where no order has filled what the venue says."""
    known = [pair for pair in pairs if not pair[1].by_notional and _both(pair, "filled_qty") is not None]
    right = [local for local, record in known if is_same(*_amounts((local, record), "filled_qty"))]
    money = [local for local, record in known if _is_money(local, record, "filled_qty")]
    if right or len(money) < ROWS_MIN or len(money) < SHARE_OF_WORD * len(known):
        return None
    what = "their filled_qty is the venue's times the price: is it in quote currency?"
    return _doubt(Reason.UNIT_DIFFERS, money, known, what)


def _amounts(pair: Pair, name: str) -> tuple[Decimal, Decimal]:
    return amount(getattr(pair[0], name)), amount(getattr(pair[1], name))


def _both(pair: Pair, name: str) -> tuple[Decimal, Decimal] | None:
    """Ours and the venue's; null where one of them says nothing."""
    ours, theirs = _amounts(pair, name)
    return (ours, theirs) if ours and theirs else None


def _factor(ours: Decimal, theirs: Decimal) -> Decimal:
    """By how much the two differ, at least 1."""
    return max(divide(abs(ours), abs(theirs)), divide(abs(theirs), abs(ours)))


def _is_money(local: LocalOrder, record: VenueOrder, name: str) -> bool:
    ours, theirs = amount(getattr(local, name)), amount(getattr(record, name))
    if is_same(ours, theirs):
        return False
    prices = [amount(one) for one in (record.filled_avg_price, record.limit_price) if one is not None]
    return any(
        abs(price - 1) > PRICE_NEAR_ONE
        and abs(ours - multiply(theirs, price)) <= multiply(ours, QUOTE_TOLERANCE)
        for price in prices
        if price
    )


# -- words and times --------------------------------------------------------------------------------------------------


def _other_side(pairs: Sequence[Pair]) -> Doubt | None:
    said = [pair for pair in pairs if pair[1].side is not None]
    wrong = [local for local, record in said if local.side is not record.side]
    if len(wrong) < max(ROWS_MIN, len(said)):
        return None
    return _doubt(
        Reason.WORDS_DIFFER, wrong, said, "the venue has the other side: what do the words of side mean?"
    )


def _other_status(pairs: Sequence[Pair]) -> Doubt | None:
    """An end that the venue hardly ever has, although it has filled as much; or `filled` with little filled."""
    short = [local for local, _ in pairs if local.status is Status.FILLED and _is_short(local)]
    filled = [local for local, _ in pairs if local.status is Status.FILLED]
    if len(short) >= ROWS_OF_WORD_MIN and len(short) >= SHARE_MIN * len(filled):
        return _doubt(
            Reason.WORDS_DIFFER, short, filled, "filled by their status, and less than half is: " + _WORD
        )
    live = [local for local, record in pairs if record.status in LIVE]
    ended = [local for local in live if local.status in TERMINAL]
    if len(ended) >= ROWS_OF_WORD_MIN and len(ended) == len(live):
        return _doubt(
            Reason.WORDS_DIFFER, ended, live, "ended by their status, and live at the venue: " + _WORD
        )
    for status in TERMINAL:
        said = [pair for pair in pairs if pair[0].status is status and pair[1].status is not None]
        wrong = [local for local, record in said if _contradicts(local, record)]
        if len(wrong) >= ROWS_OF_WORD_MIN and len(wrong) >= SHARE_OF_WORD * len(said):
            return _doubt(
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
    return _doubt(
        Reason.UNIT_DIFFERS, [local for local, one in near if one == step], [one[0] for one in known],
        f"sent {hours:g} h {'after' if step > 0 else 'before'} what the venue says: is the time zone another?",
    )  # fmt: skip


def _is_near(off_ns: int, step: int) -> bool:
    return abs(off_ns - step * ZONE_STEP_S * NS_PER_S) <= ZONE_NEAR_S * NS_PER_S


def _doubt(reason: Reason, wrong: Sequence[LocalOrder], asked: Sequence[object], what: str) -> Doubt:
    names = sorted(str(one.venue_order_id or one.client_order_id) for one in wrong)
    shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
    return Doubt(reason, f"{len(wrong)} of {len(asked)} orders: {what} ({shown})")
