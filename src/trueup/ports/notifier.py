"""Where alerts go: the log at once, people through the journal."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from trueup.model.alert_message import AlertMessage
from trueup.model.errors import TrueupError
from trueup.model.plan import Alert
from trueup.ports.clock import Clock


class NotTold(TrueupError):
    """It certainly did not arrive. Any other error leaves that open. `retry_after_s`: what the other side asked for."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AlertLog(Protocol):
    """Where every alert is written down at once."""

    async def alert(self, profile_id: str, alert: Alert) -> None:
        """Writes it down. What this raises is logged, and holds nothing back."""
        ...


class Notifier(Protocol):
    """One way to people. `at_a_time`: how many messages one call takes; all of them arrived, or none did."""

    at_a_time: int

    async def tell(self, messages: Sequence[AlertMessage]) -> None:
        """Raises NotTold where they certainly did not arrive, anything else where that is not known.

        No message of an error holds a secret.
        """
        ...

    async def aclose(self) -> None: ...


class NotifierSettings(Struct, frozen=True, kw_only=True):
    """What an entry point of the group `trueup.notifiers` is called with; it returns a Notifier.

    `credentials`: secrets, by the notifier's own names. `timeout_s`: how long one call may take.
    """

    name: str
    options: Mapping[str, Any]
    credentials: Mapping[str, str]
    timeout_s: float
    clock: Clock

    def __repr__(self) -> str:
        return f"NotifierSettings({self.name!r}, secrets hidden)"
