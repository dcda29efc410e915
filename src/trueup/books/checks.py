"""What books say of themselves before the first run: a line a check, with the next step. Values, and the port."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct

from trueup.model.snapshot import VenueOrder


class BookCheck(Struct, frozen=True, kw_only=True):
    """`next_step` null: it is as it should be. `failed`: a run would do harm, or nothing."""

    message: str
    next_step: str | None = None
    failed: bool = False


@runtime_checkable
class Checking(Protocol):
    """Books that can look at themselves, beside the venue's open orders (`complete`: all of them were read)."""

    def check(self, opened: Sequence[VenueOrder], *, complete: bool) -> list[BookCheck]:
        """Reads only. Raises LedgerError where the books cannot be read at all."""
        ...
