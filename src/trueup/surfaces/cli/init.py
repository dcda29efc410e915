"""`trueup init`: a commented trueup.toml, asked for on a terminal or given by flags. No file is replaced unasked."""

import difflib
import re
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.model.errors import ConfigError, InputError, TrueupError
from trueup.model.harmless import visible
from trueup.surfaces.cli.configured import load
from trueup.surfaces.cli.database_option import checked_server
from trueup.surfaces.cli.files import write_whole
from trueup.surfaces.cli.invocation import Invocation, common
from trueup.surfaces.cli.terminal import can_ask, confirm, say, table

if TYPE_CHECKING:
    from trueup.surfaces.cli.baseline import Holding
    from trueup.venues.ccxt.exchange_facts import ExchangeFacts

DEFAULT_FILE = Path("trueup.toml")
EXCHANGE_ATTEMPTS_MAX = 3  # of a person who is asked for an exchange's name
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
{symbols}
# What you hold besides the bots, signed; `trueup init --baseline` shows what no trade explains.
{baseline}
# A plan with more than this waits for `trueup apply`.
# corrections_max = 1000
# notional_max_usd = "10000"
"""
_NO_BASELINE = '# position_baseline = { "BTC/USD" = "0.5" }'
_FILE = """\
# The books and trueup's journal; made at the first run.
path = {path}"""
_SERVER = """\
# The books and trueup's journal, for any number of machines; `trueup migrate` makes the tables.
url = {url}
# The password is read as psql reads it (PGPASSWORD, ~/.pgpass), or from where this says; it never stands here.
# password = {{ env = "TRUEUP_DB_PASSWORD" }}"""
_NO_SANDBOX = (
    "# The exchange has no sandbox that ccxt knows: this is real. It wants TRUEUP_ALLOW_LIVE=true in the environment.\n"
    "options = {{ exchange = {exchange}, live = true }}\n"
)
_MANAGED = """\
# Anything else is left alone.
managed_symbols = [{symbols}]"""
_NOT_MANAGED = """\
# Anything else is left alone. An exchange that trades several kinds of market, or is asked symbol by symbol, wants it.
# managed_symbols = ["BTC/USD"]"""
_OWNED = """\
# The bot's orders begin with it; others are left alone.
owned_client_order_id_prefixes = [{prefix}]"""
_NOT_OWNED = """\
# How the bot's orders begin: say it as soon as anyone else trades in this account; else every order counts as its own.
# owned_client_order_id_prefixes = ["bot1"]"""


@click.command()
@click.option("--venue", metavar="NAME", help="A venue that `trueup doctor` knows.")
@click.option("--exchange", metavar="ID", help="With --venue ccxt: which one, by ccxt's name.")
@click.option("--symbol", "symbols", multiple=True, metavar="SYMBOL",
              help="With --venue ccxt: what the bot trades, such as BTC/USDT (repeatable).")  # fmt: skip
@click.option("--account", metavar="ID", help="A name for the account.")
@click.option("--profile", metavar="ID", help="A name for the bot.")
@click.option("--prefix", metavar="TEXT", help="What the bot's client order ids begin with.")
@click.option("--database", metavar="PATH", default="trueup.sqlite", show_default=True)
@click.option("--postgres", metavar="URL", help="A PostgreSQL database instead: postgresql://USER@HOST/NAME.")
@click.option(
    "--baseline/--no-baseline",
    default=None,
    help="Read the positions, and write what no trade explains as position_baseline; where the file exists, "
    "only show it.",
)
@click.option("--force", is_flag=True, help="Replace an existing file.")
@common
def command(
    invocation: Invocation,
    venue: str | None,
    exchange: str | None,
    symbols: tuple[str, ...],
    account: str | None,
    profile: str | None,
    prefix: str | None,
    database: str,
    postgres: str | None,
    baseline: bool | None,
    force: bool,
) -> None:
    """Write a commented trueup.toml. Asks for what the flags do not say; the default is dry."""
    path = invocation.config_path or DEFAULT_FILE
    if path.exists() and baseline and not force:
        _show_baseline(invocation)
        return
    if path.exists() and not force:
        raise InputError("exists already; --force replaces it, --config names another", str(path))
    venues = sorted(point.name for point in entry_points(group="trueup.venues"))
    venue = _venue(venue, venues)
    facts = None
    if venue == "ccxt":
        exchange, facts = _exchange(exchange)
        hint = "Symbols it trades, with commas, such as BTC/USDT, or BTC/USDT:USDT for a perpetual"
        symbols = symbols or tuple(
            filter(None, map(str.strip, _answer(hint, None, "--symbol", "").split(",")))
        )
    account = _answer("Account (a name of your choice)", account, "--account", f"{exchange or venue}-1")
    rendered = partial(
        render,
        venue=venue,
        exchange=exchange or "",
        facts=facts,
        symbols=symbols,
        account=account,
        profile=_answer("Profile (a name for the bot)", profile, "--profile", "bot1"),
        prefix=_answer("Client order ids begin with (empty: unknown)", prefix, "--prefix", ""),
        database=_FILE.format(path=_quoted(database)) if postgres is None else _server(postgres),
    )
    _write(path, rendered(), force=force)
    owned = _asked_baseline(invocation, path, account, baseline)
    if owned:
        _write(path, rendered(baseline=owned), force=True)
    if invocation.json:
        invocation.data({"path": str(path)})
    else:
        say(f"wrote {path}; next: trueup {'doctor' if postgres is None else 'migrate'}")


