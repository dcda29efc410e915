"""The broker of a fleet that has none, or of who asks none: the due times in the database say whose turn it is."""

from typing import NoReturn

from trueup.fleet.broker import BrokerGone, BrokerState, Delivery

UNCONFIGURED = "no broker is configured: give [fleet] url in trueup.toml"


class NoBroker:
    """Implements `broker.Broker`: it is always gone, for this reason."""

    def __init__(self, why: str = UNCONFIGURED) -> None:
        self._why = why

    async def set_up(self) -> None:
        self._gone()

    async def schedule(self, shard: int, every_s: float) -> None:
        self._gone()

    async def unschedule(self, shard: int) -> None:
        self._gone()

    async def hurry(self, shard: int, account_ids: tuple[str, ...]) -> None:
        self._gone()

    async def next(self, timeout_s: float) -> Delivery | None:
        self._gone()

    async def state(self) -> BrokerState:
        self._gone()

    async def aclose(self) -> None:
        return

    def _gone(self) -> NoReturn:
        raise BrokerGone(self._why)
