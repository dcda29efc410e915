"""Where alerts go."""

from typing import Protocol

from trueup.model.plan import Alert


class Notifier(Protocol):
    """Where alerts go. The log is the first sink."""

    async def alert(self, profile_id: str, alert: Alert) -> None:
        """Tells it. What this raises is logged, and holds nothing back."""
        ...
