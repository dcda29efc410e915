"""A watch over every committed transaction: I5, I7, I8, I9, I10. It reads the raw tables by SQL of its own.

Decides whether what was just committed may stand: under the lease, on the versions that were judged, with evidence
asked for after them, whole, and chained. It folds the order log by itself and compares. Must not know the market.
"""

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

import apsw
import msgspec
from msgspec import Struct

from trueup.sim.checkers.facts import Violation
from trueup.sim.checkers.tables import ORDER_COLUMNS, TRADE_COLUMNS, rows

BY_TRUEUP = "trueup:"
_LOG = """SELECT log.profile_id, log.seq, logged_at, event, written_by, order_key, trade_id, version, payload, hash
FROM json_each(?) AS read CROSS JOIN order_log AS log
WHERE log.profile_id = read.key AND log.seq > read.value ORDER BY log.profile_id, log.seq"""
_ORDER = f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders WHERE order_key = ?"  # noqa: S608
_TRADE = f"SELECT {', '.join(TRADE_COLUMNS)} FROM trades WHERE profile_id = ? AND trade_id = ?"  # noqa: S608
Leases = Mapping[str, tuple[int, str]]


class Evidence(Struct):
    """When, in commits, one run of an account asked for what. Rows that a question led to are read again meanwhile."""

    first: dict[str, int] = {}  # by kind of request
    last: int = 0  # the last request of any kind
    looked_up: int = 0  # rows were last read again

    def is_after(self, written: int) -> bool:
        """Whether what a row was judged by was asked for after that row's version was written."""
        return written <= min(self.first.values(), default=written) or written <= min(
            self.last, self.looked_up
        )


Requests = Mapping[str, Evidence]


class _KeptCorrection(Struct):
    correction_id: str
    expected_version: int | None


class _KeptNotification(Struct):
    notification_id: str


class _KeptPlan(Struct):
    """What a run's record says of its plan, as far as it is compared."""

    corrections: list[_KeptCorrection] = []
    notifications: list[_KeptNotification] = []

    @property
    def versions(self) -> dict[str, int | None]:
        """Correction id → the version that it was judged on."""
        return {one.correction_id: one.expected_version for one in self.corrections}


class _Payload(Struct):
    changes: dict[str, Any] = {}
    correction_ids: list[str] = []


class _Chain(Struct):
    """How far one profile's log was read, and what it folds to."""

    profile_id: str
    account_id: str
    seq: int = 0
    hash: str = ""
    orders: dict[int, dict[str, Any]] = {}
    trades: dict[str, dict[str, Any]] = {}
    versions: dict[object, int] = {}  # order key or trade id → version
    written: dict[object, int] = {}  # order key or trade id → the commit that wrote this version


class _Row(Struct, frozen=True):
    """One row of the order log, taken apart."""

    seq: int
    facts: list[Any]
    digest: str

    @property
    def run_id(self) -> str | None:
        """Null: a bot or a person wrote it."""
        written_by: str = self.facts[2]
        return written_by.removeprefix(BY_TRUEUP) if written_by.startswith(BY_TRUEUP) else None

    @property
    def subject(self) -> Any:
        """An order key or a trade id."""
        return self.facts[3] if self.facts[3] is not None else self.facts[4]


_PLAN = msgspec.json.Decoder(_KeptPlan)
_PAYLOAD = msgspec.json.Decoder(_Payload)


