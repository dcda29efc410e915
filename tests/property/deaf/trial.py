"""One trial: fourteen runs over a deaf bot's books, the reads lagging, partial or failed at first, then true.

Checked at every run: planning the projection again changes nothing, nothing is booked that did not happen, each trade
equals its orders. Checked at the end: every order has the venue's quantity, cost and end, every execution is booked
once. The checks know the venue's truth and the documents, nothing of the core.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from tests.property.deaf.bot import Books, Bot, Habits, applied, laid_over, sums_of
from tests.property.deaf.venue import BEGINNING, Account, Document, Instrument, Order, at
from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot

RUNS = 14
FAULTY_RUNS = 7
INTERVAL_S = 60.0
LAG_S = 20.0  # of what the bot hears
ASKS_MAX = 8
ROUNDING = Decimal("1e-9")  # design.md's noise: amounts that differ by less are the same
AVERAGE_ROUNDING = Decimal("1e-6")
INSTRUMENTS = (Instrument("ETH/USD", 3), Instrument("BTC/USD", 5), Instrument("SPY", 0))

Planner = Callable[[Document], Document]


def plan_of(snapshot: Document) -> Document:
    plan: Document = msgspec.json.decode(
        msgspec.json.encode(make_plan(decode_snapshot(msgspec.json.encode(snapshot))))
    )
    return plan


@dataclass
class Trial:
    seed: int
    planned: Planner = plan_of
    prior: list[Document] = field(default_factory=list)
    now: float = 0.0

    def __post_init__(self) -> None:
        rng = self.rng = random.Random(f"deaf {self.seed}")
        self.account = Account(rng, rng.sample(INSTRUMENTS, rng.randint(1, 2)), shares_ids=rng.random() < 0.5)
        self.bot = Bot(
            rng,
            Habits(
                stream_ids=rng.random() < 0.4,
                floats=rng.random() < 0.4,
                tag=rng.random() < 0.15,
                granular=rng.random() < 0.4,
                hears_acknowledgement=rng.choice((1.0, 0.8)),
                hears_fill=rng.choice((0.2, 0.5, 0.8)),
                hears_end=rng.choice((0.0, 0.5)),
            ),
        )
        for number in range(rng.randint(1, 5)):
            started = rng.uniform(-400, FAULTY_RUNS * INTERVAL_S / 2)
            self.bot.trade(self.account, started, number, rng.choice(self.account.instruments))

    def run(self) -> None:
        for number in range(RUNS):
            self.bot.hear(self.now, LAG_S)
            self._run_once(faulty=number < FAULTY_RUNS)
            self.now += INTERVAL_S
        self._check_end()

    # One run

    def _run_once(self, *, faulty: bool) -> None:
        snapshot = self._observe(faulty=faulty)
        plan = self.planned(snapshot)
        for _ in range(ASKS_MAX):
            if not self._answer(snapshot, plan["queries"], faulty=faulty):
                break
            plan = self.planned(snapshot)
        again = self.planned(self._projected(snapshot, plan))
        assert again["corrections"] == [], f"planning the projection again: {again['corrections'][:2]}"
        self.bot.books = applied(self.bot.books, plan)
        self.prior = plan["findings"]
        self._check_books()

    def _observe(self, *, faulty: bool) -> Document:
        books, rng = self.bot.books, self.rng
        return {
            "format": "trueup.snapshot/1",
            "taken_at": at(self.now),
            "profile": {"profile_id": "deaf", "account_id": "acc"},
            "policy": {"exit_backfill_enabled": False, "parity_action": "report"},
            "instruments": [_listed(one) for one in self.account.instruments],
            "local": {
                "read_at": at(self.now - 2), "orders": books.orders, "fills": books.fills, "trades": books.trades,
            },
            "venue": {
                "open_orders": self._open_orders(rng, faulty=faulty),
                "history": self._history(rng, faulty=faulty),
                "positions": self._positions(),
                "answers": [],
            },
            "prior": self.prior,
        }  # fmt: skip

    def _positions(self) -> Document:
        read = self.now - 1
        return {"state": "complete", "read_at": at(read), "rows": self.account.positions(read)}

    def _seen(self, rng: random.Random, *, faulty: bool) -> float:
        """A lagging read says what was true up to half a minute ago."""
        return self.now - 1 - (rng.uniform(0, 30) if faulty and rng.random() < 0.4 else 0)

    def _open_orders(self, rng: random.Random, *, faulty: bool) -> Document:
        state = rng.choice(("complete", "complete", "partial", "failed")) if faulty else "complete"
        rows = self.account.open_orders(self._seen(rng, faulty=faulty))
        if state == "partial":
            rows = [row for row in rows if rng.random() < 0.5]
        return {"state": state, "read_at": at(self.now - 1), "rows": [] if state == "failed" else rows}

    def _history(self, rng: random.Random, *, faulty: bool) -> Document:
        state = rng.choice(("complete", "partial", "failed")) if faulty else "complete"
        orders, fills = self.account.history(self._seen(rng, faulty=faulty))
        if state == "partial":
            orders = [row for row in orders if rng.random() < 0.5]
            fills = [row for row in fills if rng.random() < 0.5]
        if state == "failed":
            orders, fills = [], []
        return {
            "state": state,
            "read_at": at(self.now - 1),
            "since": at(BEGINNING),
            "orders": orders,
            "fills": fills,
        }

    def _answer(self, snapshot: Document, queries: list[Document], *, faulty: bool) -> bool:
        answers = snapshot["venue"]["answers"]
        asked = {(one["by"], one["id"]) for one in answers}
        news = False
        for query in queries:
            if query["side"] != "venue" or query["by"] == "history" or (query["by"], query["id"]) in asked:
                continue
            asked.add((query["by"], query["id"]))
            answers += self._answers_to(query, faulty=faulty)
            news = True
        return news

    def _answers_to(self, query: Document, *, faulty: bool) -> list[Document]:
        base = {"by": query["by"], "id": query["id"], "read_at": at(self.now)}
        if faulty and self.rng.random() < 0.3:
            return [base | {"outcome": "unknown", "error": "timeout"}]
        found = self.account.find(
            query["by"], query["id"], query.get("symbol"), self._seen(self.rng, faulty=faulty)
        )
        if not found:
            return [base | {"outcome": "unknown" if faulty else "absent"}]
        return [base | {"outcome": "found", "order": one} for one in found]

    def _projected(self, snapshot: Document, plan: Document) -> Document:
        after = laid_over(self.bot.books, plan)
        kept = {one["break_id"] for one in plan["findings"]}
        local = snapshot["local"] | {"orders": after.orders, "fills": after.fills, "trades": after.trades}
        prior = [one for one in snapshot["prior"] if one["break_id"] in kept]
        return snapshot | {"local": local, "prior": prior}

    # What is true

    def _check_books(self) -> None:
        for order in self.account.orders:
            rows = self._rows(self.bot.books, order)
            assert len(rows) <= 1, f"{_name(order)} stands twice in the books"
            for row in rows:
                happened = Decimal(order.instrument.text(order.filled(self.now)))
                assert Decimal(row["filled_qty"]) <= happened * (1 + ROUNDING), (
                    f"{_name(order)}: {row['filled_qty']} booked, {happened} happened"
                )
        self._check_trades()

    def _check_trades(self) -> None:
        for trade in self.bot.books.trades:
            sums = sums_of(self.bot.books, trade["trade_id"])
            stands = (Decimal(trade["entry_qty"]), Decimal(trade["exit_qty"]))
            for one, other in zip(sums, stands, strict=True):
                assert _same(one, other), f"trade {trade['trade_id']}: {stands}, its orders {sums}"

    def _check_end(self) -> None:
        for order in self.account.orders:
            rows = self._rows(self.bot.books, order)
            assert len(rows) == 1, f"{_name(order)} stands {len(rows)} times in the books"
            (row,) = rows
            filled = order.filled(self.now)
            truth = Decimal(order.instrument.text(filled))
            assert _same(Decimal(row["filled_qty"]), truth), (
                f"{_name(order)}: {row['filled_qty']} is not {truth}"
            )
            assert row["status"] == order.status(self.now), (
                f"{_name(order)}: {row['status']}, {order.status(self.now)}"
            )
            if filled:
                average = order.cost(self.now) / filled
                assert abs(Decimal(row["filled_avg_price"]) - average) <= AVERAGE_ROUNDING * average, (
                    f"{_name(order)}: average {row['filled_avg_price']} is not {average}"
                )
            self._check_fills(order)

    def _check_fills(self, order: Order) -> None:
        booked = [
            fill
            for fill in self.bot.books.fills
            if (fill["symbol"], fill["venue_order_id"]) == (order.instrument.symbol, order.venue_id)
        ]
        total = sum((Decimal(fill["qty"]) for fill in booked), Decimal(0))
        truth = Decimal(order.instrument.text(order.filled(self.now)))
        assert _same(total, truth), f"{_name(order)}: fills of {total}, {truth} happened"

    def _rows(self, books: Books, order: Order) -> list[Document]:
        mine = [row for row in books.orders if row["symbol"] == order.instrument.symbol]
        bound = [row for row in mine if row["venue_order_id"] == order.venue_id]
        free = [
            row
            for row in mine
            if not row["venue_order_id"]
            and row["trade_id"] == order.trade_id
            and row["action"] == order.action
        ]
        return bound or free


def _listed(one: Instrument) -> Document:
    return {"symbol": one.symbol, "qty_step": one.text(1), "price_tick": "0.01"}


def _same(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= ROUNDING * max(abs(one), abs(other))


def _name(order: Order) -> str:
    return f"{order.instrument.symbol} {order.venue_id} ({order.trade_id} {order.action})"
