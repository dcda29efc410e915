"""`trueup connect`: looks where a bot keeps its orders, shows what it understood, and writes trueup.toml. Reads only.

Asks on a terminal for what it cannot tell; without one it names the flag that answers. Nothing is guessed that matters:
a status word without a meaning, rows that cannot be what they seem.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from trueup.model.errors import InputError
from trueup.model.harmless import visible
from trueup.surfaces.cli.connect_show import show
from trueup.surfaces.cli.connect_venue import VenueChoice, choose_venue
from trueup.surfaces.cli.files import write_whole
from trueup.surfaces.cli.init import DEFAULT_FILE
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import can_ask, confirm, counted, say

if TYPE_CHECKING:
    from trueup.service.connect.find_tables import Said
    from trueup.service.connect.found import Found

_PLACES = (
    "A bot keeps its orders in",
    "  freqtrade: its config.json or its user_data folder",
    "  Hummingbot: its folder, or a database in its data folder",
    "  tables of its own: a SQLite file, a database's URL, or env:VARIABLE that holds one",
    "  nothing yet: press Enter",
)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("where", required=False)
@click.option(
    "--table", "table_name", metavar="NAME", help="The table or view of orders, where several could be it."
)
@click.option("--map", "maps", multiple=True, metavar="MEANING=COLUMN",
              help="Say what a column means, e.g. venue_order_id=exch_id; empty: none does.")  # fmt: skip
@click.option("--word", "words", multiple=True, metavar="MEANING.WORD=OURS",
              help="Say what a word means, e.g. status.DONE=filled.")  # fmt: skip
@click.option("--time", "times", multiple=True, metavar="MEANING=RULE",
              help="s, ms, us, ns, or a time zone; MEANING may be default.")  # fmt: skip
@click.option("--only", multiple=True, metavar="COLUMN=VALUE", help="Only rows with this value.")
@click.option(
    "--key",
    "key",
    multiple=True,
    metavar="COLUMN",
    help="Names a row, of a view or a table without a primary key.",
)
@click.option("--venue", metavar="NAME", help="A venue that `trueup doctor` knows.")
@click.option("--exchange", metavar="ID", help="With --venue ccxt: which one, by ccxt's name.")
@click.option("--account", metavar="ID", help="A name for the account.")
@click.option("--profile", metavar="ID", help="A name for the bot.")
@click.option("--venue-orders", type=_FILE, help="No keys at hand: the venue's orders as it exports them.")
@click.option("--venue-fills", type=_FILE, help="The venue's fills, exported.")
@click.option("--venue-positions", type=_FILE, help="The venue's positions, exported.")
@click.option("--accept-implausible", is_flag=True, help="Write the file although the rows look wrong.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@common
def command(invocation: Invocation, where: str | None, force: bool, **options: Any) -> int:
    """Find a bot's own books and write a trueup.toml for them.

    WHERE is freqtrade's config.json or user_data, a Hummingbot folder, a database's file or URL, or env:VARIABLE that
    holds a URL. Nothing is written but the configuration.
    """
    from trueup.service.connect.recognise import recognise

    path = invocation.config_path or DEFAULT_FILE
    if path.exists() and not force:
        raise InputError("exists already; --force replaces it, --config names another", str(path))
    folder = path.resolve().parent
    if not os.access(folder, os.W_OK):
        raise InputError("nothing can be written there; --config FILE names another place", str(folder))
    where = where if where is not None else _ask_where()
    if not where.strip():
        say("nowhere yet: record orders with trueup.Recorder (docs/how-to/recorder.md); next: trueup init")
        return 0
    said = _said(options)
    found = recognise(where, folder, said, os.environ)
    found = _with_asked_words(invocation, found, where, folder, said)
    if not invocation.json:
        show(invocation, found)
    accepted = bool(options["accept_implausible"])
    _check(found, found.faults, accepted=accepted)
    venue = choose_venue(found, options, folder)
    _check_beside(found, venue, accepted=accepted)
    text = _text(found, venue, options["profile"] or found.profile_id or "bot1", accepted=accepted)
    write_whole(path, text.encode())
    _say_next(invocation, path, found, venue.account)
    return 0


def _ask_where() -> str:
    if not can_ask():
        raise InputError(
            "nobody can be asked without a terminal; name the place: trueup connect WHERE", "WHERE"
        )
    for line in _PLACES:
        say(line)
    return str(click.prompt("Where does the bot keep its orders?", default="", err=True, show_default=False))


def _said(options: dict[str, Any]) -> "Said":
    from trueup.service.connect.find_tables import Said

    words: dict[str, dict[str, str]] = {}
    for text in options["words"]:
        target, equals, ours = text.partition("=")
        meaning, point, word = target.partition(".")
        if not equals or not point or not word:
            raise InputError("expected MEANING.WORD=OURS, such as status.DONE=filled", f"--word {text}")
        words.setdefault(meaning, {})[word] = ours
    return Said(
        table=options["table_name"],
        key=options["key"],
        profile=options["profile"],
        columns=_pairs("--map", options["maps"]),
        words=words,
        times=_pairs("--time", options["times"]),
        only=_pairs("--only", options["only"]),
    )


def _pairs(flag: str, texts: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError("expected NAME=VALUE", f"{flag} {text}")
        pairs[name] = value
    return pairs


# -- what it cannot tell ----------------------------------------------------------------------------------------------


def _with_asked_words(
    invocation: Invocation, found: "Found", where: str, folder: Path, said: "Said"
) -> "Found":
    """Shows what is known, asks for the meaning of each status word that has none, and looks again."""
    from msgspec.structs import replace

    from trueup.books.tables.words import CLOSED, OPEN
    from trueup.model.vocabulary import Status
    from trueup.service.connect.find_tables import unknown_words
    from trueup.service.connect.recognise import recognise

    unknown = unknown_words(found)
    if not unknown:
        return found
    if not invocation.json:
        show(invocation, found)
    flags = " ".join(f"--word status.{one.said}=…" for one in unknown[:5])
    if not can_ask():
        raise InputError(
            f"status words that nobody knows: {', '.join(repr(one.said) for one in unknown)}; say {flags}",
            "status",
        )
    choice = click.Choice(
        [*(one.value for one in Status), OPEN, CLOSED]
    )  # of an enumeration click takes the names
    say("live: open, or pending_new, partially_filled, pending_cancel, pending_replace, suspended;")
    say(
        "ended: closed, or filled, canceled, expired, rejected, replaced (open and closed are read with the quantities)"
    )
    status = dict(said.words.get("status", {}))
    for one in unknown:
        question = f"What does the status {visible(one.said)} mean ({counted(one.count, 'row')})?"
        status[one.said] = click.prompt(question, type=choice, show_choices=False, err=True)
    again = replace(said, words={**said.words, "status": status})
    return recognise(where, folder, again, os.environ)


def _check(found: "Found", faults: Sequence[str], *, accepted: bool) -> None:
    _refuse(found, faults, accepted=accepted)
    if can_ask() and not confirm("Is that how the rows are meant?", flag="by running it without a terminal"):
        raise InputError("say what is meant with --table, --map, --word, --time, --only", found.what)


def _check_beside(found: "Found", venue: VenueChoice, *, accepted: bool) -> None:
    """Beside the venue's exports, where there are some."""
    from trueup.service.connect.venue_files import faults_beside, unproven_beside

    if venue.export is not None:
        _refuse(found, faults_beside(venue.export, found.rows), accepted=accepted)
    unproven = unproven_beside(venue.export, found.rows, found.status_words)
    if unproven:
        say(
            f"status words that no order of the venue confirms yet: {', '.join(map(visible, unproven))}; trueup doctor "
            "looks at its open orders"
        )


