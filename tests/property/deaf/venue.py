"""A venue of its own for the trials with a deaf bot: two instruments, orders that fill in parts, an account's position.

Decides what truly happened and what a read at a moment says. Nothing of it is the simulator's or the core's: amounts
are integers of an instrument's smallest unit, and documents are written by hand from the formats page.
"""

import datetime as dt
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Document = dict[str, Any]
EPOCH = dt.datetime(2026, 11, 23, 12, 0, 0, tzinfo=dt.UTC)
BEGINNING = -86_400.0


def at(second: float) -> str:
    return (EPOCH + dt.timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Instrument:
    symbol: str
    decimals: int  # of a quantity

    def text(self, units: int) -> str:
        return format(Decimal(units).scaleb(-self.decimals), "f")


@dataclass
class Execution:
    second: float
    fill_id: str
    units: int
    price: Decimal


@dataclass
class Order:
    """One order at the venue. `ended`: when and how; null while it lives. `by_notional`: an amount of money."""

    venue_id: str
    client_id: str | None
    instrument: Instrument
    side: str
    units: int
    limit: Decimal | None
    submitted: float
    action: str
    trade_id: str
    by_notional: bool
    executions: list[Execution] = field(default_factory=list)
    ended: tuple[float, str] | None = None

    def done(self, second: float) -> list[Execution]:
        return [one for one in self.executions if one.second <= second]

    def filled(self, second: float) -> int:
        return sum(one.units for one in self.done(second))

    def cost(self, second: float) -> Decimal:
        """Of what is filled, in units times price."""
        return sum((one.units * one.price for one in self.done(second)), Decimal(0))

    def status(self, second: float) -> str:
        if self.ended is not None and self.ended[0] <= second:
            return self.ended[1]
        return "partially_filled" if self.filled(second) else "pending_new"

    def is_live(self, second: float) -> bool:
        return self.submitted <= second and self.status(second) in ("partially_filled", "pending_new")

    def updated(self, second: float) -> float:
        moments = [self.submitted, *(one.second for one in self.executions)]
        moments += [] if self.ended is None else [self.ended[0]]
        return max(moment for moment in moments if moment <= second)

    def record(self, second: float) -> Document:
        filled = self.filled(second)
        average = format(round(self.cost(second) / filled, 8), "f") if filled else None
        ended = not self.is_live(second)
        units = (filled if ended else None) if self.by_notional else self.units
        return {
            "venue_order_id": self.venue_id,
            "client_order_id": self.client_id,
            "symbol": self.instrument.symbol,
            "side": self.side,
            "order_type": "market" if self.limit is None else "limit",
            "qty": None if units is None else self.instrument.text(units),
            "limit_price": None if self.limit is None else str(self.limit),
            "status": self.status(second),
            "filled_qty": self.instrument.text(filled),
            "filled_avg_price": average,
            "by_notional": self.by_notional,
            "submitted_at": at(self.submitted),
            "updated_at": at(self.updated(second)),
        }

    def fills(self, second: float) -> list[Document]:
        return [
            {
                "fill_id": one.fill_id,
                "venue_order_id": self.venue_id,
                "symbol": self.instrument.symbol,
                "side": self.side,
                "qty": self.instrument.text(one.units),
                "price": str(one.price),
                "filled_at": at(one.second),
            }
            for one in self.done(second)
        ]


@dataclass
class Account:
    """What happened in one account. `shares_ids`: each instrument counts its orders for itself."""

    rng: random.Random
    instruments: list[Instrument]
    shares_ids: bool
    orders: list[Order] = field(default_factory=list)

    def place(self, second: float, client_id: str | None, instrument: Instrument, **order: Any) -> Order:
        same = [one for one in self.orders if not self.shares_ids or one.instrument == instrument]
        placed = Order(f"{7000 + len(same)}", client_id, instrument, submitted=second, **order)
        self.orders.append(placed)
        self._live(placed)
        return placed

    def _live(self, order: Order) -> None:
        """Draws its whole life: parts of it fill within two minutes, then it is filled, canceled, or stays."""
        share = self.rng.choice((1.0, 1.0, 1.0, 0.5, 0.3, 0.0))
        left, second = int(order.units * share), order.submitted
        parts = self.rng.randint(1, 4)
        for part in range(parts):
            units = left if part == parts - 1 else self.rng.randint(0, left)
            if not units:
                continue
            second += self.rng.uniform(1, 40)
            price = (order.limit or Decimal(100)) + self.rng.choice(
                (Decimal(0), Decimal("0.5"), Decimal("-0.25"))
            )
            order.executions.append(Execution(second, f"E{order.venue_id}-{part}", units, price))
            left -= units
        if order.filled(float("inf")) == order.units or (order.by_notional and order.executions):
            order.ended = (second, "filled")
        elif self.rng.random() < 0.6:
            order.ended = (second + self.rng.uniform(0, 60), self.rng.choice(("canceled", "expired")))

    # Reads: each says what was true at `second`

    def open_orders(self, second: float) -> list[Document]:
        return [one.record(second) for one in self.orders if one.is_live(second)]

    def history(self, second: float) -> tuple[list[Document], list[Document]]:
        known = [one for one in self.orders if one.submitted <= second]
        return [one.record(second) for one in known], [fill for one in known for fill in one.fills(second)]

    def find(self, by: str, order_id: str, symbol: str | None, second: float) -> list[Document]:
        records = [one.record(second) for one in self.orders if one.submitted <= second]
        return [
            one
            for one in records
            if (one[by] or "").lower() == order_id.strip().lower() and symbol in (None, one["symbol"])
        ]

    def positions(self, second: float) -> list[Document]:
        held = {one.symbol: 0 for one in self.instruments}
        for order in self.orders:
            sign = 1 if order.side == "buy" else -1
            held[order.instrument.symbol] += sign * order.filled(second)
        return [{"symbol": one.symbol, "qty": one.text(held[one.symbol])} for one in self.instruments]
