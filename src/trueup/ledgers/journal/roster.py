"""The roster of the fleet in any SQL database. Implements `ports.roster.Roster`."""

from collections.abc import Mapping, Sequence

from trueup.ledgers.journal.leases import lease_of
from trueup.ledgers.sql.database import Database, Value, int_value, text_value
from trueup.ledgers.sql.rows import json_list
from trueup.ports.roster import AccountLateness, AccountSize, Claimed, FleetAccount, Portion, WorkerRow

WINDOW_S = 60.0  # budgets are by the minute


class SqlRoster:
    """Every write is a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_accounts(self, accounts: Sequence[FleetAccount], profiles: Mapping[str, int]) -> None:
        rows = [
            (one.account_id, one.shard, profiles[one.account_id], one.settings)
            for one in sorted(accounts, key=lambda one: one.account_id)
        ]
        with self._database.transaction():
            self._database.write_many("add_fleet_accounts", rows)

    def move_accounts(self, shards: Mapping[str, int]) -> None:
        with self._database.transaction():
            self._database.write_many("move_fleet_accounts", sorted(shards.items()))

    def remove_accounts(self, account_ids: Sequence[str]) -> int:
        with self._database.transaction():
            return self._database.write("remove_fleet_accounts", json_list(account_ids))

    def sizes(self) -> list[AccountSize]:
        return [
            AccountSize(
                account_id=text_value(account_id), shard=int_value(shard), profiles=int_value(profiles)
            )
            for account_id, shard, profiles in self._database.rows("fleet_sizes")
        ]

    def accounts(self, account_ids: Sequence[str] | None = None) -> list[FleetAccount]:
        wanted = None if account_ids is None else json_list(account_ids)
        return [
            FleetAccount(
                account_id=text_value(account_id),
                shard=int_value(shard),
                settings=text_value(settings),
                version=int_value(version),
            )
            for account_id, shard, settings, version in self._database.rows("fleet_accounts", wanted)
        ]

    def claim_shard(
        self,
        shard: int,
        holder: str,
        ttl_s: float,
        *,
        due_within_s: float,
        late_by_s: float = 0.0,
        early_s: float = 0.0,
        hasty: Sequence[str] = (),
    ) -> list[Claimed]:
        bounds = (due_within_s, late_by_s, early_s, json_list(hasty))
        database = self._database
        with database.transaction():
            database.check_current()
            rows = database.rows("claim_shard", shard, holder, ttl_s, database.bound_now(), *bounds)
        return [
            Claimed(
                lease=lease_of(text_value(account_id), holder, figures),
                late_s=_seconds(late_s),
                version=int_value(version),
            )
            for account_id, *figures, late_s, version in rows
        ]

    def overdue_shards(self, late_by_s: float, limit: int) -> list[int]:
        rows = self._database.rows("overdue_shards", self._database.bound_now(), late_by_s, limit)
        return [int_value(row[0]) for row in rows]

    def lateness(self) -> list[AccountLateness]:
        rows = self._database.rows("fleet_lateness", self._database.bound_now())
        return [
            AccountLateness(
                account_id=text_value(account_id),
                shard=int_value(shard),
                profiles=int_value(profiles),
                late_s=_seconds(late_s),
                overdue_s=_seconds(overdue_s),
                is_held=bool(is_held),
            )
            for account_id, shard, profiles, late_s, is_held, overdue_s in rows
        ]

    def worker_seen(self, worker: str, says: str) -> bool:
        with self._database.transaction():
            rows = self._database.rows("worker_seen", worker, says, self._database.bound_now())
        return bool(rows[0][0])

    def worker_gone(self, worker: str, older_than_s: float) -> None:
        with self._database.transaction():
            self._database.write("worker_gone", worker, self._database.bound_now(), older_than_s)

    def drain(self, worker: str | None = None) -> int:
        with self._database.transaction():
            return self._database.write("drain_workers", worker)

    def take_portion(self, budget: str, per_minute: int, wanted: int, valid_s: float) -> Portion:
        database = self._database
        with database.transaction():
            database.write("lock_budget", budget)  # others wait here for the end of this transaction
            database.write("forget_portions", budget, database.bound_now())
            ((taken, free_in_s),) = database.rows("portions_taken", budget, database.bound_now())
            got = max(0, min(wanted, per_minute - int_value(taken)))
            if got:
                counts_s = valid_s + WINDOW_S
                database.write("add_portion", budget, got, database.bound_now(), counts_s)
        return Portion(requests=got, wait_s=0.0 if got else max(0.0, _seconds(free_in_s)))

    def workers(self) -> list[WorkerRow]:
        return [
            WorkerRow(
                worker=text_value(worker),
                started_at=text_value(started_at),
                seen_at=text_value(seen_at),
                draining=bool(draining),
                says=text_value(says),
            )
            for worker, started_at, seen_at, draining, says in self._database.rows("fleet_workers")
        ]


def _seconds(value: Value) -> float:
    """A duration, bound as text so that both databases hand over the same."""
    return float(text_value(value))
