"""Every interleaving of bot write, read, take-in, commit, write-back, crash and a second worker, to a stated depth.

From each state that is reached: nothing of ours on a row that moved, no write of the bot's lost, nothing doubled; and
when the faults stop, a bounded number of runs makes the bot's row true, and the next one writes nothing. States that
are the same but for time, or for which of the workers is where, are explored once; a worker that lost its lease counts
as one that begins, except before a step that does something without asking for the lease.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.mirror.world import BOT_WRITES, PROGRAM, Seen, State, World

RUNS_UNTIL_TRUE_MAX = 3  # one takes the bot's last word in, one repairs what it finds, one to spare
Budget = tuple[int, int, int]  # bot writes, crashes, fills at the venue that are left


def explore(workers: int, budget: Budget) -> tuple[int, int]:
    """How many states were reached, and how many steps led to them."""
    world = World()
    try:
        return _explore(world, workers, budget)
    finally:
        world.close()


def _explore(world: World, workers: int, budget: Budget) -> tuple[int, int]:
    world.books.insert(1, average="1000")
    start = world.leave((Seen(),) * workers)
    seen: set[bytes] = set()
    converged: set[bytes] = set()
    waiting: list[tuple[State, Budget]] = [(start, budget)]
    steps = 0
    while waiting:
        state, left = waiting.pop()
        for after, remaining in _successors(world, state, left):
            steps += 1
            after = world.without_the_stale(after)
            key = world.key(after.workers) + repr(remaining).encode()
            if key in seen:
                continue
            seen.add(key)
            _assert_sound(world)
            waiting.append((after, remaining))
            _assert_converges(world, after, converged)
    return len(seen), steps


def _successors(world: World, state: State, left: Budget) -> Iterator[tuple[State, Budget]]:
    """After each, the world is in that state."""
    writes, crashes, fills = left
    for number, seen in enumerate(state.workers):
        world.enter(state)
        after = world.step(f"w{number}", seen)
        yield world.leave(_with(state.workers, number, after)), left
        if crashes and seen.at:
            world.enter(state)
            yield world.leave(_with(state.workers, number, Seen())), (writes, crashes - 1, fills)
    for columns in BOT_WRITES if writes else ():
        world.enter(state)
        world.bot(columns)
        yield world.leave(state.workers), (writes - 1, crashes, fills)
    if fills:
        world.enter(state)
        world.venue_filled = "6"
        yield world.leave(state.workers), (writes, crashes, fills - 1)


def _with(workers: tuple[Seen, ...], number: int, seen: Seen) -> tuple[Seen, ...]:
    return (*workers[:number], seen, *workers[number + 1 :])


def _assert_sound(world: World) -> None:
    """Nothing is doubled: a trade is its order, fills name at most what it filled, one write-back an order."""
    ask: Any = world.database.connection.execute
    orders = ask("SELECT filled_qty FROM orders").fetchall()
    assert len(orders) <= 1
    trades = ask("SELECT entry_qty FROM trades").fetchall()
    assert trades == orders
    (named,) = ask("SELECT coalesce(sum(CAST(qty AS INTEGER)), 0) FROM fills").fetchall()[0]
    assert named <= sum(int(one) for (one,) in orders)
    assert ask("SELECT count(*) FROM write_backs WHERE outcome IS NULL").fetchall()[0][0] <= 1


def _assert_converges(world: World, state: State, converged: set[bytes]) -> None:
    """From what both databases hold now, whoever carries on: a new worker, with nothing in its memory."""
    key = world.key(())
    if key in converged:
        return
    converged.add(key)
    for _ in range(RUNS_UNTIL_TRUE_MAX):
        _run(world)
    row = world.books.row()
    assert (row["filled"], row["status"], row["price"]) == (state.venue_filled, "part", "1000")
    contents = world.contents()
    assert contents[1] == [("partially_filled", "10", "1000", state.venue_filled, "1000")]
    assert contents[5:] == [[], []]
    log = world.database.connection.execute("SELECT count(*) FROM order_log").fetchall()
    _run(world)
    assert world.contents() == contents
    assert world.database.connection.execute("SELECT count(*) FROM order_log").fetchall() == log


def _run(world: World) -> None:
    seen = Seen()
    for _ in PROGRAM:
        seen = world.step("last", seen)


def test_one_worker_and_a_bot_that_writes_once() -> None:
    states, steps = explore(1, (1, 0, 1))
    assert states > 50
    assert steps > states


@pytest.mark.slow
@pytest.mark.parametrize(
    ("workers", "budget"),
    [
        (1, (2, 1, 1)),  # the bot writes twice, one crash, one fill at the venue: 5,587 states
        (2, (1, 1, 1)),  # 14,545 states, reached by 44,916 steps
    ],
)
def test_every_interleaving(workers: int, budget: Budget) -> None:
    states, steps = explore(workers, budget)
    assert states > 500
    assert steps > states


def test_the_exploration_sees_a_write_that_does_not_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that sets without comparing is found out."""
    from trueup.testing.books.table_books import TableBooks

    honest = TableBooks._by_key

    def never_moved(self, connection, key):
        row = honest(self, connection, key)
        return row if row is None else _Agreeing(row)

    class _Agreeing:
        def __init__(self, row) -> None:
            self._row = row
            self.fingerprint = _Any()

        def __getattr__(self, name: str):
            return getattr(self._row, name)

    class _Any(str):
        def __ne__(self, other: object) -> bool:
            return False

        __hash__ = str.__hash__

    monkeypatch.setattr(TableBooks, "_by_key", never_moved)
    with pytest.raises(AssertionError):
        explore(1, (2, 0, 0))
