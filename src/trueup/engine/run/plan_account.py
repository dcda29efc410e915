"""Looks at an account and plans its profiles without a lease and without writing anything: `trueup plan`, `doctor`."""

from trueup.engine.run.account import ManagedAccount, ProfileReport, RunState
from trueup.engine.run.plan_profiles import PlanProfiles, error_text
from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot


async def plan_account(account: ManagedAccount) -> list[ProfileReport]:
    """Each profile's snapshot and plan, state `dry`; a profile that cannot be planned is `failed` with its error.

    Raises LedgerError where the books cannot be read at all.
    """
    look = _Look(account)
    await look.plan_all()
    return [look.reports[one] for one in account.profile_ids]


class _Look(PlanProfiles):
    async def settle(self, snapshot: Snapshot, plan: Plan) -> None:
        self.reports[plan.profile_id] = ProfileReport(
            profile_id=plan.profile_id, state=RunState.DRY, snapshot=snapshot, plan=plan
        )

    async def fail(self, profile_id: str, snapshot: Snapshot | None, error: Exception) -> None:
        self.reports[profile_id] = ProfileReport(
            profile_id=profile_id, state=RunState.FAILED, snapshot=snapshot, error=error_text(error)
        )
