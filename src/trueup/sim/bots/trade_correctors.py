"""What people do to trades, actions and the baseline by hand in a world: right or wrong, nothing stops them.

Decides what somebody corrects; the books then say what a person says. Where the venue keeps long and short positions
apart, no order is taken from one side to the other: the venue says on which side it is.
"""

from collections.abc import Callable, Sequence
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from trueup.engine.people.correct import (
    Signature,
    close_trade,
    move_order,
    set_action,
    set_baseline,
    split_trade,
)
from trueup.engine.people.hand import name_of
from trueup.engine.people.undo import undo
from trueup.engine.people.undone_decisions import standing_undos
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.money import amount
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import Action, PersonCorrectionKind, PositionSide
from trueup.ports.people import PersonCorrection

LEFT = 0.3  # share of the overruns that nobody splits at once
OWNED_STEPS_MAX = 2  # of the owner besides the bots, in whole units


class Seen(Struct, frozen=True, kw_only=True):
    """One profile's books as somebody sees them, and what they sign with."""

    ledger: SqlLedger
    orders: Sequence[LocalOrder]
    trades: Sequence[Trade]
    hedged: bool
    by: Signature


Plan = Callable[[Seen, Random], PersonCorrection | None]


def plan_something(
    ledger: SqlLedger, profile_id: str, rng: Random, by: Signature, *, hedged: bool
) -> PersonCorrection | None:
    """An overrun, which is seldom; else the first thing of all other kinds in some order.

    Raises what a correction raises.
    """
    named = [one["trade_id"] for one in ledger.export("trades", profile_id)]
    trades = [trade for one in named for _, trade in ledger.books.find_trade(one, profile_id)]
    orders = [order for one in named for order in ledger.books.orders_of_trade(profile_id, one)]
    by = replace(by, profile_id=profile_id)
    seen = Seen(ledger=ledger, orders=orders, trades=trades, hedged=hedged, by=by)
    plans: list[Plan] = [_moved_order, _set_action, _closed_trade, _baseline]
    rng.shuffle(plans)
    made = (plan(seen, rng) for plan in (_split_trade, *plans))
    return next((one for one in made if one is not None), None)


def take_baselines_back(ledger: SqlLedger, profile_ids: Sequence[str], by: Signature) -> None:
    """`trueup undo` of every baseline that stands: whoever said it was mistaken."""
    for profile_id in profile_ids:
        records = ledger.journal.list_corrections(profile_id)
        undone = standing_undos(records)
        for one in (record.correction for record in records):
            if one.kind is PersonCorrectionKind.SET_BASELINE and one.correction_id not in undone:
                ledger.correct(undo(ledger, one.correction_id, by))


def _moved_order(it: Seen, rng: Random) -> PersonCorrection | None:
    """To another trade of its instrument, or to none."""
    if not it.orders:
        return None
    order = rng.choice(it.orders)
    sides: dict[str | None, PositionSide] = {one.trade_id: one.side for one in it.trades}
    others = [
        one.trade_id
        for one in it.trades
        if one.symbol == order.symbol and one.trade_id != order.trade_id
        if not it.hedged or one.side is sides.get(order.trade_id)
    ]
    return move_order(it.ledger, name_of(order), rng.choice([*others, None]), it.by)


def _set_action(it: Seen, rng: Random) -> PersonCorrection | None:
    if not it.orders:
        return None
    order = rng.choice(it.orders)
    action = Action.ENTRY if order.action is Action.EXIT else Action.EXIT
    return set_action(it.ledger, name_of(order), action, it.by)


def _closed_trade(it: Seen, rng: Random) -> PersonCorrection | None:
    return close_trade(it.ledger, rng.choice(it.trades).trade_id, it.by) if it.trades else None


def _split_trade(it: Seen, rng: Random) -> PersonCorrection | None:
    overrun = [one for one in it.trades if amount(one.exit_qty) > amount(one.entry_qty)]
    if not overrun or it.hedged or rng.random() < LEFT:
        return None
    trade = rng.choice(overrun)
    return split_trade(it.ledger, trade.trade_id, f"{trade.trade_id}-split-{rng.randint(1, 99)}", it.by)


def _baseline(it: Seen, rng: Random) -> PersonCorrection | None:
    symbols = sorted({one.symbol for one in it.trades})
    qty = str(rng.randint(-OWNED_STEPS_MAX, OWNED_STEPS_MAX))
    return set_baseline(it.ledger, rng.choice(symbols), qty, it.by) if symbols else None
