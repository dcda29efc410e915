"""The demo's trades, against the simulator's truth: each is the sum of its orders, and parity keeps the bots from the
one trade whose position a person sold, and from no healthy one.
"""

from pathlib import Path

import pytest

from trueup.surfaces.cli.demo_world import DemoWorld

QUICK = 10
SEEDS = [pytest.param(seed, marks=() if seed < QUICK else pytest.mark.slow) for seed in range(50)]


@pytest.mark.parametrize("seed", SEEDS)
def test_books_and_trades_agree_and_only_the_trade_that_is_gone_is_quarantined(
    tmp_path: Path, seed: int
) -> None:
    world = DemoWorld(seed, tmp_path)
    try:
        for _ in world.trade():
            pass
        *_, reports = world.repair()
        assert world.violations(reports) == []
        for profile_id in world.world.profiles:
            folded = world.ledger.fold_log(profile_id)
            assert (folded.trades, folded.contradictions) == ([], [])
        gone = [] if world.closed_by_hand is None else [world.closed_by_hand]
        assert [(profile_id, trade.trade_id) for profile_id, trade, _ in world.quarantined()] == gone
    finally:
        world.close()