def _refuse(found: "Found", faults: Sequence[str], *, accepted: bool) -> None:
    for fault in faults:
        say(f"this cannot be right: {fault}")
    if faults and not accepted:
        raise InputError(
            "the rows cannot be what they seem: say what they are with --map, --word, --time or --only, or "
            "--accept-implausible where they really are so",
            found.what,
        )


def _text(found: "Found", venue: VenueChoice, profile_id: str, *, accepted: bool) -> str:
    from trueup.service.connect.render import render

    books = found.books
    if accepted and books["kind"] == "tables":
        books = books | {"options": {"accept_implausible": True}}
    return render(
        what=found.what,
        name=found.name,
        books=books,
        account=venue.account,
        credentials=venue.credentials,
        profile_id=profile_id,
        policy=venue.policy,
    )


def _say_next(invocation: Invocation, path: Path, found: "Found", account: dict[str, Any]) -> None:
    live = "--live " if account["options"].get("live") else ""
    if invocation.json:
        invocation.data(
            {
                "path": str(path),
                "what": found.what,
                "books": found.books,
                "words": found.words,
                "ignored": list(found.ignored),
                "notes": list(found.notes),
                "faults": list(found.faults),
            }
        )
    else:
        say(f"wrote {path}; next: trueup {live}plan")
