"""The inferred fill: the one that stands for quantity of which no fill record is known, and the price it is given.

design.md, "The fold of fills": (venue average × C − cost of what is booked and of the real growth) ÷ quantity; where
that is odd, the average, marked estimated. Its id is a digest of what it stands for, so that it is inferred once.
"""

from decimal import Decimal

from msgspec import Struct

from trueup.model.ids import digest, known_id, plain_id, symbol_token
from trueup.model.money import NOISE, PLAIN_WIDTH_MAX, ZERO, divide, text
from trueup.model.plan import FillChange
from trueup.model.snapshot import Fill, LocalOrder, VenueOrder

PRICE_DEVIATION_MAX = Decimal(
    "0.05"
)  # design.md, "The fold of fills": a derived price further off its average is not believed


def inferred_price(
    *,
    qty: Decimal,
    cumulative_qty: Decimal,
    average_price: Decimal,
    cost: Decimal | None,
    soft_price: Decimal | None,
    tolerance: Decimal,
) -> tuple[Decimal, bool]:
    """The price, and whether it is estimated. `cost`: of what is booked of the order otherwise; null = not known.

    A derived price that is odd becomes the average where that leaves the order's average right to `tolerance`; else
    `soft_price`: that of all quantity whose price no venue told, which is the average where that is all of it.
    """
    if cost is None:
        return average_price, True
    if cost == 0 and qty == cumulative_qty:
        return average_price, False
    derived = divide(average_price * cumulative_qty - cost, qty)
    if not is_odd(derived, average_price):
        return derived, False
    if soft_price is None or abs(derived - average_price) * qty <= tolerance * cumulative_qty:
        return average_price, True
    return soft_price, True


def is_odd(derived: Decimal, average_price: Decimal) -> bool:
    return derived <= 0 or abs(derived - average_price) > average_price * PRICE_DEVIATION_MAX


def inferred_fill(
    order: LocalOrder,
    *,
    before_qty: Decimal,
    qty: Decimal,
    price: Decimal,
    is_estimated: bool,
    account_id: str | None,
    inferred_at: str,
) -> Fill:
    """The ledger's row. `before_qty`: what the order has filled without it."""
    token = None if order.symbol is None else symbol_token(order.symbol)
    before, grown = text(before_qty), text(qty)
    after = text(before_qty + qty) if before_qty else grown
    return Fill(
        fill_id=digest(
            account_id,
            token,
            known_id(order.venue_order_id and plain_id(order.venue_order_id)),
            before,
            after,
        ),
        venue_order_id=order.venue_order_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        qty=grown,
        price=text(price),
        filled_at=inferred_at,
        inferred=True,
        price_estimated=is_estimated,
    )


def inferred_change(row: Fill) -> FillChange:
    """What a correction says of it."""
    return FillChange(
        fill_id=row.fill_id,
        qty=row.qty,
        price=row.price,
        inferred=True,
        price_estimated=row.price_estimated,
    )


class Growth(Struct, frozen=True, gc=False):
    """One inferred fill, and how its order stands with it; amounts as canonical text."""

    qty: Decimal
    cost: Decimal
    price: str
    row: Fill
    change: FillChange
    filled_qty: str
    filled_avg_price: str


def infer_growth(
    order: LocalOrder, record: VenueOrder, *, account_id: str | None, inferred_at: str
) -> Growth | None:
    """The fold where no fill of the order is known on either side: all growth is one inferred fill at the average.

    Null where the fold has more to say: no growth or noise, more than the order's quantity, no price or an odd one.
    """
    if record.filled_qty is None or record.filled_avg_price is None or order.qty is None:
        return None
    if len(record.filled_qty) > PLAIN_WIDTH_MAX:  # may be noisy
        return None
    average_price, cumulative_qty = Decimal(record.filled_avg_price), Decimal(record.filled_qty)
    booked_qty = ZERO if order.filled_qty == "0" else Decimal(order.filled_qty)
    qty = cumulative_qty - booked_qty
    order_qty = Decimal(order.qty)
    if (
        average_price <= 0
        or qty <= 0
        or cumulative_qty > order_qty
        or _is_noisy(qty, cumulative_qty, order_qty)
    ):
        return None
    price = average_price
    if booked_qty:
        if order.filled_avg_price is None:
            return None
        booked_cost = booked_qty * Decimal(order.filled_avg_price)
        price = divide(average_price * cumulative_qty - booked_cost, qty)
        if is_odd(price, average_price):
            return None
    row = inferred_fill(
        order,
        before_qty=booked_qty,
        qty=qty,
        price=price,
        is_estimated=False,
        account_id=account_id,
        inferred_at=inferred_at,
    )
    cost = qty * price
    average = text(average_price)
    return Growth(
        qty=qty,
        cost=cost,
        price=text(divide(cost, qty)) if booked_qty else average,
        row=row,
        change=inferred_change(row),
        filled_qty=text(cumulative_qty) if booked_qty else row.qty,
        filled_avg_price=average,
    )


def _is_noisy(qty: Decimal, cumulative_qty: Decimal, order_qty: Decimal) -> bool:
    """Whether the growth, or what is left of the order, is noise."""
    noise = order_qty * NOISE
    return qty < noise or ZERO < order_qty - cumulative_qty < noise
