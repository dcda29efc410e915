"""Real processes on one database: racing for a lease of 30 ms, and killed at any moment. Nothing lost, nothing doubled.

The full count of kills, of `trueup run` itself, is in the engine's tests; here the ledger is killed a bounded number of
times.
"""

import random
import subprocess
import sys
import time

import pytest

from trueup.testing.ledgers.bench import Bench

ORDERS, FILLS = 6, 40
LEASE_S = "0.03"
SECONDS_MAX = 600  # for what hangs
KILLS = 12
WORKER = "trueup.testing.ledgers.race_worker"


def start(bench: Bench, pause_s: float) -> subprocess.Popen:
    arguments = [sys.executable, "-m", WORKER, bench.store.opener, bench.store.address, LEASE_S, str(pause_s)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def record_orders(bench: Bench) -> None:
    for number in range(ORDERS):
        bench.record_trade(f"t-{number}", f"C{number % 3}/USD")
        bench.record_order(str(number), trade_id=f"t-{number}", symbol=f"C{number % 3}/USD", qty=str(FILLS))


def assert_every_fill_is_booked_once(bench: Bench) -> None:
    orders = bench.ledger.export("orders")
    assert [(one["filled_qty"], one["status"]) for one in orders] == [(str(FILLS), "filled")] * ORDERS
    fills = [(one["venue_order_id"], one["fill_id"], one["qty"]) for one in bench.ledger.export("fills")]
    assert sorted(fills) == sorted(
        (f"v-{n}", f"F{f}", "1") for n in range(ORDERS) for f in range(1, FILLS + 1)
    )
    assert [one["entry_qty"] for one in bench.ledger.export("trades")] == [str(FILLS)] * ORDERS
    told = [one["notification"]["notification_id"] for one in bench.ledger.export("outbox")]
    assert len(told) == len(set(told)) == ORDERS * FILLS
    bench.assert_log_is_true()


@pytest.mark.slow
def test_two_processes_race_and_every_fill_is_booked_once(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    record_orders(bench)
    workers = [start(bench, pause_s) for pause_s in (0.025, 0.03)]
    outputs = [worker.communicate(timeout=SECONDS_MAX) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    lines = [line for said, _ in outputs for line in said.splitlines()]
    refused = lines.count("refused")
    with capsys.disabled():
        print(
            f"\nrace on a lease of 30 ms: {len(lines) - refused} commits, {refused} writes refused by the fence"
        )
    assert refused > 0
    assert_every_fill_is_booked_once(bench)
    epochs = [state.epoch for state in bench.ledger.journal.lease_states()]
    assert epochs[0] >= len(lines)


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_all_or_nothing(bench: Bench) -> None:
    record_orders(bench)
    dice = random.Random(7)
    for _ in range(KILLS):
        worker = start(bench, 0.0)
        assert worker.stdout is not None
        worker.stdout.readline()  # it has committed once: from now on it is somewhere in its loop
        time.sleep(dice.uniform(0, 0.02))
        worker.kill()
        worker.communicate(timeout=SECONDS_MAX)
        bench.assert_log_is_true()
        for order in bench.ledger.export("orders"):
            booked = [
                one
                for one in bench.ledger.export("fills")
                if one["venue_order_id"] == order["venue_order_id"]
            ]
            assert order["filled_qty"] == str(len(booked))
    last = start(bench, 0.0)
    _, errors = last.communicate(timeout=SECONDS_MAX)
    assert last.returncode == 0, errors
    assert_every_fill_is_booked_once(bench)
