"""Two records of one execution: by what they are known to be one, and what they disagree about.

A real fill's identity is (account, instrument, venue order id, fill id). Quantity and price are its figures; a fee may
be missing on either side. Knows nothing of how fills are booked.
"""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.ids import known_id, normal_id
from trueup.model.money import amount, canonical, is_same, is_zero, same
from trueup.model.snapshot import Fill
from trueup.model.times import to_ns

FillKey = tuple[str | None, str | None]
Pair = tuple[Fill, Fill]  # one fill, as it is booked and as the venue reports it


class Reports(Struct):
    """The venue's fills, compared with the real ones that are booked."""

    new: list[Fill]  # not booked, oldest first
    listed: list[Fill]  # booked, and named by the venue
    unlisted: list[Fill]  # booked, and not named by the venue
    amending: list[Pair]
    differing: list[Pair]  # same identity, other figures
    fees_differing: list[Pair]


def fill_key(fill: Fill, venue_order_id: str | None) -> FillKey:
    """A real fill's identity within one account and instrument: (venue order id, fill id)."""
    return (known_id(fill.venue_order_id) or venue_order_id, known_id(fill.fill_id))


def price_of(fill: Fill) -> Decimal | None:
    """The fill's price; one that is not positive is none (nothing is ever booked at 0)."""
    price = amount(fill.price)
    return price if price > 0 else None


def told_price_of(fill: Fill) -> Decimal | None:
    """The price that the venue told of the fill; null where it told none, whatever was estimated."""
    return None if fill.price_estimated else price_of(fill)


def figures_differ(booked: Fill, reported: Fill) -> bool:
    """Whether they disagree in quantity or (where both were told one) price."""
    if not same(booked.qty, reported.qty):
        return True
    prices = (told_price_of(booked), told_price_of(reported))
    return prices[0] is not None and prices[1] is not None and not is_same(prices[0], prices[1])


def gives_price(booked: Fill, reported: Fill) -> bool:
    """Whether the report has the price that was estimated when the fill was booked."""
    return booked.price_estimated and told_price_of(reported) is not None


def gives_fee(booked: Fill, reported: Fill) -> bool:
    """Whether the report has a fee, or its currency, that the books lack."""
    if reported.fee is None or amount(reported.fee) == 0:
        return False
    if booked.fee is None:
        return True
    return (
        booked.fee_currency is None and reported.fee_currency is not None and same(booked.fee, reported.fee)
    )


def fees_differ(booked: Fill, reported: Fill) -> bool:
    """Whether both name a fee, and not the same one."""
    if booked.fee is None or reported.fee is None:
        return False
    currencies = (booked.fee_currency, reported.fee_currency)
    others = None not in currencies and known_id(currencies[0]) != known_id(currencies[1])
    return others or not same(booked.fee, reported.fee)


def is_news(booked: Fill | None, reported: Fill) -> bool:
    """Whether the report says anything that the books do not."""
    return (
        booked is None
        or figures_differ(booked, reported)
        or gives_price(booked, reported)
        or gives_fee(booked, reported)
        or fees_differ(booked, reported)
    )


def with_fee_of(fill: Fill, other: Fill) -> Fill:
    return replace(fill, fee=other.fee, fee_currency=other.fee_currency)


def together(one: Fill, other: Fill) -> Fill:
    """Two reports of one fill as one: what the first does not say, the other may."""
    if price_of(one) is None and price_of(other) is not None:
        one = replace(one, price=other.price, price_estimated=other.price_estimated)
    if one.filled_at is None and other.filled_at is not None:
        one = replace(one, filled_at=other.filled_at)
    return with_fee_of(one, other) if gives_fee(one, other) else one


def age(fill: Fill) -> tuple[int, str]:
    """Sorts oldest first."""
    return (0 if fill.filled_at is None else to_ns(fill.filled_at), normal_id(fill.fill_id))


def canonical_turn(fill: Fill) -> tuple[str, ...]:
    """Sorts the records of one fill, whatever their order in a read, and however they are spelled."""
    amounts = ("" if one is None else canonical(one) for one in (fill.qty, fill.price, fill.fee))
    texts = (fill.fee_currency, fill.filled_at, fill.venue_order_id)
    return (normal_id(fill.fill_id), *amounts, *(normal_id(one or "") for one in texts))


def compare_reports(real: Sequence[Fill], reported: Sequence[Fill], venue_order_id: str | None) -> Reports:
    """The venue's fills that are not booked, oldest first, and what they say of those whose identity is."""
    booked = {fill_key(fill, venue_order_id): fill for fill in sorted(real, key=canonical_turn)}
    told: dict[FillKey, Fill] = {}  # what all reports of a fill say together
    differing: dict[FillKey, Pair] = {}
    fees: dict[FillKey, Pair] = {}
    for fill in sorted((one for one in reported if amount(one.qty) > 0), key=canonical_turn):
        key = fill_key(fill, venue_order_id)
        said = told.setdefault(key, fill)
        known = booked.get(key, said)
        if is_zero(known.qty):  # others took its place: it is booked as those
            continue
        if figures_differ(known, fill) or figures_differ(said, fill):
            differing.setdefault(key, (known if figures_differ(known, fill) else said, fill))
            continue
        if fees_differ(known, fill):
            fees.setdefault(key, (known, fill))
        told[key] = together(said, fill)
    of_booked = [(fill, told[key]) for key, fill in booked.items() if key in told and key not in differing]
    return Reports(
        new=sorted((told[key] for key in told.keys() - booked.keys() - differing.keys()), key=age),
        listed=[fill for key, fill in booked.items() if key in told],
        unlisted=[fill for key, fill in booked.items() if key not in told and amount(fill.qty) > 0],
        amending=[
            (known, said)
            for known, said in of_booked
            if not is_zero(known.qty) and (gives_price(known, said) or gives_fee(known, said))
        ],
        differing=list(differing.values()),
        fees_differing=list(fees.values()),
    )
