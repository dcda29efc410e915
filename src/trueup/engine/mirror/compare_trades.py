"""Which trades' own rows say other quantities than their orders come to. Pure.

Rules: only quantities that a repair may set are held to it, and only while the bot is at none of the trade's orders: it
may be about to write its trade. A row that holds what was entered less the fees agrees, too. Which of the bot's figures
is meant is not said here: nothing is set.
"""

from collections.abc import Iterable

from trueup.model.ids import normal_id
from trueup.model.money import amount, same, subtract, text
from trueup.model.snapshot import Local, LocalFault, Trade
from trueup.model.times import is_before
from trueup.model.vocabulary import LocalFaultKind

_QUANTITIES = ("entry_qty", "exit_qty")


def compare_trades(
    said: Iterable[Trade], local: Local, keys: frozenset[str], busy_since: str
) -> list[LocalFault]:
    """`said`: as the rows say them; `local`: the mirror. `busy_since`: an order active since is one the bot is at."""
    summed = {normal_id(one.trade_id): one for one in local.trades}
    busy = {
        normal_id(one.trade_id)
        for one in local.orders
        if one.trade_id is not None
        and one.last_activity_at is not None
        and not is_before(one.last_activity_at, busy_since)
    }
    faults = []
    for row in said:
        key = normal_id(row.trade_id)
        trade = summed.get(key)
        if trade is not None and key not in busy and (differing := _differing(row, trade, keys)):
            message = f"trade {row.trade_id} has {', '.join(differing)}: its row is left alone"
            fault = LocalFaultKind.TRADE_ROW_DIFFERS
            faults.append(LocalFault(kind=fault, message=message, trade_id=row.trade_id, symbol=trade.symbol))
    return faults


def _differing(row: Trade, trade: Trade, keys: frozenset[str]) -> list[str]:
    """What differs, in words."""
    net = text(subtract(amount(trade.entry_qty), amount(trade.fee_base_qty)))
    agreed = {"entry_qty": (trade.entry_qty, net), "exit_qty": (trade.exit_qty,)}
    return [
        f"{one} {getattr(row, one)}, its orders come to {agreed[one][0]}"
        for one in _QUANTITIES
        if one in keys and not any(same(getattr(row, one), each) for each in agreed[one])
    ]
