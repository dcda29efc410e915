"""`trueup account`: the accounts of the fleet's roster, in the database instead of a configuration file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.model.errors import InputError
from trueup.surfaces.cli.configured import load, open_books
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import counted

if TYPE_CHECKING:
    from trueup.service.config import AccountConfig

NAME_OF_SECRET = ("env", "file", "json")


@click.group()
def command() -> None:
    """Put accounts into the database, from a file or one by one, for the workers of a fleet."""


@command.command(short_help="Add accounts, or change their settings.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--account", "account_id", metavar="ID", help="One account, without a file.")
@click.option("--venue", metavar="NAME", help="Its venue.")
@click.option("--profile", "profile_id", metavar="ID", help="Its profile.")
@click.option("--prefix", metavar="TEXT", help="What the client order ids of the profile begin with.")
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE", help="An option of the venue.")
@click.option(
    "--secret", "secrets", multiple=True, metavar="NAME=env:VAR|file:PATH", help="Where a secret is read."
)
@common
def add(
    invocation: Invocation,
    files: Sequence[Path],
    account_id: str | None,
    venue: str | None,
    profile_id: str | None,
    prefix: str | None,
    options: Sequence[str],
    secrets: Sequence[str],
) -> None:
    """Add the accounts of FILES (.jsonl, .json, .csv, .toml), or the one that options name.

    One that is known gets the settings that stand here.
    """
    from trueup.service.fleet.account_files import read_accounts
    from trueup.service.fleet.change_roster import put_accounts
    from trueup.service.registry import VENUES, load_entry

    named = (account_id, venue, profile_id)
    if bool(files) == any(named) or (any(named) and not all(named)):
        raise click.UsageError("give FILES, or --account, --venue and --profile")
    if files:
        accounts = [account for file in files for account in read_accounts(file)]
    else:
        accounts = [_account(account_id, venue, profile_id, prefix, options, secrets)]
    for venue in dict.fromkeys(one.venue for one in accounts):
        load_entry(VENUES, venue)  # an account keeps the venue that it was recorded at, and so a typo
    config = load(invocation).config
    with open_books(invocation) as books:
        done = put_accounts(books, config, accounts)
    if invocation.json:
        invocation.data(done)
        return
    invocation.line(
        f"added {counted(done.added, 'account')}, {done.known} were known; {counted(done.profiles, 'profile')}"
    )
    if done.added:
        invocation.line("next: trueup fleet rebalance", "dim")


@command.command()
@click.argument("account_ids", nargs=-1, required=True, metavar="ACCOUNT…")
@common
def remove(invocation: Invocation, account_ids: Sequence[str]) -> None:
    """Take accounts out: no worker runs them any more. Their books and journal stay."""
    from trueup.service.fleet.change_roster import remove_accounts

    with open_books(invocation) as books:
        removed = remove_accounts(books, account_ids)
    if invocation.json:
        invocation.data({"removed": removed})
        return
    invocation.line(f"removed {counted(removed, 'account')}; next: trueup fleet rebalance")


@command.command("list")
@common
def list_command(invocation: Invocation) -> None:
    """Show the accounts, their profiles and shards."""
    from trueup.surfaces.cli.terminal import table

    with open_books(invocation) as books:
        sizes = books.roster.sizes()
        if invocation.json:
            for one in books.roster.accounts():
                invocation.json_text(
                    f'{{"account_id":{_text(one.account_id)},"shard":{one.shard},"version":{one.version},'
                    f'"settings":{one.settings}}}'.encode()
                )
            return
    if not sizes:
        invocation.line("the roster is empty; next: trueup account add FILE")
        return
    rows = [(one.account_id, one.profiles, one.shard) for one in sizes]
    invocation.show(table("Accounts", ("account", ">profiles", ">shard"), rows))


def _text(value: str) -> str:
    import msgspec

    return msgspec.json.encode(value).decode()


def _account(
    account_id: str | None,
    venue: str | None,
    profile_id: str | None,
    prefix: str | None,
    options: Sequence[str],
    secrets: Sequence[str],
) -> "AccountConfig":
    import msgspec

    from trueup.service.config import AccountConfig

    policy = {"owned_client_order_id_prefixes": [prefix]} if prefix is not None else {}
    tree = {
        "account_id": account_id,
        "venue": venue,
        "options": dict(_pair(one, "--option") for one in options),
        "credentials": {name: _source(value) for name, value in (_pair(one, "--secret") for one in secrets)},
        "profiles": [{"profile_id": profile_id, "policy": policy}],
    }
    try:
        return msgspec.convert(tree, AccountConfig)
    except msgspec.ValidationError as error:
        raise InputError(str(error), "--account") from error


def _pair(text: str, flag: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name:
        raise InputError(f"expected NAME=VALUE, got {text!r}", flag)
    return name, value


def _source(text: str) -> dict[str, str]:
    kind, found, place = text.partition(":")
    if not found or kind not in NAME_OF_SECRET or not place:
        raise InputError("expected env:VARIABLE or file:PATH; a secret is never given itself", "--secret")
    return {kind: place}
