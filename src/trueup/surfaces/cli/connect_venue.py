"""Which venue the books that `trueup connect` found are of: from the books, a flag, an export, or a person's answer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct

from trueup.model.errors import InputError
from trueup.surfaces.cli.terminal import can_ask, say

if TYPE_CHECKING:
    from trueup.service.connect.found import Found

EXPORT_FILE = "venue.json"
VENUES = ("alpaca", "ccxt", "files")  # those that come with it; `doctor` names others that are installed


class VenueChoice(Struct, frozen=True, kw_only=True):
    """`[[accounts]]` with its credentials, and what the profile's policy has to say of it.

    `export`: the file that the venue `files` reads, where it was made of a person's exports just now.
    """

    account: dict[str, Any]
    credentials: dict[str, Any] = {}
    policy: dict[str, Any] = {}
    export: Path | None = None


def choose_venue(found: "Found", options: dict[str, Any], folder: Path) -> VenueChoice:
    """Asks where neither the books nor a flag say it. Writes exports as the file that the venue `files` reads."""
    options = _with_asked_export(found, options)
    if options["venue_orders"] is not None:
        name = _write_export(options, folder)
        account_id = options["account"] or f"{found.venue_options.get('exchange', 'venue')}-1"
        account = {"account_id": account_id, "venue": "files", "options": {"path": name}}
        return VenueChoice(account=account, export=folder / name)
    venue = options["venue"] or found.venue or _answered(f"Venue ({', '.join(VENUES)})", "--venue", VENUES)
    venue_options = dict(found.venue_options) if venue == found.venue else {}
    if venue == "ccxt":
        exchange = (
            options["exchange"]
            or venue_options.get("exchange")
            or _answered("Exchange (ccxt's name, such as binance)", "--exchange")
        )
        venue_options = {**(venue_options or {"live": True}), "exchange": exchange}
    elif venue == "alpaca":
        venue_options = {"live": False}
    elif venue == "files":
        venue_options = {"path": EXPORT_FILE}
    account_id = options["account"] or f"{venue_options.get('exchange', venue)}-1"
    account = {"account_id": account_id, "venue": venue, "options": venue_options}
    policy = {"managed_symbols": list(found.symbols)} if found.symbols and venue == "ccxt" else {}
    credentials = dict(found.credentials) or _usual_credentials(venue)
    return VenueChoice(account=account, credentials={} if venue == "files" else credentials, policy=policy)


def _usual_credentials(venue: str) -> dict[str, Any]:
    from trueup.surfaces.cli.init import _CREDENTIALS

    return {name: {"env": variable} for name, variable in _CREDENTIALS.get(venue, {}).items()}


def _with_asked_export(found: "Found", options: dict[str, Any]) -> dict[str, Any]:
    """A person who chooses `files` has the venue's orders somewhere, as it exports them."""
    if options["venue_orders"] is not None or options["venue"] or found.venue or not can_ask():
        return options
    venue = _answered(f"Venue ({', '.join(VENUES)})", "--venue", VENUES)
    if venue != "files":
        return options | {"venue": venue}
    question = f"The venue's orders as it exports them (a file; empty: a job of yours writes {EXPORT_FILE})"
    kind = click.Path(path_type=Path, exists=True, dir_okay=False)
    said = click.prompt(
        question, default="", err=True, show_default=False, value_proc=lambda one: one and kind(one)
    )
    return options | {"venue": venue, "venue_orders": said or None}


def _answered(question: str, flag: str, choices: Sequence[str] = ()) -> str:
    if not can_ask():
        more = f" {' | '.join(choices)}" if choices else ""
        raise InputError(f"nobody can be asked without a terminal; say {flag}{more}", flag)
    if choices:
        return str(click.prompt(question, type=click.Choice(choices), show_choices=False, err=True))
    return str(click.prompt(question, err=True, type=str))


def _write_export(options: dict[str, Any], folder: Path) -> str:
    """The venue's exports as the file that the venue `files` reads."""
    from trueup.service.connect.venue_files import write_venue_file

    files = {
        "venue": options["venue_orders"],
        "fills": options["venue_fills"],
        "positions": options["venue_positions"],
    }
    notes = write_venue_file(
        folder / EXPORT_FILE, {name: one for name, one in files.items() if one is not None}
    )
    for note in notes:
        say(f"note: {note}")
    if options["venue_positions"] is None:
        say("note: without --venue-positions nothing is said about what is held")
    return EXPORT_FILE