def _asked_baseline(invocation: Invocation, path: Path, account: str, wanted: bool | None) -> str:
    """The line of what the owner holds besides the bots, where it was wanted; a person is asked."""
    if wanted is None:
        wanted = can_ask() and confirm(
            "Look at what the account holds that no trade explains?", flag="--baseline"
        )
    if not wanted:
        return ""
    from trueup.service.load_config import load_config
    from trueup.surfaces.cli.baseline import as_toml, unexplained

    try:
        holdings = unexplained(load_config(str(path), flags={}))
    except TrueupError as fault:
        say(f"positions were not read ({fault}); later: trueup init --baseline")
        return ""
    _show_holdings(invocation, holdings)
    if (
        holdings
        and can_ask()
        and not confirm("Is all of that yours, and no bot's? Write it down?", flag="--baseline")
    ):
        return ""
    return as_toml(holdings, account)


def _show_baseline(invocation: Invocation) -> None:
    """What an existing configuration's accounts hold that no trade explains, and the lines that say so."""
    from trueup.surfaces.cli.baseline import as_toml, unexplained

    loaded = load(invocation)
    holdings = unexplained(loaded)
    if invocation.json:
        for one in holdings:
            invocation.data(one)
        return
    _show_holdings(invocation, holdings)
    for account_id in sorted({one.account_id for one in holdings}):
        invocation.line(
            f"# what is yours and no bot's: [accounts.profiles.policy] of each profile of {account_id}"
        )
        invocation.line(as_toml(holdings, account_id))


def _show_holdings(invocation: Invocation, holdings: "list[Holding]") -> None:
    if invocation.json:
        return
    if not holdings:
        invocation.line("every position is explained by trades")
        return
    rows = [
        (one.account_id, one.symbol, one.held_qty, one.trades_qty, one.unexplained_qty) for one in holdings
    ]
    columns = ("account", "symbol", "held", "trades", "besides")
    invocation.show(table("Held, and explained by no trade", columns, rows))


def _venue(given: str | None, venues: list[str]) -> str:
    """One that is installed. A person is shown the choices and asked again after a typing error."""
    if given is None and can_ask() and venues:
        return str(click.prompt("Venue", default=venues[0], err=True, type=click.Choice(venues)))
    venue = _answer("Venue", given, "--venue", None)
    if venue not in venues:
        near = difflib.get_close_matches(venue, venues, n=1)
        suggestion = f"; did you mean {near[0]}?" if near else ""
        raise InputError(
            f"no venue {venue!r} is installed; there are: {', '.join(venues)}{suggestion}", "--venue"
        )
    return venue


def _exchange(given: str | None) -> "tuple[str, ExchangeFacts]":
    """One that ccxt knows, and what its configuration needs. Raises ConfigError where ccxt is not installed."""
    from trueup.service.registry import VENUES, load_entry

    load_entry(VENUES, "ccxt")  # says what to install
    from trueup.venues.ccxt.exchange_facts import exchange_facts

    for attempts_left in range(EXCHANGE_ATTEMPTS_MAX - 1, -1, -1):
        exchange = _answer("Exchange (ccxt's name)", given, "--exchange", None).strip().lower()
        try:
            return exchange, exchange_facts(exchange)
        except ConfigError as fault:
            if given is not None or not attempts_left:
                raise InputError(str(fault), "--exchange") from fault
            say(str(fault))
    raise AssertionError("unreachable: the last attempt returns or raises")


def _lines_of_credentials(venue: str, facts: "ExchangeFacts | None") -> list[str]:
    variables = _CREDENTIALS.get(venue, {})
    if facts is not None:
        variables = {name: variables.get(name) or _variable(name) for name in facts.credentials}
    return [f'{name} = {{ env = "{variable}" }}' for name, variable in variables.items()]


def _variable(name: str) -> str:
    """`walletAddress` as EXCHANGE_WALLET_ADDRESS."""
    return "EXCHANGE_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def render(
    *,
    venue: str,
    exchange: str,
    account: str,
    profile: str,
    prefix: str,
    database: str,
    facts: "ExchangeFacts | None" = None,
    symbols: tuple[str, ...] = (),
    baseline: str = "",
) -> str:
    """The configuration's text; every value is quoted as TOML wants it. `database`: the lines of its section,
    `baseline`: the line of the policy.
    """
    lines = _lines_of_credentials(venue, facts)
    options = _OPTIONS.get(venue, "")
    if facts is not None and not facts.has_sandbox:
        options = _NO_SANDBOX
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
        options=options.format(exchange=_quoted(exchange)),
        symbols=_MANAGED.format(symbols=", ".join(map(_quoted, symbols))) if symbols else _NOT_MANAGED,
        credentials="\n".join(credentials) if lines else "",
        baseline=baseline or _NO_BASELINE,
        ownership=_OWNED.format(prefix=_quoted(prefix)) if prefix else _NOT_OWNED,
    )


def _server(url: str) -> str:
    return _SERVER.format(url=_quoted(checked_server(url)))


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
