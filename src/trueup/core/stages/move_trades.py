"""Lays the growth of all orders onto their trades, entries before exits; how: `core.trades.trade_moves`."""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome


def move_trades(facts: Facts, local: LocalSide, outcome: RunOutcome) -> None:
    local.trade_moves.settle(facts, local, outcome)
