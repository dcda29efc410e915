"""`python -m benchmarks.dashboard [PROFILES] [BREAKS]`: the overview page of many profiles, and what its readers cost.

First paint: `trueup web` as a process over a ledger with that many profiles and open breaks; the time until its page is
there whole, and the bytes over the wire of the page with its style and scripts, compressed as a browser asks for them.
Readers: an account that runs again and again beside the dashboard in one process, without readers and with fifty, each
of them an open stream that fetches the page anew whenever it hears of news, as a browser does. What they take of a core
is measured between the runs, where nothing else is done; since they share an interpreter with the runs, a run takes
longer by that part, in the mean. The runs' own times are told, too; on a shared machine they differ by more than that.
"""

import asyncio
import http.client
import json
import logging
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from benchmarks.machine import facts
from trueup.engine.run.account import ManagedAccount
from trueup.engine.run.run_account import reconcile_account
from trueup.ledgers.journal.journal_rows import write_breaks
from trueup.ledgers.sqlite import open_sqlite
from trueup.model.plan import Break
from trueup.model.snapshot import Profile
from trueup.model.vocabulary import BreakKind, Severity
from trueup.service.load_config import load_config
from trueup.service.open_accounts import open_accounts
from trueup.surfaces.web.access import AccessSettings
from trueup.surfaces.web.app import make_dashboard
from trueup.surfaces.web.status_app import serving

PROFILES, BREAKS = 2_000, 10_000
LOADS = 10
READERS = 50
ROUNDS = 3  # of runs without readers and with them, in turn: the machine is shared
PHASE_S = 31.0  # fifty readers are told of news every ten seconds
COMING_S = 3.0  # until all readers are there, or gone
ORDERS = 2_000  # of the account that runs
PATHS = ("/", "/breaks")
STATIC = ("page.css", "page.js", "htmx-4.0.1.min.js")


def main() -> None:
    given = [int(one) for one in sys.argv[1:3]]
    profiles, breaks = [*given, *(PROFILES, BREAKS)[len(given) :]]
    logging.getLogger("trueup").addHandler(logging.NullHandler())
    print(json.dumps({"machine": facts(), "profiles": profiles, "open breaks": breaks}))
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _fill(place, profiles, breaks)
        for one in _first_paint(place):
            print(json.dumps(one))
        print(json.dumps(asyncio.run(_readers(place))))


