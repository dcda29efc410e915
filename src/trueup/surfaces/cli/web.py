"""`trueup web`: the dashboard, beside `trueup run` or alone; until SIGTERM or Ctrl-C."""

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from trueup.surfaces.cli.configured import load
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import say

if TYPE_CHECKING:
    from trueup.service.load_config import LoadedConfig

ADDRESS = "127.0.0.1:8787"


@click.command()
@click.option("--listen", metavar="HOST:PORT", default=ADDRESS, show_default=True, help="Where to answer.")
@common
def command(invocation: Invocation, listen: str) -> None:
    """Show the dashboard: how the profiles stand, breaks, stories, plans; read-only unless an operator logs in."""
    asyncio.run(_serve(load(invocation), listen))


async def _serve(loaded: "LoadedConfig", address: str) -> None:
    from trueup.service.open_accounts import open_accounts
    from trueup.service.open_ledger import open_ledger
    from trueup.surfaces.web.dashboard import dashboard

    ledger = open_ledger(loaded)
    try:
        async with open_accounts(loaded) as accounts, dashboard(loaded, ledger, accounts, address) as bound:
            say(f"http://{bound}")
            await until_stopped()
    finally:
        ledger.close()


async def until_stopped() -> None:
    """Until SIGTERM or Ctrl-C."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
