"""HTTP that cannot take from trueup what it works with: file descriptors and time.

Rules: so many connections at most, what comes beyond them is closed when it is accepted; a request that is not whole
after its time is closed, however it dawdles; a quarter of the process's descriptors at most are for connections, the
others are the ledger's and the venues'. Only names of this server are answered, so that a page of a rebound name sees
nothing (DNS rebinding needs a name: an address is taken as it is). Who asks is the connection's other end, whatever a
header says of somebody before it.
"""

import asyncio
import contextlib
import ipaddress
import re
import resource
import socket
from collections.abc import Iterable, Iterator
from typing import Any

import h11
import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTIONS_MAX = 100  # a scraper or a browser keeps up to six
DESCRIPTORS_SHARE = 4  # one of so many at most is for connections
REQUEST_S = 10.0  # from a request's first byte, or the connection, until all of it is there
KEEP_ALIVE_S = 5  # between two requests
MISDIRECTED = 421
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(  # RFC 9110, 7.2
    r"(\[(?P<address>[0-9a-fA-F:.]+)\]|(?P<name>[^\s:@,/\[\]]+))(:[0-9]{0,5})?", re.ASCII
)


def connections_max() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS_MAX if soft <= 0 else max(1, min(CONNECTIONS_MAX, soft // DESCRIPTORS_SHARE))


class BoundedProtocol(H11Protocol):
    """uvicorn's own over h11, which closes what is too much or too slow."""

    _expiry: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        if len(self.connections) >= connections_max():
            transport.abort()
            self._is_refused = True
            return
        super().connection_made(transport)
        self._await_request()

    _is_refused = False

    def connection_lost(self, exc: Exception | None) -> None:
        self._has_request()
        if not self._is_refused:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._await_request()
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._has_request()

    def _await_request(self) -> None:
        if self._expiry is None:
            self._expiry = self.loop.call_later(REQUEST_S, self._expire)

    def _has_request(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None

    def _expire(self) -> None:
        self._expiry = None
        self.transport.abort()


class KnownHosts:
    """An ASGI application that answers only to its names, and to addresses."""

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = {name.lower() for name in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_known(Headers(scope=scope).get("host", "")):
            refusal = PlainTextResponse("this server does not answer to that name\n", MISDIRECTED)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_known(self, header: str) -> bool:
        name = host_name(header)
        return name in self._names or is_address(name)


class ForNoOtherPage:
    """An ASGI application whose answers no page of another origin gets, not even whether they were good ones.

    Such a page reads nothing anyway, but what it names as its script or picture tells it that much.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["cross-origin-resource-policy"] = "same-origin"
                headers["x-content-type-options"] = "nosniff"
                headers["content-security-policy"] = "default-src 'none'; frame-ancestors 'none'"
            await send(message)

        await self._app(scope, receive, send_marked)


def bound_names(host: str) -> tuple[str, ...]:
    """Names of a server that is bound to `host`: itself, this machine's, and on this machine the usual ones."""
    return (host, socket.gethostname(), socket.getfqdn(), *LOOPBACK_NAMES)


def is_loopback(host: str) -> bool:
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def host_name(header: str) -> str:
    """The name of a Host header, without its port, in small letters as browsers write it; empty where it is none."""
    found = _HOST.fullmatch(header)
    return "" if found is None else (found["address"] or found["name"]).lower()


class Server(uvicorn.Server):
    """Signals are the service's, not the server's."""

    def __init__(self, app: Any) -> None:
        super().__init__(
            uvicorn.Config(
                app, http=BoundedProtocol, ws="none", log_level="error", lifespan="off",
                timeout_keep_alive=KEEP_ALIVE_S, proxy_headers=False,
            )
        )  # fmt: skip

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
