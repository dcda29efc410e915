"""Mistakes about evidence: what a plan is made from is not what was read, or was read in another order."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

from msgspec import structs

from trueup.core.draft.facts import Facts
from trueup.core.make_plan import make_plan
from trueup.engine.run import observe_venue as reads
from trueup.engine.run import plan_profiles
from trueup.engine.run.answer_queries import Answers
from trueup.engine.run.observe_local import LocalReads, Remembered, observe_local
from trueup.engine.run.observe_venue import observe_venue
from trueup.model.snapshot import Snapshot, Venue, VenueOrder
from trueup.model.vocabulary import Outcome, ReadState, Status
from trueup.sim.trials import draw_world

Mutation = AbstractContextManager[Any]


def planning(change: Callable[[Snapshot], Snapshot]) -> AbstractContextManager[Any]:
    """The engine plans from a snapshot that is not what was read."""
    plan = make_plan
    return mock.patch.object(plan_profiles, "make_plan", lambda snapshot: plan(change(snapshot)))


def absence_without_confirmation() -> AbstractContextManager[Any]:
    def hasty(snapshot: Snapshot) -> Snapshot:
        policy = structs.replace(snapshot.policy, absence_confirmations=1, absence_min_age_s=0)
        return structs.replace(snapshot, policy=policy)

    return planning(hasty)


def partial_read_taken_as_complete() -> AbstractContextManager[Any]:
    stamp = reads._stamped

    def complete(read: Any, sent_at: str) -> Any:
        state = ReadState.COMPLETE if read.state is ReadState.PARTIAL else read.state
        return structs.replace(stamp(read, sent_at), state=state)

    return mock.patch.object(reads, "_stamped", complete)


def venue_read_sent_before_the_local_read() -> AbstractContextManager[Any]:
    early: dict[int, Any] = {}

    async def local_later(account: Any, mirror: Any = None) -> Any:
        side = LocalReads(
            remembered={one: Remembered() for one in account.profile_ids},
            locals={},
            recorded_account_id=None,
            sent_at=account.ledger.now(),
        )
        early[id(account)] = await observe_venue(account, side)
        return await observe_local(account)

    async def venue_as_it_was(account: Any, local: Any) -> Any:
        side = early.pop(id(account))
        reads = {
            name: structs.replace(getattr(side.venue, name), read_at=local.sent_at)
            for name in ("open_orders", "history", "positions")
        }
        return structs.replace(side, venue=structs.replace(side.venue, **reads))

    return mock.patch.multiple(plan_profiles, observe_local=local_later, observe_venue=venue_as_it_was)


def predecessors_fills_forgotten_on_a_replace() -> AbstractContextManager[Any]:
    def empty(row: VenueOrder) -> VenueOrder:
        forgotten = row.status is Status.REPLACED
        return structs.replace(row, filled_qty="0", filled_avg_price=None) if forgotten else row

    def forget(snapshot: Snapshot) -> Snapshot:
        venue = _with_rows(snapshot.venue, empty)
        replaced = {row.venue_order_id for row in venue.history.orders if row.status is Status.REPLACED}
        fills = [fill for fill in venue.history.fills if fill.venue_order_id not in replaced]
        return structs.replace(
            snapshot,
            venue=structs.replace(venue, history=structs.replace(venue.history, fills=fills)),
        )

    return planning(forget)


def replacement_looks_like_a_cancel() -> AbstractContextManager[Any]:
    def unlinked(row: VenueOrder) -> VenueOrder:
        status = Status.CANCELED if row.status is Status.REPLACED else row.status
        return structs.replace(row, status=status, replaces=None, replaced_by=None)

    return planning(lambda snapshot: structs.replace(snapshot, venue=_with_rows(snapshot.venue, unlinked)))


def unknown_answer_counts_as_absent() -> AbstractContextManager[Any]:
    def absent(snapshot: Snapshot) -> Snapshot:
        answers = [
            structs.replace(answer, outcome=Outcome.ABSENT) if answer.outcome is Outcome.UNKNOWN else answer
            for answer in snapshot.venue.answers
        ]
        return structs.replace(snapshot, venue=structs.replace(snapshot.venue, answers=answers))

    return planning(absent)


def everybody_is_ours() -> AbstractContextManager[Any]:
    def open_handed(snapshot: Snapshot) -> Snapshot:
        policy = structs.replace(snapshot.policy, owned_client_order_id_prefixes=(), owned_sub_tags=())
        return structs.replace(snapshot, policy=policy)

    return planning(open_handed)


def questions_never_asked() -> AbstractContextManager[Any]:
    return mock.patch.object(Answers, "untold", return_value=[])


def another_account_is_believed() -> Mutation:
    """Whichever account the venue answers for."""
    return planning(
        lambda snapshot: structs.replace(
            snapshot, venue=structs.replace(snapshot.venue, recorded_account_id=None)
        )
    )


def recent_activity_is_judged() -> Mutation:
    return mock.patch.object(Facts, "is_recent", return_value=False)


def fills_take_the_orders_price() -> Mutation:
    def averaged(snapshot: Snapshot) -> Snapshot:
        history = snapshot.venue.history
        prices = {order.venue_order_id: order.filled_avg_price for order in history.orders}
        fills = [
            structs.replace(fill, price=prices.get(fill.venue_order_id) or fill.price)
            for fill in history.fills
        ]
        history = structs.replace(history, fills=fills)
        return structs.replace(snapshot, venue=structs.replace(snapshot.venue, history=history))

    return planning(averaged)


@contextmanager
def a_dry_coverage_inserts() -> Iterator[None]:
    """People do nothing but ask for it dry."""

    def wet(snapshot: Snapshot) -> Snapshot:
        return structs.replace(snapshot, policy=structs.replace(snapshot.policy, coverage_dry_run=False))

    dry = (lambda rng: {"coverage_dry_run": True},)
    with mock.patch.object(draw_world, "_CHANGES", dry), planning(wet):
        yield


def _with_rows(venue: Venue, change: Callable[[VenueOrder], VenueOrder]) -> Venue:
    return structs.replace(
        venue,
        open_orders=structs.replace(venue.open_orders, rows=[change(row) for row in venue.open_orders.rows]),
        history=structs.replace(venue.history, orders=[change(row) for row in venue.history.orders]),
        answers=[
            structs.replace(answer, order=change(answer.order)) if answer.order is not None else answer
            for answer in venue.answers
        ],
    )
