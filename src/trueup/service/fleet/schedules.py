"""Keeps one schedule a shard at the broker, at moments that are spread over the interval.

Rules: a shard's moment within the interval is its own, whoever sets its schedule and when; so shards do not come due
together, and a rebalanced fleet stays spread. Must not know who runs a shard.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct

from trueup.fleet.broker import Broker
from trueup.fleet.shards import rebalance
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.ports.roster import Roster

GOLDEN = 0.618033988749895  # multiples of it are spread evenly, however many there are


class Balanced(Struct, frozen=True, kw_only=True):
    """What a rebalance changed."""

    moved: int  # accounts
    shards: int
    scheduled: int
    unscheduled: int


async def schedule(
    broker: Broker,
    shards: Iterable[int],
    interval_s: float,
    clock: Clock,
    *,
    on_progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Each at its moment: takes up to one interval. Raises BrokerGone; those that were set stay."""
    now_s = clock.now_ns() / NS_PER_S
    waits = sorted(((one * GOLDEN % 1 * interval_s - now_s) % interval_s, one) for one in shards)
    for done, (wait_s, shard) in enumerate(waits):
        behind_s = now_s + wait_s - clock.now_ns() / NS_PER_S
        if behind_s > 0:
            await clock.sleep(behind_s)
        await broker.schedule(shard, interval_s)
        on_progress(done + 1)


async def balance(
    broker: Broker,
    roster: Roster,
    per_shard: int,
    interval_s: float,
    clock: Clock,
    *,
    anew: bool = False,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Balanced:
    """Moves accounts where shards are too full or too empty; then every shard has a schedule, and nothing else has.

    `anew`: also those that have one get it again, as after a change of the interval.
    """
    moves = rebalance(roster.sizes(), per_shard)
    roster.move_accounts(moves)
    shards = {one.shard for one in roster.sizes()}
    known = (await broker.state()).scheduled
    for gone in sorted(known - shards):
        await broker.unschedule(gone)
    wanted = shards if anew else shards - known
    await schedule(broker, wanted, interval_s, clock, on_progress=on_progress)
    return Balanced(
        moved=len(moves), shards=len(shards), scheduled=len(wanted), unscheduled=len(known - shards)
    )
