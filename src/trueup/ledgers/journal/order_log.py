"""The order log: what a row holds, its hash chain, and folding it back into the current state. Pure.

A row is about one order (with the fills it booked) or one trade. Its payload is the lifecycle payload of the reference,
what changed, and the corrections that did it. Each row's hash covers the row and the hash of the profile's row before.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from trueup.ledgers.sql.home import GENESIS, LogHead
from trueup.ledgers.sql.rows import trade_changes
from trueup.model.plan import Correction, FillChange
from trueup.model.snapshot import Fill, LocalOrder, Trade
from trueup.ports.journal import REMOVED

BOT = "bot"
BY_RUN = "trueup:"  # and the run's id
PERSON = "person:"  # and the author
OUTSIDE = "outside"  # somebody wrote past the log; found and logged with the next write
_HASH_BYTES = 32


class LogEntry(Struct, frozen=True, gc=False):
    """One row before it is chained. `version`: of the order (or trade) after the write."""

    event: str
    written_by: str
    order_key: int | None
    trade_id: str | None
    version: int
    payload: bytes


class LogRow(Struct, frozen=True, gc=False, array_like=True):
    seq: int
    logged_at: str
    event: str
    written_by: str
    order_key: int | None
    trade_id: str | None
    version: int
    payload: str
    hash: str


class LoggedCorrection(Struct, omit_defaults=True, gc=False):
    """A correction that was applied; its order (or trade) and version are the row's."""

    correction_id: str
    break_id: str
    kind: str
    reason: str
    fill: FillChange | None = None
    changes: Any = None


class Payload(Struct, omit_defaults=True, gc=False):
    """Lifecycle keys as the reference has them, then what trueup adds."""

    user_id: str | None = None
    profile_id: str | None = None
    order_id: str | None = None
    symbol: str | None = None
    type: str | None = None
    side: str | None = None
    qty: str | None = None
    price: str | None = None
    status: str | None = None
    timestamp: str | None = None
    trade_id: str | None = None
    action: str | None = None
    sub_tag: str | None = None
    changes: dict[str, Any] = {}
    fills: list[Fill] = []
    corrections: list[LoggedCorrection] = []
    reason: str | None = None  # a person's, or what the write reports
    dropped: list[
        str
    ] = []  # ids of fills whose rows are gone; each stands in `fills` with nothing left of it


class _Change(Struct, gc=False):
    """What of a payload is folded."""

    changes: dict[str, Any] = {}
    fills: list[Fill] = []
    dropped: list[str] = []


class Logged(Struct, gc=False, array_like=True):
    """What of a row is folded: the version after it, and what changed."""

    version: int
    change: _Change


_ENCODER = msgspec.json.Encoder()


class Folded(Struct):
    """What the log says of one order or one trade."""

    version: int
    state: dict[str, Any]
    fills: dict[str, Fill]


def order_payload(
    after: LocalOrder,
    changes: dict[str, Any],
    fills: list[Fill],
    corrections: Sequence[Correction],
    *,
    profile_id: str,
    user_id: str | None,
    logged_at: str,
    reason: str | None = None,
    dropped: list[str] | None = None,
) -> bytes:
    payload = Payload(  # by place: 17 keywords take four times as long
        user_id,
        profile_id,
        after.venue_order_id or after.client_order_id,
        after.symbol,
        after.order_type or "market",
        after.side,
        after.qty,
        after.limit_price or after.filled_avg_price or "0",
        after.status,
        logged_at,
        after.trade_id,
        after.action,
        after.sub_tag,
        changes,
        fills,
        _logged(corrections),
        reason,
        dropped or [],
    )
    return _ENCODER.encode(payload)


def trade_payload(
    before: Trade | None,
    after: Trade,
    corrections: Sequence[Correction],
    *,
    profile_id: str,
    user_id: str | None,
    logged_at: str,
    reason: str | None = None,
    removes: bool = False,
) -> bytes:
    payload = Payload(
        user_id=user_id,
        profile_id=profile_id,
        symbol=after.symbol,
        status=after.status,
        timestamp=logged_at,
        trade_id=after.trade_id,
        changes=REMOVED if removes else trade_changes(before, after),
        corrections=_logged(corrections),
        reason=reason,
    )
    return _ENCODER.encode(payload)


def _logged(corrections: Sequence[Correction]) -> list[LoggedCorrection]:
    return [
        LoggedCorrection(one.correction_id, one.break_id, one.kind, one.reason, one.fill, one.changes)
        for one in corrections
    ]


def chain(
    profile_id: str, entries: Iterable[LogEntry], *, logged_at: str, head: LogHead
) -> Iterator[tuple[Any, ...]]:
    """The rows to append after `head`, which is moved to the last of them."""
    for entry in entries:
        head.seq += 1
        facts = (
            profile_id,
            head.seq,
            logged_at,
            entry.event,
            entry.written_by,
            entry.order_key,
            entry.trade_id,
            entry.version,
        )
        head.hash = row_hash(head.hash, facts, entry.payload)
        yield (*facts, entry.payload.decode(), head.hash)


def row_hash(previous: str, facts: tuple[Any, ...], payload: bytes) -> str:
    """Of the hash before, the row's other columns as JSON, and its payload as it stands."""
    row = previous.encode() + _ENCODER.encode(facts) + payload
    return hashlib.blake2b(row, digest_size=_HASH_BYTES).hexdigest()


def first_broken(profile_id: str, rows: Iterable[LogRow]) -> str | None:
    """What is wrong with the chain, at its first wrong row; null where it is whole."""
    previous, expected = GENESIS, 1
    for row in rows:
        if row.seq != expected:
            return f"row {expected} of the order log is missing"
        facts = (
            profile_id,
            row.seq,
            row.logged_at,
            row.event,
            row.written_by,
            row.order_key,
            row.trade_id,
            row.version,
        )
        if row_hash(previous, facts, row.payload.encode()) != row.hash:
            return f"row {row.seq} of the order log was changed: its hash does not follow from the row before"
        previous, expected = row.hash, expected + 1
    return None


def fold(rows: Iterable[Logged]) -> Folded | None:
    """Lays each row's changes over what stood before; null where there is no row, or the last takes it away."""
    folded: Folded | None = None
    for row in rows:
        if row.change.changes == REMOVED:
            folded = None
            continue
        folded = folded or Folded(0, {}, {})
        folded.version = row.version
        folded.state.update(row.change.changes)
        folded.fills.update({fill.fill_id: fill for fill in row.change.fills})
        for fill_id in row.change.dropped:
            folded.fills.pop(fill_id, None)
    return folded


def differences(folded: Folded | None, current: LocalOrder | Trade) -> list[str]:
    """The keys in which the log and the table disagree; `version` where only that does."""
    if folded is None:
        return ["not in the log"]
    state = msgspec.json.decode(_ENCODER.encode(current), type=dict[str, Any])
    version = state.pop("version")
    keys = [key for key, value in state.items() if folded.state.get(key) != value]
    return keys or ([] if folded.version == version else ["version"])
