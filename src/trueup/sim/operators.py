"""People at trueup's command line: they change the configuration, pause a profile, apply a plan twice.

Decides what somebody does in a second of the world's life; what comes of it is trueup's.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from trueup.model.plan import Plan
from trueup.sim.books import attempt
from trueup.sim.worker import Worker

Command = Callable[[Worker], Coroutine[Any, Any, None]]


def apply_twice(account_id: str) -> Command:
    """`trueup apply`, and again: of the same plan the second changes nothing."""

    async def apply(person: Worker) -> None:
        report = await person.run(account_id)
        plans: dict[str, Plan] = {one.profile_id: one.plan for one in report.profiles if one.plan is not None}
        for _ in range(2):
            await person.run(account_id, approved=plans)

    return apply


def pause_for(profile_id: str, seconds: int) -> Command:
    """`trueup pause`, and after a while `trueup resume`, twice."""

    async def pause(person: Worker) -> None:
        attempt(person.ledger.pause_profile, profile_id, "lunch")
        await asyncio.sleep(seconds)
        for _ in range(2):
            attempt(person.ledger.resume_profile, profile_id)

    return pause
