"""What the numbers were measured on."""

import os
import platform
import sys
from pathlib import Path

import msgspec


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
