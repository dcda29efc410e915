"""The bot's books in a random world: what it heard of the truth, damaged; and how a plan's projections are applied.

Applied honestly: rows stand as the plan says, `last_activity_at` stays what it was, versions rise.
"""

import random
from dataclasses import dataclass, field
from decimal import Decimal

from tests.property.truth import Document, TrueOrder, Truth, at

LIVE = ("pending_new", "partially_filled", "pending_cancel", "pending_replace", "suspended")


@dataclass
class Books:
    orders: list[Document] = field(default_factory=list)
    fills: list[Document] = field(default_factory=list)
    trades: list[Document] = field(default_factory=list)

    def copy(self) -> "Books":
        return Books(
            [dict(row) for row in self.orders],
            [dict(row) for row in self.fills],
            [dict(row) for row in self.trades],
        )

    def by_venue_id(self, venue_order_id: str) -> list[Document]:
        return [row for row in self.orders if normal(row["venue_order_id"]) == normal(venue_order_id)]


def normal(order_id: str | None) -> str | None:
    return (order_id.strip().lower() or None) if order_id is not None else None


def is_useful(order_id: str | None) -> bool:
    """Whether an id names anything; client ids "0" and "api" do not."""
    return order_id is not None and normal(order_id) not in (None, "0", "api")


# What the bot heard


def make_books(rng: random.Random, truth: Truth) -> Books:
    """Each owned intent is heard up to some moment, or not at all; up to two orders never reached the venue."""
    books = Books()
    for first in (order for order in truth.orders if order.owned and not order.replaces):
        if rng.random() < 0.85:
            _hear_chain(rng, truth, first, books)
    for number in range(rng.choice((0, 0, 0, 1, 2))):
        books.orders.append(_never_arrived(rng, number))
    _sum_trades(truth, books)
    return books


def _hear_chain(rng: random.Random, truth: Truth, first: TrueOrder, books: Books) -> None:
    heard_until = rng.choice((0.0, 0.0, rng.uniform(first.submitted, 0)))
    order: TrueOrder | None = first
    previous: list[str] = []
    while order and order.submitted <= heard_until:
        replaced = order.status(heard_until) == "replaced"
        if replaced and not order.executions and rng.random() < 0.5:
            previous.append(order.venue_order_id)  # the bot re-bound its row
        else:
            _hear(rng, truth, order, heard_until, previous, books)
            previous = []
        if rng.random() < 0.2:
            return  # the bot never heard of the successor
        order = truth.successor(order)
    if previous:  # re-bound to a successor that the bot heard nothing of: undo
        [lost] = [one for one in truth.orders if one.venue_order_id == previous[-1]]
        _hear(rng, truth, lost, lost.submitted, previous[:-1], books)


def _hear(
    rng: random.Random, truth: Truth, order: TrueOrder, second: float, previous: list[str], books: Books
) -> None:
    second = max(second, order.submitted)
    done = order.done(second)
    record = order.record(second)
    row = {
        "client_order_id": order.client_order_id,
        "venue_order_id": order.venue_order_id,
        "trade_id": order.trade_id,
        "symbol": order.symbol,
        "side": order.side,
        "action": order.action,
        "order_type": "limit",
        "qty": record["qty"],
        "limit_price": record["limit_price"],
        "status": record["status"],
        "filled_qty": record["filled_qty"],
        "filled_avg_price": record["filled_avg_price"],
        "submitted_at": record["submitted_at"],
        "last_activity_at": at(rng.choice((second, min(second + 2, 0)))),
        "venue_updated_at": rng.choice((record["updated_at"], None)),
        "previous_venue_order_ids": list(previous),
        "version": rng.randint(1, 9),
    }
    shares_client_id = any(
        normal(one["client_order_id"]) == normal(order.client_order_id) for one in books.orders
    )
    if shares_client_id:  # the venue keeps the client id in a replacement; the books name one order by it
        row["client_order_id"] = None
    may_lose_venue_id = (
        not done and not previous and not order.replaces and not _keeps_client_id(truth, order)
    )
    _damage(rng, row, may_lose_venue_id=may_lose_venue_id)
    books.orders.append(row)
    kept = rng.choice(("all", "all", "none", "some", "inferred"))
    if kept == "inferred" and done:
        books.fills.append(_inferred(order, row))
    for fill in order.fills(float("-inf"), second):
        if kept == "all" or (kept == "some" and rng.random() < 0.5):
            books.fills.append(fill)


def _keeps_client_id(truth: Truth, order: TrueOrder) -> bool:
    """Whether its successor carries its client id too: that id alone then names neither."""
    successor = truth.successor(order)
    return successor is not None and normal(successor.client_order_id) == normal(order.client_order_id)


def _damage(rng: random.Random, row: Document, *, may_lose_venue_id: bool) -> None:
    live = row["status"] in LIVE
    match rng.randint(0, 11):
        case 0 if live and may_lose_venue_id:
            row["venue_order_id"] = None
        case 1 if live:
            row["status"] = rng.choice(("pending_cancel", "pending_replace"))
        case 2 if live:
            row["status"] = rng.choice(("canceled", "expired"))  # a repair that was wrong
        case 3:
            row["venue_order_id"] = row["venue_order_id"].upper()
        case 4:
            row["client_order_id"] = row["client_order_id"] and f" {row['client_order_id'].upper()}"
        case 5 if live:
            row["last_activity_at"] = at(rng.uniform(-6, 30))  # the bot is still busy with it


