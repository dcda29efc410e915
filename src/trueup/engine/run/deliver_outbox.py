"""Delivers committed notifications to the bot's executor: at least once, in order per trade.

One that fails is retried later with backoff and holds back only its own trade; after the last attempt it is parked,
which a person hears of. Must not know what a notification means to the bot.
"""

import asyncio
import inspect
from collections.abc import Sequence
from typing import assert_never

from msgspec import Struct

from trueup.engine.in_thread import in_thread
from trueup.engine.run.slots import waiting
from trueup.model.plan import Notification
from trueup.model.vocabulary import NotificationKind
from trueup.ports.executor import Executor
from trueup.ports.journal import Journal
from trueup.ports.records import OutboxItem

BATCH = 100  # notifications read at a time
BATCHES_MAX = 100  # of one delivery; the rest waits for the next run
CALL_TIMEOUT_S = 30.0  # an executor that takes longer has failed this attempt


class DeliveryReport(Struct, frozen=True, kw_only=True):
    """`failed` are retried later; `parked` are not: each is worth an alert."""

    delivered: int = 0
    failed: int = 0
    parked: list[OutboxItem] = []


async def deliver_outbox(
    journal: Journal, executor: Executor, profile_ids: Sequence[str] | None = None
) -> DeliveryReport:
    """Deliver what is due, of these profiles (null: of all). Raises LedgerError; never what the executor raises."""
    delivered, failed = 0, 0
    parked: list[OutboxItem] = []
    for _ in range(BATCHES_MAX):
        items = await in_thread(journal.pending_notifications, BATCH, profile_ids)
        async with waiting():
            done, missed = await _deliver_batch(executor, items)
        if done:
            await in_thread(journal.mark_delivered, done)
        for item, error in missed:
            if await in_thread(journal.mark_failed, item, error):
                parked.append(item)
        delivered, failed = delivered + len(done), failed + len(missed)
        if len(items) < BATCH:
            break
    return DeliveryReport(delivered=delivered, failed=failed - len(parked), parked=parked)


async def _deliver_batch(
    executor: Executor, items: Sequence[OutboxItem]
) -> tuple[list[OutboxItem], list[tuple[OutboxItem, str]]]:
    """What was taken, and what failed with its error; what stands behind a failure is neither."""
    done: list[OutboxItem] = []
    missed: list[tuple[OutboxItem, str]] = []
    held: set[tuple[str, str]] = set()
    for item in items:
        if (item.profile_id, item.subject) in held:
            continue
        error = await _tell(executor, item.notification)
        if error is None:
            done.append(item)
        else:
            missed.append((item, error))
            held.add((item.profile_id, item.subject))
    return done, missed


async def _tell(executor: Executor, notification: Notification) -> str | None:
    """The executor's error, if any. Its methods may be sync or async; a hook that it lacks has nothing to hear."""
    method = getattr(executor, _method(notification.kind), None)
    if method is None:
        return None
    try:
        async with asyncio.timeout(CALL_TIMEOUT_S):
            answer = method(notification)
            if inspect.isawaitable(answer):
                await answer
    except Exception as fault:  # noqa: BLE001 - the executor is the bot's code: whatever it raises, this attempt failed
        return f"{type(fault).__name__}: {fault}"
    return None


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
