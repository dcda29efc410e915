"""The stage that lays the growth of all orders onto their trades, entries before exits; see `core.trade_moves`."""

from trueup.core.draft.draft import Draft


def move_trades(draft: Draft) -> None:
    draft.trade_moves.settle(draft)
