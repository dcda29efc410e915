"""`trueup sim`: simulated worlds on trial, and the simulated market over HTTP, to try a bot without keys or money."""

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.sim_worlds import replay, run

if TYPE_CHECKING:
    from trueup.sim.paper.faults import PaperFault
    from trueup.sim.paper.venue import PaperVenue

PORT = 8642


@click.group()
def command() -> None:
    """The simulator: whole worlds on trial, or a venue to try a bot at."""


command.add_command(run)
command.add_command(replay)


@command.command(short_help="Serve a paper account like Alpaca's.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=PORT,
    show_default=True,
    help="On 127.0.0.1; 0: a free one.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed draws the same faults and prices.")
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME=RATE", help="How often what goes wrong, 0 to 1."
)
@click.option(
    "--tick", "tick_s", default=1.0, show_default=True, metavar="S", help="Seconds between two prices."
)
@common
def serve(invocation: Invocation, port: int, seed: int, faults: tuple[str, ...], tick_s: float) -> None:
    """Serve a paper account with Alpaca's REST and stream on this machine, until Ctrl-C.

    \b
    Faults: rate_limited, rate_limited_bare, server_error, html, empty, truncated,
    unanswered_before, unanswered_after, unknown_field, unknown_status, frame_lost.
    """
    from trueup.service.clock import SystemClock
    from trueup.sim.paper.venue import PER_MINUTE, PaperVenue

    if tick_s <= 0:
        raise InputError("must be above 0", "--tick")
    venue = PaperVenue(seed, follow=SystemClock(), rates=_rates(faults), per_minute=PER_MINUTE)
    asyncio.run(_serve(invocation, venue, port, tick_s))


def _rates(texts: tuple[str, ...]) -> "dict[PaperFault, float]":
    from trueup.sim.paper.faults import PaperFault

    rates: dict[PaperFault, float] = {}
    for text in texts:
        name, _, rate = text.partition("=")
        try:
            rates[PaperFault(name)] = float(rate)
        except ValueError:
            known = ", ".join(PaperFault)
            raise InputError(f"expected NAME=RATE, got {text!r}; known are: {known}", "--fault") from None
        if not 0 <= rates[PaperFault(name)] <= 1:
            raise InputError(f"a rate is from 0 to 1, got {text!r}", "--fault")
    return rates


async def _serve(invocation: Invocation, venue: "PaperVenue", port: int, tick_s: float) -> None:
    from trueup.sim.paper.serve import serving
    from trueup.sim.paper.venue import KEY_ID, SECRET

    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(venue, port, tick_s=tick_s) as url:
        if invocation.json:
            invocation.data({"url": url, "key_id": KEY_ID, "secret_key": SECRET})
        else:
            invocation.line(f"a paper venue like Alpaca's, at {url}, until Ctrl-C")
            invocation.line(f"key id {KEY_ID}, secret key {SECRET}; TradingClient(…, url_override={url!r})")
        await stopped.wait()
