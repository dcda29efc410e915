"""Whether trueup keeps every profile true: how old its last complete run is, and what the outbox holds.

From the journal, so that it says the same whichever process ran. Decides only "younger than the objective".
"""

import math
from collections.abc import Container, Sequence

import msgspec
from msgspec import Struct

from trueup.engine.run.account import ManagedAccount
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports.ledger import Ledger
from trueup.ports.records import OutboxState, ProfileState
from trueup.service.config import AccountConfig
from trueup.service.views.overview import AccountView, account_view


class ProfileHealth(Struct, frozen=True, kw_only=True):
    """`age_s`: of the last complete run; infinite where there was none."""

    profile_id: str
    ready: bool
    paused: bool
    age_s: float
    reason: str | None = None


class Health(Struct, frozen=True, kw_only=True):
    """Ready: every profile that is not paused is. `failing`: the accounts that back off."""

    ready: bool
    profiles: list[ProfileHealth]
    failing: list[AccountView]
    outbox: OutboxState


def read_health(accounts: Sequence[ManagedAccount], objective_s: float) -> Health:
    """Sync, for a thread. Raises LedgerError where the journal cannot be read."""
    ids = [profile_id for account in accounts for profile_id in account.profile_ids]
    return _health(accounts[0].ledger, ids, {one.account_id for one in accounts}, objective_s)


def read_fleet_health(ledger: Ledger, objective_s: float) -> Health:
    """The same of every account of the roster."""
    rows = ledger.roster.accounts()
    settings = [msgspec.json.decode(one.settings, type=AccountConfig) for one in rows]
    ids = [profile.profile_id for one in settings for profile in one.profiles]
    return _health(ledger, ids, {one.account_id for one in rows}, objective_s)


def _health(ledger: Ledger, ids: Sequence[str], account_ids: Container[str], objective_s: float) -> Health:
    journal = ledger.journal
    states = journal.profile_states(ids)
    leases = journal.lease_states()
    completed = {key: at for lease in leases for key, at in lease.completed.items()}
    now_ns = to_ns(ledger.now())
    profiles = [
        _judge(one, states.get(one, ProfileState()), completed.get(one), now_ns, objective_s) for one in ids
    ]
    return Health(
        ready=all(one.ready or one.paused for one in profiles),
        profiles=profiles,
        failing=[
            account_view(one, now_ns) for one in leases if one.failures and one.account_id in account_ids
        ],
        outbox=journal.outbox_state(),
    )


def _judge(
    profile_id: str, state: ProfileState, completed_at: str | None, now_ns: int, objective_s: float
) -> ProfileHealth:
    age_s = math.inf if completed_at is None else (now_ns - to_ns(completed_at)) / NS_PER_S
    reason = None
    if state.paused:
        reason = f"paused: {state.pause_reason}"
    elif completed_at is None:
        reason = "no run has been complete yet"
    elif age_s < 0:
        reason = f"the last complete run is dated {-age_s:.0f} s later than now: the clock was put back"
    elif age_s > objective_s:
        reason = f"the last complete run is {age_s:.0f} s old, more than {objective_s:g} s"
    return ProfileHealth(
        profile_id=profile_id, ready=reason is None, paused=state.paused, age_s=age_s, reason=reason
    )
