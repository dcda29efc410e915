"""A watch over every committed transaction: I5, I7, I8, I9, I10. It reads the raw tables by SQL of its own.

Decides whether what was just committed may stand: under the lease, on the versions that were judged, with evidence
asked for after them, whole, and chained. It folds the order log by itself and compares. Must not know the market.
"""

import hashlib
import json
import zlib
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import apsw
from msgspec import Struct

from trueup.sim.checkers.facts import Violation
from trueup.sim.checkers.tables import ORDER_COLUMNS, TRADE_COLUMNS, rows

BY_TRUEUP = "trueup:"
_LOG = """SELECT seq, logged_at, event, written_by, order_key, trade_id, version, payload, hash
FROM order_log WHERE profile_id = ? AND seq > ? ORDER BY seq"""
_ORDER = f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders WHERE order_key = ?"  # noqa: S608
_TRADE = f"SELECT {', '.join(TRADE_COLUMNS)} FROM trades WHERE profile_id = ? AND trade_id = ?"  # noqa: S608
Leases = Mapping[str, tuple[int, str]]
Requests = Mapping[str, Mapping[str, int]]


class _Chain(Struct):
    """How far one profile's log was read, and what it folds to."""

    account_id: str
    seq: int = 0
    hash: str = ""
    orders: dict[int, dict[str, Any]] = {}
    trades: dict[str, dict[str, Any]] = {}
    versions: dict[object, int] = {}  # order key or trade id → version
    written: dict[object, int] = {}  # order key or trade id → the commit that wrote this version


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
        self.overrun: set[str] = set()  # trades of which a bot recorded more exits than they held
        self.start_again(0)

    def start_again(self, commit: int) -> None:
        """Some commits were lost: fold what is left."""
        self._epochs.clear()
        for profile_id, account_id in self._accounts.items():
            chain = self._chains[profile_id] = _Chain(account_id)
            self._read_on(profile_id, chain, commit)

    def after_commit(self, commit: int, leases: Leases, requests: Requests) -> None:
        """`leases`, `requests`: what the committing process holds, and when (in commits) it sent each request."""
        for profile_id, chain in self._chains.items():
            runs = self._read_on(profile_id, chain, commit, requests.get(chain.account_id, {}))
            for run_id in runs:
                self._check_fence(chain.account_id, leases)
                self._check_whole(profile_id, run_id, runs[run_id])
        for account_id, epoch in rows(self._connection, "SELECT account_id, epoch FROM leases"):
            if epoch < self._epochs.get(account_id, 0):
                self._violated("I5", account_id, f"its epoch fell to {epoch}")
            self._epochs[account_id] = epoch

    # Inside

    def _violated(self, invariant: str, subject: str, message: str) -> None:
        self.violations.append(Violation(invariant, subject, message))

    def _read_on(
        self, profile_id: str, chain: _Chain, commit: int, requests: Mapping[str, int] | None = None
    ) -> dict[str, set[str]]:
        """Fold the log's new rows; returns the runs that wrote them, each with its correction ids."""
        runs: dict[str, set[str]] = {}
        changed: set[object] = set()
        plans: dict[str, dict[str, int]] = {}
        by_bot = False
        for row in rows(self._connection, _LOG, profile_id, chain.seq):
            seq, *facts, digest = row
            written_by, order_key, trade_id, version, payload = facts[2:]
            if seq != chain.seq + 1:
                self._violated("I8", profile_id, f"row {chain.seq + 1} of the order log is missing")
            if digest != _digest(chain.hash, profile_id, seq, facts):
                self._violated(
                    "I8", profile_id, f"row {seq} of the order log does not follow from the one before"
                )
            chain.seq, chain.hash = seq, digest
            told = json.loads(payload)
            subject: object = order_key if order_key is not None else trade_id
            if requests is not None and written_by.startswith(BY_TRUEUP):
                run_id = written_by.removeprefix(BY_TRUEUP)
                ids = told.get("correction_ids", [])
                runs.setdefault(run_id, set()).update(ids)
                plans.setdefault(run_id, {} if run_id in plans else self._expected(run_id))
                self._check_judged(chain, subject, plans[run_id], ids, requests)
            by_bot |= not written_by.startswith(BY_TRUEUP)
            states: dict[Any, dict[str, Any]] = chain.orders if order_key is not None else chain.trades
            states.setdefault(subject, {}).update(told.get("changes", {}))
            chain.versions[subject] = version
            chain.written[subject] = self._first_written.setdefault(digest, commit)
            changed.add(subject)
        if by_bot:
            self.overrun |= _overrun(chain)
        for subject in changed:
            self._check_folded(profile_id, chain, subject)
        return runs

    def _expected(self, run_id: str) -> dict[str, int]:
        """Correction id → the version that it was judged on, as the kept plan says."""
        found = rows(self._connection, "SELECT plan FROM runs WHERE run_id = ?", run_id)
        if not found:
            return {}
        plan = json.loads(zlib.decompress(found[0][0]))
        return {one["correction_id"]: one["expected_version"] for one in plan["corrections"]}

    def _planned(self, run_id: str) -> set[str]:
        """The ids of the notifications in the kept plan."""
        packed = rows(self._connection, "SELECT plan FROM runs WHERE run_id = ?", run_id)[0][0]
        return {one["notification_id"] for one in json.loads(zlib.decompress(packed))["notifications"]}

    def _check_judged(
        self,
        chain: _Chain,
        subject: object,
        expected: Mapping[str, int],
        correction_ids: list[str],
        requests: Mapping[str, int],
    ) -> None:
        """I7: the row stood at the version that was judged, since before the evidence was asked for."""
        stood = chain.versions.get(subject, 0)
        for one in correction_ids:
            judged = expected.get(one)
            if judged is not None and judged != stood and isinstance(subject, int):
                self._violated("I7", str(subject), f"judged at version {judged}, applied to {stood}")
        asked = min(requests.values(), default=None)
        if asked is not None and chain.written.get(subject, 0) > asked:
            self._violated(
                "I7", str(subject), f"version {stood} is younger than the evidence it was judged by"
            )

    def _check_folded(self, profile_id: str, chain: _Chain, subject: object) -> None:
        """I8, I9: the table says what the log folds to."""
        columns: tuple[str, ...] = ORDER_COLUMNS if isinstance(subject, int) else TRADE_COLUMNS
        if isinstance(subject, int):
            found, folded = rows(self._connection, _ORDER, subject), chain.orders[subject]
        else:
            trade_id = str(subject)
            found, folded = rows(self._connection, _TRADE, profile_id, trade_id), chain.trades[trade_id]
        if not found:
            self._violated("I8", str(subject), "is in the order log and not in its table")
            return
        state = dict(zip(columns, found[0], strict=True))
        version = state.pop("version")
        if "previous_venue_order_ids" in state:
            state["previous_venue_order_ids"] = json.loads(state["previous_venue_order_ids"])
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
        if not told <= self._planned(run_id):
            self._violated("I10", profile_id, "told what its plan does not say, or by another id")
        if "book_fill" in applied.values() and not told:
            self._violated("I9", profile_id, "booked growth and told nobody")


def _overrun(chain: _Chain) -> set[str]:
    """Trades whose exit orders filled more than the trade says."""
    beyond = {trade_id: -Fraction(trade.get("exit_qty", 0)) for trade_id, trade in chain.trades.items()}
    for order in chain.orders.values():
        if order.get("action") == "exit" and order.get("trade_id") in beyond:
            beyond[order["trade_id"]] += Fraction(order.get("filled_qty", 0))
    return {trade_id for trade_id, qty in beyond.items() if qty > 0}


def _digest(before: str, profile_id: str, seq: int, facts: list[Any]) -> str:
    text = json.dumps([profile_id, seq, *facts], ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b((before + text).encode(), digest_size=32).hexdigest()
