"""Which instruments parity compares: what the policy names, what trades are open in, and what the venue holds.

What another profile of the account trades, and this one has no trade of, is told by that one.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.trades.positions import (
    open_trades,
    others_of,
)
from trueup.model.ids import (
    symbol_token,
)
from trueup.model.money import amount
from trueup.model.vocabulary import (
    TradeStatus,
)


def watched_instruments(facts: Facts, local: LocalSide) -> dict[str, str]:
    """Instruments to compare, by token: those the policy names, those of open trades, and what the venue holds."""
    policy = facts.policy
    names = policy.parity_symbols if policy.parity_symbols is not None else policy.managed_symbols
    named = {symbol_token(symbol): symbol for symbol in names or ()}
    held = {symbol_token(row.symbol): row.symbol for row in facts.snapshot.venue.positions.rows}
    owned = {symbol_token(symbol): symbol for symbol in policy.position_baseline}
    traded = {symbol_token(trade.symbol): trade.symbol for trade in open_trades(facts, local)}
    quarantined = {
        symbol_token(trade.symbol): trade.symbol
        for trade in local.trades.values()
        if trade.status is TradeStatus.QUARANTINED
    }
    found = held | owned | named | quarantined | traded
    if names is not None:
        return {token: found[token] for token in named}
    mine = owned | quarantined | traded
    return {token: symbol for token, symbol in found.items() if token in mine or not _is_others(facts, token)}


def _is_others(facts: Facts, token: str) -> bool:
    """Whether another profile of the account trades the instrument: what this one has no trade of, it will tell."""
    return any(amount(one.long) or amount(one.short) for one in others_of(facts, token))
