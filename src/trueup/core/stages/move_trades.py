"""Lays the growth of all orders onto their trades, entries before exits; how: `core.trades.trade_moves`."""

from trueup.core.draft.draft import Draft


def move_trades(draft: Draft) -> None:
    draft.trade_moves.settle(draft)
