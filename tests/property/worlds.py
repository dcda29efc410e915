"""One random world from a seed, and the loop that reconciles it: read, plan, answer, plan, apply, until quiet.

While it runs, what may never happen is checked at every plan; when it is quiet, the books are compared with the truth.
Checks are made from the truth alone.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from tests.property.books import LIVE, Books, apply, make_books, normal, trade_sums
from tests.property.truth import SYMBOLS, Document, TrueOrder, Truth, at, make_truth
from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot

ROUND_S = 40.0
CALM_S = 100.0  # local transitions are believed for a minute, local activity is recent for a few seconds
STILL_ROUNDS = 4  # a mismatch of positions acts after three runs
ROUNDS_MAX = 60
ASKS_MAX = 6
STAGES_OFF: Document = {
    "coverage_enabled": False,
    "exit_backfill_enabled": False,
    "sub_tag_repair_enabled": False,
    "parity_enabled": False,
    "watchdog_enabled": False,
}
TERMINAL = ("filled", "canceled", "expired", "rejected", "replaced")

Look = Callable[[Document, Document], None]  # at every snapshot and its plan


def plan_of(snapshot: Document) -> Document:
    plan: Document = msgspec.json.decode(plan_bytes(snapshot))
    return plan


def plan_bytes(snapshot: Document) -> bytes:
    return msgspec.json.encode(make_plan(decode_snapshot(msgspec.json.encode(snapshot))))


@dataclass
class World:
    seed: int
    rng: random.Random
    truth: Truth
    books: Books
    policy: Document
    instruments: list[Document]
    has_history: bool
    faulty_rounds: int
    extent: str
    now: float = 0.0
    prior: list[Document] = field(default_factory=list)
    overrun: bool = False

    @property
    def has_stages(self) -> bool:
        return STAGES_OFF.keys().isdisjoint(self.policy)


def make_world(seed: int) -> World:
    rng = random.Random(seed)
    has_foreign = rng.random() < 0.5
    truth = make_truth(rng, has_foreign=has_foreign, until=rng.choice((0.0, 0.0, 200.0)))
    stages = rng.choice((STAGES_OFF, STAGES_OFF, {}))
    policy = stages | {"queries_max": rng.choice((2, 5, 10))}
    if has_foreign:
        policy["owned_client_order_id_prefixes"] = ["bot"]
    step = [{"symbol": symbol, "qty_step": "0.0001"} for symbol in ("ETH/USD", "BTC/USD")]
    return World(
        seed=seed,
        rng=rng,
        truth=truth,
        books=make_books(rng, truth),
        policy=policy,
        instruments=rng.choice(([], step)),
        has_history=rng.random() < 0.6,
        faulty_rounds=rng.choice((0, 0, 2, 5)),
        extent=rng.choice(("all", "open_and_recent")),
    )


# One round


def reconcile(world: World, look: Look = lambda snapshot, plan: None) -> None:
    """Rounds until nothing moves any more; raises AssertionError where that takes more than ROUNDS_MAX."""
    still = 0
    for round_number in range(ROUNDS_MAX):
        calm = (
            round_number >= world.faulty_rounds and world.now > max(world.truth.settled_after(), 0) + CALM_S
        )
        moved = run_round(world, faulty=round_number < world.faulty_rounds, look=look)
        still = still + 1 if calm and not moved else 0
        if still >= (STILL_ROUNDS if world.has_stages else 1):
            return
        world.now += ROUND_S
    raise AssertionError(f"world {world.seed} is not quiet after {ROUNDS_MAX} rounds")


def run_round(world: World, *, faulty: bool, look: Look) -> bool:
    snapshot = observe(world, faulty=faulty)
    plan = plan_of(snapshot)
    look(snapshot, plan)
    for _ in range(ASKS_MAX):
        if not answer(world, snapshot, plan["queries"], faulty=faulty):
            break
        plan = plan_of(snapshot)
        look(snapshot, plan)
    check_plan(world, plan)
    world.overrun |= any(item["kind"] == "trade_overrun" for item in plan["breaks"])
    world.books = apply(world.books, plan)
    world.prior = plan["findings"]
    check_books(world)
    return bool(plan["corrections"] or plan["queries"] or plan["deferred"] or _is_confirming(plan))


def _is_confirming(plan: Document) -> bool:
    return any(finding["kind"] == "missing_at_venue" for finding in plan["findings"])


# Reading


def observe(world: World, *, faulty: bool) -> Document:
    rng, read = world.rng, world.now - 1
    seen = read - rng.uniform(0, 900) if faulty and rng.random() < 0.3 else read  # a stale read
    rows = world.truth.open_orders(seen)
    state = rng.choice(("complete", "partial", "failed")) if faulty else "complete"
    if state != "complete":
        rows = [row for row in rows if rng.random() < 0.5] if state == "partial" else []
    venue: Document = {"open_orders": {"state": state, "read_at": at(read), "rows": rows}, "answers": []}
    if world.has_history:
        venue["history"] = _history(world, seen, faulty=faulty)
    if world.has_stages:
        venue["positions"] = _positions(world, seen, faulty=faulty)
    return {
        "format": "trueup.snapshot/1",
        "taken_at": at(world.now),
        "profile": {"profile_id": "p-1", "account_id": "a-1"},
        "policy": world.policy,
        "instruments": world.instruments,
        "local": _local(world),
        "venue": venue,
        "prior": world.prior,
    }


def _history(world: World, seen: float, *, faulty: bool) -> Document:
    rng = world.rng
    state = rng.choice(("complete", "partial", "failed")) if faulty else "complete"
    orders, fills = world.truth.history(-9000, seen)
    if state != "complete":
        keep = 0.5 if state == "partial" else 0
        orders, fills = ([row for row in rows if rng.random() < keep] for rows in (orders, fills))
    return {
        "state": state,
        "read_at": at(world.now - 1),
        "since": at(-9000),
        "orders": orders,
        "fills": fills,
    }


def _positions(world: World, seen: float, *, faulty: bool) -> Document:
    """What the trades' orders made of each symbol; the rest of the account is elsewhere."""
    state = world.rng.choice(("complete", "partial", "failed")) if faulty else "complete"
    rows = []
    for symbol in SYMBOLS:
        orders = [one for one in world.truth.known(seen) if one.symbol == symbol and one.trade_id]
        signed = [one.filled(seen) if one.side == "buy" else -one.filled(seen) for one in orders]
        rows.append({"symbol": symbol, "qty": str(sum(signed, Decimal(0))), "mark_price": "100"})
    return {"state": state, "read_at": at(world.now - 1), "rows": rows if state == "complete" else []}


