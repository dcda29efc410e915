"""The timed right to work on an account. The fence is the renewal itself; expiry is about liveness only.

A lease that expires later than its time to live from now was written by a clock that has been put back since: it has
expired, and the fence keeps its holder from writing.
"""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from trueup.ledgers.sql.database import Database, int_value, optional_text, stamp, text_value
from trueup.model.errors import FenceLost
from trueup.model.times import to_ns
from trueup.ports.records import Lease, LeaseState


def acquire(database: Database, account_id: str, holder: str, ttl_s: float) -> Lease | None:
    """Epoch + 1 where the lease is free, expired by the database's clock, or not believed; null otherwise."""
    with database.transaction():
        database.write("add_account", account_id, None)
        rows = database.rows("acquire_lease", account_id, holder, ttl_s, database.bound_now())
    if not rows:
        return None
    epoch, expires_at = rows[0]
    return Lease(
        account_id=account_id, epoch=int_value(epoch), holder=holder, expires_ns=to_ns(text_value(expires_at))
    )


def renew(database: Database, lease: Lease, ttl_s: float | None = None) -> Lease:
    """Inside a write transaction, as its first statement. Without `ttl_s`: by what it was acquired for."""
    now = database.bound_now()
    rows = database.rows("renew_lease", lease.account_id, lease.epoch, lease.holder, now, ttl_s)
    if not rows:
        raise FenceLost(
            f"the lease of account {lease.account_id} (epoch {lease.epoch}) is held by another process now: "
            "nothing was written; that process carries on, or run again"
        )
    return replace(lease, expires_ns=to_ns(text_value(rows[0][0])))


def release(database: Database, lease: Lease, completed: Mapping[str, str], next_due_ns: int | None) -> None:
    """A lease that is no longer ours is nothing to free."""
    next_due_at = None if next_due_ns is None else stamp(next_due_ns)
    done = msgspec.json.encode(dict(completed)).decode()
    with database.transaction():
        now = database.bound_now()
        database.write("release_lease", lease.account_id, lease.epoch, lease.holder, now, done, next_due_at)


def lease_states(database: Database) -> list[LeaseState]:
    return [
        LeaseState(
            account_id=text_value(account_id),
            epoch=int_value(epoch),
            holder=optional_text(holder),
            expires_at=text_value(expires_at),
            next_due_at=optional_text(next_due_at),
            completed=msgspec.json.decode(text_value(completed), type=dict[str, str]),
        )
        for account_id, epoch, holder, expires_at, next_due_at, completed in database.rows("leases")
    ]
