"""The hidden truth of a small random world: what happened at the venue, as events in time.

Every view of the venue is the truth folded up to a moment, so a stale read is only an earlier moment, and what the bot
heard is one too. Deterministic from a seed. Knows the documents only, nothing of the core.
"""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

Document = dict[str, Any]

EPOCH = dt.datetime(2026, 11, 23, 12, 0, 0, tzinfo=dt.UTC)
SYMBOLS = ("ETH/USD", "BTC/USD")
ENDS = ("canceled", "expired", "canceled", "filled", "live", "live")


def at(second: float) -> str:
    return (EPOCH + dt.timedelta(seconds=second)).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Execution:
    second: float
    fill_id: str
    qty: Decimal
    price: Decimal


@dataclass
class TrueOrder:
    """One venue order. `ended`: (second, status); null while it lives."""

    venue_order_id: str
    client_order_id: str | None
    symbol: str
    side: str
    qty: Decimal
    limit_price: Decimal
    submitted: float
    trade_id: str | None
    action: str
    owned: bool
    executions: list[Execution] = field(default_factory=list)
    amended: tuple[float, Decimal] | None = None  # the limit price before that second was another
    ended: tuple[float, str] | None = None
    replaces: str | None = None
    replaced_by: str | None = None

    def done(self, second: float) -> list[Execution]:
        return [execution for execution in self.executions if execution.second <= second]

    def filled(self, second: float) -> Decimal:
        return sum((execution.qty for execution in self.done(second)), Decimal(0))

    def average(self, second: float) -> Decimal | None:
        done = self.done(second)
        if not done:
            return None
        cost = sum((execution.qty * execution.price for execution in done), Decimal(0))
        return cost / self.filled(second)

    def limit(self, second: float) -> Decimal:
        return self.amended[1] if self.amended and second < self.amended[0] else self.limit_price

    def status(self, second: float) -> str:
        if self.ended and self.ended[0] <= second:
            return self.ended[1]
        return "partially_filled" if self.filled(second) else "pending_new"

    def updated(self, second: float) -> float:
        moments = [self.submitted, *(execution.second for execution in self.executions)]
        moments += [self.amended[0]] if self.amended else []
        moments += [self.ended[0]] if self.ended else []
        return max(moment for moment in moments if moment <= second)

    def record(self, second: float) -> Document:
        """The venue's record of it at that moment."""
        average = self.average(second)
        replaced = self.status(second) == "replaced"
        return {
            "venue_order_id": self.venue_order_id,
            "client_order_id": self.client_order_id,
            "symbol": self.symbol,
            "side": self.side,
            "order_type": "limit",
            "qty": str(self.qty),
            "limit_price": str(self.limit(second)),
            "status": self.status(second),
            "filled_qty": str(self.filled(second)),
            "filled_avg_price": None if average is None else str(round(average, 9)),
            "replaces": self.replaces,
            "replaced_by": self.replaced_by if replaced else None,
            "submitted_at": at(self.submitted),
            "updated_at": at(self.updated(second)),
        }

    def fills(self, since: float, second: float) -> list[Document]:
        return [
            {
                "fill_id": execution.fill_id,
                "venue_order_id": self.venue_order_id,
                "symbol": self.symbol,
                "side": self.side,
                "qty": str(execution.qty),
                "price": str(execution.price),
                "filled_at": at(execution.second),
            }
            for execution in self.done(second)
            if execution.second >= since
        ]


@dataclass
class Truth:
    orders: list[TrueOrder]
    trades: list[tuple[str, str, str]]  # id, symbol, side

    def known(self, second: float) -> Iterator[TrueOrder]:
        return (order for order in self.orders if order.submitted <= second)

    def open_orders(self, second: float) -> list[Document]:
        live = ("pending_new", "partially_filled")
        return [order.record(second) for order in self.known(second) if order.status(second) in live]

    def history(self, since: float, second: float) -> tuple[list[Document], list[Document]]:
        orders = [order.record(second) for order in self.known(second) if order.submitted >= since]
        fills = [fill for order in self.known(second) for fill in order.fills(since, second)]
        return orders, fills

    def find(self, by: str, order_id: str, second: float) -> list[Document]:
        wanted = order_id.strip().lower()
        return [
            record
            for record in (order.record(second) for order in self.known(second))
            if (record[by] or "").strip().lower() == wanted
        ]

    def successor(self, order: TrueOrder) -> TrueOrder | None:
        return next((other for other in self.orders if other.venue_order_id == order.replaced_by), None)

    def settled_after(self) -> float:
        """The second after which nothing happens any more."""
        return max((order.updated(float("inf")) for order in self.orders), default=0.0)


