"""How a run's snapshot and plan are kept, for replay: canonical JSON, compressed. Must not know which runs are kept.

Compressing needs no interpreter: a large plan's goes on in a thread beside the statements that write what the plan
says, and ends before them. The snapshot's ends first, as it may be large where little is written, and nobody shall
wait behind the write lock for it.
"""

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from msgspec import Struct

from trueup.ledgers.journal_rows import encode
from trueup.model.errors import LedgerError
from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot

BESIDE_FROM_BYTES = 100_000  # measured: about a millisecond of compressing, and of starting a thread
COMPRESSION_LEVEL = 1  # measured: level 6 takes four times as long for a tenth less


class PackedRun(Struct, frozen=True):
    """`plan` waits until the plan is compressed."""

    snapshot: bytes
    plan: Callable[[], bytes]


@contextmanager
def packing(snapshot: Snapshot, plan: Plan) -> Iterator[PackedRun]:
    """What is small is compressed at once: starting a thread takes longer."""
    documents = encode(snapshot), encode(plan)
    if sum(map(len, documents)) < BESIDE_FROM_BYTES:
        packed = [zlib.compress(one, COMPRESSION_LEVEL) for one in documents]
        yield PackedRun(packed[0], lambda: packed[1])
        return
    with ThreadPoolExecutor(max_workers=1) as beside:
        packed_snapshot, packed_plan = (
            beside.submit(zlib.compress, one, COMPRESSION_LEVEL) for one in documents
        )
        yield PackedRun(packed_snapshot.result(), packed_plan.result)


def unpacked(stored: object, run_id: str) -> bytes:
    """The document again. Raises LedgerError where what is stored is none."""
    try:
        if isinstance(stored, bytes):
            return zlib.decompress(stored)
    except zlib.error as fault:
        raise LedgerError(
            f"what is stored of run {run_id} is damaged: restore the ledger from a backup"
        ) from fault
    raise LedgerError(
        f"what is stored of run {run_id} is no compressed document: restore the ledger from a backup"
    )
