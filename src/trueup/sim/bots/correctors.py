"""People who correct the books by hand, and undo what a run or a person wrote: in the midst of everything else.

Decides what somebody does at the command line. What they correct is true: they have asked the venue. What they undo
is anything, true or not. Between looking and writing seconds go by, so that the books may have moved.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Any

from msgspec import Struct

from trueup.engine.people.correct import Signature, apply_correction, book_fill, set_end, strike_fill
from trueup.engine.people.decide import allow_again
from trueup.engine.people.undo import undo
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.money import add, amount
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.vocabulary import LIVE, TERMINAL, DecisionKind, Status
from trueup.ports.people import PersonCorrection
from trueup.sim.bots.books import attempt
from trueup.sim.bots.trade_correctors import plan_something, take_baselines_back
from trueup.sim.market.market import Market
from trueup.sim.market.orders import STREAM_ID, MarketOrder
from trueup.sim.trials.worker import Worker

Command = Callable[[Worker], Coroutine[Any, Any, None]]
THINKING_S_MAX = 6
RUNS_LOOKED_AT = 12
CORRECTIONS_LOOKED_AT = 6
BY_HAND = 0.5  # share of what is undone that a person wrote
BY = Signature(author="ann", reason="asked the venue", notify=True)


class _Looked(Struct, frozen=True, kw_only=True):
    """One order as somebody sees it in the books, by its `name`, and at the venue. `listed`: all its fills there."""

    ledger: SqlLedger
    name: str
    order: LocalOrder
    booked: Sequence[Fill]
    truth: MarketOrder
    listed: Sequence[Fill]


def correct_something(market: Market, account_id: str, profile_id: str, rng: Random) -> Command:
    """`trueup correct`: an order's end, a fill that the books lack, a fill that they have."""

    async def correct(person: Worker) -> None:
        orders = attempt(person.ledger.export, "orders", profile_id)
        if not isinstance(orders, list) or not orders:
            return
        known = [one["client_order_id"] or one["venue_order_id"] for one in orders]
        made = attempt(_plan, person.ledger, market, account_id, profile_id, rng.choice(known), rng)
        await _write(person, made, rng)

    return correct


def correct_trades(profile_id: str, rng: Random, *, hedged: bool) -> Command:
    """`trueup correct`: an order's trade or action, a trade, the baseline; right or wrong."""

    async def correct(person: Worker) -> None:
        def plan() -> PersonCorrection | None:
            return plan_something(person.ledger, profile_id, rng, BY, hedged=hedged)

        await _write(person, attempt(plan), rng)

    return correct


def put_right(ledger: SqlLedger, profile_ids: Sequence[str]) -> None:
    """Whoever said what the owner holds was mistaken, and every repair that somebody undid was right after all."""
    take_baselines_back(ledger, profile_ids, BY)
    let_everything_be_made_again(ledger, profile_ids)


def undo_something(profile_id: str, rng: Random) -> Command:
    """`trueup undo` of one of the newest runs, or of what somebody wrote."""

    async def take_back(person: Worker) -> None:
        names = attempt(_newest, person.ledger, profile_id, rng)
        if isinstance(names, list) and names:
            await _write(person, attempt(undo, person.ledger, rng.choice(names), BY), rng)

    return take_back


def _newest(ledger: SqlLedger, profile_id: str, rng: Random) -> list[str]:
    """Runs, or what people wrote: half of the time each."""
    if rng.random() < BY_HAND:
        written = ledger.journal.list_corrections(profile_id)
        return [one.correction.correction_id for one in written[-CORRECTIONS_LOOKED_AT:]]
    return [one.run_id for one in ledger.journal.list_runs(profile_id, RUNS_LOOKED_AT)]


def let_everything_be_made_again(ledger: SqlLedger, profile_ids: Sequence[str]) -> None:
    """`trueup decide again` of every repair that somebody undid."""
    for decisions in ledger.journal.standing_decisions(profile_ids).values():
        for one in decisions:
            if one.kind is DecisionKind.HOLD_REPAIR:
                allow_again(ledger, one.decision_id, author="ann", reason="it was right after all")


async def _write(person: Worker, made: object, rng: Random) -> None:
    await asyncio.sleep(rng.randint(0, THINKING_S_MAX))
    if isinstance(made, PersonCorrection):
        attempt(apply_correction, person.ledger, made)


def _plan(
    ledger: SqlLedger, market: Market, account_id: str, profile_id: str, name: str, rng: Random
) -> PersonCorrection | None:
    ((_, order),) = ledger.books.find_order(name, profile_id)
    if order.venue_order_id is None:
        return None
    truth = market.truth_order(account_id, order.venue_order_id.strip().upper(), order.symbol)
    if truth is None or truth.is_revised or truth.is_of_revised:
        return None
    booked = ledger.books.related(account_id, profile_id, [order])[0]
    listed = [one.view() for one in market.truth_fills(account_id, truth)]
    looked = _Looked(ledger=ledger, name=name, order=order, booked=booked, truth=truth, listed=listed)
    kinds = [_true_end, _missed_fill, _struck_fill]
    rng.shuffle(kinds)
    made = (plan(looked) for plan in kinds)
    return next((one for one in made if one is not None), None)


def _true_end(it: _Looked) -> PersonCorrection | None:
    """Of an order that is live here and has ended there. What replaced it is the runs' to bind."""
    status = it.truth.status
    ended = status in TERMINAL and status not in (Status.FILLED, Status.REPLACED)
    return set_end(it.ledger, it.name, status, BY) if ended and it.order.status in LIVE else None


def _missed_fill(it: _Looked) -> PersonCorrection | None:
    """By the venue's own id, where nothing here is booked under an id of the stream's and it fits."""
    if any(one.fill_id.startswith(STREAM_ID) for one in it.booked):
        return None
    known = {one.fill_id for one in it.booked}
    for fill in it.listed:
        filled = add(amount(it.order.filled_qty), amount(fill.qty))
        if fill.fill_id not in known and filled <= amount(it.truth.view().filled_qty):
            return book_fill(it.ledger, it.name, fill, BY)
    return None


def _struck_fill(it: _Looked) -> PersonCorrection | None:
    """Of an order that the next runs ask about: they book it again."""
    asked_about = it.order.status in LIVE or it.order.status is Status.FILLED
    fills = [one for one in it.booked if amount(one.qty) > 0]
    return strike_fill(it.ledger, it.name, fills[-1].fill_id, BY) if asked_about and fills else None