class CommitWatch:
    """`violations` grows; nothing is raised, so that the product's own error handling stays out of it."""

    def __init__(self, connection: apsw.Connection, accounts: Mapping[str, str]) -> None:
        """`accounts`: profile id → account id."""
        self._connection = connection
        self._accounts = accounts
        self._epochs: dict[str, int] = {}
        self._chains: dict[str, _Chain] = {}
        self._first_written: dict[str, int] = {}  # a log row's hash → the commit that wrote it
        self.violations: list[Violation] = []
        self.start_again(0)

    def start_again(self, commit: int) -> None:
        """Some commits were lost: fold what is left."""
        self._epochs.clear()
        self._chains = {one: _Chain(one, account_id) for one, account_id in self._accounts.items()}
        for profile_id, rows_ in self._new_rows().items():
            chain = self._chains[profile_id]
            for row in rows_:
                self._fold(chain, row, commit)
            self._check_folded(chain, rows_)

    def after_commit(self, commit: int, leases: Leases, requests: Requests) -> None:
        """`leases`, `requests`: what the committing process holds, and when it asked for what, by account."""
        for profile_id, rows_ in self._new_rows().items():
            chain = self._chains[profile_id]
            runs = self._read_on(chain, rows_, commit, requests.get(chain.account_id, Evidence()))
            for run_id in runs:
                self._check_fence(chain.account_id, leases)
                self._check_whole(profile_id, run_id, runs[run_id])
        for account_id, epoch in rows(self._connection, "SELECT account_id, epoch FROM leases"):
            if epoch < self._epochs.get(account_id, 0):
                self._violated("I5", account_id, f"its epoch fell to {epoch}")
            self._epochs[account_id] = epoch

    def seq_of(self, profile_id: str) -> int:
        """How many rows of its log were read."""
        return self._chains[profile_id].seq

    # Inside

    def _violated(self, invariant: str, subject: str, message: str) -> None:
        self.violations.append(Violation(invariant, subject, message))

    def _new_rows(self) -> dict[str, list[_Row]]:
        """The rows that were added to the log since the last look, by profile."""
        read = msgspec.json.encode({one: chain.seq for one, chain in self._chains.items()}).decode()
        found: dict[str, list[_Row]] = {}
        for profile_id, seq, *facts, digest in rows(self._connection, _LOG, read):
            found.setdefault(profile_id, []).append(_Row(seq, facts, digest))
        return found

    def _read_on(
        self, chain: _Chain, added: list[_Row], commit: int, evidence: Evidence
    ) -> dict[str, set[str]]:
        """Fold the log's new rows; returns the runs that wrote them, each with its correction ids."""
        runs: dict[str, set[str]] = {}
        versions: dict[str, dict[str, int | None]] = {}
        for row in added:
            if (run_id := row.run_id) is not None:
                if run_id not in runs:
                    runs[run_id], versions[run_id] = set(), self._kept_plan(run_id).versions
                ids = _PAYLOAD.decode(row.facts[-1]).correction_ids
                runs[run_id].update(ids)
                self._check_judged(chain, row.subject, versions[run_id], ids, evidence)
            self._fold(chain, row, commit)
        self._check_folded(chain, added)
        return runs

    def _fold(self, chain: _Chain, row: _Row, commit: int) -> None:
        """Lay one row over what stood before it, to which it must be chained."""
        profile_id, subject = chain.profile_id, row.subject
        if row.seq != chain.seq + 1:
            self._violated("I8", profile_id, f"row {chain.seq + 1} of the order log is missing")
        if row.digest != _digest(chain.hash, profile_id, row):
            self._violated(
                "I8", profile_id, f"row {row.seq} of the order log does not follow from the one before"
            )
        chain.seq, chain.hash = row.seq, row.digest
        states: dict[Any, dict[str, Any]] = chain.orders if isinstance(subject, int) else chain.trades
        states.setdefault(subject, {}).update(_PAYLOAD.decode(row.facts[-1]).changes)
        chain.versions[subject] = row.facts[5]
        chain.written[subject] = self._first_written.setdefault(row.digest, commit)

    def _kept_plan(self, run_id: str) -> _KeptPlan:
        found = rows(self._connection, "SELECT plan FROM runs WHERE run_id = ?", run_id)
        return _PLAN.decode(zlib.decompress(found[0][0])) if found else _KeptPlan()

    def _check_judged(
        self,
        chain: _Chain,
        subject: object,
        expected: Mapping[str, int | None],
        correction_ids: list[str],
        evidence: Evidence,
    ) -> None:
        """I7: the row stood at the version that was judged, since before the evidence was asked for."""
        stood = chain.versions.get(subject, 0)
        for one in correction_ids:
            judged = expected.get(one)
            if judged is not None and judged != stood and isinstance(subject, int):
                self._violated("I7", str(subject), f"judged at version {judged}, applied to {stood}")
        if not evidence.is_after(chain.written.get(subject, 0)):
            self._violated(
                "I7", str(subject), f"version {stood} is younger than the evidence it was judged by"
            )

    def _check_folded(self, chain: _Chain, added: list[_Row]) -> None:
        """I8, I9: the tables say what the log folds to."""
        for subject in dict.fromkeys(row.subject for row in added):
            if isinstance(subject, int):
                found, folded = rows(self._connection, _ORDER, subject), chain.orders[subject]
                self._compare(chain, subject, ORDER_COLUMNS, found, folded)
            else:
                found = rows(self._connection, _TRADE, chain.profile_id, subject)
                self._compare(chain, subject, TRADE_COLUMNS, found, chain.trades[subject])

    def _compare(
        self,
        chain: _Chain,
        subject: object,
        columns: tuple[str, ...],
        found: list[tuple[Any, ...]],
        folded: dict[str, Any],
    ) -> None:
        if not found:
            self._violated("I8", str(subject), "is in the order log and not in its table")
            return
        state = dict(zip(columns, found[0], strict=True))
        version = state.pop("version")
        if "previous_venue_order_ids" in state:
            state["previous_venue_order_ids"] = msgspec.json.decode(state["previous_venue_order_ids"])
        odd = [key for key, value in state.items() if folded.get(key) != value]
        if odd or version != chain.versions[subject]:
            self._violated(
                "I8", str(subject), f"the order log folds to another {', '.join(odd) or 'version'}"
            )

    def _check_fence(self, account_id: str, leases: Leases) -> None:
        """I5: the lease is this process's, now."""
        sql = "SELECT epoch, holder FROM leases WHERE account_id = ?"
        held = [tuple(row) for row in rows(self._connection, sql, account_id)]
        if held != [leases.get(account_id)]:
            self._violated("I5", account_id, "a run committed without the lease")

    def _check_whole(self, profile_id: str, run_id: str, logged: set[str]) -> None:
        """I9: with its rows of the log, all of a run is there: its record, its corrections, its notifications."""
        if not rows(self._connection, "SELECT 1 FROM runs WHERE run_id = ?", run_id):
            self._violated("I9", profile_id, "wrote the order log and kept no record of its run")
            return
        sql = "SELECT correction_id, kind FROM corrections WHERE run_id = ? AND state = 'applied'"
        applied: dict[str, str] = dict(rows(self._connection, sql, run_id))
        if logged != set(applied):
            self._violated("I9", profile_id, "the order log and the corrections of one run differ")
        sql = "SELECT notification_id FROM outbox WHERE profile_id = ? AND run_id = ?"
        told = {one for (one,) in rows(self._connection, sql, profile_id, run_id)}
        if not told <= {one.notification_id for one in self._kept_plan(run_id).notifications}:
            self._violated("I10", profile_id, "told what its plan does not say, or by another id")
        if "book_fill" in applied.values() and not told:
            self._violated("I9", profile_id, "booked growth and told nobody")


def _digest(before: str, profile_id: str, row: _Row) -> str:
    *facts, payload = row.facts
    columns = msgspec.json.encode([profile_id, row.seq, *facts])
    return hashlib.blake2b(before.encode() + columns + payload.encode(), digest_size=32).hexdigest()
