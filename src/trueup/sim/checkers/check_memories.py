"""Liveness of what bots know: each remembers of its orders what the venue filled, from frames or from trueup.

Decides nothing of books: this is the other end of the outbox.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from trueup.sim.checkers.facts import Violation
from trueup.sim.market.market import Market
from trueup.sim.market.orders import MarketOrder


class Memory(Protocol):
    @property
    def account_id(self) -> str: ...

    def remembered(self) -> dict[str, int]:
        """Client order id → the steps that it knows were filled."""
        ...


def _is_named_by_a_tag(market: Market, truth: MarketOrder) -> bool:
    """Nobody can tell the bot of an order that neither its id nor its terms name: a person's."""
    client_order_id = truth.client_order_id or ""
    return truth.request.by_notional and market.is_tag(truth.account_id, client_order_id)


def check_memories(
    market: Market, bots: Mapping[str, Memory], *, taken_back: Collection[str] = ()
) -> list[Violation]:
    """By profile id. Orders whose fills the venue took back are left to people.

    `taken_back`: client order ids that people took out of the books again: nobody is told what becomes of these.
    """
    found: list[Violation] = []
    for profile_id, bot in bots.items():
        for client_order_id, filled in bot.remembered().items():
            truth = market.truth_by_client_id(bot.account_id, client_order_id)
            if truth is None or truth.is_revised or client_order_id in taken_back:
                continue
            if _is_named_by_a_tag(market, truth):
                continue
            if truth.filled != filled:
                message = f"{profile_id} knows of {filled} steps filled, the venue filled {truth.filled}"
                found.append(Violation("I10", client_order_id, message))
    return found
