"""A world's accounts as the engine manages them: the simulated venue, a real ledger, the bots as executor.

Decides only which bot a notification of an account is for. The rest is the engine's, as it runs outside.
"""

from trueup.engine.run.account import ManagedAccount, ManagedProfile
from trueup.model.plan import Notification
from trueup.ports.ledger import Ledger
from trueup.sim.bots.bot import Bot
from trueup.sim.trials.world import World


class AccountExecutor:
    """Implements `ports.Executor` for the bots of one account."""

    def __init__(self, bots: list[Bot]) -> None:
        self._bots = bots

    async def reconcile_entry_fill(self, notification: Notification) -> None:
        await self.obey(notification)

    async def reconcile_exit_fill(self, notification: Notification) -> None:
        await self.obey(notification)

    async def reconcile_cancel(self, notification: Notification) -> None:
        await self.obey(notification)

    async def reconcile_discovered(self, notification: Notification) -> None:
        await self.obey(notification)

    async def reconcile_amended(self, notification: Notification) -> None:
        await self.obey(notification)

    async def reconcile_quarantined(self, notification: Notification) -> None:
        await self.obey(notification)

    async def reconcile_released(self, notification: Notification) -> None:
        await self.obey(notification)

    async def reconcile_closed(self, notification: Notification) -> None:
        await self.obey(notification)

    async def obey(self, notification: Notification) -> None:
        for bot in self._bots:
            if bot.is_mine(notification):
                bot.obey(notification)


def managed_account(world: World, account_id: str, ledger: Ledger) -> ManagedAccount:
    """What `reconcile_account` needs to run one account of a world whose bots record into `ledger`."""
    account = world.accounts[account_id]
    profiles = [world.profiles[profile_id] for profile_id in account.profile_ids]
    return ManagedAccount(
        account_id=account_id,
        profiles=[ManagedProfile(profile=one.profile, policy=one.policy) for one in profiles],
        venue=account.venue,
        ledger=ledger,
        clock=world.clock,
        executor=AccountExecutor([one.bot for one in profiles]),
    )
