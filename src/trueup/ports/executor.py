"""The bot's side: who is told of repairs."""

from typing import Protocol, runtime_checkable

from trueup.model.plan import Notification
from trueup.ports.records import OutboxItem


class Executor(Protocol):
    """The bot's side. Each call carries a notification whose id makes repeats harmless: set the cumulative figures.

    Optional hooks, called where they exist: `reconcile_discovered`, `reconcile_amended`, `reconcile_quarantined`,
    `reconcile_released`, `reconcile_closed`.
    """

    async def reconcile_entry_fill(self, notification: Notification) -> None:
        """More of an entry order was filled: `qty` is the growth, `cumulative_qty` all of it."""
        ...

    async def reconcile_exit_fill(self, notification: Notification) -> None:
        """More of an exit order was filled: `qty` is the growth, `cumulative_qty` all of it."""
        ...

    async def reconcile_cancel(self, notification: Notification) -> None:
        """The order ended before it was filled: canceled, expired or rejected, with the reason."""
        ...


@runtime_checkable
class RemoteExecutor(Protocol):
    """An executor elsewhere: it is given the whole item, of several trades (`at_a_time`) at the same time."""

    at_a_time: int

    async def deliver(self, item: OutboxItem) -> None: ...

    async def reconcile_entry_fill(self, notification: Notification) -> None: ...

    async def reconcile_exit_fill(self, notification: Notification) -> None: ...

    async def reconcile_cancel(self, notification: Notification) -> None: ...

    async def aclose(self) -> None: ...
