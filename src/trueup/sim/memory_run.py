"""One run of one profile in memory: observe, plan, ask, plan, apply, obey. No engine, no database: for properties of
the core over thousands of worlds.

Decides only the order of these steps; every judgement is the plan's. Queries are asked in rounds until a plan asks
nothing new.
"""

from collections.abc import Callable

from msgspec import Struct, structs

from trueup.model.decode import check_snapshot
from trueup.model.errors import VenueError
from trueup.model.plan import Plan, Query
from trueup.model.snapshot import Local, LocalAnswer, Snapshot, VenueAnswer
from trueup.model.vocabulary import Outcome, QueryBy, QuerySide, ReadState
from trueup.sim.books import lay_fills
from trueup.sim.world import World

QUERY_ROUNDS_MAX = 6  # by venue id, by client id, then along a chain of replacements
MakePlan = Callable[[Snapshot], Plan]
AskedId = tuple[QuerySide, QueryBy | None, str | None]


class MemoryRun(Struct, frozen=True, kw_only=True):
    """What one run saw and decided."""

    snapshot: Snapshot
    plan: Plan
    rounds: int


def run_in_memory(world: World, profile_id: str, make_plan: MakePlan) -> MemoryRun:
    """Reconcile one profile once, apply its plan to its books in memory and let its bot obey."""
    snapshot = check_snapshot(world.snapshot(profile_id))
    plan = make_plan(snapshot)
    asked: set[AskedId] = set()
    rounds = 0
    for rounds in range(QUERY_ROUNDS_MAX):  # noqa: B007 - how many it took is reported
        fresh = [query for query in plan.queries if not _keys(query) <= asked]
        if not fresh:
            break
        for query in fresh:
            snapshot = _ask(world, profile_id, snapshot, query)
            asked |= _keys(query)
        plan = make_plan(snapshot)
    world.move_meanwhile()
    if world.dice.strikes("run_lost"):
        return MemoryRun(snapshot=snapshot, plan=plan, rounds=rounds)
    books, profile = world.memory_books(profile_id), world.profiles[profile_id]
    for notification in books.apply(plan, snapshot):
        profile.committed.append(notification.notification_id)
        for _ in range(2 if world.dice.strikes("notice_doubled") else 1):
            profile.bot.obey(notification)
    profile.prior = plan.findings
    profile.overrun_trades |= {
        one.trade_id for one in plan.breaks if one.kind == "trade_overrun" and one.trade_id
    }
    world.notes.append(f"{snapshot.taken_at} {profile_id} {plan.plan_id} {len(plan.corrections)}")
    return MemoryRun(snapshot=snapshot, plan=plan, rounds=rounds)


def _keys(query: Query) -> set[AskedId]:
    if query.side is QuerySide.LOCAL:
        return {(query.side, query.by, order_id) for order_id in query.ids or []}
    return {(query.side, query.by, query.id or query.since)}


def _ask(world: World, profile_id: str, snapshot: Snapshot, query: Query) -> Snapshot:
    if query.side is QuerySide.LOCAL:
        answers = _ask_locally(world, profile_id, query)
        return structs.replace(snapshot, local=_with_kin(world, profile_id, snapshot.local, answers))
    if query.by is QueryBy.HISTORY:
        return _with_history(world, profile_id, snapshot, query)
    found = [*snapshot.venue.answers, _ask_venue(world, profile_id, query)]
    return structs.replace(snapshot, venue=structs.replace(snapshot.venue, answers=found))


def _with_kin(world: World, profile_id: str, local: Local, answers: list[LocalAnswer]) -> Local:
    """The answers, with the fills and the trades of the orders that they found."""
    books = world.memory_books(profile_id)
    orders = [answer.order for answer in answers if answer.order is not None]
    trades = {trade.trade_id: trade for trade in local.trades}
    trades |= {
        order.trade_id: books.trades[order.trade_id] for order in orders if order.trade_id in books.trades
    }
    return structs.replace(
        local,
        answers=[*local.answers, *answers],
        fills=lay_fills(local.fills, [fill for order in orders for fill in books.fills_of(order)]),
        trades=list(trades.values()),
    )


def _with_history(world: World, profile_id: str, snapshot: Snapshot, query: Query) -> Snapshot:
    """The history further back; where that cannot be read, what was read before stays."""
    before = snapshot.venue.history
    if before.state is ReadState.COMPLETE and (before.since is None or before.since <= (query.since or "")):
        return snapshot  # another question of this run was answered with more
    try:
        history = world.profiles[profile_id].account.venue.read_history(query.since)
    except VenueError:
        return snapshot
    return structs.replace(snapshot, venue=structs.replace(snapshot.venue, history=history))


def _ask_venue(world: World, profile_id: str, query: Query) -> VenueAnswer:
    by, order_id = query.by or QueryBy.VENUE_ORDER_ID, query.id or ""
    try:
        return world.profiles[profile_id].account.venue.answer(by, order_id)
    except VenueError as error:
        return VenueAnswer(by=by, id=order_id, outcome=Outcome.UNKNOWN, error=str(error))


def _ask_locally(world: World, profile_id: str, query: Query) -> list[LocalAnswer]:
    """Each id, asked as a venue order id and as a client order id, in the books of the whole account."""
    mine = world.memory_books(profile_id)
    others = [
        world.memory_books(one) for one in world.profiles[profile_id].account.profile_ids if one != profile_id
    ]
    answers: list[LocalAnswer] = []
    for order_id in query.ids or []:
        for by in (QueryBy.VENUE_ORDER_ID, QueryBy.CLIENT_ORDER_ID):
            ids = (None, order_id) if by is QueryBy.VENUE_ORDER_ID else (order_id, None)
            order = mine.find(*ids)
            known = order is not None or any(books.find(*ids) is not None for books in others)
            outcome = Outcome.FOUND if known else Outcome.ABSENT
            answers.append(
                LocalAnswer(by=by, id=order_id, outcome=outcome, read_at=world.clock.now(), order=order)
            )
    return answers