def make_truth(rng: random.Random, *, has_foreign: bool, until: float) -> Truth:
    """Up to seven intents, some replaced once or twice, the last event at most at second `until`."""
    trades = [
        (f"t-{number}", rng.choice(SYMBOLS), rng.choice(("long", "long", "short")))
        for number in range(rng.randint(0, 3))
    ]
    truth = Truth([], trades)
    for intent in range(rng.randint(1, 7)):
        truth.orders.extend(
            _intent(rng, intent, trades, owned=not (has_foreign and rng.random() < 0.25), until=until)
        )
    return truth


def _intent(rng: random.Random, intent: int, trades: list, *, owned: bool, until: float) -> list[TrueOrder]:
    trade_id, symbol, trade_side = (
        rng.choice(trades) if trades and owned and rng.random() < 0.7 else (None, None, None)
    )
    action = rng.choice(("entry", "entry", "exit"))
    opens = "buy" if trade_side != "short" else "sell"
    side = opens if action == "entry" else ("sell" if opens == "buy" else "buy")
    first = TrueOrder(
        venue_order_id=f"v-{intent}",
        client_order_id=_client_id(rng, intent, owned),
        symbol=symbol or rng.choice(SYMBOLS),
        side=side,
        qty=Decimal(rng.choice(("1", "2.5", "4", "10", "0.03"))),
        limit_price=Decimal(rng.choice(("100", "101.5", "99.99"))),
        submitted=-rng.uniform(900, 7200),
        trade_id=trade_id,
        action=action,
        owned=owned,
    )
    chain = [first]
    while len(chain) < 3 and rng.random() < 0.25:
        chain.append(_live_and_replace(rng, chain[-1], len(chain), until))
    _live_and_end(rng, chain[-1], until)
    return chain


def _client_id(rng: random.Random, intent: int, owned: bool) -> str | None:
    if not owned:
        return rng.choice((f"man-{intent}", f"robot-{intent}", f"bot2-{intent}", None))
    return rng.choice((f"bot-{intent}", f"bot-{intent}", f"Bot-{intent}"))


def _live_and_replace(rng: random.Random, order: TrueOrder, link: int, until: float) -> TrueOrder:
    end = rng.uniform(order.submitted + 1, until)
    _execute(rng, order, end, share=rng.choice((Decimal(0), Decimal(0), Decimal("0.5"))))
    order.ended = (end, "replaced")
    successor = TrueOrder(
        venue_order_id=f"{order.venue_order_id}r{link}",
        client_order_id=order.client_order_id
        if rng.random() < 0.3
        else (f"{order.client_order_id}-r{link}" if order.client_order_id else None),
        symbol=order.symbol,
        side=order.side,
        qty=order.qty - order.filled(end),
        limit_price=order.limit_price + 1,
        submitted=end,
        trade_id=order.trade_id,
        action=order.action,
        owned=order.owned,
        replaces=order.venue_order_id,
    )
    order.replaced_by = successor.venue_order_id
    return successor


def _live_and_end(rng: random.Random, order: TrueOrder, until: float) -> None:
    end = rng.uniform(order.submitted + 0.5, until)
    match rng.choice(ENDS):
        case "filled":
            _execute(rng, order, end, share=Decimal(1))
            order.ended = (max(execution.second for execution in order.executions), "filled")
        case "live":
            _execute(rng, order, end, share=rng.choice((Decimal(0), Decimal("0.5"))))
        case status:
            _execute(rng, order, end, share=rng.choice((Decimal(0), Decimal("0.5"))))
            late = rng.random() < 0.2  # a fill may be older than the end by no time at all
            order.ended = (end + (0 if late else 0.25), status)
    if rng.random() < 0.15:
        order.amended = (rng.uniform(order.submitted, end), order.limit_price - 1)


def _execute(rng: random.Random, order: TrueOrder, end: float, share: Decimal) -> None:
    """Fills of so large a share of the order between its submission and `end`, in one to three parts."""
    left = order.qty * share
    parts = rng.randint(1, 3) if left else 0
    for part in range(parts):
        qty = left if part == parts - 1 else (left / 2).quantize(Decimal("0.001"))
        if not qty:
            continue
        left -= qty
        price = order.limit_price + rng.choice((Decimal(0), Decimal("-0.5"), Decimal("0.25")))
        second = rng.uniform(order.submitted, end)
        name = rng.choice(
            (f"F{part}", f"{order.venue_order_id}:{part}")
        )  # ids are unique within an order only
        order.executions.append(Execution(second, name, qty, price))
