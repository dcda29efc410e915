"""Measures one snapshot file in a process of its own: decoding, planning, both, and the memory at the peak.

The garbage collector stays as Python sets it; each repetition starts after a collection, and what the one before made
is gone. The peak is the process's largest resident size less that before the file was read: bytes, values and plan.
"""

import gc
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot

REPETITIONS = 5


def measure(path: Path, pairs: int) -> dict[str, Any]:
    before_kb = _peak_kb()
    measured = _measure_bytes(path.read_bytes())
    peak_kb = measured.pop("peak_kb") - before_kb
    snapshot = decode_snapshot(path.read_bytes())
    measured |= _timed("plan", lambda: make_plan(snapshot))
    return measured | {
        "pairs": pairs,
        "pairs_per_s_decoded": pairs / statistics.median(measured["plan_s"]),
        "pairs_per_cpu_s_decoded": pairs / statistics.median(measured["plan_cpu_s"]),
        "pairs_per_s_bytes": pairs / statistics.median(measured["bytes_s"]),
        "pairs_per_cpu_s_bytes": pairs / statistics.median(measured["bytes_cpu_s"]),
        "peak_bytes_per_pair": peak_kb * 1024 / pairs,
    }


def _measure_bytes(data: bytes) -> dict[str, Any]:
    """The peak first: later repetitions would find memory that is not yet given back."""
    corrections, peak_kb = len(make_plan(decode_snapshot(data)).corrections), _peak_kb()
    both = _timed("bytes", lambda: make_plan(decode_snapshot(data)))
    decoding = _timed("decode", lambda: decode_snapshot(data))
    return {"corrections": corrections, "peak_kb": peak_kb} | both | decoding


def _timed(name: str, work: Callable[[], object]) -> dict[str, list[float]]:
    """By the wall clock, and the processor's time: the same on an idle machine."""
    wall_s, cpu_s = [], []
    for _ in range(REPETITIONS):
        gc.collect()
        start, cpu_start = time.perf_counter(), time.process_time()
        result = work()
        wall_s.append(time.perf_counter() - start)
        cpu_s.append(time.process_time() - cpu_start)
        del result
    return {f"{name}_s": wall_s, f"{name}_cpu_s": cpu_s}


def _peak_kb() -> int:
    """Linux reports kilobytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(measure(Path(sys.argv[1]), int(sys.argv[2]))).decode())
