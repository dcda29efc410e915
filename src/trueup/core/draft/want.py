"""One question that a draft would ask the venue, and for which order. Which are asked, `finish_plan` decides."""

from msgspec import Struct

from trueup.core.draft.facts import Ids
from trueup.model.plan import Query


class Want(Struct, frozen=True):
    """A wanted single-order query. `waited_since_ns`: since it was last, and first, left without an answer."""

    waited_since_ns: tuple[int, int]
    comparable_id: str
    query: Query
    ids: Ids  # of the order that waits for the answer

    @property
    def turn(self) -> tuple[tuple[int, int], str, str]:
        """Longest waiting first; then by what is asked, so that the order is total."""
        return (self.waited_since_ns, self.comparable_id, self.query.by or "")
