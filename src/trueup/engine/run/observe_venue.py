"""What the venue says of one account, all reads at once, for all of its profiles.

They are sent after all local reads have ended. `read_at` of a read is the ledger's time just before that, or the
adapter's own where that is earlier (an export is as old as it says). A read that failed or took too long is a failed
read with its reason, never an empty one; without the account's id or the instruments nothing that was read can be
judged.
"""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.engine.run.ask_in_time import NoAnswer, as_it_is, in_time, snapping
from trueup.engine.run.observe_local import LocalReads
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    NOT_READ,
    HistoryRead,
    Instrument,
    Local,
    OrdersRead,
    PositionsRead,
    Venue,
)
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import BreakKind, ReadFault, ReadState
from trueup.ports.records import ProfileState

Read = TypeVar("Read", OrdersRead, HistoryRead, PositionsRead)


HISTORY_OVERLAP_S = 600  # venues list an order or fill late, or with a time slightly before its watermark


class VenueReads(Struct, frozen=True, kw_only=True):
    """The venue's reads of an account, shared by its profiles."""

    venue: Venue
    instruments: list[Instrument]


async def observe_venue(account: ManagedAccount, local: LocalReads) -> VenueReads:
    """Everything at the venue, at once. Raises nothing for a venue that does not answer: the reads say so."""
    since = history_since(account.profiles, local)
    venue, limit_s = account.venue, account.read_timeout_s
    async with asyncio.TaskGroup() as reads:
        opened = reads.create_task(
            in_time(venue.open_orders(), lambda one: OrdersRead(error=one.error, fault=one.fault), limit_s)
        )
        history = reads.create_task(
            in_time(venue.history(since), lambda one: HistoryRead(since=since, error=one.error), limit_s)
        )
        positions = reads.create_task(
            in_time(_read_positions(account), lambda one: PositionsRead(error=one.error), limit_s)
        )
        account_id = reads.create_task(in_time(venue.account_id(), as_it_is, limit_s))
        instruments = reads.create_task(in_time(venue.instruments(), as_it_is, limit_s))
    whose, steps = account_id.result(), instruments.result()
    side = Venue(
        account_id=None if isinstance(whose, NoAnswer) else whose,
        recorded_account_id=local.recorded_account_id,
        open_orders=_stamped(opened.result(), local.sent_at),
        history=_stamped(history.result(), local.sent_at),
        positions=_stamped(positions.result(), local.sent_at),
    )
    if isinstance(whose, NoAnswer):
        return VenueReads(venue=_all_failed(side, f"account id: {whose.error}", whose.fault), instruments=[])
    if isinstance(steps, NoAnswer):
        return VenueReads(venue=_all_failed(side, f"instruments: {steps.error}", steps.fault), instruments=[])
    for books in snapping(account):
        books.know_instruments(steps)
    return VenueReads(venue=side, instruments=steps)


def history_since(profiles: Sequence[ManagedProfile], local: LocalReads) -> str | None:
    """From when on the venue's history is read: the least watermark, overlapped; null = from the beginning.

    Orders found missing at the venue want it from their submission on: their absence is only confirmed against it.
    """
    starts: list[int] = []
    for managed in profiles:
        state = local.remembered[managed.profile_id].state
        if state.paused:
            continue
        start = coverage_start(state.watermark, managed.policy)
        if start is None:
            return None
        starts += [to_ns(start), *_missing_since(state, local.locals.get(managed.profile_id, Local()))]
    return from_ns(min(starts) - HISTORY_OVERLAP_S * NS_PER_S) if starts else None


def coverage_start(watermark: str | None, policy: Policy) -> str | None:
    """From when on history is still to be classed: the watermark, or a baseline that a person set after it."""
    known = [time for time in (watermark, policy.coverage_baseline_at) if time is not None]
    return max(known, key=to_ns, default=None)


def _missing_since(state: ProfileState, local: Local) -> list[int]:
    missing = [one for one in state.prior if one.kind is BreakKind.MISSING_AT_VENUE]
    ids = {one.venue_order_id for one in missing} | {one.client_order_id for one in missing}
    return [
        to_ns(order.submitted_at)
        for order in (local.orders if missing else [])
        if order.submitted_at is not None and {order.venue_order_id, order.client_order_id} & (ids - {None})
    ]


def earlier(left: str | None, right: str) -> str:
    """The earlier of two times; the second where the first is unknown."""
    return right if left is None or to_ns(right) < to_ns(left) else left


async def _read_positions(account: ManagedAccount) -> PositionsRead:
    """Positions where a profile's policy has a use for them: a call saved per run otherwise."""
    policies = [managed.policy for managed in account.profiles]
    if not any(policy.parity_enabled or policy.exit_backfill_enabled for policy in policies):
        return PositionsRead(error=NOT_READ)
    return await account.venue.positions()


def _stamped(read: Read, sent_at: str) -> Read:
    return replace(read, read_at=earlier(read.read_at, sent_at))


def _all_failed(venue: Venue, error: str, fault: ReadFault) -> Venue:
    """Without the account's id or the instruments, what was read cannot be judged: it proves nothing."""
    return replace(
        venue,
        open_orders=replace(venue.open_orders, state=ReadState.FAILED, rows=[], error=error, fault=fault),
        history=replace(venue.history, state=ReadState.FAILED, orders=[], fills=[], error=error),
        positions=replace(venue.positions, state=ReadState.FAILED, rows=[], error=error),
    )
