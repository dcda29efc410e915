"""A broker as bad as a broker can be: messages that are lost, doubled and late, and times when it does not answer.

Decides what a worker of a simulated world is delivered, and when. It promises less than the real one: there nothing is
lost. Must not know what a shard is.
"""

from random import Random

from msgspec import Struct

from trueup.fleet.broker import BrokerGone, BrokerState, Delivery
from trueup.model.times import NS_PER_S
from trueup.sim.clock import SimClock
from trueup.sim.trials.process import Process

LOOK_S = 0.5
LATE_S_MAX = 30
GONE_S_MAX = 25
KEPT_A_SHARD = 16


class BrokerFaults(Struct, frozen=True, kw_only=True):
    """Chances, per message, but of `gone`: per second."""

    lost: float = 0.0
    doubled: float = 0.0
    late: float = 0.0
    gone: float = 0.0

    @classmethod
    def drawn(cls, rng: Random) -> "BrokerFaults":
        """A storm of its own kind."""
        shares = (0, 0.5, 1, 2)
        chances = {"lost": 0.1, "doubled": 0.2, "late": 0.2, "gone": 0.02}
        return cls(**{name: chance * rng.choice(shares) for name, chance in chances.items()})


class _Message(Struct):
    number: int
    shard: int
    from_ns: int  # when it can be delivered
    hasty: tuple[str, ...] = ()


class SimBroker:
    """The server, which all workers of a world share."""

    def __init__(self, clock: SimClock, rng: Random, faults: BrokerFaults, ack_wait_s: float) -> None:
        self.faults = faults
        self.delivered = 0
        self._clock = clock
        self._rng = rng
        self._ack_wait_ns = round(ack_wait_s * NS_PER_S)
        self._schedules: dict[int, tuple[int, int]] = {}  # shard → how often, and next
        self._waiting: list[_Message] = []
        self._taken: dict[int, tuple[_Message, int]] = {}  # until when it is not another's
        self._number = 0
        self._gone_until_ns = 0
        self._looked_ns = clock.now_ns()

    def set_schedule(self, shard: int, every_s: float) -> None:
        every_ns = round(every_s * NS_PER_S)
        self._schedules[shard] = (every_ns, self._clock.now_ns() + every_ns)

    def drop_schedule(self, shard: int) -> None:
        self._schedules.pop(shard, None)

    def send(self, shard: int, hasty: tuple[str, ...] = ()) -> None:
        """As its faults let it."""
        rng, faults = self._rng, self.faults
        if rng.random() < faults.lost:
            return
        for _ in range(2 if rng.random() < faults.doubled else 1):
            late_s = rng.uniform(0, LATE_S_MAX) if rng.random() < faults.late else 0.0
            self._number += 1
            from_ns = self._clock.now_ns() + round(late_s * NS_PER_S)
            self._waiting.append(_Message(self._number, shard, from_ns, hasty))

    def take(self) -> _Message | None:
        """The next message, not given to another for a while. Raises BrokerGone."""
        self.look()
        now_ns = self._clock.now_ns()
        for index, message in enumerate(self._waiting):
            if message.from_ns <= now_ns:
                del self._waiting[index]
                self.hold(message)
                self.delivered += 1
                return message
        return None

    def hold(self, message: _Message) -> None:
        self._taken[message.number] = (message, self._clock.now_ns() + self._ack_wait_ns)

    def forget(self, message: _Message) -> None:
        self._taken.pop(message.number, None)

    def put_back(self, message: _Message, delay_s: float) -> None:
        if self._taken.pop(message.number, None) is not None:
            message.from_ns = self._clock.now_ns() + round(delay_s * NS_PER_S)
            self._waiting.append(message)

    def look(self) -> BrokerState:
        """What time has brought. Raises BrokerGone."""
        now_ns = self._clock.now_ns()
        for _ in range((now_ns - self._looked_ns) // NS_PER_S):
            self._looked_ns += NS_PER_S
            if self._rng.random() < self.faults.gone:
                self._gone_until_ns = self._looked_ns + self._rng.randint(1, GONE_S_MAX) * NS_PER_S
        if now_ns < self._gone_until_ns:
            raise BrokerGone("the simulated broker does not answer")
        for shard, (every_ns, next_ns) in list(self._schedules.items()):
            if next_ns <= now_ns:
                self.send(shard)
                missed = (now_ns - next_ns) // every_ns + 1
                self._schedules[shard] = (every_ns, next_ns + missed * every_ns)
        for message, until_ns in list(self._taken.values()):
            if until_ns <= now_ns:
                self.put_back(message, 0)
        del self._waiting[: -KEPT_A_SHARD * max(1, len(self._schedules))]
        return BrokerState(
            scheduled=frozenset(self._schedules), pending=len(self._waiting), in_flight=len(self._taken)
        )


class SimDelivery:
    """Implements `fleet.broker.Delivery`."""

    def __init__(self, broker: SimBroker, message: _Message, process: Process) -> None:
        self.shard = message.shard
        self.hasty = message.hasty
        self.waiting = broker.look().pending
        self._broker = broker
        self._message = message
        self._process = process

    async def working(self) -> None:
        self._process.call()
        self._broker.hold(self._message)

    async def done(self) -> None:
        self._process.call()
        self._broker.forget(self._message)

    async def again(self, delay_s: float) -> None:
        self._process.call()
        self._broker.put_back(self._message, delay_s)


class SimBrokerClient:
    """Implements `fleet.broker.Broker` for one process."""

    def __init__(self, broker: SimBroker, process: Process) -> None:
        self._broker = broker
        self._process = process

    async def set_up(self) -> None:
        self._process.call()

    async def schedule(self, shard: int, every_s: float) -> None:
        self._process.call()
        self._broker.set_schedule(shard, every_s)

    async def unschedule(self, shard: int) -> None:
        self._process.call()
        self._broker.drop_schedule(shard)

    async def hurry(self, shard: int, account_ids: tuple[str, ...]) -> None:
        self._process.call()
        self._broker.send(shard, account_ids)

    async def next(self, timeout_s: float) -> Delivery | None:
        for _ in range(max(1, round(timeout_s / LOOK_S))):
            self._process.call()
            message = self._broker.take()
            if message is not None:
                return SimDelivery(self._broker, message, self._process)
            await self._process.sleep(LOOK_S)
        return None

    async def state(self) -> BrokerState:
        self._process.call()
        return self._broker.look()

    async def aclose(self) -> None:
        return
