"""What goes wrong between a client and the paper venue: drawn by rate from a seed, or planned for one request.

Decides only which fault meets a request; `serve` does what the fault says. Must not know an order.
"""

from enum import StrEnum
from random import Random

from msgspec import Struct


class PaperFault(StrEnum):
    """One request meets at most one of these."""

    RATE_LIMITED = "rate_limited"  # 429 with X-RateLimit-Reset and Retry-After
    RATE_LIMITED_BARE = "rate_limited_bare"  # 429 and nothing else
    SERVER_ERROR = "server_error"  # 500
    HTML = "html"  # 200, and a page for people
    EMPTY = "empty"  # 200 without a body
    TRUNCATED = "truncated"  # the connection breaks in mid-body
    UNANSWERED_BEFORE = "unanswered_before"  # never answered, and nothing done
    UNANSWERED_AFTER = "unanswered_after"  # done, and never answered
    NOT_FOUND_HTML = "not_found_html"  # 404, and a page for people: from a proxy, not from the venue
    NOT_FOUND_FOREIGN = "not_found_foreign"  # 404 in somebody else's JSON
    OTHER_ORDER = "other_order"  # the reply to another request
    UNKNOWN_FIELD = "unknown_field"  # a field that nobody has heard of
    UNKNOWN_STATUS = "unknown_status"  # a status that nobody has heard of
    FRAME_LOST = "frame_lost"  # of the stream: one update is not sent


class _Planned(Struct):
    fault: PaperFault
    method: str
    path: str
    skip: int


class PaperFaults:
    """Rates by fault, 0 to 1, and what is planned; planned faults come first."""

    def __init__(self, rng: Random, rates: dict[PaperFault, float] | None = None) -> None:
        self.rates = rates or {}
        self.met: list[PaperFault] = []
        self._rng = rng
        self._planned: list[_Planned] = []

    def plan(
        self, fault: PaperFault, *, times: int = 1, skip: int = 0, method: str = "GET", path: str = "/v2"
    ) -> None:
        """The next `times` requests that begin with `path` meet it, after `skip` more have passed unharmed."""
        self._planned += [_Planned(fault, method, path, skip if first == 0 else 0) for first in range(times)]

    def heal(self) -> None:
        self.rates = {}
        self._planned = []

    def meet(self, method: str, path: str) -> PaperFault | None:
        """The fault that this request meets."""
        for planned in self._planned:
            if planned.method == method and path.startswith(planned.path):
                if planned.skip:
                    planned.skip -= 1
                    return None
                self._planned.remove(planned)
                return self._meet(planned.fault)
        for fault, rate in self.rates.items():
            if fault is not PaperFault.FRAME_LOST and self._rng.random() < rate:
                return self._meet(fault)
        return None

    def loses_frame(self) -> bool:
        lost = self._rng.random() < self.rates.get(PaperFault.FRAME_LOST, 0)
        if lost:
            self._meet(PaperFault.FRAME_LOST)
        return lost

    def _meet(self, fault: PaperFault) -> PaperFault:
        self.met.append(fault)
        return fault
