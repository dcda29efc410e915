"""Who acts, and over which books: what the commands of a person share. Decides only whose name is kept."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.configured import check_profile, load, open_books
from trueup.surfaces.cli.invocation import Invocation

if TYPE_CHECKING:
    from trueup.ports.ledger import Ledger


def signed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--why`, `--author` and `--profile`."""
    function = click.option("--profile", metavar="ID", help="Where several profiles know it.")(function)
    function = click.option(
        "--author", metavar="NAME", help="Who decides (default: service.author, else the system's user)."
    )(function)
    return click.option("--why", required=True, metavar="TEXT", help="Kept with it, for good.")(function)


@contextmanager
def signed_books(
    invocation: Invocation, author: str | None, why: str, profile: str | None
) -> "Iterator[tuple[Ledger, str, bool]]":
    """The books, the author's name, and whether the bot has an executor that can be told. Raises InputError."""
    if not why.strip():
        raise InputError("say in a few words why: it is kept with the decision", "--why")
    service = load(invocation).config.service
    with open_books(invocation) as books:
        check_profile(books, profile)
        yield books, author or service.author or _system_user(), service.executor is not None


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError) as fault:  # a container's user may have no name
        raise InputError("this system's user has no name: say --author NAME", "--author") from fault
