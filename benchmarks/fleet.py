"""A whole fleet on one machine: PostgreSQL with fsync, NATS JetStream, workers with the venues in them; and a checker
of its own, which compares all books with what the venues hold at the end.

    python -m benchmarks.fleet [--accounts 10000] [--profiles 10] [--orders 20] [--interval 60] [--seconds 1800]
        [--warm 2] [--workers 2] [--drift 0.01] [--faults 0.01] [--no-broker] [--json FILE]

Reported: lateness, what is lost or wrong at the end (must be nothing), how soon drifts were repaired, and per profile
and run requests, statements and processor time: the workers', the database's, the broker's.
"""

import argparse
import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from benchmarks.fleet_worker import Done, WorkerConfig
from benchmarks.fleet_world import QTY, FleetWorld, fill_postgres, profiles_of
from benchmarks.machine import postgres_processor_s, processor_s
from tests.fleet.nats import NatsServer, nats_server
from tests.postgres.server import Server, own_server
from trueup.fleet.nats_broker import connect
from trueup.fleet.shards import PROFILES_PER_SHARD, assign
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.postgresql.migrate import migrate
from trueup.model.times import NS_PER_S, from_ns, padded, to_ns
from trueup.ports.roster import FleetAccount
from trueup.service.clock import SystemClock
from trueup.service.fleet.open_fleet import AT_A_TIME
from trueup.service.fleet.schedules import schedule

ROOT = Path(__file__).parents[1]
BATCH = 1_000
LATE_MAX_S = 5.0
AGE_S = 7200  # of the orders at the start
SETTLED_AFTER_INTERVALS = 1  # that a complete run of each profile began after the last fill
SETTLE_INTERVALS_MAX = 20  # that is waited for it, and for the overloaded longer than for others
_BOOKS = """SELECT o.venue_order_id, o.status, trim_scale(o.filled_qty)::text,
  -- an inferred fill that gave way to the real one is kept with nothing left of it
  (SELECT count(*) FROM trueup.fills f WHERE f.order_key = o.order_key AND NOT (f.inferred AND f.qty = 0)),
  (SELECT trim_scale(sum(qty))::text FROM trueup.fills f WHERE f.order_key = o.order_key) FROM trueup.orders o"""
_UNSETTLED = """SELECT count(*) FROM trueup.profiles p JOIN trueup.leases l USING (account_id)
WHERE coalesce(l.completed ->> p.profile_id, '') COLLATE "C" < %s"""
_REPAIRED = """SELECT o.venue_order_id, min(l.logged_at) FROM trueup.order_log l JOIN trueup.orders o USING (order_key)
WHERE l.written_by LIKE 'trueup%' AND o.status = 'filled' GROUP BY 1"""


