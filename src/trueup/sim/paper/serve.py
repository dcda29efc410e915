"""The paper venue over HTTP in Alpaca's shapes, on this machine only: for the adapter, alpaca-py and anyone's bot.

Decides what becomes of a request that meets a fault. What Alpaca would answer is `paper_account`'s business.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from json import JSONDecodeError, loads
from typing import Any

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from trueup.model.errors import ConfigError
from trueup.model.times import NS_PER_S
from trueup.sim.paper.faults import PaperFault
from trueup.sim.paper.json import Json, paper_id
from trueup.sim.paper.requests import UNPROCESSABLE, Declined
from trueup.sim.paper.routes import ROUTES, Action, Reply
from trueup.sim.paper.stream import stream_updates
from trueup.sim.paper.venue import KEY_ID, PER_MINUTE, SECRET, PaperVenue

HOST = "127.0.0.1"
HANG_S = 3600  # a request that is never answered
STOP_S = 1  # how long open connections may go on after the end
HTML = b"<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"
UNAUTHORIZED, TOO_MANY = 40110000, 42910000


# -- one request ------------------------------------------------------------------------------------------------------


def make_app(venue: PaperVenue) -> Starlette:
    """The venue as an ASGI application."""
    routes: list[Any] = [
        Route(path, _endpoint(venue, action), methods=[method]) for method, path, action in ROUTES
    ]
    return Starlette(routes=[*routes, WebSocketRoute("/stream", lambda one: stream_updates(venue, one))])


def _endpoint(venue: PaperVenue, action: Action) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        venue.catch_up()
        venue.note(request.method, request.url.path, request.url.query)
        raw = await request.body()
        fault = venue.faults.meet(request.method, request.url.path)
        if fault is PaperFault.UNANSWERED_BEFORE:
            await _hang(request)
        early = _refused(venue, request, fault)
        if early is not None:
            return early
        reply = _perform(venue, request, raw, action)
        venue.publish()
        venue.go_on()
        if fault is PaperFault.UNANSWERED_AFTER:
            await _hang(request)
        return _response(venue, reply, fault)

    return answer


def _refused(venue: PaperVenue, request: Request, fault: PaperFault | None) -> Response | None:
    """What is answered without doing anything."""
    headers = request.headers
    if (headers.get("APCA-API-KEY-ID"), headers.get("APCA-API-SECRET-KEY")) != (KEY_ID, SECRET):
        return _json(401, {"code": UNAUTHORIZED, "message": "request is not authorized"})
    too_many = {"code": TOO_MANY, "message": "rate limit exceeded"}
    if fault is PaperFault.RATE_LIMITED_BARE:
        return _json(429, too_many)
    if fault is PaperFault.RATE_LIMITED or venue.calls_left() < 0:
        wait_s = venue.reset_s() - venue.clock.now_ns() // NS_PER_S
        return _json(429, too_many, _limit_headers(venue) | {"Retry-After": str(wait_s)})
    match fault:
        case PaperFault.SERVER_ERROR:
            return _json(500, {"code": 50010000, "message": "internal server error occurred"})
        case PaperFault.NOT_FOUND_HTML:
            return Response(HTML, 404, media_type="text/html")
        case PaperFault.NOT_FOUND_FOREIGN:
            return _json(404, {"message": "no Route matched with those values"})
        case _:
            return None


def _perform(venue: PaperVenue, request: Request, raw: bytes, action: Action) -> Reply:
    try:
        body = loads(raw, parse_float=Decimal) if raw.strip() else {}
        if not isinstance(body, dict):
            raise Declined(422, UNPROCESSABLE, "the body must be a JSON object")
        return action(venue, request, body)
    except JSONDecodeError as error:
        return 422, {"code": UNPROCESSABLE, "message": f"the body is not JSON: {error}"}
    except Declined as error:
        return error.status, {"code": error.code, "message": str(error)}


def _response(venue: PaperVenue, reply: Reply, fault: PaperFault | None) -> Response:
    status, said = reply
    headers = _limit_headers(venue)
    if fault is PaperFault.HTML:
        return Response(HTML, 200, headers, media_type="text/html")
    if fault is PaperFault.EMPTY:
        return Response(b"", 200, headers)
    if said is None:
        return Response(b"", status, headers)
    if fault is PaperFault.TRUNCATED:
        body = msgspec.json.encode(said)
        return StreamingResponse(_broken(body), status, headers | {"Content-Length": str(len(body))})
    return _json(status, _strange(said, fault), headers)


def _json(status: int, said: Any, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(said), status, headers, media_type="application/json")


_STRANGE: dict[PaperFault | None, Json] = {
    PaperFault.UNKNOWN_FIELD: {"aura": {"hue": [1, 2]}},
    PaperFault.UNKNOWN_STATUS: {"status": "on_the_moon"},
    PaperFault.OTHER_ORDER: {"id": paper_id("order", "another"), "client_order_id": "another"},
}


def _strange(said: Any, fault: PaperFault | None) -> Any:
    """The same with what the fault puts into every row."""
    if isinstance(said, list):
        return [row | _STRANGE.get(fault, {}) for row in said]
    return said | _STRANGE.get(fault, {})


def _limit_headers(venue: PaperVenue) -> dict[str, str]:
    return {
        "Date": format_datetime(datetime.fromtimestamp(venue.clock.now_ns() // NS_PER_S, UTC), usegmt=True),
        "X-RateLimit-Limit": str(venue.per_minute or PER_MINUTE),
        "X-RateLimit-Remaining": str(max(0, venue.calls_left())),
        "X-RateLimit-Reset": str(venue.reset_s()),
    }


async def _broken(body: bytes) -> AsyncIterator[bytes]:
    yield body[: len(body) // 2]
    raise ConnectionAbortedError("the fault `truncated` breaks the connection here")


async def _hang(request: Request) -> None:
    """Until the client has gone."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HANG_S):
            while (await request.receive())["type"] != "http.disconnect":
                pass


# -- serving ----------------------------------------------------------------------------------------------------------


class _Server(uvicorn.Server):
    """Ends at once when told to; signals are the caller's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self.ended.wait()


@contextlib.asynccontextmanager
async def serving(venue: PaperVenue, port: int = 0, *, tick_s: float | None = None) -> AsyncIterator[str]:
    """Serves within the context and yields the address. `port` 0: a free one; `tick_s` null: prices stand still."""
    config = uvicorn.Config(
        make_app(venue),
        log_config=None,
        log_level="critical",
        lifespan="off",
        date_header=False,  # the venue's clock, not this machine's
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
    )
    server = _Server(config)
    with _listening_socket(port) as listener:
        task = asyncio.create_task(server.serve([listener]))
        ticking = asyncio.create_task(_tick(venue, tick_s)) if tick_s is not None else None
        try:
            yield f"http://{HOST}:{listener.getsockname()[1]}"
        finally:
            if ticking is not None:
                ticking.cancel()
            server.ended.set()
            await task


async def _tick(venue: PaperVenue, tick_s: float) -> None:
    while True:
        await asyncio.sleep(tick_s)
        venue.tick()


@contextlib.contextmanager
def _listening_socket(port: int) -> Iterator[socket.socket]:
    with socket.socket(
        socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP
    ) as listener:  # asyncio: no delay
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise ConfigError(f"port {port} is taken: choose another with --port") from error
        listener.listen()  # who connects before the server has started waits for it
        yield listener
