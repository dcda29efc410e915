"""The order log as it grows, folded by the checkers' own rules: I8. It reads the raw tables by SQL of its own.

Decides whether each row follows from the one before, and whether the tables say what the log folds to.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from trueup.sim.checkers.tables import ORDER_COLUMNS, TRADE_COLUMNS, Tables, rows

BY_TRUEUP = "trueup:"
REMOVED = {"removed": True}  # a person took the row away
_LOG = """SELECT seq, logged_at, event, written_by, order_key, trade_id, version, payload, hash
FROM order_log WHERE profile_id = ? AND seq > ? ORDER BY seq"""
_ORDER = f"SELECT {', '.join(ORDER_COLUMNS)} FROM orders WHERE order_key = ?"  # noqa: S608
_TRADE = f"SELECT {', '.join(TRADE_COLUMNS)} FROM trades WHERE profile_id = ? AND trade_id = ?"  # noqa: S608


class LoggedCorrection(Struct):
    correction_id: str
    kind: str


class _Payload(Struct):
    changes: dict[str, Any] = {}
    corrections: list[LoggedCorrection] = []


class LogRow(Struct):
    """One row of the order log, taken apart. `run_id` null: a bot or a person wrote it."""

    seq: int
    facts: list[Any]
    digest: str
    run_id: str | None
    subject: Any  # an order key or a trade id
    payload: _Payload


class Chain(Struct):
    """How far one profile's log was read, and what it folds to."""

    profile_id: str
    seq: int = 0
    hash: str = ""
    states: dict[object, dict[str, Any]] = {}  # order key or trade id → its columns
    versions: dict[object, int] = {}
    written: dict[object, int] = {}  # the commit that wrote this version


_PAYLOAD = msgspec.json.Decoder(_Payload)
_ENCODER = msgspec.json.Encoder()


class OrderLog:
    """The logs of some profiles. `violated` hears invariant, subject and message."""

    def __init__(
        self,
        tables: Tables,
        profile_ids: Iterable[str],
        violated: Callable[[str, str, str], None],
    ) -> None:
        self._tables = tables
        self._violated = violated
        self.chains = {one: Chain(one) for one in profile_ids}
        self._first_written: dict[str, int] = {}  # a row's hash → the commit that wrote it

    def start_again(self, commit: int) -> None:
        """Some commits were lost: fold what is left."""
        self.chains = {one: Chain(one) for one in self.chains}
        for profile_id, added in self.new_rows().items():
            chain = self.chains[profile_id]
            for row in added:
                self.fold(chain, row, commit)
            self.check_folded(chain, added)

    def new_rows(self) -> dict[str, list[LogRow]]:
        """The rows that were added since the last one folded, by profile."""
        found = {one: self._new_rows(chain) for one, chain in self.chains.items()}
        return {one: added for one, added in found.items() if added}

    def _new_rows(self, chain: Chain) -> list[LogRow]:
        read = rows(self._tables, _LOG, chain.profile_id, chain.seq)
        return [_taken_apart(seq, facts, digest) for seq, *facts, digest in read]

    def fold(self, chain: Chain, row: LogRow, commit: int) -> None:
        """Lay one row over what stood before it, to which it must be chained."""
        profile_id, subject = chain.profile_id, row.subject
        if row.seq != chain.seq + 1:
            self._violated("I8", profile_id, f"row {chain.seq + 1} of the order log is missing")
        if row.digest != _digest(chain.hash, profile_id, row):
            self._violated(
                "I8", profile_id, f"row {row.seq} of the order log does not follow from the one before"
            )
        chain.seq, chain.hash = row.seq, row.digest
        if row.payload.changes == REMOVED:
            chain.states.pop(subject, None)
            chain.versions.pop(subject, None)
        else:
            chain.states.setdefault(subject, {}).update(row.payload.changes)
            chain.versions[subject] = row.facts[5]
        chain.written[subject] = self._first_written.setdefault(row.digest, commit)

    def check_folded(self, chain: Chain, added: list[LogRow]) -> None:
        """The tables say what the log folds to."""
        for subject in dict.fromkeys(row.subject for row in added):
            if isinstance(subject, int):
                self._compare(chain, subject, ORDER_COLUMNS, rows(self._tables, _ORDER, subject))
            else:
                found = rows(self._tables, _TRADE, chain.profile_id, subject)
                self._compare(chain, subject, TRADE_COLUMNS, found)

    def _compare(
        self, chain: Chain, subject: object, columns: tuple[str, ...], found: list[tuple[Any, ...]]
    ) -> None:
        if not found or subject not in chain.states:
            if found or subject in chain.states:
                what = "in its table after it was taken away" if found else "in the log and not in its table"
                self._violated("I8", str(subject), f"is {what}")
            return
        state = dict(zip(columns, found[0], strict=True))
        version = state.pop("version")
        if "previous_venue_order_ids" in state:
            state["previous_venue_order_ids"] = msgspec.json.decode(state["previous_venue_order_ids"])
        folded = chain.states[subject]
        odd = [key for key, value in state.items() if folded.get(key) != value]
        if odd or version != chain.versions[subject]:
            self._violated(
                "I8", str(subject), f"the order log folds to another {', '.join(odd) or 'version'}"
            )


def _taken_apart(seq: int, facts: list[Any], digest: str) -> LogRow:
    _, _, written_by, order_key, trade_id, _, payload = facts
    return LogRow(
        seq,
        facts,
        digest,
        written_by.removeprefix(BY_TRUEUP) if written_by.startswith(BY_TRUEUP) else None,
        trade_id if order_key is None else order_key,
        _PAYLOAD.decode(payload),
    )


def _digest(before: str, profile_id: str, row: LogRow) -> str:
    *facts, payload = row.facts
    columns = _ENCODER.encode([profile_id, row.seq, *facts])
    return hashlib.blake2b(before.encode() + columns + payload.encode(), digest_size=32).hexdigest()
