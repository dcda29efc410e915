"""The start-up gate: a bot does not trade before a run that began after its start has found its books true.

Reads the journal only, so that it does not matter which process runs: the service in this one, or a sidecar.
"""

from collections.abc import Sequence

from trueup.engine.in_thread import in_thread
from trueup.model.errors import TrueupError
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import Severity
from trueup.ports.clock import Clock
from trueup.ports.ledger import Ledger
from trueup.ports.records import BreakRecord
from trueup.service.clock import SystemClock

TIMEOUT_S = 300.0  # ten runs at the default interval: enough to confirm an absence (three runs over 60 s)
POLL_S = 1.0


class NotReady(TrueupError):
    """The profile was not found true in time. `breaks`: those that are open."""

    def __init__(self, message: str, breaks: Sequence[BreakRecord] = ()) -> None:
        super().__init__(message)
        self.breaks = list(breaks)


async def ready(
    profile_id: str,
    ledger: Ledger,
    *,
    clock: Clock | None = None,
    since: str | None = None,
    timeout_s: float = TIMEOUT_S,
    poll_s: float = POLL_S,
) -> None:
    """Returns once a complete run that began after `since` (null: this call) has left no break and deferred nothing.

    A break that only informs does not count. Raises NotReady, with the reason and the open breaks, when that has not
    happened within `timeout_s`, and at once where the profile is paused or unknown.
    """
    clock = clock or SystemClock()
    start = since if since is not None else await in_thread(ledger.now)
    end_ns = clock.monotonic_ns() + round(timeout_s * NS_PER_S)
    while (why_not := await in_thread(_why_not, ledger, profile_id, start)) is not None:
        if clock.monotonic_ns() >= end_ns:
            raise why_not
        await clock.sleep(poll_s)


def _why_not(ledger: Ledger, profile_id: str, start: str) -> NotReady | None:
    """Null: ready. Raises NotReady where waiting would not help."""
    state = ledger.journal.profile_states([profile_id]).get(profile_id)
    if state is None:
        raise NotReady(f"profile {profile_id!r} is not in this ledger: name it in trueup.toml")
    if state.paused:
        raise NotReady(f"profile {profile_id} is paused ({state.pause_reason}): trueup resume {profile_id}")
    completed = {key: at for lease in ledger.journal.lease_states() for key, at in lease.completed.items()}
    began_at = completed.get(profile_id)
    open_breaks = [
        one for one in ledger.journal.list_breaks(profile_id) if one.found.severity is not Severity.INFO
    ]
    if began_at is None or to_ns(began_at) < to_ns(start):
        return NotReady(
            f"no run of {profile_id} since {start} was complete: does `trueup run` work?", open_breaks
        )
    if open_breaks:
        kinds = ", ".join(sorted({one.found.kind.value for one in open_breaks}))
        return NotReady(
            f"{profile_id} has {len(open_breaks)} open breaks ({kinds}): trueup breaks", open_breaks
        )
    deferred = ledger.journal.list_deferrals(profile_id)
    if deferred:
        return NotReady(
            f"{profile_id} has {len(deferred)} orders that could not be judged yet ({deferred[0].reason})"
        )
    return None
