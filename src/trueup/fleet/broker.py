"""What the fleet needs from a broker: a message a shard and interval, delivered at least once to one worker.

The broker only says when; who may work on an account is its lease's to say. So a message that comes twice, late or
never does no harm: not due or held by another, it finds nothing to do; and what is overdue is found in the database.
"""

from typing import Protocol

from msgspec import Struct

from trueup.model.errors import TrueupError


class BrokerGone(TrueupError):
    """The broker does not answer. Workers go on by the due times in the database."""


class BrokerState(Struct, frozen=True, kw_only=True):
    """`scheduled`: the shards that have a schedule; `pending`: messages that no worker has taken; `in_flight`: taken
    and not acknowledged.
    """

    scheduled: frozenset[int]
    pending: int
    in_flight: int


class Delivery(Protocol):
    """One message. `waiting`: how many others no worker has taken; `hasty`: whom it is about, where not all."""

    @property
    def shard(self) -> int: ...

    @property
    def waiting(self) -> int: ...

    @property
    def hasty(self) -> tuple[str, ...]: ...

    async def working(self) -> None:
        """The work goes on: do not give it to another yet."""
        ...

    async def done(self) -> None: ...

    async def again(self, delay_s: float) -> None:
        """Deliver it once more, after that long."""
        ...


class Broker(Protocol):
    """Every method but `aclose` may raise BrokerGone."""

    async def set_up(self) -> None:
        """Makes what the broker needs, where it is not there yet."""
        ...

    async def schedule(self, shard: int, every_s: float) -> None:
        """From now on one message every so often; in place of an earlier schedule of the shard."""
        ...

    async def unschedule(self, shard: int) -> None:
        """No message of the shard any more."""
        ...

    async def hurry(self, shard: int, account_ids: tuple[str, ...]) -> None:
        """One message at once, before those of schedules: these accounts are due now."""
        ...

    async def next(self, timeout_s: float) -> Delivery | None:
        """The next message, urgent ones first; null where none came."""
        ...

    async def state(self) -> BrokerState: ...

    async def aclose(self) -> None: ...
