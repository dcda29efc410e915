"""Looks at an account and plans its profiles without writing anything to the books: `trueup plan`, `doctor`.

Where the bots keep their own books, trueup's mirror of them is brought up to date first, under the lease: a run that
holds it keeps the mirror itself. Rows that do not say when they changed are read twice, the window of recent activity
apart: what the bot wrote in between is recent, all else may be judged.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uuid_utils

from trueup.engine.in_thread import in_thread
from trueup.engine.mirror.mirror import Mirror
from trueup.engine.run.account import ManagedAccount, ProfileReport, RunState
from trueup.engine.run.ask_in_time import tell_instruments
from trueup.engine.run.observe_local import recent_s
from trueup.engine.run.plan_profiles import Planned, Planning, Unplanned, error_text
from trueup.ports.records import Lease

Waiting = Callable[[float], None]


async def plan_account(
    account: ManagedAccount, *, waiting: Waiting = lambda seconds: None
) -> list[ProfileReport]:
    """Each profile's snapshot and plan, state `dry`; a profile that cannot be planned is `failed` with its error.

    `waiting`: hears how many seconds pass before the second read. Raises LedgerError where books cannot be read at all.
    """
    if not account.foreign:
        return await _plan(account, None)
    async with _leased(account) as lease:
        if lease is not None:
            await _settle_mirror(account, lease, waiting)
        return await _plan(account, lease)


@asynccontextmanager
async def _leased(account: ManagedAccount) -> AsyncIterator[Lease | None]:
    """Null: another process has it."""
    journal, holder = account.ledger.journal, str(uuid_utils.uuid7())
    lease = await in_thread(journal.acquire_lease, account.account_id, holder, account.lease_ttl_s)
    try:
        yield lease
    finally:
        if lease is not None:
            await in_thread(journal.release_lease, lease, {})


async def _settle_mirror(account: ManagedAccount, lease: Lease, waiting: Waiting) -> None:
    """Takes the rows in; where one was stamped with this moment, waits until that is no longer recent."""
    mirror = Mirror(account, lease)
    await tell_instruments(account)
    await in_thread(mirror.take_in, recent_s(account))
    window_s = max(managed.policy.recent_activity_window_s for managed in account.profiles)
    if mirror.is_unsettled and window_s > 0:
        waiting(window_s)
        await account.clock.sleep(window_s)


async def _plan(account: ManagedAccount, lease: Lease | None) -> list[ProfileReport]:
    planning = Planning(account, lease)
    await planning.observe()
    reports = {one.profile_id: one for one in planning.paused}
    async for planned in planning.plans():
        reports[planned.profile_id] = _report(planned)
    while planning.has_questions:
        await planning.ask()
        async for planned in planning.plans():
            reports[planned.profile_id] = _report(planned)
    return [reports[one] for one in account.profile_ids]


def _report(planned: Planned | Unplanned) -> ProfileReport:
    if isinstance(planned, Unplanned):
        return ProfileReport(
            profile_id=planned.profile_id,
            state=RunState.FAILED,
            snapshot=planned.snapshot,
            error=error_text(planned.error),
        )
    return ProfileReport(
        profile_id=planned.profile_id, state=RunState.DRY, snapshot=planned.snapshot, plan=planned.plan
    )
