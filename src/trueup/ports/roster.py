"""The fleet's roster: which accounts its workers run, in which shard, and which workers there are.

A shard is a set of whole accounts that one message of the broker dispatches. Sync; from async code through
`engine.in_thread`. Every method may raise LedgerError. Durations are seconds; times are the database's.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from trueup.ports.records import Lease


class FleetAccount(Struct, frozen=True, kw_only=True):
    """One account of the roster. `settings`: what `[[accounts]]` says in a file, as JSON; `version` rises with them."""

    account_id: str
    shard: int
    settings: str
    version: int = 1


class AccountSize(Struct, frozen=True, kw_only=True):
    """How many profiles an account of the roster has, and its shard."""

    account_id: str
    shard: int
    profiles: int


class Claimed(Struct, frozen=True, kw_only=True):
    """An account whose lease a claim of its shard has got. `late_s`: how long it had been due; `version`: of its
    settings.
    """

    lease: Lease
    late_s: float
    version: int


class AccountLateness(Struct, frozen=True, kw_only=True):
    """`late_s`: how late the last run began; `overdue_s`: for how long it is due by now (negative: it is not);
    `is_held`: it runs.
    """

    account_id: str
    shard: int
    profiles: int
    late_s: float
    overdue_s: float
    is_held: bool


class WorkerRow(Struct, frozen=True, kw_only=True):
    """One worker as it was last seen. `says`: what it told of itself, as JSON."""

    worker: str
    started_at: str
    seen_at: str
    draining: bool
    says: str


class Portion(Struct, frozen=True, kw_only=True):
    """What was got of a shared budget: so many requests; or none, and how long until some are free again."""

    requests: int
    wait_s: float = 0.0


class Roster(Protocol):
    """In the journal's database."""

    def put_accounts(self, accounts: Sequence[FleetAccount], profiles: Mapping[str, int]) -> None:
        """Adds these, or gives them other settings; one that is known keeps its shard. `profiles`: how many each has.

        They are known to the journal already (`ensure_profiles`).
        """
        ...

    def move_accounts(self, shards: Mapping[str, int]) -> None:
        """Puts accounts into other shards."""
        ...

    def remove_accounts(self, account_ids: Sequence[str]) -> int:
        """No worker runs them any more; their books and journal stay. Returns how many there were."""
        ...

    def sizes(self) -> list[AccountSize]:
        """Of every account, by id."""
        ...

    def accounts(self, account_ids: Sequence[str] | None = None) -> list[FleetAccount]:
        """These, or all, by id."""
        ...

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
        """Acquires, in one statement, what of the shard is free and due; passes over what another claims just now.

        Due is what has been so for `late_by_s` (negative: what will be soon); with an open break what will be within
        `early_s`; `hasty` are due whatever the journal says. A due time later than `due_within_s` is not believed.
        """
        ...

    def overdue_shards(self, late_by_s: float, limit: int) -> list[int]:
        """With an account that nobody runs and that has been due for so long; longest first."""
        ...

    def lateness(self) -> list[AccountLateness]:
        """Of every account."""
        ...

    def worker_seen(self, worker: str, says: str) -> bool:
        """Notes that the worker lives. Returns whether it is to end."""
        ...

    def worker_gone(self, worker: str, older_than_s: float) -> None:
        """Forgets the worker, and those not seen for so long."""
        ...

    def drain(self, worker: str | None = None) -> int:
        """Tells the worker, or all, to end; returns how many there are."""
        ...

    def take_portion(self, budget: str, per_minute: int, wanted: int, valid_s: float) -> Portion:
        """Requests that may be sent within `valid_s` from before this call, at most as many as are wanted.

        All portions of a budget, of any process, stay within `per_minute` in any 60 seconds.
        """
        ...

    def workers(self) -> list[WorkerRow]:
        """By name."""
        ...
