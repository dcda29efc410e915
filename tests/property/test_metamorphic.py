"""What must not matter does not: how ids, symbols and amounts are spelled, what the orders are called, in which unit
quantities are counted, an order that is in sync beside them, and whether one execution was reported in two parts.

Each relation is checked on random snapshots (any that can be written down) and on those that model worlds meet.
`TRUEUP_METAMORPHIC=2000` runs the full count of both; `TRUEUP_SEED` starts elsewhere.
"""

import json
import os
import random
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.property.test_any_snapshot import STATES, planned, snapshots
from tests.property.truth import Document
from tests.property.worlds import make_world, plan_of, reconcile

COUNT = int(os.environ.get("TRUEUP_METAMORPHIC", "20"))
FIRST_SEED = int(os.environ.get("TRUEUP_SEED", "0"))
ID_KEYS = ("venue_order_id", "client_order_id", "replaces", "replaced_by", "parent_venue_order_id")
LABEL_KEYS = ("id", "fill_id", "trade_id", "sub_tag", "fee_currency")
QTY_KEYS = ("qty", "filled_qty", "entry_qty", "exit_qty", "fee_base_qty", "fee", "qty_step")
AMOUNT_KEYS = (
    *QTY_KEYS,
    "limit_price",
    "stop_price",
    "filled_avg_price",
    "price",
    "entry_avg_price",
    "mark_price",
)
AMOUNTS_OF_A_PLAN = {*AMOUNT_KEYS, "cumulative_qty", "cumulative_avg_price", "superseded_qty"}
DIGITS_WITH_ROOM = 30  # for zeros, within the 38 that a document may have

Change = Callable[[Document, random.Random], Document]


# What a plan decides, however it is written


