"""The broker on NATS JetStream (server 2.14 or newer): one schedule a shard, kept in the stream itself.

The stream keeps schedules (`NAME.schedule.SHARD`, until they are taken away) and what they make (`NAME.due.SHARD`,
until a worker acknowledges it); `NAME.urgent.SHARD` goes before. Old messages of a subject give way to new ones, for
a stream that refuses new ones takes no schedules; who starves by that is found by the due times in the database.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import msgspec
import nats
import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError
from nats.js.errors import Error as JetStreamError

from trueup.fleet.broker import BrokerGone, BrokerState, Delivery
from trueup.model.errors import ConfigError

CONNECT_S = 5.0
ANSWER_S = 5.0
RECONNECT_WAIT_S = 1
KEPT_A_SHARD = 16  # intervals that all workers may be away and still find each shard's turn waiting
IN_FLIGHT_MAX = 10_000
SERVER_NEEDED = (2, 14)  # the first with `@every`
FORMAT = 1  # of a message's body; a worker leaves newer ones to newer workers
NEWER_WAIT_S = 5.0
WORKERS, URGENT = "workers", "urgent"

P = ParamSpec("P")
T = TypeVar("T")


class _Body(msgspec.Struct, frozen=True):
    """Other keys are a newer worker's."""

    v: int = FORMAT
    hasty: tuple[str, ...] = ()


