"""A deaf bot: it records each order before sending it, then hears half of what happens, partly under ids of its own.

Decides what stands in the books before trueup looks at them; and how a plan's projections are laid into them, honestly:
versions rise, times of activity stay. Adds in floats where a trial says so, as many bots do.
"""

import random
from dataclasses import dataclass, field
from decimal import Decimal

from tests.property.deaf.venue import Account, Document, Execution, Instrument, Order, at


@dataclass(frozen=True)
class Habits:
    """`stream_ids`: fills heard have ids of the stream's own; `floats`: sums and averages are a float's text.

    `tag`: every order carries one client id, a user's tag; `granular`: the stream tells an execution in two parts.
    """

    stream_ids: bool
    floats: bool
    tag: bool
    granular: bool
    hears_acknowledgement: float
    hears_fill: float
    hears_end: float


@dataclass
class Books:
    orders: list[Document] = field(default_factory=list)
    fills: list[Document] = field(default_factory=list)
    trades: list[Document] = field(default_factory=list)


@dataclass
class Bot:
    rng: random.Random
    habits: Habits
    books: Books = field(default_factory=Books)
    waiting: list[tuple[float, Order, object]] = field(default_factory=list)  # news on its way: when, of what

    def trade(self, account: Account, second: float, number: int, instrument: Instrument) -> None:
        """One round trip's entry; its exit, as large as the entry, follows within some minutes."""
        entry_side, exit_side = self.rng.choice((("buy", "sell"), ("sell", "buy")))
        trade_id, units = f"t{number}", self.rng.choice((10, 250, 1000, 3333))
        side = "long" if entry_side == "buy" else "short"
        self.books.trades.append(
            {"trade_id": trade_id, "symbol": instrument.symbol, "side": side, "status": "open", "entry_qty": "0",
             "exit_qty": "0", "opened_at": at(second), "version": 1}
        )  # fmt: skip
        entry = self._send(account, second, trade_id, instrument, entry_side, "entry", units)
        filled = entry.filled(float("inf"))
        if filled and self.rng.random() < 0.6:
            later = max(entry.updated(float("inf")), second) + self.rng.uniform(1, 60)
            self._send(account, later, trade_id, instrument, exit_side, "exit", filled)

    def _send(
        self,
        account: Account,
        second: float,
        trade_id: str,
        instrument: Instrument,
        side: str,
        action: str,
        units: int,
    ) -> Order:
        by_notional = action == "entry" and self.rng.random() < 0.2
        limit = None if by_notional else Decimal(self.rng.choice(("100", "101.5")))
        client_id = "my-bot" if self.habits.tag else f"{trade_id}-{action}"
        order = account.place(
            second, client_id, instrument, side=side, units=units, limit=limit, action=action, trade_id=trade_id,
            by_notional=by_notional,
        )  # fmt: skip
        hears = self.rng.random
        if hears() < self.habits.hears_acknowledgement or self.habits.tag:  # a tag alone would find nothing
            self.waiting.append((second + 0.2, order, "acknowledged"))
            for execution in order.executions:
                if hears() < self.habits.hears_fill:
                    self.waiting.append((execution.second + 0.2, order, execution))
            if order.ended is not None and hears() < self.habits.hears_end:
                self.waiting.append((order.ended[0] + 0.4, order, order.ended[1]))
        self.waiting.append((second, order, "sent"))
        return order

    def hear(self, now: float, lag_s: float) -> None:
        """Records what it sends by now, and hears what came `lag_s` ago, in the order of time."""
        coming = [(one, now if one[2] == "sent" else now - lag_s) for one in self.waiting]
        due = sorted((one for one, until in coming if one[0] <= until), key=lambda one: one[0])
        self.waiting = [one for one, until in coming if one[0] > until]
        for second, order, news in due:
            self._note(second, order, news)

    def _note(self, second: float, order: Order, news: object) -> None:
        if news == "sent":
            estimate = order.units if not order.by_notional else int(order.units * self.rng.uniform(0.9, 1.1))
            self.books.orders.append(_row(order, second, order.instrument.text(max(estimate, 1))))
            return
        found = self._find(order)
        if found is None or found["status"] in ("filled", "canceled", "expired", "rejected"):
            return  # a careful bot leaves an order alone that ended
        if news == "acknowledged":
            found["venue_order_id"] = order.venue_id
        elif isinstance(news, str):
            if news != "filled" or Decimal(found["filled_qty"]) == Decimal(
                order.instrument.text(order.units)
            ):
                found["status"] = news
        elif isinstance(news, Execution):
            self._note_fill(found, order, news)
        found["last_activity_at"] = at(second)
        found["version"] += 1
        sum_trades(self.books)

    def _find(self, order: Order) -> Document | None:
        mine = [one for one in self.books.orders if one["symbol"] == order.instrument.symbol]
        by_venue_id = [one for one in mine if one["venue_order_id"] == order.venue_id]
        by_place = [one for one in mine if (one["trade_id"], one["action"]) == (order.trade_id, order.action)]
        return next(iter(by_venue_id or by_place), None)

    def _note_fill(self, found: Document, order: Order, execution: Execution) -> None:
        own = f"ws-{execution.fill_id}" if self.habits.stream_ids else execution.fill_id
        if any(fill["fill_id"] in (own, execution.fill_id) for fill in self._fills_of(found)):
            return
        qty = Decimal(order.instrument.text(execution.units))
        if (
            Decimal(found["filled_qty"]) + qty > Decimal(order.instrument.text(order.units))
            and not order.by_notional
        ):
            return  # trueup has booked it in the meantime: more than the order's quantity was never true
        if self._is_booked_already(found, order, execution):
            return
        parts = [qty]
        if self.habits.granular and self.habits.stream_ids and execution.units > 1:
            parts = [Decimal(order.instrument.text(execution.units // 2))]
            parts.append(qty - parts[0])
        for number, part in enumerate(parts):
            name = own if len(parts) == 1 else f"{own}.{number}"
            self.books.fills.append(
                {"fill_id": name, "venue_order_id": order.venue_id, "symbol": order.instrument.symbol,
                 "side": order.side, "qty": format(part, "f"), "price": str(execution.price),
                 "filled_at": at(execution.second), "inferred": False}
            )  # fmt: skip
        self._add(found, qty, execution.price)

    def _is_booked_already(self, found: Document, order: Order, execution: Execution) -> bool:
        """Whether the books hold as much as the venue had after it: a bot looks at the frame's cumulative quantity."""
        cumulative = Decimal(order.instrument.text(order.filled(execution.second)))
        return Decimal(found["filled_qty"]) >= cumulative

    def _add(self, found: Document, qty: Decimal, price: Decimal) -> None:
        before, average = Decimal(found["filled_qty"]), Decimal(found["filled_avg_price"] or 0)
        if self.habits.floats:
            total = float(before) + float(qty)
            mean = (float(before) * float(average) + float(qty) * float(price)) / total
            found["filled_qty"], found["filled_avg_price"] = format(Decimal(repr(total)), "f"), repr(mean)
        else:
            found["filled_qty"] = format(before + qty, "f")
            found["filled_avg_price"] = format((before * average + qty * price) / (before + qty), "f")[:28]
        found["status"] = "partially_filled"

    def _fills_of(self, found: Document) -> list[Document]:
        key = (found["symbol"], found["venue_order_id"])
        return [fill for fill in self.books.fills if (fill["symbol"], fill["venue_order_id"]) == key]


def _row(order: Order, second: float, qty: str) -> Document:
    return {
        "client_order_id": order.client_id, "venue_order_id": None, "trade_id": order.trade_id,
        "symbol": order.instrument.symbol, "side": order.side, "action": order.action,
        "order_type": "market" if order.limit is None else "limit", "qty": qty,
        "limit_price": None if order.limit is None else str(order.limit), "status": "pending_new",
        "filled_qty": "0", "filled_avg_price": None, "by_notional": order.by_notional,
        "submitted_at": at(second), "last_activity_at": at(second), "venue_updated_at": None,
        "previous_venue_order_ids": [], "version": 1,
    }  # fmt: skip


def sum_trades(books: Books) -> None:
    """A trade is the sum of its orders: the bot keeps it so, too."""
    for trade in books.trades:
        entry, exits = sums_of(books, trade["trade_id"])
        if (Decimal(trade["entry_qty"]), Decimal(trade["exit_qty"])) != (entry, exits):
            trade |= {
                "entry_qty": format(entry, "f"),
                "exit_qty": format(exits, "f"),
                "version": trade["version"] + 1,
            }


def sums_of(books: Books, trade_id: str) -> tuple[Decimal, Decimal]:
    sums = {"entry": Decimal(0), "exit": Decimal(0)}
    for row in books.orders:
        if row["trade_id"] == trade_id:
            sums[row["action"]] += Decimal(row["filled_qty"])
    return sums["entry"], sums["exit"]


# Applying a plan


def laid_over(books: Books, plan: Document) -> Books:
    """The books with the plan's projections in place, verbatim."""
    orders = [dict(row) for row in books.orders]
    for row in plan["projected_orders"]:
        places = [place for place, old in enumerate(orders) if _is_same(old, row)]
        if places:
            orders[places[0]] = row
        else:
            orders.append(row)
    trades = {one["trade_id"]: one for one in [*books.trades, *plan["projected_trades"]]}
    fills = {_fill_key(one): one for one in [*books.fills, *plan["projected_fills"]]}
    return Books(orders, list(fills.values()), [dict(one) for one in trades.values()])


def applied(books: Books, plan: Document) -> Books:
    """What the books hold afterwards: versions risen, fills without quantity gone."""
    after = laid_over(books, plan)
    moved = {id(row) for row in plan["projected_orders"]}
    for row in after.orders:
        if id(row) in moved:
            before = next((old["version"] for old in books.orders if _is_same(old, row)), 0)
            row["version"] = before + 1
    after.fills = [fill for fill in after.fills if Decimal(fill["qty"])]
    return after


def _is_same(old: Document, new: Document) -> bool:
    if old["symbol"] != new["symbol"]:
        return False
    if old["venue_order_id"] and new["venue_order_id"]:
        return bool(old["venue_order_id"] == new["venue_order_id"])
    return (old["trade_id"], old["action"], old["client_order_id"]) == (
        new["trade_id"], new["action"], new["client_order_id"],
    )  # fmt: skip


def _fill_key(fill: Document) -> tuple[object, ...]:
    return fill["symbol"], fill["venue_order_id"], fill["fill_id"]
