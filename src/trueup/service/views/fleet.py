"""How a fleet stands: its shards, how late they are, what waits at the broker, and its workers.

Decides when a shard is starved: an account of it is overdue by three intervals, as they are stretched.
"""

import msgspec
from msgspec import Struct

from trueup.fleet.broker import BrokerState
from trueup.fleet.worker import HEARTBEAT_S, STARVED_INTERVALS, WorkerSays
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports.ledger import Ledger
from trueup.ports.roster import AccountLateness, WorkerRow

SHOWN_MAX = 20  # starved shards that are named
LOST_AFTER_S = 4 * HEARTBEAT_S


class Lateness(Struct, frozen=True, kw_only=True):
    """Seconds that runs began after their due time, or have not begun since: of all profiles, each by its account."""

    p50: float
    p99: float
    max: float


class WorkerView(Struct, frozen=True, kw_only=True):
    """`lost`: it was not seen for four heartbeats."""

    worker: str
    seen_s: float
    lost: bool
    draining: bool
    says: WorkerSays | None  # null: it speaks as no worker of this version does


class FleetView(Struct, frozen=True, kw_only=True):
    """`scheduled`, `pending`, `in_flight`: the broker's; null where it does not answer, and `broker_fault` says why.

    `interval_s` is stretched `stretch` times. `unscheduled`: shards that the broker has no schedule of.
    """

    now: str
    accounts: int
    profiles: int
    shards: int
    interval_s: float
    stretch: float
    lateness_s: Lateness
    starved: list[int]
    starved_shards: int
    workers: list[WorkerView]
    broker_fault: str | None = None
    scheduled: int | None = None
    unscheduled: int | None = None
    pending: int | None = None
    in_flight: int | None = None

    @property
    def degraded(self) -> str | None:
        """Why the fleet is less than it should be; null: it is not."""
        if self.broker_fault is not None:
            return self.broker_fault
        told = [one.says.degraded for one in self.workers if one.says is not None and not one.lost]
        return next((one for one in told if one is not None), None)


def read_fleet(ledger: Ledger, interval_s: float, broker: BrokerState | None, fault: str | None) -> FleetView:
    """From the database, and what the broker has said. Sync, for a thread. Raises LedgerError."""
    now = ledger.now()
    rows = ledger.roster.lateness()
    workers = [_worker(one, to_ns(now)) for one in ledger.roster.workers()]
    stretch = max((one.says.stretch for one in workers if one.says is not None and not one.lost), default=1.0)
    shards = {one.shard for one in rows}
    starved = sorted(
        {one.shard for one in rows if _overdue_s(one) > STARVED_INTERVALS * stretch * interval_s}
    )
    return FleetView(
        now=now,
        accounts=len(rows),
        profiles=sum(one.profiles for one in rows),
        shards=len(shards),
        interval_s=interval_s,
        stretch=stretch,
        lateness_s=_lateness(rows),
        starved=starved[:SHOWN_MAX],
        starved_shards=len(starved),
        workers=workers,
        broker_fault=fault,
        scheduled=None if broker is None else len(broker.scheduled),
        unscheduled=None if broker is None else len(shards - broker.scheduled),
        pending=None if broker is None else broker.pending,
        in_flight=None if broker is None else broker.in_flight,
    )


def _overdue_s(row: AccountLateness) -> float:
    return 0.0 if row.is_held else max(0.0, row.overdue_s)


def _lateness(rows: list[AccountLateness]) -> Lateness:
    late = sorted((max(one.late_s, _overdue_s(one)), one.profiles) for one in rows)
    total = sum(profiles for _, profiles in late)

    def quantile(share: float) -> float:
        seen = 0
        for late_s, profiles in late:
            seen += profiles
            if seen >= share * total:
                return round(late_s, 3)
        return 0.0

    return Lateness(p50=quantile(0.5), p99=quantile(0.99), max=quantile(1.0))


def _worker(row: WorkerRow, now_ns: int) -> WorkerView:
    seen_s = (now_ns - to_ns(row.seen_at)) / NS_PER_S
    try:
        says = msgspec.json.decode(row.says, type=WorkerSays)
    except msgspec.MsgspecError:
        says = None
    return WorkerView(
        worker=row.worker,
        seen_s=round(seen_s, 1),
        lost=seen_s > LOST_AFTER_S,
        draining=row.draining,
        says=says,
    )