def _or_gone(call: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """What goes wrong between us and the broker is one thing to a worker."""

    @wraps(call)
    async def called(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await call(*args, **kwargs)
        except NotFoundError as fault:
            raise BrokerGone("the broker knows nothing of this fleet: trueup fleet init") from fault
        except (nats.errors.Error, JetStreamError, OSError, TimeoutError) as fault:
            raise BrokerGone(f"the broker does not answer ({_one_line(fault)})") from fault

    return called


class NatsDelivery:
    """Implements `broker.Delivery`. What cannot be told the broker is delivered again, which does no harm."""

    def __init__(self, message: Msg, shard: int, hasty: tuple[str, ...]) -> None:
        self._message = message
        self.shard = shard
        self.hasty = hasty
        self.waiting = message.metadata.num_pending

    async def working(self) -> None:
        await self._tell(self._message.in_progress())

    async def done(self) -> None:
        await self._tell(self._message.ack())

    async def again(self, delay_s: float) -> None:
        await self._tell(self._message.nak(delay=delay_s))

    async def _tell(self, telling: Awaitable[None]) -> None:
        try:
            await telling
        except (nats.errors.Error, OSError):
            return  # delivered again: not due by then, or due


class NatsBroker:
    """Implements `broker.Broker`. `ack_wait_s`: a message that a worker took is given to another after that long
    without a word; longer than a lease, which a dead worker keeps as well.
    """

    def __init__(self, client: Client, name: str, *, ack_wait_s: float, replicas: int = 1) -> None:
        self._client = client
        self._streams: JetStreamContext = client.jetstream(timeout=ANSWER_S)
        self._name = name
        self._ack_wait_s = ack_wait_s
        self._replicas = replicas
        self._waits: dict[str, asyncio.Task[Msg | None]] = {}
        self._pulls: dict[str, JetStreamContext.PullSubscription] = {}

    @_or_gone
    async def set_up(self) -> None:
        self._check_server()
        config = api.StreamConfig(
            name=self._name,
            subjects=[f"{self._name}.schedule.*", f"{self._name}.due.*", f"{self._name}.urgent.*"],
            retention=api.RetentionPolicy.WORK_QUEUE,
            discard=api.DiscardPolicy.OLD,
            max_msgs_per_subject=KEPT_A_SHARD,
            allow_msg_schedules=True,
            num_replicas=self._replicas,
        )
        try:
            await self._streams.update_stream(config)
        except NotFoundError:
            await self._streams.add_stream(config)
        for durable, subject in ((WORKERS, "due"), (URGENT, "urgent")):
            consumer = api.ConsumerConfig(
                durable_name=durable,
                filter_subject=f"{self._name}.{subject}.*",
                ack_policy=api.AckPolicy.EXPLICIT,
                ack_wait=self._ack_wait_s,
                max_ack_pending=IN_FLIGHT_MAX,
            )
            await self._streams.add_consumer(self._name, consumer)

    @_or_gone
    async def schedule(self, shard: int, every_s: float) -> None:
        headers = {
            api.Header.SCHEDULE.value: f"@every {round(every_s * 1000)}ms",
            api.Header.SCHEDULE_TARGET.value: f"{self._name}.due.{shard}",
        }
        body = msgspec.json.encode(_Body())
        await self._streams.publish(f"{self._name}.schedule.{shard}", body, headers=headers)

    @_or_gone
    async def unschedule(self, shard: int) -> None:
        await self._streams.purge_stream(self._name, subject=f"{self._name}.schedule.{shard}")

    @_or_gone
    async def hurry(self, shard: int, account_ids: tuple[str, ...]) -> None:
        body = msgspec.json.encode(_Body(hasty=account_ids))
        await self._streams.publish(f"{self._name}.urgent.{shard}", body)

    @_or_gone
    async def next(self, timeout_s: float) -> Delivery | None:
        """The waits go on between calls: what comes meanwhile is the next call's."""
        if not self._client.is_connected:
            raise BrokerGone("the broker cannot be reached")
        for durable in (URGENT, WORKERS):
            if durable not in self._waits:
                self._waits[durable] = asyncio.create_task(self._pull(durable, timeout_s))
        await asyncio.wait(self._waits.values(), return_when=asyncio.FIRST_COMPLETED)
        for durable in (URGENT, WORKERS):
            wait = self._waits[durable]
            if wait.done():
                del self._waits[durable]
                message = wait.result()
                if message is not None:
                    return await self._delivery(message)
        return None

    @_or_gone
    async def state(self) -> BrokerState:
        prefix = f"{self._name}.schedule."
        stream = await self._streams.stream_info(self._name, subjects_filter=f"{prefix}*")
        consumers = [await self._streams.consumer_info(self._name, one) for one in (WORKERS, URGENT)]
        return BrokerState(
            scheduled=frozenset(int(one.removeprefix(prefix)) for one in stream.state.subjects or {}),
            pending=sum(one.num_pending or 0 for one in consumers),
            in_flight=sum(one.num_ack_pending or 0 for one in consumers),
        )

    async def aclose(self) -> None:
        for wait in self._waits.values():
            if wait.done() and not wait.cancelled() and wait.exception() is None:
                message = wait.result()
                if message is not None:
                    await NatsDelivery(message, 0, ()).again(0)
            wait.cancel()
        await asyncio.gather(*self._waits.values(), return_exceptions=True)
        await self._client.close()

    async def _pull(self, durable: str, timeout_s: float) -> Msg | None:
        pull = self._pulls.get(durable)
        if pull is None:
            pull = await self._streams.pull_subscribe_bind(durable, stream=self._name)
            self._pulls[durable] = pull
        try:
            messages = await pull.fetch(1, timeout=timeout_s)
        except nats.errors.TimeoutError:
            if not self._client.is_connected:
                raise
            return None
        return messages[0] if messages else None

    async def _delivery(self, message: Msg) -> Delivery | None:
        shard = message.subject.rpartition(".")[2]
        try:
            body = msgspec.json.decode(message.data, type=_Body)
        except msgspec.MsgspecError:
            await message.term()  # not ours
            return None
        if body.v > FORMAT:
            await message.nak(delay=NEWER_WAIT_S)
            return None
        return NatsDelivery(message, int(shard), body.hasty)

    def _check_server(self) -> None:
        version = self._client.connected_server_version
        if (version.major, version.minor) < SERVER_NEEDED:
            needed = ".".join(map(str, SERVER_NEEDED))
            raise ConfigError(
                f"fleet.url: that nats-server is {version.major}.{version.minor}; schedules need {needed}"
            )


async def connect(
    url: str,
    name: str,
    *,
    ack_wait_s: float,
    replicas: int = 1,
    token: str | None = None,
    credentials: str | None = None,
) -> NatsBroker:
    """Raises BrokerGone where nothing answers. Later outages are bridged: it connects again by itself."""

    async def note(_: Exception) -> None:
        return  # each call that fails says why

    options: dict[str, Any] = {"token": token} if token is not None else {}
    if credentials is not None:
        options["user_credentials"] = credentials
    client = Client()
    try:
        async with asyncio.timeout(CONNECT_S):
            await client.connect(
                [one.strip() for one in url.split(",")],
                name="trueup",
                error_cb=note,
                connect_timeout=2,
                reconnect_time_wait=RECONNECT_WAIT_S,
                max_reconnect_attempts=-1,
                **options,
            )
    except (nats.errors.Error, OSError, TimeoutError) as fault:
        raise BrokerGone(
            f"no broker answers ({_one_line(fault) or 'time-out'}): does it run where [fleet] url says?"
        ) from None
    return NatsBroker(client, name, ack_wait_s=ack_wait_s, replicas=replicas)


def _one_line(fault: BaseException) -> str:
    if isinstance(fault, APIError) and fault.description:
        return fault.description
    return " ".join(str(fault).split()) or type(fault).__name__
