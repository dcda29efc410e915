"""Mistakes in what bots are told, when and how often."""

from typing import Any
from unittest import mock

from msgspec import structs

from tests.sim.mutations.evidence import Mutation
from trueup.engine import deliver_outbox, run_account
from trueup.engine.deliver_outbox import DeliveryReport
from trueup.engine.leased_run import LeasedRun
from trueup.ledgers import commit_run


def outbox_key_per_attempt() -> Mutation:
    write = commit_run._Commit._write_outbox

    def with_new_ids(self: Any, notifications: Any) -> None:
        run_id = self._run.run_id
        renamed = [
            structs.replace(one, notification_id=f"{one.notification_id}{run_id}") for one in notifications
        ]
        write(self, renamed)

    return mock.patch.object(commit_run._Commit, "_write_outbox", with_new_ids)


def outbox_never_delivered() -> Mutation:
    async def nothing(*args: Any) -> DeliveryReport:
        return DeliveryReport()

    return mock.patch.object(run_account, "deliver_outbox", nothing)


def a_failed_delivery_counts() -> Mutation:
    """Whatever the executor answers, it has been told."""
    tell = deliver_outbox._tell

    async def told(executor: Any, notification: Any) -> None:
        await tell(executor, notification)

    return mock.patch.object(deliver_outbox, "_tell", told)


def told_before_the_commit() -> Mutation:
    commit = LeasedRun._commit

    async def tell_and_commit(self: Any, snapshot: Any, plan: Any, *rest: Any) -> Any:
        for one in plan.notifications:
            await deliver_outbox._tell(self.account.executor, one)
        return await commit(self, snapshot, plan, *rest)

    return mock.patch.object(LeasedRun, "_commit", tell_and_commit)


def the_growth_is_told_as_the_whole() -> Mutation:
    write = commit_run._Commit._write_outbox

    def grown(self: Any, notifications: Any) -> None:
        write(self, [structs.replace(one, cumulative_qty=one.qty) for one in notifications])

    return mock.patch.object(commit_run._Commit, "_write_outbox", grown)
