"""`trueup init`: a commented trueup.toml, asked for on a terminal or given by flags. No file is replaced unasked."""

from importlib.metadata import entry_points
from pathlib import Path

import click

from trueup.model.errors import InputError
from trueup.model.harmless import visible
from trueup.surfaces.cli.files import write_whole
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import can_ask, say

DEFAULT_FILE = Path("trueup.toml")
# venue → its credentials, each with the variable in which its users keep it
_CREDENTIALS = {
    "alpaca": {"key_id": "APCA_API_KEY_ID", "secret_key": "APCA_API_SECRET_KEY"},
    "ccxt": {"apiKey": "EXCHANGE_API_KEY", "secret": "EXCHANGE_SECRET"},
}
# venue → its options, as they stand in the file
_OPTIONS = {
    "alpaca": "# The paper account. For the live one: live = true, and TRUEUP_ALLOW_LIVE=true in the environment.\n"
    "options = {{ live = false }}\n",
    "ccxt": "# The sandbox. For real: sandbox = false, live = true, and TRUEUP_ALLOW_LIVE=true in the environment.\n"
    "options = {{ exchange = {exchange}, sandbox = true, live = false }}\n",
    "files": '# The venue part of a snapshot; read anew at every run.\noptions = {{ path = "venue.json" }}\n',
}

_TEMPLATE = """\
# trueup's configuration. `trueup config show` says where each value comes from, `trueup doctor` checks it.
# TRUEUP_DATABASE_PATH, TRUEUP_SERVICE_APPLY … in the environment come before what stands here.

[database]
{database}

[service]
# Dry: breaks are reported and nothing is written to the books. `trueup apply` asks before it writes.
apply = false
# Seconds between two runs.
interval_s = 30
# Who is told of repairs; see docs/how-to/beside-your-bot.md.
# executor = "my_bot.trueup:executor"

# One holding at one venue, under a name of your choice.
[[accounts]]
account_id = {account}
venue = {venue}
{options}{credentials}
# One bot; repeat the block for more.
[[accounts.profiles]]
profile_id = {profile}

[accounts.profiles.policy]
{ownership}
# What your client order ids say: any of the groups profile, trade, action.
# client_order_id_pattern = '^(?P<profile>\\w+)-(?P<trade>\\w+)-(?P<action>entry|exit)'
# Anything else is left alone.
# managed_symbols = ["BTC/USD"]
# A plan with more than this waits for `trueup apply`.
# corrections_max = 1000
# notional_max_usd = "10000"
"""
_FILE = """\
# The books and trueup's journal; made at the first run.
path = {path}"""
_SERVER = """\
# The books and trueup's journal, for any number of machines; `trueup migrate` makes the tables.
url = {url}
# The password is read as psql reads it (PGPASSWORD, ~/.pgpass), or from where this says; it never stands here.
# password = {{ env = "TRUEUP_DB_PASSWORD" }}"""
_OWNED = """\
# The bot's orders begin with it; others are left alone.
owned_client_order_id_prefixes = [{prefix}]"""
_NOT_OWNED = """\
# How the bot's orders begin: say it as soon as anyone else trades in this account; else every order counts as its own.
# owned_client_order_id_prefixes = ["bot1"]"""


@click.command()
@click.option("--venue", metavar="NAME", help="A venue that `trueup doctor` knows.")
@click.option("--exchange", metavar="ID", help="With --venue ccxt: which one, by ccxt's name.")
@click.option("--account", metavar="ID", help="A name for the account.")
@click.option("--profile", metavar="ID", help="A name for the bot.")
@click.option("--prefix", metavar="TEXT", help="What the bot's client order ids begin with.")
@click.option("--database", metavar="PATH", default="trueup.sqlite", show_default=True)
@click.option("--postgres", metavar="URL", help="A PostgreSQL database instead: postgresql://USER@HOST/NAME.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@common
def command(
    invocation: Invocation,
    venue: str | None,
    exchange: str | None,
    account: str | None,
    profile: str | None,
    prefix: str | None,
    database: str,
    postgres: str | None,
    force: bool,
) -> None:
    """Write a commented trueup.toml. Asks for what the flags do not say; the default is dry."""
    path = invocation.config_path or DEFAULT_FILE
    if path.exists() and not force:
        raise InputError("exists already; --force replaces it, --config names another", str(path))
    venues = sorted(point.name for point in entry_points(group="trueup.venues"))
    venue = _answer("Venue", venue, "--venue", venues[0] if venues else None)
    if venue not in venues:
        raise InputError(f"no venue {venue!r} is installed; there are: {', '.join(venues)}", "--venue")
    if venue == "ccxt":
        exchange = _answer("Exchange (ccxt's name)", exchange, "--exchange", None)
    text = render(
        venue=venue,
        exchange=exchange or "",
        account=_answer("Account (a name of your choice)", account, "--account", f"{exchange or venue}-1"),
        profile=_answer("Profile (a name for the bot)", profile, "--profile", "bot1"),
        prefix=_answer("Client order ids begin with (empty: unknown)", prefix, "--prefix", ""),
        database=_FILE.format(path=_quoted(database)) if postgres is None else _server(postgres),
    )
    _write(path, text, force=force)
    if invocation.json:
        invocation.data({"path": str(path)})
    else:
        say(f"wrote {path}; next: trueup {'doctor' if postgres is None else 'migrate'}")


def render(*, venue: str, exchange: str, account: str, profile: str, prefix: str, database: str) -> str:
    """The configuration's text; every value is quoted as TOML wants it. `database`: the lines of its section."""
    lines = [f'{name} = {{ env = "{variable}" }}' for name, variable in _CREDENTIALS.get(venue, {}).items()]
    credentials = [
        "",
        "# Where secrets are read from; they never stand here.",
        "[accounts.credentials]",
        *lines,
        "",
    ]
    return _TEMPLATE.format(
        database=database,
        account=_quoted(account),
        venue=_quoted(venue),
        profile=_quoted(profile),
        options=_OPTIONS.get(venue, "").format(exchange=_quoted(exchange)),
        credentials="\n".join(credentials) if lines else "",
        ownership=_OWNED.format(prefix=_quoted(prefix)) if prefix else _NOT_OWNED,
    )


def _server(url: str) -> str:
    from trueup.service.config import has_password

    if not url.startswith(("postgresql://", "postgres://")):
        raise InputError("expected postgresql://USER@HOST/NAME", "--postgres")
    if has_password(url):
        raise InputError("leave the password out: it never stands in the file", "--postgres")
    return _SERVER.format(url=_quoted(url))


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of it."""
    import json

    return json.dumps(text)


def _answer(question: str, given: str | None, flag: str, default: str | None) -> str:
    """The flag's value, else a person's. Without a person only an empty default is taken: names are not guessed."""
    if given is not None:
        return given
    if can_ask():
        return str(click.prompt(visible(question), default=default, err=True, type=str))
    if default == "":
        return default
    raise InputError(f"nobody can be asked without a terminal; say {flag}", flag)


def _write(path: Path, text: str, *, force: bool) -> None:
    if force:
        write_whole(path, text.encode())
        return
    with path.open("x", encoding="utf-8") as file:  # whoever made one meanwhile keeps it
        file.write(text)
