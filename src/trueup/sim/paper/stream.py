"""Alpaca's stream of trade updates for the paper venue: authentication, then frames. Must not know an order."""

import asyncio
import contextlib
from json import JSONDecodeError, loads

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from trueup.sim.paper.json import Json
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue


async def stream_updates(venue: PaperVenue, one: WebSocket) -> None:
    """Authentication, then frames of `trade_updates`; binary, as Alpaca's paper host sends them."""
    await one.accept()
    with venue.listening() as frames, contextlib.suppress(WebSocketDisconnect):
        if not await _authenticate(one):
            return
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(_send(one, frames))
            await _until_gone(one)
            sending.cancel()


async def _authenticate(one: WebSocket) -> bool:
    """alpaca-py's `authenticate`, or the documentation's `auth`; then `listen`."""
    said = await _hear(one)
    data = said.get("data") or {"key_id": said.get("key"), "secret_key": said.get("secret")}
    known = (data.get("key_id"), data.get("secret_key")) == (KEY_ID, SECRET)
    status = "authorized" if known else "unauthorized"
    await _say(one, {"stream": "authorization", "data": {"status": status, "action": "authenticate"}})
    return known


async def _until_gone(one: WebSocket) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            said = await _hear(one)
            if said.get("action") == "listen":
                await _say(one, {"stream": "listening", "data": said.get("data")})


async def _send(one: WebSocket, frames: asyncio.Queue[Json | None]) -> None:
    with contextlib.suppress(WebSocketDisconnect):
        while (frame := await frames.get()) is not None:
            await _say(one, frame)
        await one.close()


async def _hear(one: WebSocket) -> Json:
    message = await one.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect
    try:
        said = loads(message.get("text") or message.get("bytes") or b"")
    except JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}


async def _say(one: WebSocket, frame: Json) -> None:
    await one.send_bytes(msgspec.json.encode(frame))
