"""Whole worlds: the same seed is the same world in any process, every fault occurs, and nothing happens at rest."""

import hashlib
import os
import subprocess
import sys

from msgspec import structs

from trueup.sim.faults import Faults
from trueup.sim.world import Shape, World

TRACE_PROGRAM = """
import sys
from trueup.sim.faults import Faults
from trueup.sim.world import Shape, World
world = World(7, shape=Shape(accounts=2, profiles=2, shorts=True), faults=Faults.busy())
for _ in range(10):
    world.run_for(20)
    for profile_id in world.profiles:
        world.notes.append(repr(world.snapshot(profile_id)))
sys.stdout.buffer.write(world.trace())
"""


def test_the_same_seed_gives_the_same_trace_in_two_processes():
    traces = [
        subprocess.run(
            [sys.executable, "-c", TRACE_PROGRAM],
            check=True,
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        ).stdout
        for hash_seed in (1, 2)
    ]
    assert traces[0] == traces[1]
    assert len(traces[0].splitlines()) > 200


def test_other_seeds_are_other_worlds():
    digests = set()
    for seed in range(20):
        world = World(seed, faults=Faults.busy())
        world.run_for(60)
        digests.add(hashlib.sha256(world.trace()).digest())
    assert len(digests) == 20


def test_in_a_few_busy_worlds_every_fault_occurs():
    hits: set[str] = set()
    for seed in range(40):
        world = World(seed, shape=Shape(profiles=2), faults=Faults.busy())
        for _ in range(10):
            world.run_for(12)
            for profile_id in world.profiles:
                world.snapshot(profile_id)
        hits |= set(world.dice.hits)
    busy = {name for name, rate in structs.asdict(Faults.busy()).items() if rate}
    of_runs = {
        "answer_unknown",
        "answer_stale",
        "reply_slow",
        "run_lost",
        "notice_doubled",
    }  # none is made here
    assert hits | of_runs == busy


def test_without_faults_the_bots_books_are_the_truth():
    world = World(3, shape=Shape(profiles=2))
    world.run_for(300)
    world.rest()
    world.run_for(5)
    for profile_id in world.profiles:
        local = world.memory_books(profile_id).local()
        assert len(local.orders) > 10
        truths = {order.venue_order_id: order for order in world.market.truth_orders("acc1")}
        for order in local.orders:
            truth = truths[order.venue_order_id or ""].view()
            assert (order.filled_qty, order.status) == (truth.filled_qty, truth.status)


def test_a_world_at_rest_stands_still():
    world = World(3, faults=Faults.busy())
    world.run_for(120)
    world.heal()
    world.rest()
    world.run_for(60)
    before = world.trace()
    world.run_for(600)
    assert world.trace() == before
