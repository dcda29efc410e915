"""Whether the rows' amounts are other figures than the mapping says: swapped columns, or another unit.

Two columns are swapped where the venue has each row's two figures the other way round, and no row's as they stand. One
column is another's where the venue has the rows' figures there, or where they are what it has left to fill. A unit is
another where a figure is off by far more than drift, by one factor in all rows, or is the venue's times the price.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal

from trueup.core.doubts.doubt import (
    ROWS_MIN,
    ROWS_OF_WORD_MIN,
    SHARE_MIN,
    SHARE_OF_WORD,
    Doubt,
    Pair,
    doubt_of,
)
from trueup.model.money import amount, divide, is_same, multiply
from trueup.model.reasons import Reason
from trueup.model.snapshot import LocalOrder, VenueOrder
from trueup.model.vocabulary import LIVE, Status

FACTOR_MAX = 10  # the issue's: what a mapped price or quantity may differ by and still be the venue's
QUOTE_TOLERANCE = Decimal("0.001")  # an amount of money is a quantity times a price that moved on since
PRICE_NEAR_ONE = Decimal("0.01")  # where quantity and cost are hardly told apart


def swapped(pairs: Sequence[Pair], one: str, other: str) -> Doubt | None:
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
    return doubt_of(Reason.COLUMNS_SWAPPED, wrong, pairs, what)


def average_for_limit(pairs: Sequence[Pair]) -> Doubt | None:
    """A bot's limit is no figure that its fills make."""

    def is_average(local: LocalOrder, record: VenueOrder) -> bool:
        limit = _known(local, "limit_price")
        return limit is not None and limit == _known(record, "filled_avg_price")

    def tells(local: LocalOrder, record: VenueOrder) -> bool:
        limit = _known(record, "limit_price")
        return limit not in (None, _known(record, "filled_avg_price")) and local.limit_price is not None

    what = "the venue has their limit_price as filled_avg_price: is another column the limit?"
    return _stands_for(pairs, "limit_price", tells, is_average, what, least=ROWS_MIN)


def left_for_filled(pairs: Sequence[Pair]) -> Doubt | None:
    """What is left of an order, in the place of what is filled."""

    def left(record: VenueOrder) -> Decimal:
        return amount(record.qty) - amount(record.filled_qty)

    def tells(local: LocalOrder, record: VenueOrder) -> bool:
        """An order of which nothing, or all, is filled by the bot's own word may be behind, or ahead of, the venue."""
        if record.by_notional or record.qty is None or local.status is Status.FILLED:
            return False
        is_all = local.status in LIVE and local.filled_qty == local.qty and left(record) == 0
        return not is_all and amount(local.filled_qty) > 0 and left(record) != amount(record.filled_qty)

    what = "their filled_qty is what the venue has left to fill: is another column what is filled?"
    return _stands_for(
        pairs, "filled_qty", tells, lambda local, record: amount(local.filled_qty) == left(record), what,
        least=ROWS_OF_WORD_MIN,
    )  # fmt: skip


def _stands_for(
    pairs: Sequence[Pair],
    name: str,
    tells: Callable[[LocalOrder, VenueOrder], bool],
    is_other: Callable[[LocalOrder, VenueOrder], bool],
    what: str,
    *,
    least: int,
) -> Doubt | None:
    """Another figure stands in nearly all rows that `tells` names, and none has the venue's own."""
    asked = [pair for pair in pairs if tells(*pair)]
    wrong = [local for local, record in asked if is_other(local, record)]
    right = any(is_same(*_amounts(pair, name)) for pair in asked)
    if right or len(wrong) < least or len(wrong) < SHARE_OF_WORD * len(asked):
        return None
    return doubt_of(Reason.COLUMNS_SWAPPED, wrong, asked, what)


def _known(order: LocalOrder | VenueOrder, name: str) -> Decimal | None:
    """A price of zero is none; nothing filled is 0."""
    value = amount(getattr(order, name))
    return value if value or name == "filled_qty" else None


def other_unit(pairs: Sequence[Pair]) -> Doubt | None:
    """A quantity in quote currency, in contracts or in cents: off by the price, or by more than ten times."""
    for name in ("qty", "limit_price", "filled_qty"):
        known = [pair for pair in pairs if not pair[1].by_notional and _both(pair, name) is not None]
        right = [local for local, record in known if is_same(*_amounts((local, record), name))]
        shown = [pair for pair in known if name != "filled_qty" or not _may_be_missed(pair)]
        money = [local for local, record in shown if name != "limit_price" and _is_money(local, record, name)]
        least = ROWS_MIN if name == "filled_qty" else 1
        if len(money) >= least and _outweighs(money, right, known):
            what = f"their {name} is the venue's times the price: is it in quote currency?"
            return doubt_of(Reason.UNIT_DIFFERS, money, known, what)
        off = [pair[0] for pair in shown if _factor(*_amounts(pair, name)) > FACTOR_MAX]
        if len(off) >= least and _outweighs(off, right, known):
            what = f"their {name} is off the venue's by more than ten times: is it in another unit?"
            return doubt_of(Reason.UNIT_DIFFERS, off, known, what)
        if not right and name != "filled_qty" and (doubt := _one_factor(name, known)) is not None:
            return doubt
    return _part_of_cost(pairs)


def _one_factor(name: str, known: Sequence[Pair]) -> Doubt | None:
    """Lots, contracts: each order is off by the same; what people amend they amend by sums of their own."""
    factors = [(local, divide(*_amounts((local, record), name))) for local, record in known]
    if not factors:
        return None
    factor, count = Counter(one for _, one in factors).most_common(1)[0]
    if factor == 1 or count < ROWS_OF_WORD_MIN or count < SHARE_OF_WORD * len(known):
        return None
    what = f"their {name} is {factor.normalize():f} times the venue's: is it in another unit?"
    return doubt_of(Reason.UNIT_DIFFERS, [local for local, one in factors if one == factor], known, what)


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
    return doubt_of(Reason.UNIT_DIFFERS, money, known, what)


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
