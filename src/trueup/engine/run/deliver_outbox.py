"""Delivers committed notifications to the bot's executor: at least once, in order per trade.

One that fails is retried later with backoff and holds back only its own trade; after the last attempt it is parked,
which a person hears of. Must not know what a notification means to the bot.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import assert_never

from msgspec import Struct

from trueup.engine.in_thread import in_thread
from trueup.engine.run.slots import waiting
from trueup.model.vocabulary import NotificationKind
from trueup.ports.executor import Executor, RemoteExecutor
from trueup.ports.journal import Journal
from trueup.ports.records import OutboxItem

BATCH = 100  # notifications read at a time
REMOTE_BATCH = (
    16  # of an executor elsewhere: told within half a lease even where every call runs into its time-out
)
BATCHES_MAX = 100  # of one delivery; the rest waits for the next run
CALL_TIMEOUT_S = 30.0  # an executor that takes longer has failed this attempt


class DeliveryReport(Struct, frozen=True, kw_only=True):
    """`failed` are retried later; `parked` are not: each is worth an alert."""

    delivered: int = 0
    failed: int = 0
    parked: list[OutboxItem] = []


async def deliver_outbox(
    journal: Journal,
    executor: Executor,
    profile_ids: Sequence[str] | None = None,
    before_batch: Callable[[], Awaitable[None]] | None = None,
) -> DeliveryReport:
    """Deliver what is due, of these profiles (null: of all). Raises LedgerError; never what the executor raises.

    `before_batch`: keeps the right to tell, before each batch. Where nothing of a batch is taken the rest waits.
    """
    delivered, failed = 0, 0
    parked: list[OutboxItem] = []
    limit = REMOTE_BATCH if isinstance(executor, RemoteExecutor) else BATCH
    for _ in range(BATCHES_MAX):
        if before_batch is not None:
            await before_batch()
        items = await in_thread(journal.pending_notifications, limit, profile_ids)
        async with waiting():
            done, missed = await _deliver_batch(executor, items)
        if done:
            await in_thread(journal.mark_delivered, done)
        for item, error in missed:
            if await in_thread(journal.mark_failed, item, error):
                parked.append(item)
        delivered, failed = delivered + len(done), failed + len(missed)
        if len(items) < limit or not done:
            break
    return DeliveryReport(delivered=delivered, failed=failed - len(parked), parked=parked)


Missed = tuple[OutboxItem, str]


async def _deliver_batch(
    executor: Executor, items: Sequence[OutboxItem]
) -> tuple[list[OutboxItem], list[Missed]]:
    """What was taken, and what failed with its error; what stands behind a failure is neither."""
    of_trade: dict[tuple[str, str], list[OutboxItem]] = {}
    for item in items:
        of_trade.setdefault((item.profile_id, item.subject), []).append(item)
    places = asyncio.Semaphore(executor.at_a_time if isinstance(executor, RemoteExecutor) else 1)

    async def deliver(trade: Sequence[OutboxItem]) -> tuple[list[OutboxItem], list[Missed]]:
        async with places:
            return await _deliver_trade(executor, trade)

    ended = await asyncio.gather(*(deliver(trade) for trade in of_trade.values()))
    return [one for done, _ in ended for one in done], [one for _, missed in ended for one in missed]


async def _deliver_trade(
    executor: Executor, items: Sequence[OutboxItem]
) -> tuple[list[OutboxItem], list[Missed]]:
    done: list[OutboxItem] = []
    for item in items:
        error = await _tell(executor, item)
        if error is not None:
            return done, [(item, error)]
        done.append(item)
    return done, []


async def _tell(executor: Executor, item: OutboxItem) -> str | None:
    """The executor's error, if any. Its methods may be sync or async; a hook that it lacks has nothing to hear."""
    call = _call(executor, item)
    if call is None:
        return None
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            answer = call()
            if inspect.isawaitable(answer):
                await answer
    except Exception as fault:  # noqa: BLE001 - the executor is the bot's code: whatever it raises, this attempt failed
        return f"{type(fault).__name__}: {fault}"
    return None


def _call(executor: Executor, item: OutboxItem) -> Callable[[], object] | None:
    if isinstance(executor, RemoteExecutor):
        return partial(executor.deliver, item)
    method = getattr(executor, _method(item.notification.kind), None)
    return None if method is None else partial(method, item.notification)


def _method(kind: NotificationKind) -> str:
    match kind:
        case NotificationKind.ENTRY_FILL:
            return "reconcile_entry_fill"
        case NotificationKind.EXIT_FILL:
            return "reconcile_exit_fill"
        case NotificationKind.CANCEL:
            return "reconcile_cancel"
        case NotificationKind.DISCOVERED:
            return "reconcile_discovered"
        case NotificationKind.AMENDED:
            return "reconcile_amended"
        case NotificationKind.QUARANTINED:
            return "reconcile_quarantined"
        case NotificationKind.RELEASED:
            return "reconcile_released"
        case NotificationKind.CLOSED:
            return "reconcile_closed"
        case _:
            assert_never(kind)