def _local(world: World) -> Document:
    orders = world.books.orders
    if world.extent == "open_and_recent":
        orders = [row for row in orders if row["status"] in LIVE]
    return {
        "read_at": at(world.now - 2),
        "extent": world.extent,
        "orders": orders,
        "fills": _fills_of(world, orders),
        "trades": world.books.trades,
        "answers": [],
    }


def _fills_of(world: World, orders: list[Document]) -> list[Document]:
    ids = {normal(one) for row in orders for one in (row["venue_order_id"], *row["previous_venue_order_ids"])}
    return [fill for fill in world.books.fills if normal(fill["venue_order_id"]) in ids]


# Answering


def answer(world: World, snapshot: Document, queries: list[Document], *, faulty: bool) -> bool:
    """Puts the answers into the snapshot; false where there was nothing new to ask."""
    asked = {(one["by"], normal(one["id"])) for one in snapshot["venue"]["answers"]}
    known = {normal(one["id"]) for one in snapshot["local"]["answers"]}
    news = False
    for query in queries:
        if query["side"] == "local":
            fresh = [one for one in query["ids"] if normal(one) not in known]
            _add_local_answers(
                world, snapshot["local"], [one for each in fresh for one in _ask_ledger(world, each)]
            )
            news |= bool(fresh)
        elif query["by"] == "history":
            read = snapshot["venue"].get("history")
            news |= read is None
            snapshot["venue"]["history"] = read or _history(world, world.now - 1, faulty=faulty)
        elif (query["by"], normal(query["id"])) not in asked:
            snapshot["venue"]["answers"].append(_ask_venue(world, query, faulty=faulty))
            news = True
    return news


def _ask_venue(world: World, query: Document, *, faulty: bool) -> Document:
    base = {"by": query["by"], "id": query["id"], "read_at": at(world.now)}
    if faulty and world.rng.random() < 0.4:
        return base | {"outcome": "unknown", "error": "timeout"}
    seen = world.now - (world.rng.uniform(0, 300) if faulty and world.rng.random() < 0.2 else 0)
    records = world.truth.find(query["by"], query["id"], seen)
    if not records:
        outcome = "absent" if seen == world.now else "unknown"
        return base | {"outcome": outcome}
    return base | {"outcome": "found", "order": records[-1]}


def _add_local_answers(world: World, local: Document, answers: list[Document]) -> None:
    """With the fills that are booked in what was found."""
    local["answers"] += answers
    there = {id(fill) for fill in local["fills"]}
    found = _fills_of(world, [one["order"] for one in answers if one["outcome"] == "found"])
    local["fills"] += [fill for fill in found if id(fill) not in there]


