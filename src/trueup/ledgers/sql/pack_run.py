"""How a run's snapshot and plan are kept, for replay: canonical JSON, compressed. Must not know which runs are kept.

Compressing needs no interpreter: what is large is compressed in a thread beside the work that goes on, and ends before
it. The snapshot comes first: it may be large where little is written, and nobody shall wait for it behind the write
lock.
"""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from msgspec import Struct

from trueup.ledgers.journal.journal_rows import encode
from trueup.ledgers.sql.plan_texts import PlanTexts
from trueup.model.errors import RESTORE, LedgerDamaged
from trueup.model.snapshot import Snapshot

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BESIDE_FROM_BYTES = 500_000  # measured: half a millisecond of compressing, and of starting a thread
PART_BYTES = 1 << 20  # unpacked at a time where only the checksum is wanted
_OPTIONS: dict[int, int] = {
    zstd.CompressionParameter.compression_level: 1,  # measured: level 3 takes twice as long, and is no smaller
    zstd.CompressionParameter.checksum_flag: 1,
}


class PackedRun(Struct, frozen=True):
    """Each waits until its document is compressed."""

    snapshot: Callable[[], bytes]
    plan: Callable[[], bytes]


@contextmanager
def packing(snapshot: Snapshot, plan: PlanTexts) -> Iterator[PackedRun]:
    with ThreadPoolExecutor(max_workers=1) as beside:
        yield PackedRun(_compressing(encode(snapshot), beside), _compressing(plan.document(), beside))


def _compressing(document: bytes, beside: ThreadPoolExecutor) -> Callable[[], bytes]:
    """What is small is compressed at once: starting a thread takes longer."""
    if len(document) >= BESIDE_FROM_BYTES:
        return beside.submit(_compressed, document).result
    packed = _compressed(document)
    return lambda: packed


def _compressed(document: bytes) -> bytes:
    return zstd.compress(document, options=_OPTIONS)


def unpacked(stored: object, run_id: str) -> bytes:
    """The document again. Raises LedgerDamaged where what is stored is none."""
    try:
        if isinstance(stored, bytes):
            return zstd.decompress(stored)
    except zstd.ZstdError as fault:
        raise LedgerDamaged(f"what is stored of run {run_id} is {RESTORE} ({fault})") from fault
    raise LedgerDamaged(f"what is stored of run {run_id} is no compressed document; {RESTORE}")


def check_packed(stored: object, run_id: str) -> None:
    """Whether it can be unpacked to its end, where its checksum stands; a part at a time, for some are large."""
    if not isinstance(stored, bytes):
        raise LedgerDamaged(f"what is stored of run {run_id} is no compressed document; {RESTORE}")
    parts = zstd.ZstdDecompressor()
    try:
        parts.decompress(stored, PART_BYTES)
        while not parts.eof and not parts.needs_input:
            parts.decompress(b"", PART_BYTES)
    except zstd.ZstdError as fault:
        raise LedgerDamaged(f"what is stored of run {run_id} is {RESTORE} ({fault})") from fault
    if not parts.eof:
        raise LedgerDamaged(f"what is stored of run {run_id} ends too soon; {RESTORE}")
