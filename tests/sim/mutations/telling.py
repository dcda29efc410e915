"""Mistakes in what bots are told, when and how often."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import msgspec
from msgspec import structs

from tests.sim.mutations.evidence import Mutation
from trueup.core import finish_plan
from trueup.core.orders.judgement import Judgement
from trueup.engine.run import deliver_outbox, run_account
from trueup.engine.run.deliver_outbox import DeliveryReport
from trueup.engine.run.leased_run import LeasedRun
from trueup.ledgers.journal.journal_rows import encode, write_notifications
from trueup.ledgers.sql import commit_run
from trueup.model.plan import Notification

_NOTIFICATIONS = msgspec.json.Decoder(list[Notification])


def outbox_key_per_attempt() -> Mutation:
    def with_new_id(one: Notification, run_id: str) -> Notification:
        return structs.replace(one, notification_id=f"{one.notification_id}{run_id}")

    return _told_otherwise(with_new_id)


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
    return _told_otherwise(lambda one, run_id: structs.replace(one, cumulative_qty=one.qty))


def _told_otherwise(change: Callable[[Notification, str], Notification]) -> Mutation:
    def changed(database: Any, profile_id: str, told: bytes, at: str, run_id: str) -> None:
        notifications = [change(one, run_id) for one in _NOTIFICATIONS.decode(told)]
        write_notifications(database, profile_id, encode(notifications), at, run_id)

    return mock.patch.object(commit_run, "write_notifications", changed)


def told_in_the_order_of_ids() -> Mutation:
    return mock.patch.object(finish_plan, "order_by_facts", return_value=None)


def an_undone_repair_is_made_again() -> Mutation:
    return mock.patch.object(Judgement, "_leave_undone", return_value=None)