def _ask_ledger(world: World, order_id: str) -> Iterator[Document]:
    """One id may be either kind: one answer for each way of asking."""
    wanted = normal(order_id)
    for by in ("venue_order_id", "client_order_id"):
        rows = [row for row in world.books.orders if normal(row[by]) == wanted]
        if by == "venue_order_id":
            rows += [
                row for row in world.books.orders if wanted in map(normal, row["previous_venue_order_ids"])
            ]
        found = {"outcome": "found", "order": rows[0]} if rows else {"outcome": "absent"}
        yield {"by": by, "id": order_id} | found


# What may never happen


def check_plan(world: World, plan: Document) -> None:
    """Only what the truth knows is written: no foreign order, no wrong end."""
    truth = {order.venue_order_id: order for order in world.truth.orders}
    before = {normal(row["venue_order_id"]): row["status"] for row in world.books.orders}
    for row in plan["projected_orders"]:
        name = normal(row["venue_order_id"])
        order = truth.get(name or "")
        if order is None:
            continue
        assert order.owned, f"foreign order {name} was changed"
        if row["status"] in TERMINAL and row["status"] != before.get(name):
            assert row["status"] == order.status(world.now), f"{name} was set {row['status']}, but is not"


def check_books(world: World) -> None:
    """Nothing beyond the truth is booked, and nothing twice."""
    _check_ids_are_unique(world.books)
    for order in world.truth.orders:
        for row in world.books.by_venue_id(order.venue_order_id):
            booked = Decimal(row["filled_qty"])
            assert booked <= order.filled(world.now), (
                f"{order.venue_order_id}: {booked} is more than happened"
            )
            _check_fill_rows(world, order, row)


def _check_ids_are_unique(books: Books) -> None:
    for key in ("venue_order_id", "client_order_id"):
        ids = [normal(row[key]) for row in books.orders if row[key]]
        assert len(ids) == len(set(ids)), f"two local orders share a {key}"


def _check_fill_rows(world: World, order: TrueOrder, row: Document) -> None:
    happened = {execution.fill_id: execution for execution in order.executions}
    rows = [fill for fill in world.books.fills if normal(fill["venue_order_id"]) == order.venue_order_id]
    real = [fill for fill in rows if not fill.get("inferred")]
    assert len({fill["fill_id"] for fill in rows}) == len(rows), (
        f"{order.venue_order_id}: a fill is booked twice"
    )
    for fill in real:
        assert Decimal(fill["qty"]) == happened[fill["fill_id"]].qty
        assert Decimal(fill["price"]) == happened[fill["fill_id"]].price
    total = sum((Decimal(fill["qty"]) for fill in rows), Decimal(0))
    assert total <= Decimal(row["filled_qty"]), f"{order.venue_order_id}: fill rows exceed what is booked"


# Books equal truth


def check_converged(world: World) -> None:
    for order in world.truth.orders:
        rows = world.books.by_venue_id(order.venue_order_id)
        if not order.owned:
            assert rows == [], f"foreign order {order.venue_order_id} is in the books"
        elif order.status(world.now) in LIVE:
            assert len(rows) == 1, f"live order {order.venue_order_id} is not in the books"
        for row in rows:
            _check_row(world, order, row)
    for row in world.books.orders:
        if "lost" in (row["client_order_id"] or ""):
            assert row["status"] == ("canceled" if row["venue_order_id"] else "rejected")
    _check_trades(world)


def _check_row(world: World, order: TrueOrder, row: Document) -> None:
    record = order.record(world.now)
    may_be_read = world.has_history and (world.extent == "all" or order.executions)
    if not (may_be_read or row["status"] in LIVE or record["status"] in LIVE):
        return  # ended on both sides, and no rule reads it again: coverage and people do
    name = f"world {world.seed}, {order.venue_order_id}"
    assert row["status"] == record["status"], f"{name}: {row['status']}, but is {record['status']}"
    assert Decimal(row["filled_qty"]) == order.filled(world.now), f"{name}: filled {row['filled_qty']}"
    assert Decimal(row["qty"]) == order.qty, name
    assert Decimal(row["limit_price"]) == order.limit_price, name
    if world.has_history:
        rows = [fill for fill in world.books.fills if normal(fill["venue_order_id"]) == order.venue_order_id]
        assert {fill["fill_id"] for fill in rows} == {execution.fill_id for execution in order.executions}, (
            name
        )


def _check_trades(world: World) -> None:
    if world.overrun:
        return
    for trade in world.books.trades:
        sums = trade_sums(world.books, trade["trade_id"])
        assert (Decimal(trade["entry_qty"]), Decimal(trade["exit_qty"])) == sums, trade["trade_id"]
