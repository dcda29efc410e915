"""A watch over every committed transaction: I5, I7, I8, I9, I10. It reads the raw tables by SQL of its own.

Decides whether what was just committed may stand: under the lease, on the versions that were judged, with evidence
asked for after them, whole, and chained (`order_log`). Must not know the market.
"""

import sys
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from trueup.sim.checkers.facts import Violation
from trueup.sim.checkers.order_log import Chain, LogRow, OrderLog
from trueup.sim.checkers.tables import Tables, rows

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

AFRESH = "-afresh-"  # what was told, then undone by a person, is told again under an id that ends so
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


_PLAN = msgspec.json.Decoder(_KeptPlan)
_DROPPED = msgspec.json.Decoder(list[_KeptCorrection])


class CommitWatch:
    """`violations` grows; nothing is raised, so that the product's own error handling stays out of it."""

    def __init__(self, tables: Tables, accounts: Mapping[str, str]) -> None:
        """`accounts`: profile id → account id."""
        self._tables = tables
        self._accounts = accounts
        self._epochs: dict[str, int] = {}
        self._log = OrderLog(tables, accounts, self._violated)
        self.violations: list[Violation] = []
        self.start_again(0)

    def start_again(self, commit: int) -> None:
        """Some commits were lost: look at what is left."""
        self._epochs.clear()
        self._log.start_again(commit)

    def after_commit(self, commit: int, leases: Leases, requests: Requests) -> None:
        """`leases`, `requests`: what the committing process holds, and when it asked for what, by account."""
        for profile_id, added in self._log.new_rows().items():
            account_id = self._accounts[profile_id]
            runs = self._read_on(profile_id, added, commit, requests.get(account_id, Evidence()))
            for run_id in runs:
                self._check_fence(account_id, leases)
                self._check_whole(profile_id, run_id, runs[run_id])
        for account_id, epoch in rows(self._tables, "SELECT account_id, epoch FROM leases"):
            if epoch < self._epochs.get(account_id, 0):
                self._violated("I5", account_id, f"its epoch fell to {epoch}")
            self._epochs[account_id] = epoch

    def seq_of(self, profile_id: str) -> int:
        """How many rows of its log were read."""
        return self._log.chains[profile_id].seq

    # Inside

    def _violated(self, invariant: str, subject: str, message: str) -> None:
        self.violations.append(Violation(invariant, subject, message))

    def _read_on(
        self, profile_id: str, added: list[LogRow], commit: int, evidence: Evidence
    ) -> dict[str, dict[str, str]]:
        """Fold the log's new rows; returns the runs that wrote them, each with its corrections: id → kind."""
        chain = self._log.chains[profile_id]
        runs: dict[str, dict[str, str]] = {}
        versions: dict[str, dict[str, int | None]] = {}
        for row in added:
            if (run_id := row.run_id) is not None:
                if run_id not in runs:
                    runs[run_id], versions[run_id] = {}, self._kept_plan(run_id).versions
                runs[run_id].update({one.correction_id: one.kind for one in row.payload.corrections})
                self._check_judged(chain, row, versions[run_id], evidence)
            self._log.fold(chain, row, commit)
        self._log.check_folded(chain, added)
        return runs

    def _kept_plan(self, run_id: str) -> _KeptPlan:
        found = rows(self._tables, "SELECT plan FROM runs WHERE run_id = ?", run_id)
        return _PLAN.decode(zstd.decompress(found[0][0])) if found else _KeptPlan()

    def _check_judged(
        self, chain: Chain, row: LogRow, expected: Mapping[str, int | None], evidence: Evidence
    ) -> None:
        """I7: the row stood at the version that was judged, since before the evidence was asked for."""
        subject = row.subject
        stood = chain.versions.get(subject, 0)
        for one in row.payload.corrections:
            judged = expected.get(one.correction_id)
            if judged is not None and judged != stood and isinstance(subject, int):
                self._violated("I7", str(subject), f"judged at version {judged}, applied to {stood}")
        if not evidence.is_after(chain.written.get(subject, 0)):
            self._violated(
                "I7", str(subject), f"version {stood} is younger than the evidence it was judged by"
            )

    def _check_fence(self, account_id: str, leases: Leases) -> None:
        """I5: the lease is this process's, now."""
        sql = "SELECT epoch, holder FROM leases WHERE account_id = ?"
        held = [tuple(row) for row in rows(self._tables, sql, account_id)]
        if held != [leases.get(account_id)]:
            self._violated("I5", account_id, "a run committed without the lease")

    def _check_whole(self, profile_id: str, run_id: str, logged: Mapping[str, str]) -> None:
        """I9: with its rows of the log, all of a run is there: its record, its corrections, its notifications."""
        record = rows(self._tables, "SELECT applied, superseded FROM runs WHERE run_id = ?", run_id)
        if not record:
            self._violated("I9", profile_id, "wrote the order log and kept no record of its run")
            return
        applied, superseded = record[0]
        dropped = {one.correction_id for one in _DROPPED.decode(superseded)}
        planned = self._kept_plan(run_id).versions.keys()
        if applied != len(logged) or planned != logged.keys() | dropped or logged.keys() & dropped:
            self._violated("I9", profile_id, "the order log has other corrections than the run's record")
        sql = "SELECT notification_id FROM outbox WHERE profile_id = ? AND run_id = ?"
        told = {one.partition(AFRESH)[0] for (one,) in rows(self._tables, sql, profile_id, run_id)}
        if not told <= {one.notification_id for one in self._kept_plan(run_id).notifications}:
            self._violated("I10", profile_id, "told what its plan does not say, or by another id")
        if "book_fill" in logged.values() and not told:
            self._violated("I9", profile_id, "booked growth and told nobody")
