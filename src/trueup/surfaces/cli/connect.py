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
from trueup.surfaces.cli.files import write_whole
from trueup.surfaces.cli.init import DEFAULT_FILE
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import can_ask, confirm, counted, say, table

if TYPE_CHECKING:
    from trueup.ports.foreign_books import ForeignRow
    from trueup.service.connect.find_tables import Said
    from trueup.service.connect.found import Found

ROWS_SHOWN = 3
WORDS_SHOWN = 40
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
    where = where if where is not None else _ask_where()
    if not where.strip():
        say("nowhere yet: record orders with trueup.Recorder (docs/how-to/recorder.md); next: trueup init")
        return 0
    folder = path.resolve().parent
    said = _said(options)
    found = recognise(where, folder, said, os.environ)
    found = _with_asked_words(found, where, folder, said)
    if not invocation.json:
        _show(invocation, found)
    _check(found, accepted=bool(options["accept_implausible"]))
    account, venue_options = _account(found, options, folder)
    text = _text(found, account, options["profile"] or found.profile_id or "bot1", venue_options)
    write_whole(path, text.encode())
    _say_next(invocation, path, found, account)
    return 0


def _ask_where() -> str:
    if not can_ask():
        raise InputError(
            "nobody can be asked without a terminal; name the place: trueup connect WHERE", "WHERE"
        )
    question = (
        "Where does the bot keep its orders? (freqtrade's config.json or user_data, a Hummingbot folder, a database's "
        "file or URL, env:VARIABLE; empty: nowhere yet)"
    )
    return str(click.prompt(question, default="", err=True, show_default=False))


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


def _with_asked_words(found: "Found", where: str, folder: Path, said: "Said") -> "Found":
    """Asks for the meaning of each status word that has none, and looks again."""
    from msgspec.structs import replace

    from trueup.books.tables.words import CLOSED, OPEN
    from trueup.model.vocabulary import Status
    from trueup.service.connect.find_tables import unknown_words
    from trueup.service.connect.recognise import recognise

    unknown = unknown_words(found)
    if not unknown:
        return found
    flags = " ".join(f"--word status.{one.said}=…" for one in unknown[:5])
    if not can_ask():
        raise InputError(
            f"status words that nobody knows: {', '.join(repr(one.said) for one in unknown)}; say {flags}",
            "status",
        )
    choice = click.Choice(
        [*(one.value for one in Status), OPEN, CLOSED]
    )  # of an enumeration click takes the names
    status = dict(said.words.get("status", {}))
    for one in unknown:
        question = f"What does the status {visible(one.said)} mean ({counted(one.count, 'row')})?"
        status[one.said] = click.prompt(question, type=choice, err=True)
    again = replace(said, words={**said.words, "status": status})
    return recognise(where, folder, again, os.environ)


def _check(found: "Found", *, accepted: bool) -> None:
    for fault in found.faults:
        say(f"this cannot be right: {fault}")
    if found.faults and not accepted:
        raise InputError(
            "the rows cannot be what they seem: say what they are with --map, --word, --time or --only, or "
            "--accept-implausible where they really are so",
            found.what,
        )
    if can_ask() and not confirm("Is that how the rows are meant?", flag="by running it without a terminal"):
        raise InputError("say what is meant with --table, --map, --word, --time, --only", found.what)


def _account(found: "Found", options: dict[str, Any], folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """`[[accounts]]`, and the venue's credentials."""
    if options["venue_orders"] is not None:
        name = _write_export(options, folder)
        account_id = options["account"] or f"{found.venue_options.get('exchange', 'venue')}-1"
        return {"account_id": account_id, "venue": "files", "options": {"path": name}}, {}
    venue = options["venue"] or found.venue or _answered("Venue (alpaca, ccxt, files)", "--venue")
    venue_options = dict(found.venue_options) if venue == found.venue else {}
    if venue == "ccxt":
        exchange = (
            options["exchange"]
            or venue_options.get("exchange")
            or _answered("Exchange (ccxt's name)", "--exchange")
        )
        venue_options = {**(venue_options or {"live": True}), "exchange": exchange}
    elif venue == "alpaca":
        venue_options = {"live": False}
    elif venue == "files":
        venue_options = {"path": "venue.json"}
    account_id = options["account"] or f"{venue_options.get('exchange', venue)}-1"
    account = {"account_id": account_id, "venue": venue, "options": venue_options}
    return account, dict(found.credentials) or _usual_credentials(venue)


def _usual_credentials(venue: str) -> dict[str, Any]:
    from trueup.surfaces.cli.init import _CREDENTIALS

    return {name: {"env": variable} for name, variable in _CREDENTIALS.get(venue, {}).items()}


def _answered(question: str, flag: str) -> str:
    if not can_ask():
        raise InputError(f"nobody can be asked without a terminal; say {flag}", flag)
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
        folder / "venue.json", {name: one for name, one in files.items() if one is not None}
    )
    for note in notes:
        say(f"note: {note}")
    return "venue.json"


def _text(found: "Found", account: dict[str, Any], profile_id: str, credentials: dict[str, Any]) -> str:
    from trueup.service.connect.render import render

    policy = {"managed_symbols": list(found.symbols)} if found.symbols and account["venue"] == "ccxt" else {}
    return render(
        what=found.what,
        name=found.name,
        books=found.books,
        account=account,
        credentials=credentials,
        profile_id=profile_id,
        policy=policy,
    )


# -- what it shows ----------------------------------------------------------------------------------------------------


def _show(invocation: Invocation, found: "Found") -> None:
    from rich.console import Group

    parts: list[Any] = [f"found: {visible(found.what)}, {counted(len(found.rows), 'order')} looked at"]
    if found.rows:
        rows = [_row(one) for one in found.rows[:ROWS_SHOWN]]
        names = (
            "row",
            "venue's id",
            "bot's id",
            "symbol",
            "side",
            "action",
            ">filled",
            ">of",
            ">at",
            "status",
            "sent",
        )
        parts += [
            "",
            table(f"{min(len(found.rows), ROWS_SHOWN)} orders as trueup understands them", names, rows),
        ]
    if found.words:
        words = [
            (one.meaning, one.said, one.count, one.ours or "nobody knows: left out")
            for one in found.words[:WORDS_SHOWN]
        ]
        parts += ["", table("Words, and what they mean", ("column", "word", ">rows", "means"), words)]
    if found.ignored:
        parts += ["", f"left out: {visible(', '.join(found.ignored))}"]
    invocation.show(Group(*parts))
    for note in found.notes:
        say(f"note: {note}")


def _row(row: "ForeignRow") -> tuple[object, ...]:
    order = row.order
    return (
        row.key,
        order.venue_order_id,
        order.client_order_id,
        order.symbol,
        order.side,
        order.action,
        order.filled_qty,
        order.qty,
        order.filled_avg_price or order.limit_price,
        order.status,
        order.submitted_at,
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
