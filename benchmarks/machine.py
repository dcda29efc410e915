"""What the numbers were measured on."""

import os
import platform
import sys
from pathlib import Path

import msgspec

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def facts() -> dict[str, str | int | float | bool]:
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "msgspec": msgspec.__version__,
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_1m_at_start": round(os.getloadavg()[0], 2),
        "gc": "as Python sets it; a collection before each repetition",
        "optimised": sys.flags.optimize > 0,
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def processor_s(pid: int, *, ended_children: bool = False) -> float:
    """What a process has used of the processor; with its children that ended, where wanted. 0 where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(int(one) for one in fields[11 : 15 if ended_children else 13]) / TICKS_PER_S


def postgres_processor_s(pid: int) -> float:
    """Of a server and all its processes, those that ended included."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return processor_s(pid, ended_children=True) + sum(processor_s(int(one)) for one in children)
