"""Alpaca's stream of trade updates, as hints: that something happened, never what.

A frame is looked at only to know that it is one. A lost connection is made again, ever more patiently; what was missed
meanwhile is found by the next scheduled run. Must not know an order.
"""

import random
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aiohttp
import msgspec
from msgspec import Struct

from trueup.ports.clock import Clock

HEARTBEAT_S = 20.0  # a dead connection is noticed after this
CONNECT_TIMEOUT_S = 10.0
RETRY_S = 1.0
RETRY_MAX_S = 60.0
FRAME_MAX_BYTES = 1 << 20


class _Frame(Struct, frozen=True):
    stream: str = ""


_FRAMES = msgspec.json.Decoder(_Frame)


async def hear_hints(address: str, key_id: str, secret: str, clock: Clock) -> AsyncIterator[None]:
    """One hint for every frame of `trade_updates`, over as many connections as it takes."""
    retry_s, jitter = RETRY_S, random.Random()  # noqa: S311 - spreads load, guards nothing
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async for _ in _hear_one(session, address, key_id, secret):
                    retry_s = RETRY_S
                    yield
            except (aiohttp.ClientError, OSError, TimeoutError):
                pass
            await clock.sleep(retry_s * (0.5 + jitter.random()))
            retry_s = min(2 * retry_s, RETRY_MAX_S)


async def _hear_one(
    session: aiohttp.ClientSession, address: str, key_id: str, secret: str
) -> AsyncIterator[None]:
    """One connection, until it ends. Alpaca's frames are binary on paper and text elsewhere."""
    parts = urlsplit(address)
    url = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/stream"
    async with session.ws_connect(
        url,
        heartbeat=HEARTBEAT_S,
        max_msg_size=FRAME_MAX_BYTES,
        timeout=aiohttp.ClientWSTimeout(ws_close=CONNECT_TIMEOUT_S),
    ) as socket:
        await socket.send_json(
            {"action": "authenticate", "data": {"key_id": key_id, "secret_key": secret}}  # as alpaca-py does
        )
        await socket.send_json({"action": "listen", "data": {"streams": ["trade_updates"]}})
        async for message in socket:
            if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                return
            if _is_update(message.data):
                yield


def _is_update(frame: str | bytes) -> bool:
    try:
        return _FRAMES.decode(frame).stream == "trade_updates"
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
