"""`trueup version`: what a bug report must name."""

import platform
from importlib.metadata import version

import click

from trueup import __version__
from trueup.surfaces.cli.invocation import Invocation, common

_LIBRARIES = ("apsw", "msgspec", "click", "rich", "aiohttp")


@click.command()
@common
def command(invocation: Invocation) -> None:
    """Show the versions of trueup, Python and the libraries that matter."""
    versions = {"trueup": __version__, "python": platform.python_version(), "platform": platform.platform()}
    versions |= {name: version(name) for name in _LIBRARIES}
    if invocation.json:
        invocation.data(versions)
        return
    for name, text in versions.items():
        invocation.line(f"{name:10} {text}")
