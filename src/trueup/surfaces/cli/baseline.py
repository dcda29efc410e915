"""What the account holds that no trade explains, as `position_baseline` wants it: what `trueup init` shows and offers.

Reads the venue's positions and, where there is a ledger already, its open trades; writes nothing.
"""

import asyncio
import os
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec import Struct

from trueup.model.errors import TrueupError, VenueUnavailable
from trueup.model.ids import symbol_token
from trueup.model.money import ZERO, add, amount, subtract, text

if TYPE_CHECKING:
    from trueup.model.snapshot import PositionsRead, Trade
    from trueup.service.config import AccountConfig
    from trueup.service.load_config import LoadedConfig

POSITIONS_TIMEOUT_S = 20.0


class Holding(Struct, frozen=True):
    """One instrument of an account, signed: what the venue holds, what open trades come to, and the difference."""

    account_id: str
    symbol: str
    held_qty: str
    trades_qty: str
    unexplained_qty: str


def unexplained(loaded: "LoadedConfig") -> list[Holding]:
    """Of every account, what is held beyond the trades. Raises TrueupError where positions cannot be read whole."""
    found: list[Holding] = []
    for account in loaded.config.accounts:
        read = asyncio.run(_read_positions(loaded, account))
        if read.state != "complete":
            raise VenueUnavailable(
                f"{account.account_id}: positions {read.state}: {read.error or 'no reason given'}"
            )
        found += _holdings(account.account_id, read, _open_trades(loaded, account))
    return found


def as_toml(holdings: list[Holding], account_id: str) -> str:
    """The line for [accounts.profiles.policy]; empty where nothing is unexplained."""
    import json

    of_account = [one for one in holdings if one.account_id == account_id]
    rows = [f"{json.dumps(one.symbol)} = {json.dumps(one.unexplained_qty)}" for one in of_account]
    return f"position_baseline = {{ {', '.join(rows)} }}" if rows else ""


async def _read_positions(loaded: "LoadedConfig", account: "AccountConfig") -> "PositionsRead":
    from trueup.service.clock import SystemClock
    from trueup.service.registry import open_venue

    venue = open_venue(account, SystemClock(), loaded.folder, os.environ)
    try:
        async with asyncio.timeout(POSITIONS_TIMEOUT_S):
            return await venue.positions()
    except TimeoutError as fault:
        raise VenueUnavailable(
            f"{account.account_id}: no answer within {POSITIONS_TIMEOUT_S:g} s; check the network"
        ) from fault
    finally:
        await venue.aclose()


def _open_trades(loaded: "LoadedConfig", account: "AccountConfig") -> "list[Trade]":
    """None where there is no ledger yet."""
    from trueup.model.vocabulary import TradeStatus
    from trueup.service.open_ledger import open_ledger

    try:
        ledger = open_ledger(loaded, create=False)
    except TrueupError:
        return []
    try:
        local = ledger.books.read(account.account_id, [one.profile_id for one in account.profiles], 0)
    finally:
        ledger.close()
    trades = [trade for one in local.values() for trade in one.trades]
    return [one for one in trades if one.status is not TradeStatus.CLOSED]


def _holdings(account_id: str, read: "PositionsRead", trades: "list[Trade]") -> list[Holding]:
    held: dict[str, Decimal] = defaultdict(lambda: ZERO)
    traded: dict[str, Decimal] = defaultdict(lambda: ZERO)
    names: dict[str, str] = {}
    for row in read.rows:
        names.setdefault(symbol_token(row.symbol), row.symbol)
        held[symbol_token(row.symbol)] = add(held[symbol_token(row.symbol)], amount(row.qty))
    for trade in trades:
        token = symbol_token(trade.symbol)
        names[token] = trade.symbol
        move = add if trade.side == "long" else subtract
        traded[token] = move(traded[token], trade.open_qty)
    return [
        Holding(account_id, symbol, text(held[token]), text(traded[token]), text(besides))
        for token, symbol in sorted(names.items())
        if (besides := subtract(held[token], traded[token])) and _is_beyond(held[token], traded[token])
    ]


def _is_beyond(held: Decimal, traded: Decimal) -> bool:
    """More than the trades on their side. What the venue lacks, or holds against them, is no owner's holding."""
    return held * traded >= 0 and abs(held) > abs(traded)
