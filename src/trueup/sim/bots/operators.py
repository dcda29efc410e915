"""People at trueup's command line: they change the configuration, pause a profile, apply a plan twice, correct, undo.

Decides what somebody does in a second of the world's life; what comes of it is trueup's.
"""

import asyncio
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from trueup.model.plan import Plan
from trueup.model.policy import Policy
from trueup.sim.bots.books import attempt
from trueup.sim.bots.correctors import correct_something, correct_trades, undo_something
from trueup.sim.trials.draw_world import draw_storm_policy
from trueup.sim.trials.worker import Worker
from trueup.sim.trials.world import World

Command = Callable[[Worker], Coroutine[Any, Any, None]]
PAUSE_S_MAX = 20


class Operators:
    """Everybody at the command line of one world.

    `policies` is what they configured, by profile; `start` runs a command in a new process of the given name.
    """

    def __init__(
        self,
        world: World,
        policies: dict[str, Policy],
        rng: Random,
        *,
        note: Callable[[str], None],
        start: Callable[[str, Callable[[], Command]], None],
    ) -> None:
        self._world = world
        self._policies = policies
        self._rng = rng
        self._note = note
        self._start = start

    def act(self) -> None:
        """What somebody does in a second."""
        rng, dice, profiles = self._rng, self._world.dice, self._world.profiles
        profile_id = rng.choice(list(profiles))
        if dice.strikes("config_changed"):
            self._policies[profile_id] = draw_storm_policy(rng, profiles[profile_id].policy)
            self._note(f"somebody changed the configuration of {profile_id}")
        if dice.strikes("profile_paused"):
            self._start("pause", lambda: pause_for(profile_id, rng.randint(1, PAUSE_S_MAX)))
        if dice.strikes("command_twice"):
            self._start("apply", lambda: apply_twice(profiles[profile_id].account.account_id))
        if dice.strikes("person_corrects"):
            chance, account_id = Random(dice.rng.random()), profiles[profile_id].account.account_id
            market = self._world.market
            self._start("correct", lambda: correct_something(market, account_id, profile_id, chance))
        if dice.strikes("person_moves"):
            moving, hedged = Random(dice.rng.random()), self._world.shape.hedged
            self._start("move", lambda: correct_trades(profile_id, moving, hedged=hedged))
        if dice.strikes("person_undoes"):
            undoing = Random(dice.rng.random())
            self._start("undo", lambda: undo_something(profile_id, undoing))


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
        attempt(person.ledger.journal.pause_profile, profile_id, "lunch")
        await asyncio.sleep(seconds)
        for _ in range(2):
            attempt(person.ledger.journal.resume_profile, profile_id)

    return pause
