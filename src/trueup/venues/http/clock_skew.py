"""How far our clock is from a venue's, by the `Date` of its answers. Every REST venue notes each answer here.

Decides nothing: the engine asks for the largest difference, and refuses to write where it is too large.
"""

from email.utils import parsedate_to_datetime

from trueup.model.times import NS_PER_S


class ClockSkew:
    """Keeps the largest difference since it was last taken."""

    def __init__(self) -> None:
        self._largest_ns: int | None = None

    def note(self, date: str | None, sent_ns: int, received_ns: int) -> None:
        """One answer: its `Date` (whole seconds, cut off), and when by our clock it was asked for and received.

        The venue wrote the date somewhere between the two: within that, and within its second, nothing is known.
        """
        try:
            their_ns = round(parsedate_to_datetime(date or "").timestamp()) * NS_PER_S
        except (ValueError, OverflowError):
            return  # an answer that does not tell the time
        ahead_ns = max(0, sent_ns - their_ns - NS_PER_S) or min(0, received_ns - their_ns)
        if self._largest_ns is None or abs(ahead_ns) > abs(self._largest_ns):
            self._largest_ns = ahead_ns

    def take_ns(self) -> int | None:
        """How far we were ahead (negative: behind) at most since this was last called; null: no answer said."""
        largest_ns, self._largest_ns = self._largest_ns, None
        return largest_ns