def essence(plan: Document, qty_unit: int = 1) -> Document:
    """Kinds, reasons, rows and figures; not the texts, nor ids that are digests of them."""
    inferred = {row["fill_id"] for row in plan["projected_fills"] if row["inferred"]}

    def plain(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {name: plain(one, name) for name, one in value.items() if name not in UNSAID}
        if isinstance(value, list):
            return [plain(one, key) for one in value]
        if not isinstance(value, str):
            return value
        if value in inferred:
            return "inferred"
        if key in AMOUNTS_OF_A_PLAN:
            number = Decimal(value) / (qty_unit if key in QTY_OF_A_PLAN else 1)
            return str(number.quantize(Decimal("1e-12")).normalize())
        return re.sub(r"[\W_]", "", value.lower()) if key == "symbol" else value.strip().lower()

    kept = {name: rows for name, rows in plan.items() if name in DECIDED}
    return {name: sorted(map(repr, plain(rows))) for name, rows in kept.items()}


DECIDED = (
    "breaks",
    "corrections",
    "projected_orders",
    "projected_trades",
    "notifications",
    "queries",
    "deferred",
)
UNSAID = {
    "message",
    "break_id",
    "correction_id",
    "notification_id",
    "local",
    "venue",
    "previous_venue_order_ids",
}
QTY_OF_A_PLAN = {*QTY_KEYS, "cumulative_qty", "superseded_qty"}


def same_decisions(snapshot: Document, changed: Document, *, qty_unit: int = 1) -> None:
    before, after = essence(plan_of(snapshot)), essence(plan_of(changed), qty_unit)
    for name in DECIDED:
        assert after[name] == before[name], name


# The relations


def unshared(document: Document) -> Document:
    """A copy in which no row stands twice."""
    copied: Document = json.loads(json.dumps(document))
    return copied


def each_row(document: Any) -> Iterator[Document]:
    """Every object of a snapshot, however deep."""
    if isinstance(document, dict):
        yield document
        for one in document.values():
            yield from each_row(one)
    elif isinstance(document, list):
        for one in document:
            yield from each_row(one)


def spelled_otherwise(snapshot: Document, rng: random.Random) -> Document:
    """Ids in another case and with blanks, symbols with other separators, amounts with other zeros."""
    other = unshared(snapshot)
    for row in each_row(other):
        for key in (*ID_KEYS, *LABEL_KEYS):
            if isinstance(row.get(key), str) and not row[key].startswith(
                "bot"
            ):  # patterns are about the case, too
                row[key] = rng.choice([row[key], row[key].upper(), f" {row[key].lower()} "])
        if isinstance(row.get("symbol"), str):
            row["symbol"] = rng.choice(
                [row["symbol"], row["symbol"].lower(), row["symbol"].replace("/", "-")]
            )
        for key in AMOUNT_KEYS:
            if isinstance(row.get(key), str) and len(row[key]) < DIGITS_WITH_ROOM:
                longer = row[key] + ("0" if "." in row[key] else ".0")
                row[key] = rng.choice([row[key], longer, f"{longer}00"])
    return other


def in_tenths(snapshot: Document, rng: random.Random) -> Document:
    """All quantities ten times as many."""
    other = unshared(snapshot)
    for row in each_row(other):
        for key in QTY_KEYS:
            if isinstance(row.get(key), str):
                row[key] = str(Decimal(row[key]) * 10)
        if "parity_auto_close_notional_max_usd" in row:
            row["parity_auto_close_notional_max_usd"] = "1000000"
    return other


def renamed(snapshot: Document, rng: random.Random) -> Document:
    """Every order with another name, in the same order of names."""
    other = unshared(snapshot)

    def name(raw: str) -> str:
        bare = raw.strip()
        return raw if bare.lower() in ("", "0", "api") else raw.replace(bare, f"q-{bare}")

    for row in each_row(other):
        for key in (*ID_KEYS, "id"):
            if isinstance(row.get(key), str):
                row[key] = name(row[key])
        if "previous_venue_order_ids" in row:
            row["previous_venue_order_ids"] = [name(one) for one in row["previous_venue_order_ids"]]
    policy = other["policy"]
    policy["owned_client_order_id_prefixes"] = list(
        map(name, policy.get("owned_client_order_id_prefixes", []))
    )
    if "client_order_id_pattern" in policy:
        policy["client_order_id_pattern"] = policy["client_order_id_pattern"].replace("^bot", "^q-bot")
    return other


def called_as_before(plan: Document) -> Document:
    undone = unshared(plan)
    for row in each_row(undone):
        for key, value in row.items():
            if isinstance(value, str):
                row[key] = value.replace("q-", "")
            elif key == "ids" and value is not None:
                row[key] = [one.replace("q-", "") for one in value]
    return undone


def beside_another(snapshot: Document, rng: random.Random) -> Document:
    """One live order more, the same on both sides, of an instrument of its own."""
    other = unshared(snapshot)
    shared = {
        "venue_order_id": "zz-9",
        "client_order_id": "zz-c",
        "symbol": "ZZZ/USD",
        "side": "buy",
        "qty": "1",
    }
    other["local"]["orders"].append(shared | {"status": "pending_new", "trade_id": "zz-t", "action": "entry"})
    other["venue"]["open_orders"]["rows"].append(shared | {"status": "pending_new", "filled_qty": "0"})
    if other["instruments"]:
        other["instruments"].append({"symbol": "ZZZ/USD", "qty_step": "0.01"})
    return other


def in_parts(snapshot: Document, rng: random.Random) -> Document:
    """Each execution that the venue lists and the books do not know, in two halves."""
    other = unshared(snapshot)
    known = {one["fill_id"] for one in snapshot["local"]["fills"]}
    history = other["venue"].get("history") or {"fills": []}
    rows: list[Document] = []
    for row in history["fills"]:
        if row["fill_id"] in known or Decimal(row["qty"]) == 0:
            rows.append(row)
            continue
        half = str(Decimal(row["qty"]) / 2)
        fee = None if row.get("fee") is None else str(Decimal(row["fee"]) / 2)
        rows += [row | {"fill_id": row["fill_id"] + part, "qty": half, "fee": fee} for part in (".a", ".b")]
    history["fills"] = rows
    return other


# Where a relation says nothing


def is_judged_alone(snapshot: Document, plan: Document) -> bool:
    """An order more changes what share of them vanished at once; and a failed list has none."""
    is_listed = snapshot["venue"]["open_orders"]["state"] != "failed"
    managed = snapshot["policy"].get("managed_symbols") is not None
    return is_listed and not managed and not any(one["reason"] == "mass_absence" for one in plan["deferred"])


def is_settled(plan: Document) -> bool:
    """Fills and records say the same: no half fits where the whole does not."""
    odd = {
        "fill_drift",
        "overfill",
        "venue_behind",
        "price_missing",
        "fills_contradict",
        "average_drift",
        "identity_conflict",
    }
    return (
        not any(one["kind"] in odd and not one["corrected"] for one in plan["breaks"]) and not plan["queries"]
    )


# The checks


def check_spelling(snapshot: Document, rng: random.Random) -> None:
    same_decisions(snapshot, spelled_otherwise(snapshot, rng))


def check_scale(snapshot: Document, rng: random.Random) -> None:
    same_decisions(snapshot, in_tenths(snapshot, rng), qty_unit=10)


def check_names(snapshot: Document, rng: random.Random) -> None:
    found = [one | {"break_id": None} for one in snapshot["prior"]]  # digests of the names
    snapshot = snapshot | {"prior": found}
    before, after = plan_of(snapshot), called_as_before(plan_of(renamed(snapshot, rng)))
    assert essence(after) == essence(before)


def check_unrelated(snapshot: Document, rng: random.Random) -> None:
    changed = beside_another(snapshot, rng)
    if is_judged_alone(snapshot, plan_of(snapshot)) and is_judged_alone(changed, plan_of(changed)):
        same_decisions(snapshot, changed)


def check_parts(snapshot: Document, rng: random.Random) -> None:
    before, after = plan_of(snapshot), plan_of(in_parts(snapshot, rng))
    if is_settled(before) and is_settled(after):  # a half may look like a booked fill, and is asked about
        for name in ("projected_orders", "projected_trades"):
            assert essence(after)[name] == essence(before)[name], name


CHECKS = [check_spelling, check_scale, check_names, check_unrelated, check_parts]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_of_random_snapshots(check):
    @seed(FIRST_SEED)
    @settings(
        max_examples=COUNT,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(snapshots(STATES))
    def holds(snapshot: Document) -> None:
        planned(snapshot)
        check(snapshot, random.Random(repr(snapshot)))

    holds()


def snapshots_of(world_seed: int) -> list[Document]:
    met: list[Document] = []
    reconcile(make_world(world_seed), lambda snapshot, plan: met.append(unshared(snapshot)))
    return met


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_of_model_worlds(check):
    checked = 0
    world_seed = FIRST_SEED
    while checked < COUNT:
        met = snapshots_of(world_seed)
        for number, snapshot in enumerate(met):
            try:
                check(snapshot, random.Random(f"{world_seed} {number}"))
            except AssertionError as error:
                raise AssertionError(f"world {world_seed}, snapshot {number}: {error}") from error
        checked += len(met)
        world_seed += 1
