"""What systemd is told of a service of `Type=notify`: that it is ready, that it still works, that it stops.

The protocol is sd_notify(3): one datagram to the socket that `NOTIFY_SOCKET` names. Without that variable nothing is
said. The watchdog's sign of life comes from the event loop itself, so a loop that hangs is started anew.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping

SOCKET_VARIABLE = "NOTIFY_SOCKET"
WATCHDOG_VARIABLE = "WATCHDOG_USEC"
SIGNS_PER_WATCHDOG = 3  # of life, within the time that systemd waits; sd_watchdog_enabled(3) asks for two
US_PER_S = 1_000_000


@contextlib.asynccontextmanager
async def told_to_systemd(environ: Mapping[str, str] | None = None) -> AsyncIterator[None]:
    """READY now, WATCHDOG meanwhile where the unit asks for it, STOPPING at the end."""
    environ = os.environ if environ is None else environ
    address = environ.get(SOCKET_VARIABLE, "")
    if not address:
        yield
        return
    notify(address, "READY=1")
    life = asyncio.create_task(_give_signs_of_life(address, environ.get(WATCHDOG_VARIABLE, "")))
    try:
        yield
    finally:
        life.cancel()
        notify(address, "STOPPING=1")


def notify(address: str, state: str) -> None:
    """One message; a socket that is not there any more is systemd's loss, not the service's end."""
    if address.startswith("@"):  # Linux' abstract namespace
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), address)


async def _give_signs_of_life(address: str, watchdog_us: str) -> None:
    if not watchdog_us.isdigit() or int(watchdog_us) == 0:
        return
    pause_s = int(watchdog_us) / US_PER_S / SIGNS_PER_WATCHDOG
    while True:
        notify(address, "WATCHDOG=1")
        await asyncio.sleep(pause_s)
