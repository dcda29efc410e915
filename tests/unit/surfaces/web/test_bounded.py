"""What an HTTP server of trueup's gives away: few connections, little time, nothing to a page of another name."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.patience import PATIENCE_S
from trueup.surfaces.web import bounded
from trueup.surfaces.web.bounded import KnownHosts, bound_names
from trueup.surfaces.web.status_app import serving

Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def hello(_: Request) -> Response:
    return PlainTextResponse("profiles")


def served(work: Callable[[str, int], Awaitable[None]]) -> None:
    async def main() -> None:
        app = KnownHosts(Starlette(routes=[Route("/", hello)]), bound_names("127.0.0.1"))
        async with serving(app, "127.0.0.1:0") as address:
            host, _, port = address.rpartition(":")
            await work(host, int(port))

    asyncio.run(main())


async def asked(host: str, port: int, name: str = "localhost") -> str:
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"GET / HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return answer


async def asked_in_vain(host: str, port: int) -> str:
    """Its answer; nothing where the connection was closed at once."""
    try:
        return await asked(host, port)
    except ConnectionError:
        return ""


async def others_go_on() -> None:
    await asyncio.sleep(0)


def closed(clients: list[Client]) -> list[asyncio.StreamReader]:
    return [reader for reader, _ in clients if reader.at_eof() or reader.exception() is not None]


def test_connections_beyond_the_limit_are_closed_and_the_others_answered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bounded, "CONNECTIONS_MAX", 5)
    monkeypatch.setattr(bounded, "REQUEST_S", PATIENCE_S)

    async def work(host: str, port: int) -> None:
        idle: list[Client] = [await asyncio.open_connection(host, port) for _ in range(40)]
        while len(closed(idle)) < 35:
            await others_go_on()
        assert await asked_in_vain(host, port) == ""  # so the other five still have their places
        assert len(closed(idle)) == 35
        for _, writer in idle:
            writer.close()
        while "200 OK" not in await asked_in_vain(host, port):
            await others_go_on()

    served(work)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", b"POST / HTTP/1.1\r\nHost: a\r\n"],
)
def test_a_request_that_never_becomes_whole_is_closed(monkeypatch: pytest.MonkeyPatch, sent: bytes):
    monkeypatch.setattr(bounded, "REQUEST_S", 0.3)

    async def work(host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(sent)
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
        writer.close()

    served(work)


async def dawdle(writer: asyncio.StreamWriter) -> None:
    for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 500:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


def test_one_that_dawdles_a_byte_at_a_time_is_closed_all_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bounded, "REQUEST_S", 0.3)

    async def work(host: str, port: int) -> None:
        _, writer = await asyncio.open_connection(host, port)
        with pytest.raises(ConnectionError):
            await dawdle(writer)

    served(work)


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1:8787", "[::1]:8787", "10.1.2.3", socket.gethostname()]
)
def test_its_names_and_addresses_are_answered(name: str):
    async def work(host: str, port: int) -> None:
        assert "profiles" in await asked(host, port, name)

    served(work)


@pytest.mark.parametrize(
    "name", ["rebound.example", "localhost.rebound.example:8787", "127.0.0.1.nip.example", ""]
)
def test_a_page_of_another_name_sees_nothing(name: str):
    async def work(host: str, port: int) -> None:
        answer = await asked(host, port, name)
        assert " 421 " in answer
        assert "profiles" not in answer

    served(work)


def test_a_server_that_others_can_reach_says_so(capsys: pytest.CaptureFixture[str]):
    async def main(address: str) -> None:
        async with serving(Starlette(), address):
            pass

    asyncio.run(main("127.0.0.1:0"))
    assert capsys.readouterr().err == ""
    asyncio.run(main("0.0.0.0:0"))
    assert "can be reached from other machines" in capsys.readouterr().err


def test_a_quarter_of_the_descriptors_at_most_are_for_connections(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 64))
    assert bounded.connections_max() == 16
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 4096))
    assert bounded.connections_max() == 100