def main() -> None:
    given = _arguments()
    world = FleetWorld(profiles=given.profiles, orders=given.orders, drift=given.drift, faults=given.faults)
    with own_server(durable=True) as server, nats_server() as broker:
        shards = _fill(server.url(), given.accounts, world)
        broker_url = None if given.no_broker else broker.url
        if broker_url is not None:
            _say(f"{shards} shards: schedules are set over {given.interval:g} s")
            asyncio.run(_schedule(broker_url, shards, given.interval))
        report = _run(server, broker, broker_url, given, world)
    _print(report)
    if given.json:
        Path(given.json).write_bytes(msgspec.json.format(msgspec.json.encode(report)) + b"\n")
    print(_verdict(report))
    raise SystemExit(1 if report["wrong"] else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--profiles", type=int, default=10, help="of each account")
    parser.add_argument("--orders", type=int, default=20, help="of each profile")
    parser.add_argument("--interval", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=1800.0)
    parser.add_argument(
        "--warm",
        type=float,
        default=2,
        help="intervals before it is measured: each worker's first sight of each profile",
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--at-a-time", type=int, default=AT_A_TIME)
    parser.add_argument("--open-max", type=int, default=20_000, help="accounts that a worker keeps open")
    parser.add_argument("--drift", type=float, default=0.0, help="share of accounts a minute")
    parser.add_argument("--faults", type=float, default=0.0, help="share of the venues' answers")
    parser.add_argument("--no-broker", action="store_true", help="by the due times alone")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


# Setting up


def _fill(url: str, accounts: int, world: FleetWorld) -> int:
    """Accounts, profiles and orders; how many shards."""
    began = time.monotonic()
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as owner:
        migrate(owner, url, post=True)
        ledger = open_postgresql(url)
        sizes = {f"a{number}": world.profiles for number in range(1, accounts + 1)}
        shards = assign([], sizes, PROFILES_PER_SHARD)
        then = from_ns(time.time_ns() - AGE_S * NS_PER_S - time.time_ns() % NS_PER_S)
        for first in range(1, accounts + 1, BATCH):
            numbers = range(first, min(first + BATCH, accounts + 1))
            ledger.journal.ensure_profiles(
                [profile for one in numbers for profile in profiles_of(one, world.profiles)]
            )
            rows = [
                FleetAccount(account_id=f"a{one}", shard=shards[f"a{one}"], settings="{}") for one in numbers
            ]
            ledger.roster.put_accounts(rows, sizes)
            fill_postgres(url, numbers[0], numbers[-1], world, then)
        owner.execute("VACUUM ANALYZE")
        ledger.close()
    total = accounts * world.profiles
    _say(f"{total:,} profiles, {total * world.orders:,} orders, filled in {time.monotonic() - began:.0f} s")
    return len(set(shards.values()))


async def _schedule(url: str, shards: int, interval_s: float) -> None:
    broker = await connect(url, "trueup", ack_wait_s=35)
    await broker.set_up()
    await schedule(broker, range(shards), interval_s, SystemClock())
    await broker.aclose()


# Running


def _run(
    server: Server, broker: NatsServer, broker_url: str | None, given: argparse.Namespace, world: FleetWorld
) -> dict[str, Any]:
    start_ns = time.time_ns()
    warm_ns = start_ns + round(given.warm * given.interval * NS_PER_S)
    end_ns = warm_ns + round(given.seconds * NS_PER_S)
    world = msgspec.structs.replace(world, start_ns=warm_ns, calm_ns=end_ns)
    base = WorkerConfig(
        name="",
        database=server.url(),
        broker=broker_url,
        world=world,
        then=from_ns(start_ns - AGE_S * NS_PER_S),
        interval_s=given.interval,
        at_a_time=given.at_a_time,
        open_max=given.open_max,
        warm_ns=warm_ns,
        end_ns=end_ns,
    )
    with _workers(base, given.workers) as processes:
        time.sleep(given.warm * given.interval)
        before = _processor_s(server, broker)
        time.sleep(given.seconds)
        after = _processor_s(server, broker)
        unsettled = _settle(server.url(), end_ns, given.interval)
        for process in processes:
            process.send_signal(signal.SIGTERM)
        done = [msgspec.json.decode(process.communicate(timeout=600)[0], type=Done) for process in processes]
    wrong, repairs = _check(server.url(), given.accounts, world)
    wrong = [f"{unsettled} profiles were not run to their end after the last fill"] * bool(unsettled) + wrong
    return _report(given, done, {key: after[key] - before[key] for key in after}, wrong, repairs)


@contextmanager
def _workers(base: WorkerConfig, count: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    processes = []
    for number in range(count):
        config = msgspec.structs.replace(base, name=f"w{number + 1}")
        command = [sys.executable, "-m", "benchmarks.fleet_worker", msgspec.json.encode(config).decode()]
        processes.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE))
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()


def _processor_s(server: Server, broker: NatsServer) -> dict[str, float]:
    """Of the database's and the broker's processes, those that ended included."""
    return {"database": postgres_processor_s(server.pid), "broker": processor_s(broker.pid)}


# Checking and showing


def _settle(url: str, end_ns: int, interval_s: float) -> int:
    """Waits until each profile was run after the last fill, as long as that may take; how many were not.

    Looking any earlier would call wrong what nobody has had his turn to repair.
    """
    since = padded(from_ns(end_ns + round(SETTLED_AFTER_INTERVALS * interval_s * NS_PER_S)))
    give_up = time.monotonic() + SETTLE_INTERVALS_MAX * interval_s
    while True:
        with psycopg.connect(url) as connection:
            ((left,),) = connection.execute(_UNSETTLED.encode(), (since,)).fetchall()
        if not left or time.monotonic() > give_up:
            return int(left)
        time.sleep(interval_s / 4)


def _check(url: str, accounts: int, world: FleetWorld) -> tuple[list[str], list[float]]:
    """What of all books is not as the venues have it; and after how many seconds each drift was repaired."""
    truth = {
        f"v{account}-{profile}-{order}": at_ns
        for account in range(1, accounts + 1)
        for (profile, order), at_ns in world.filled(account, world.calm_ns).items()
    }
    wrong: list[str] = []
    seen = 0
    with psycopg.connect(url) as connection:
        for venue_order_id, status, filled, fills, booked in connection.execute(_BOOKS.encode()):
            seen += 1
            expected = ("filled", QTY, 1, QTY) if venue_order_id in truth else ("pending_new", "0", 0, None)
            if (status, filled, fills, booked) != expected:
                wrong.append(f"{venue_order_id}: {status} {filled} {fills} {booked}, not {expected}")
        repaired: dict[str, str] = dict(connection.execute(_REPAIRED.encode()).fetchall())
    if seen != accounts * world.profiles * world.orders:
        wrong.append(f"{seen} orders")
    delays = [(to_ns(repaired[one]) - at_ns) / NS_PER_S for one, at_ns in truth.items() if one in repaired]
    return wrong, delays


def _report(
    given: argparse.Namespace,
    done: Sequence[Done],
    processor_s: dict[str, float],
    wrong: list[str],
    repairs: list[float],
) -> dict[str, Any]:
    profiles = max(1, sum(one.profiles for one in done))
    accounts = max(1, sum(one.accounts for one in done))
    processor_s = {"workers": sum(one.cpu_s for one in done), **processor_s}
    requests = sum(count for one in done for what, count in one.requests.items() if what != "failed")
    seconds = max(one.seconds for one in done)
    return {
        "profiles": given.accounts * given.profiles,
        "accounts": given.accounts,
        "interval_s": given.interval,
        "seconds": round(seconds, 1),
        "profiles_per_s": profiles / seconds,
        "wanted_per_s": given.accounts * given.profiles / given.interval,
        "lateness_s": _quantiles([late for one in done for late in one.late_s]),
        "run_s": _quantiles([took for one in done for took in one.took_s]),
        "failed_runs": sum(one.failed for one in done),
        "corrections": sum(one.corrections for one in done),
        "repaired_after_s": _quantiles(repairs),
        "wrong": wrong[:10],
        "per_profile": {
            "requests": requests / profiles,
            "statements": sum(one.statements for one in done) / profiles,
            "transactions": sum(one.transactions for one in done) / profiles,
            **{f"{who}_cpu_us": 1e6 * spent / profiles for who, spent in processor_s.items()},
        },
        "per_account_statements": sum(one.statements for one in done) / accounts,
        "cores_used": {who: spent / seconds for who, spent in processor_s.items()},
        "worker_peak_mib": [round(one.peak_mib) for one in done],
    }


def _quantiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values) or [0.0]
    last = len(ordered) - 1
    return {
        "p50": ordered[last // 2],
        "p99": ordered[round(last * 0.99)],
        "max": ordered[-1],
        "count": len(values),
    }


def _print(report: dict[str, Any]) -> None:
    for name, value in report.items():
        if isinstance(value, dict):
            shown = ", ".join(f"{key} {one:,.3f}" for key, one in value.items())
        else:
            shown = f"{value:,.1f}" if isinstance(value, float) else str(value)
        print(f"{name:24} {shown}")


def _verdict(report: dict[str, Any]) -> str:
    books = "THE BOOKS ARE WRONG" if report["wrong"] else "all books are the venues'"
    late_s, repaired_s = report["lateness_s"]["p99"], report["repaired_after_s"]["p99"]
    is_on_time = late_s <= LATE_MAX_S
    spent = sum(each for who, each in report["per_profile"].items() if who.endswith("_cpu_us"))
    return (
        f"{'ON TIME' if is_on_time else 'LATE'} (p99 {late_s:.1f} s, at most {LATE_MAX_S:g}); {books};"
        f" repaired after {repaired_s / report['interval_s']:.1f} intervals (p99, at most 2);"
        f" {report['profiles_per_s']:,.0f} of {report['wanted_per_s']:,.0f} profiles a second, {spent:.0f} µs each"
    )


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
