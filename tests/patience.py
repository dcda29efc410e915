"""How long a test waits for what must come: until it comes. The bound is for what hangs, and measures nothing.

No test may fail because a machine is slow: what it waits for is a condition, and how fast a thing is stands in
benchmarks/.
"""

import time
from collections.abc import Callable

PATIENCE_S = 600.0
POLL_S = 0.02


def wait_until(came: Callable[[], object], why_not: Callable[[], object] = lambda: "it never came") -> None:
    """Returns once `came` is true. `why_not`: what a person wants to read where it never is."""
    until = time.monotonic() + PATIENCE_S
    while not came():
        assert time.monotonic() < until, why_not()
        time.sleep(POLL_S)