def _fill(place: Path, profiles: int, breaks: int) -> None:
    (place / "trueup.toml").write_text("[database]\npath = 'trueup.sqlite'\n")
    ledger = open_sqlite(place / "trueup.sqlite")
    known = [
        Profile(profile_id=f"bot-{n:05}", user_id="u", venue="files", account_id=f"acc-{n // 10:04}")
        for n in range(profiles)
    ]
    ledger.journal.ensure_profiles(known)
    for n, profile in enumerate(known):
        found = [_break(n, m) for m in range(breaks // profiles)]
        with ledger.database.transaction():
            write_breaks(ledger.database, profile.profile_id, msgspec.json.encode(found), ledger.now(), "r")
    for account_id in {one.account_id or "" for one in known}:
        lease = ledger.journal.acquire_lease(account_id, f"host:{os.getpid()}:x", 30.0)
        assert lease is not None
        done = {one.profile_id: ledger.now() for one in known if one.account_id == account_id}
        ledger.journal.release_lease(lease, done, 30.0)
    ledger.close()


def _break(profile: int, number: int) -> Break:
    return Break(
        break_id=f"{profile:08x}{number:08x}-fill_drift", kind=BreakKind.FILL_DRIFT,
        severity=(Severity.WARN, Severity.ERROR)[number % 2], symbol="ETH/USD", client_order_id=f"b{profile}-{number}",
        venue_order_id=f"v-{profile}-{number}", trade_id=f"t-{profile}", reason="venue_filled_more",
        message="venue reports 7 of 10 filled, local 3", local={"filled_qty": "3"},
        venue={"filled_qty": "7", "filled_avg_price": "1000.5"},
    )  # fmt: skip


def _first_paint(place: Path) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "trueup", "web", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=place, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        address = process.stderr.readline().strip().removeprefix("http://")
        shared = sum(_fetch(address, f"/static/{one}")[1] for one in STATIC)
        found = []
        for path in PATHS:
            loads, before_s = [], _cpu_s(process.pid)
            for _ in range(LOADS):
                loads.append(_fetch(address, path))
                time.sleep(1.1)  # what readers share for a moment is made anew each time
            took = sorted(seconds for seconds, _ in loads)
            found.append(
                {
                    "page": path,
                    "cold_ms": round(1000 * loads[0][0], 1),
                    "median_ms": round(1000 * statistics.median(took), 1),
                    "worst_ms": round(1000 * took[-1], 1),
                    "server_cpu_ms": round(1000 * (_cpu_s(process.pid) - before_s) / LOADS),
                    "wire_kb": round((loads[0][1] + shared) / 1000, 1),
                }
            )
        return found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _cpu_s(process_id: int) -> float:
    """The processor's time of a process: what the page costs however busy the machine is."""
    parts = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def _fetch(address: str, path: str) -> tuple[float, int]:
    """Seconds until all of it is there, and its bytes as they came."""
    began = time.perf_counter()
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    size = len(answer.read())
    connection.close()
    assert answer.status == 200, answer.status
    return time.perf_counter() - began, size


async def _readers(place: Path) -> dict[str, object]:
    """Seconds of one run of an account, without readers and with them."""
    (place / "venue.json").write_text(json.dumps(_export()))
    text = (place / "trueup.toml").read_text()
    account = "[[accounts]]\naccount_id = 'busy'\nvenue = 'files'\noptions = {path = 'venue.json'}\n"
    profile = "[[accounts.profiles]]\nprofile_id = 'busy'\n"
    (place / "trueup.toml").write_text(text + account + profile)
    alone: list[_Phase] = []
    read: list[_Phase] = []
    async with open_accounts(load_config(str(place / "trueup.toml"))) as accounts:
        app = make_dashboard(accounts[0].ledger, accounts, 90.0, AccessSettings())
        async with serving(app, "127.0.0.1:0") as address, _crowd(address) as send:
            await reconcile_account(accounts[0])
            for number in range(ROUNDS):
                for come in (True, False) if number % 2 else (False, True):
                    send.write(b"come\n" if come else b"go\n")
                    await asyncio.sleep(COMING_S)
                    (read if come else alone).append(await _runs(accounts[0]))
    core = statistics.mean(one.between_cores for one in read) - statistics.mean(
        one.between_cores for one in alone
    )
    return {
        "readers": READERS,
        "readers_core_percent": round(100 * core, 1),
        "run_ms_without": [round(1000 * one.run_s, 1) for one in alone],
        "run_ms_with": [round(1000 * one.run_s, 1) for one in read],
    }


@asynccontextmanager
async def _crowd(address: str) -> AsyncIterator[asyncio.StreamWriter]:
    """Readers in a process of their own, who come and go as they are told."""
    crowd = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.dashboard", "--readers", address, stdin=subprocess.PIPE
    )
    assert crowd.stdin is not None
    yield crowd.stdin
    crowd.stdin.close()
    await crowd.wait()


class _Phase(msgspec.Struct, frozen=True):
    """`run_s`: of one run, in the mean. `between_cores`: what the process took of a core between runs."""

    run_s: float
    between_cores: float


async def _runs(account: ManagedAccount) -> _Phase:
    took: list[float] = []
    cpu_s = wall_s = 0.0
    began_s = time.perf_counter()
    while time.perf_counter() - began_s < PHASE_S:
        begun_s = time.perf_counter()
        await reconcile_account(account)
        ended_s, ended_cpu_s = time.perf_counter(), time.process_time()
        took.append(ended_s - begun_s)
        await asyncio.sleep(0.2)
        cpu_s += time.process_time() - ended_cpu_s
        wall_s += time.perf_counter() - ended_s
    return _Phase(statistics.mean(took), cpu_s / wall_s)


def _export() -> dict[str, object]:
    order = {"symbol": "ETH/USD", "side": "buy", "qty": "10", "status": "pending_new", "filled_qty": "0"}
    rows = [
        order
        | {"venue_order_id": f"v{n}", "client_order_id": f"c{n}", "submitted_at": "2026-01-01T00:00:00Z"}
        for n in range(ORDERS)
    ]
    reads = {"open_orders": {"state": "complete", "rows": rows}, "history": {"state": "complete"}}
    return {"account_id": "x", "instruments": [], "positions": {"state": "complete"}} | reads


def crowd(address: str) -> None:
    """Fifty readers who come and go, until standard input ends."""
    streams: list[http.client.HTTPConnection] = []

    def read(stream: http.client.HTTPConnection) -> None:
        with suppress(OSError, http.client.HTTPException, ValueError):  # it was told to go
            stream.request("GET", "/events")
            answer = stream.getresponse()
            while line := answer.readline():
                if line.startswith(b"event: changed"):
                    _fetch(address, "/live")

    os.nice(10)  # readers are elsewhere
    for line in sys.stdin:
        while streams:
            streams.pop().sock.shutdown(socket.SHUT_RDWR)
        if line == "come\n":
            streams = [http.client.HTTPConnection(address, timeout=60) for _ in range(READERS)]
            for one in streams:
                one.connect()
                threading.Thread(target=read, args=[one], daemon=True).start()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--readers"]:
        crowd(sys.argv[2])
    else:
        main()