def _inferred(order: TrueOrder, row: Document) -> Document:
    return {
        "fill_id": f"inferred-{order.venue_order_id}",
        "venue_order_id": order.venue_order_id,
        "symbol": order.symbol,
        "side": order.side,
        "qty": row["filled_qty"],
        "price": row["filled_avg_price"],
        "filled_at": row["last_activity_at"],
        "inferred": True,
    }


def _never_arrived(rng: random.Random, number: int) -> Document:
    return {
        "client_order_id": f"bot-lost-{number}",
        "venue_order_id": rng.choice((None, None, f"v-lost-{number}")),
        "trade_id": None,
        "symbol": "ETH/USD",
        "side": "buy",
        "action": "entry",
        "qty": "3",
        "limit_price": "77",
        "status": "pending_new",
        "filled_qty": "0",
        "filled_avg_price": None,
        "submitted_at": at(-300),
        "last_activity_at": at(-300),
        "venue_updated_at": None,
        "previous_venue_order_ids": [],
        "version": 1,
    }


def _sum_trades(truth: Truth, books: Books) -> None:
    for trade_id, symbol, side in truth.trades:
        entry, exits = trade_sums(books, trade_id)
        books.trades.append(
            {
                "trade_id": trade_id,
                "symbol": symbol,
                "side": side,
                "status": "open",
                "entry_qty": str(entry),
                "exit_qty": str(exits),
                "opened_at": at(-7300),
                "version": 1,
            }
        )


def trade_sums(books: Books, trade_id: str) -> tuple[Decimal, Decimal]:
    """Σ filled of the trade's entries and of its exits."""
    rows = [row for row in books.orders if row["trade_id"] == trade_id]
    return (
        sum((Decimal(row["filled_qty"]) for row in rows if row["action"] == "entry"), Decimal(0)),
        sum((Decimal(row["filled_qty"]) for row in rows if row["action"] == "exit"), Decimal(0)),
    )


# Applying


def substitute(books: Books, plan: Document) -> Books:
    """The books with the plan's projections in place, verbatim."""
    after = books.copy()
    for row in plan["projected_orders"]:
        place = place_of(after.orders, row, plan)
        if place is None:
            after.orders.append(row)
        else:
            after.orders[place] = row
    after.trades = _replace(after.trades, plan["projected_trades"], lambda row: (row["trade_id"],))
    after.fills = _replace(after.fills, plan["projected_fills"], _fill_identity)
    return after


def apply(books: Books, plan: Document) -> Books:
    """What the ledger holds afterwards: the same, with versions risen and empty fills left out."""
    versions = {id(row): row["version"] for row in books.orders}
    after = substitute(books, plan)
    for row in plan["projected_orders"]:
        place = place_of(books.orders, row, plan)
        row["version"] = 1 if place is None else versions[id(books.orders[place])] + 1
    after.fills = [row for row in after.fills if Decimal(row["qty"])]
    return after


def place_of(orders: list[Document], row: Document, plan: Document) -> int | None:
    """Which row a projected one is: by venue id; else the one that `bind_ids` gave that id, and so on.

    A venue id is of its instrument: another one's order of that number is another order.
    """
    own = normal(row["venue_order_id"])
    client = normal(row["client_order_id"]) if is_useful(row["client_order_id"]) else None
    bound = [one for one in plan["corrections"] if one["kind"] == "bind_ids" and own in _new_venue_ids(one)]
    old_venue_ids = {normal(one["venue_order_id"]) for one in bound} - {None}
    old_client_ids = {normal(one["client_order_id"]) for one in bound} | ({client} - {None})
    for fits in (
        lambda old: own and normal(old["venue_order_id"]) == own and not _are_apart(old, row),
        lambda old: normal(old["venue_order_id"]) in old_venue_ids and not _are_apart(old, row),
        lambda old: old["venue_order_id"] is None and normal(old["client_order_id"]) in old_client_ids,
        lambda old: (
            own is not None
            and own in map(normal, old["previous_venue_order_ids"])
            and not _are_apart(old, row)
        ),
        lambda old: (bound or not (own or client)) and _is_same_unnamed(old, row),
    ):
        for place, old in enumerate(orders):
            if fits(old):
                return place
    return None


def _are_apart(old: Document, row: Document) -> bool:
    symbols = {one["symbol"].replace("/", "").lower() for one in (old, row) if one["symbol"] is not None}
    return len(symbols) > 1


def _is_same_unnamed(old: Document, row: Document) -> bool:
    """A row without order ids is known by its trade, symbol and side."""
    has_ids = old["venue_order_id"] is not None or is_useful(old["client_order_id"])
    return not has_ids and all(old[key] == row[key] for key in ("trade_id", "symbol", "side"))


def _new_venue_ids(bind: Document) -> set[str | None]:
    return {normal(bind["changes"].get("venue_order_id") or bind["venue_order_id"])}


def _fill_identity(row: Document) -> tuple:
    return (normal(row.get("venue_order_id")) or normal(row.get("client_order_id")), row["fill_id"])


def _replace(rows: list[Document], changed: list[Document], identity) -> list[Document]:
    by_identity = {identity(row): row for row in rows}
    by_identity.update({identity(row): row for row in changed})
    return list(by_identity.values())
