"""`trueup config show`: every setting, its value and where it comes from. Secrets are masked by the service."""

import json

import click

from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import styled, table


@click.group()
def command() -> None:
    """Show every setting and where it comes from."""


@command.command(short_help="Show what is set, and what set it.")
@click.option("--all", "show_all", is_flag=True, help="Also what is left at its default.")
@common
def show(invocation: Invocation, show_all: bool) -> None:
    """Show what is set, its value, and the file, variable or flag it comes from."""
    from trueup.service.explain_config import DEFAULT, explain_config
    from trueup.surfaces.cli.configured import load

    loaded = load(invocation)
    values = explain_config(loaded)
    if invocation.json:
        invocation.data({"path": loaded.path, "values": values})
        return
    shown = [value for value in values if show_all or value.source != DEFAULT]
    rows = [
        (
            value.key,
            json.dumps(value.value),
            "the file"
            if value.source == loaded.path
            else styled(value.source, "dim" if value.source == DEFAULT else ""),
        )
        for value in shown
    ]
    invocation.show(table(f"Configuration {loaded.path}", ("key", "value", "from"), rows, rows_max=None))
    if len(shown) < len(values):
        invocation.line(f"{len(values) - len(shown)} more at their defaults: trueup config show --all", "dim")
