"""Looks at an account and plans its profiles without a lease and without writing anything: `trueup plan`, `doctor`."""

from trueup.engine.run.account import ManagedAccount, ProfileReport, RunState
from trueup.engine.run.plan_profiles import Planned, Planning, Unplanned, error_text


async def plan_account(account: ManagedAccount) -> list[ProfileReport]:
    """Each profile's snapshot and plan, state `dry`; a profile that cannot be planned is `failed` with its error.

    Raises LedgerError where the books cannot be read at all.
    """
    planning = Planning(account)
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
