"""`trueup alerts`: what people are told and whether it reached them; and a try of every way to them."""

import asyncio
import os
from typing import TYPE_CHECKING

import click

from trueup.model.errors import ConfigError
from trueup.surfaces.cli.configured import load, open_books
from trueup.surfaces.cli.exit_codes import FAILURE, IN_SYNC
from trueup.surfaces.cli.invocation import Invocation, common

if TYPE_CHECKING:
    from trueup.model.alert_message import AlertMessage
    from trueup.ports.notifier import Notifier
    from trueup.ports.records import DeliveryRecord
    from trueup.service.load_config import LoadedConfig

ROWS_MAX = 100


@click.group()
def command() -> None:
    """Show what people are told, and try whether it reaches them."""


@command.command("list", short_help="Show what waits to be told, and what was given up.")
@click.option("--all", "show_all", is_flag=True, help="Also what was told.")
@common
def list_command(invocation: Invocation, show_all: bool) -> None:
    """Show what waits to be told, and what was given up, newest first."""
    with open_books(invocation) as books:
        records = books.journal.list_deliveries(open_only=not show_all, limit=ROWS_MAX)
    if invocation.json:
        for one in records:
            invocation.data(one)
    elif not records:
        invocation.line(
            "nobody was told anything yet" if show_all else "people were told everything", "green"
        )
    else:
        from trueup.surfaces.cli.terminal import severity, table

        rows = [(severity(one.message.severity), *_row(one)) for one in records]
        columns = ("severity", "to", "what", "kind", "committed", ">attempts", "state", "error")
        invocation.show(table("Told to people, times in UTC", columns, rows))


def _row(one: "DeliveryRecord") -> tuple[object, ...]:
    from trueup.service.views.texts import brief_time

    waits = f"not before {brief_time(one.not_before)[5:16]}" if one.not_before > one.committed_at else "waits"
    state = {"told": "told", "refused": "given up", "withdrawn": "over untold"}.get(one.outcome or "", waits)
    message = one.message
    at = brief_time(one.committed_at)[5:16]
    return one.notifier, message.title, message.kind, at, one.attempts, state, one.error


@command.command()
@click.option("--to", "names", multiple=True, metavar="NAME", help="Only this notifier (repeatable).")
@common
def test(invocation: Invocation, names: tuple[str, ...]) -> int:
    """Send one alert of each severity, and its end, to every notifier; say what answered.

    Quiet hours, routing and the journal have no part in it. Exit code 1 where one did not take it.
    """
    loaded = load(invocation)
    known = loaded.config.alerts.to
    if not known:
        raise ConfigError(f"{loaded.path} names nobody to tell: see docs/how-to/alerts.md, [alerts.to.NAME]")
    unknown = [one for one in names if one not in known]
    if unknown:
        raise ConfigError(f"[alerts.to] has no {unknown[0]!r}; there are: {', '.join(known)}")
    answers = asyncio.run(_try_all(loaded, names or tuple(known)))
    if invocation.json:
        for name, what, fault in answers:
            invocation.data({"notifier": name, "message": what, "taken": fault is None, "error": fault})
    else:
        from trueup.surfaces.cli.terminal import styled, table

        rows = [
            (name, what, styled("taken", "green") if fault is None else styled(fault, "red"))
            for name, what, fault in answers
        ]
        invocation.show(table("What answered", ("to", "message", "answer"), rows))
    return FAILURE if any(fault is not None for *_, fault in answers) else IN_SYNC


async def _try_all(loaded: "LoadedConfig", names: tuple[str, ...]) -> list[tuple[str, str, str | None]]:
    from trueup.service.alerts.open_alerts import open_notifiers
    from trueup.service.alerts.try_messages import try_messages
    from trueup.service.clock import SystemClock

    clock = SystemClock()
    notifiers = open_notifiers(loaded, clock, os.environ)
    link, timeout_s = loaded.config.alerts.link, loaded.config.alerts.timeout_s
    answers = []
    try:
        for name in names:
            for message in try_messages(name, clock.now_ns(), link):
                fault = await _try(notifiers[name], message, timeout_s)
                answers.append((name, f"{message.severity} ({message.kind})", fault))
    finally:
        for one in notifiers.values():
            await one.aclose()
    return answers


async def _try(notifier: "Notifier", message: "AlertMessage", timeout_s: float) -> str | None:
    """What went wrong, if anything."""
    try:
        async with asyncio.timeout(timeout_s):
            await notifier.tell([message])
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except Exception as error:  # noqa: BLE001 - a notifier may be somebody else's; what it says is the answer
        return str(error) or type(error).__name__
    return None
