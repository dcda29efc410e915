"""The broker of a fleet that has none: its workers go by the due times in the database."""

from typing import NoReturn

from trueup.fleet.broker import BrokerGone, BrokerState, Delivery

WHY = "no broker is configured"


class NoBroker:
    """Implements `broker.Broker`: it is always gone."""

    async def set_up(self) -> None:
        _gone()

    async def schedule(self, shard: int, every_s: float) -> None:
        _gone()

    async def unschedule(self, shard: int) -> None:
        _gone()

    async def hurry(self, shard: int, account_ids: tuple[str, ...]) -> None:
        _gone()

    async def next(self, timeout_s: float) -> Delivery | None:
        _gone()

    async def state(self) -> BrokerState:
        _gone()

    async def aclose(self) -> None:
        return


def _gone() -> NoReturn:
    raise BrokerGone(f"{WHY}: give [fleet] url in trueup.toml")
