"""Checks of what runs report of themselves: I13, and that nothing but what is foreseen ever stops one.

Decides bounds on calls, and which errors a run may end with. Must not know how a run is made.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from trueup.model.policy import Policy
from trueup.sim.checkers.facts import Violation

ROUNDS_MAX = 8  # of questions in one run
LISTINGS_MAX = {"account_id": 1, "open_orders": 1, "positions": 1, "history": 1 + ROUNDS_MAX}
FORESEEN = ("LedgerError", "CommitUnknown", "FenceLost", "Conflict", "ClockSkewed")


class ProfileOutcome(Protocol):
    @property
    def profile_id(self) -> str: ...
    @property
    def error(self) -> str | None: ...


class Outcome(Protocol):
    @property
    def account_id(self) -> str: ...
    @property
    def contended(self) -> bool: ...
    @property
    def profiles(self) -> Sequence[ProfileOutcome]: ...


def check_calls(requests: Mapping[str, int], policies: Sequence[Policy]) -> list[Violation]:
    """I13: one run of an account sends no more than its listings and its profiles' questions."""
    questions = ROUNDS_MAX * sum(policy.queries_max for policy in policies)
    bounds = LISTINGS_MAX | {"find_order": questions}
    return [
        Violation("I13", kind, f"{count} requests in one run, at most {bounds[kind]} are allowed")
        for kind, count in requests.items()
        if count > bounds[kind]
    ]


def check_reports(report: Outcome, paused: str = "lunch") -> list[Violation]:
    """A database, a venue or a clock that fails is foreseen; anything else is a mistake of trueup's own."""
    if report.contended:
        return []
    return [
        Violation("I6", one.profile_id, f"its run failed: {one.error}")
        for one in report.profiles
        if one.error is not None and one.error != paused and not one.error.startswith(FORESEEN)
    ]
