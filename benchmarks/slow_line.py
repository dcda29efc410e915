"""A line between a program and its server that takes a while, as between two machines: a relay on this one.

What is sent arrives `delay_s` later, in its order, however much is under way at once.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK_BYTES = 1 << 18


@contextmanager
def slow_line(port: int, delay_s: float) -> Iterator[int]:
    """The port of the relay to a server on this machine. `delay_s`: one way."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    opened = asyncio.run_coroutine_threadsafe(_serve(port, delay_s), loop).result()
    try:
        yield opened.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(_end(opened), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


async def _serve(port: int, delay_s: float) -> asyncio.Server:
    async def relay(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", port)
        with suppress(asyncio.CancelledError):  # the end of the whole line
            await asyncio.gather(_copy(near, forth, delay_s), _copy(far, back, delay_s))

    return await asyncio.start_server(relay, "127.0.0.1", 0)


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    while chunk := await source.read(CHUNK_BYTES):
        loop.call_later(delay_s, target.write, chunk)
    loop.call_later(delay_s, target.close)


async def _end(opened: asyncio.Server) -> None:
    opened.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)
