"""`trueup run --http`: health, readiness and metrics. Read only; it says nothing of orders."""

import asyncio
import contextlib
import math
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from trueup.engine.in_thread import in_thread
from trueup.engine.run.account import ManagedAccount
from trueup.fleet.worker import WorkerSays
from trueup.model.errors import ConfigError, LedgerError
from trueup.service.health import Health, ProfileHealth, read_health
from trueup.service.metrics import CONTENT_TYPE, Metrics
from trueup.surfaces.cli.terminal import say
from trueup.surfaces.web.answers import json_answer
from trueup.surfaces.web.bounded import ForNoOtherPage, Server, is_loopback

PORT_MAX = 65_535
NOT_READY = 503


def make_app(accounts: Sequence[ManagedAccount], metrics: Metrics, objective_s: float) -> Starlette:
    """`objective_s`: how old the last complete run of a ready profile may be."""

    async def healthz(_: Request) -> Response:
        return json_answer({"status": "ok"})

    async def readyz(_: Request) -> Response:
        try:
            health = await in_thread(read_health, accounts, objective_s)
        except LedgerError as error:
            return json_answer({"ready": False, "reason": str(error)}, NOT_READY)
        return json_answer(_readiness(health), 200 if health.ready else NOT_READY)

    async def show_metrics(_: Request) -> Response:
        try:
            health = await in_thread(read_health, accounts, objective_s)
        except LedgerError as error:
            return PlainTextResponse(f"{error}\n", NOT_READY)
        return Response(metrics.render(health), media_type=CONTENT_TYPE)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", show_metrics)]
    return Starlette(routes=routes, middleware=[Middleware(ForNoOtherPage)])


def make_worker_app(metrics: Metrics, says: Callable[[], WorkerSays]) -> Starlette:
    """Of a fleet's worker: whether it lives, and its metrics. How the fleet stands is `trueup fleet status`'s."""

    async def healthz(_: Request) -> Response:
        return json_answer({"status": "ok", "degraded": says().degraded})

    async def show_metrics(_: Request) -> Response:
        metrics.note_worker(says())
        return Response(metrics.render(None), media_type=CONTENT_TYPE)

    routes = [Route("/healthz", healthz), Route("/metrics", show_metrics)]
    return Starlette(routes=routes, middleware=[Middleware(ForNoOtherPage)])


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, address: str) -> AsyncIterator[str]:
    """Answers at `HOST:PORT` meanwhile; yields the address as it is (port 0 takes a free one). Raises ConfigError."""
    listener = _listen(address)
    host, _ = parse_address(address)
    if not is_loopback(host):
        say(
            f"warning: {address} can be reached from other machines: see docs/how-to/operate.md, What may be seen"
        )
    server = Server(app)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        host, port = listener.getsockname()[:2]
        yield f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    finally:
        server.should_exit = True
        await task
        listener.close()


def parse_address(address: str) -> tuple[str, int]:
    """`127.0.0.1:8787`, `[::1]:8787`. Raises ConfigError."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > PORT_MAX:
        raise ConfigError(f"--http: expected HOST:PORT such as 127.0.0.1:8787, got {address!r}")
    return host.strip("[]"), int(port)


def _listen(address: str) -> socket.socket:
    host, port = parse_address(address)
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigError(
            f"--http: cannot listen on {address} ({os.strerror(error.errno or 0).lower()}): is the port taken?"
        ) from error


def _readiness(health: Health) -> dict[str, object]:
    """Why an account fails is for `trueup status`: a venue's words are not shown to whoever can ask here."""
    return {
        "ready": health.ready,
        "profiles": {one.profile_id: _of_profile(one) for one in health.profiles},
        "failing": {
            one.account_id: {
                "failures": one.failures,
                "since": one.failing_since,
                "next_try_at": one.next_due_at,
            }
            for one in health.failing
        },
    }


def _of_profile(one: ProfileHealth) -> dict[str, object]:
    age_s = None if math.isinf(one.age_s) else round(one.age_s, 3)
    return {"ready": one.ready, "paused": one.paused, "age_s": age_s, "reason": one.reason}
