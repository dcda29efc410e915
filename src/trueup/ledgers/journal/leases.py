"""The timed right to work on an account. The fence is the renewal itself; expiry is about liveness only.

A lease that expires later than its time to live from now was written by a clock that has been put back since: it has
expired, and the fence keeps its holder from writing.
"""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from trueup.ledgers.sql.database import (
    Database,
    Row,
    Value,
    int_value,
    optional_text,
    read_document,
    text_value,
)
from trueup.ledgers.sql.rows import json_list
from trueup.model.errors import FenceLost
from trueup.model.times import NS_PER_S, to_ns
from trueup.ports.records import Classed, Lease, LeaseState, Release, Turn

_COMPLETED = msgspec.json.Decoder(dict[str, str])


def acquire(database: Database, account_id: str, holder: str, ttl_s: float) -> Lease | None:
    """Epoch + 1 where the lease is free, expired by the database's clock, or not believed; null otherwise."""
    with database.transaction():
        database.check_current()
        database.write_many("add_account", [(account_id, None)])
        rows = database.rows("acquire_lease", account_id, holder, ttl_s, database.bound_now())
    if not rows:
        return None
    return lease_of(account_id, holder, rows[0])


def renew(database: Database, lease: Lease, ttl_s: float | None = None) -> Lease:
    """Inside a write transaction, as its first statement. Without `ttl_s`: by what it was acquired for."""
    database.check_current()
    now = database.bound_now()
    rows = database.rows("renew_lease", lease.account_id, lease.epoch, lease.holder, now, ttl_s)
    if not rows:
        raise FenceLost(
            f"the lease of account {lease.account_id} (epoch {lease.epoch}) is held by another process now: "
            "nothing was written; that process carries on, or run again"
        )
    return replace(lease, expires_ns=to_ns(text_value(rows[0][0])))


def claim(
    database: Database,
    account_ids: Sequence[str],
    holder: str,
    ttl_s: float,
    *,
    due_within_s: float,
    hasty: Sequence[str],
) -> list[Turn]:
    """One statement for all. What another claims at this moment is passed over, and not waited for."""
    wanted = json_list(account_ids)
    with database.transaction():
        database.check_current()
        rows = database.rows(
            "claim_leases", wanted, holder, ttl_s, database.bound_now(), json_list(hasty), due_within_s
        )
        claimed = {text_value(one): lease_of(text_value(one), holder, figures) for one, *figures in rows}
        others = [one for one in account_ids if one not in claimed]
        waiting = database.rows("lease_waits", json_list(others), database.bound_now()) if others else []
    turns = {text_value(row[0]): _turn(row) for row in waiting}
    return [
        Turn(account_id=one, lease=claimed[one]) if one in claimed else turns.get(one, Turn(account_id=one))
        for one in account_ids
    ]


def lease_of(account_id: str, holder: str, figures: Sequence[Value]) -> Lease:
    epoch, expires_at, failures = figures
    return Lease(
        account_id=account_id,
        epoch=int_value(epoch),
        holder=holder,
        expires_ns=to_ns(text_value(expires_at)),
        failures=int_value(failures),
    )


def _turn(row: Row) -> Turn:
    """Until its holder's time is over, or it is due."""
    account_id, holder, expires_at, next_due_at, now = row
    until = expires_at if holder is not None else next_due_at
    wait_ns = 0 if until is None else max(0, to_ns(text_value(until)) - to_ns(text_value(now)))
    return Turn(account_id=text_value(account_id), held=holder is not None, wait_s=wait_ns / NS_PER_S)


def release(database: Database, releases: Sequence[Release]) -> None:
    """A lease that is no longer ours is nothing to free, and what its run classed is not kept."""
    rows = json_list(
        {
            "account_id": one.lease.account_id,
            "epoch": one.lease.epoch,
            "holder": one.lease.holder,
            "completed": one.completed,
            "due_in_s": one.due_in_s,
            "was_run": one.attempt is not None,
            "failure": None if one.attempt is None else one.attempt.failure,
        }
        for one in releases
    )
    classed = {one.lease.account_id: one.classed for one in releases if one.classed}
    with database.transaction():
        if classed:
            database.check_current()
        ours = database.rows("release_leases", rows, database.bound_now())
        kept = [each for one, now in ours for each in _believed(classed.get(text_value(one), ()), now)]
        if kept:
            database.write("set_watermarks", json_list(kept))


def _believed(classed: Sequence[Classed], now: Value) -> list[dict[str, str]]:
    """A watermark that is later than now is not stored."""
    now_ns = to_ns(text_value(now))
    return [
        {
            "profile_id": one.profile_id,
            "watermark": one.watermark,
            "scope": msgspec.json.encode(one.scope).decode(),
        }
        for one in classed
        if to_ns(one.watermark) <= now_ns
    ]


def lease_states(database: Database) -> list[LeaseState]:
    return [read_state(row) for row in database.rows("leases")]


def read_state(row: Row) -> LeaseState:
    account_id, epoch, holder, last_holder, expires_at, next_due_at, completed, failures, since, failure = row
    return LeaseState(
        account_id=text_value(account_id),
        epoch=int_value(epoch),
        holder=optional_text(holder),
        last_holder=optional_text(last_holder),
        expires_at=text_value(expires_at),
        next_due_at=optional_text(next_due_at),
        completed=read_document(_COMPLETED, completed),
        failures=int_value(failures),
        failing_since=optional_text(since),
        failure=optional_text(failure),
    )
