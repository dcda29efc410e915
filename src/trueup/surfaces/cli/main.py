"""The entry of the command line: which commands there are, and what becomes of an error.

Commands are loaded when they are called, so that `trueup --help` imports click and nothing else. Every error that a
user can mend ends as one line on standard error and an exit code; only a fault of trueup's own shows a traceback.
"""

import contextlib
import io
import os
import re
import sys
from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from typing import Any

import click

from trueup.model.errors import TrueupError
from trueup.model.harmless import visible
from trueup.surfaces.cli.terminal import say_error

ALLOW_LIVE = "TRUEUP_ALLOW_LIVE"  # service.registry's, which is imported by commands only
USAGE_EXIT = 64  # EX_USAGE of sysexits.h; click's own 2 means "breaks found" here
FAILURE_EXIT = 1
SURROGATE = re.compile(r"[\udc80-\udcff]")  # what Python makes of an argument's bytes that are not UTF-8
INTERRUPTED_EXIT = 130  # 128 + SIGINT, as shells report it

# section → command → (module:attribute, one line of help). The help stands here so that listing imports nothing.
COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Try it": {
        "demo": ("demo:command", "Watch books drift and be repaired, on a simulated venue."),
        "sim": ("sim:command", "Serve the simulated venue like Alpaca, for any bot."),
    },
    "Audit files, offline": {
        "snapshot": ("snapshot:command", "Make a snapshot from exports of the bot and the venue."),
        "plan": ("plan:command", "Show what differs and what would be repaired."),
    },
    "Set up": {
        "connect": ("connect:command", "Find a bot's own books, and write a trueup.toml for them."),
        "init": ("init:command", "Write a commented trueup.toml."),
        "migrate": ("migrate:command", "Make or upgrade the tables of a PostgreSQL database."),
        "doctor": ("doctor:command", "Check configuration, database and venue."),
        "config": ("config:command", "Show every setting and where it comes from."),
    },
    "Repair": {
        "apply": ("apply:command", "Show the plan, ask, and apply exactly that plan."),
        "run": ("run:command", "Repeat it for every profile, on a schedule."),
        "pause": ("pause:pause_command", "Keep trueup's hands off a profile."),
        "resume": ("pause:resume_command", "Let trueup work on a paused profile again."),
    },
    "Many machines": {
        "account": ("account:command", "Put accounts into the database, for a fleet's workers."),
        "fleet": ("fleet:command", "Run them on many workers, dispatched by a broker."),
    },
    "Decide": {
        "decide": ("decide:command", "Say whose an order is, its trade, or which break to ignore."),
        "correct": ("correct:command", "Put right an order, a fill, a trade or the baseline."),
        "undo": ("undo:command", "Take back what a run or a person wrote."),
        "quarantine": ("quarantine:command", "Show, add or release trades the bot must leave alone."),
        "alerts": ("alerts:command", "Show what people are told, and try whether it reaches them."),
        "outbox": ("outbox:command", "Show what the bots have not taken, and tell it again."),
    },
    "Look": {
        "web": ("web:command", "Show the dashboard in a browser."),
        "status": ("status:command", "Show how the profiles stand."),
        "breaks": ("breaks:command", "List the open breaks."),
        "cost": ("cost:command", "Show what repaired drift had wrong, and for how long."),
        "explain": ("explain:command", "Tell the story of an order, a trade, a break or a run."),
        "replay": ("replay:command", "Plan a stored snapshot again and compare."),
        "export": ("export:command", "Write orders, fills, breaks, runs … as CSV or JSON lines."),
        "verify": ("verify:command", "Check the order log's hash chain."),
        "backup": ("backup:command", "Copy the ledger while everything goes on, and check the copy."),
        "purge": ("purge:command", "Delete old runs and their snapshots."),
        "version": ("version:command", "Show versions, for a bug report."),
    },
}
EPILOG = """Nothing is written to the books until `apply = true` is configured or `trueup apply` is called.

Completion: eval "$(_TRUEUP_COMPLETE=bash_source trueup)"  (or zsh_source, fish_source)"""


class CommandTable(click.Group):
    """The group of all commands, by COMMANDS; it owns how errors end."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        for section in COMMANDS.values():
            if cmd_name in section:
                module, attribute = section[cmd_name][0].split(":")
                command: click.Command = getattr(import_module(f"trueup.surfaces.cli.{module}"), attribute)
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; a word that is nearly a command's is answered with it."""
        word = args[0] if args else ""
        if word and not word.startswith("-") and self.get_command(ctx, word) is None:
            near = get_close_matches(word, self.list_commands(ctx), 1)
            if near:
                ctx.fail(f"No such command {word!r}: did you mean {near[0]}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:10}", text) for name, (_, text) in section.items()], col_max=12)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs one command and ends the process with its exit code."""
        sys.exit(
            _exit_code(lambda: super(CommandTable, self).main(*args, **kwargs | {"standalone_mode": False}))
        )


def _exit_code(call: Callable[[], object]) -> int:
    try:
        code = call()
        sys.stdout.flush()  # here, so that a closed pipe is noticed while it can be handled
        return code if isinstance(code, int) else 0
    except click.Abort:
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # the question's line ends: the shell's prompt begins one of its own
        return INTERRUPTED_EXIT
    except click.exceptions.NoArgsIsHelpError as fault:
        click.echo(fault.format_message(), err=True)
        return USAGE_EXIT
    except click.ClickException as fault:
        say_error(_usage_message(fault))
        return USAGE_EXIT
    except TrueupError as fault:
        say_error(str(fault))
        return fault.exit_code
    except UnicodeEncodeError as fault:
        if not any(SURROGATE.search(one) for one in sys.argv):
            raise
        say_error(f"an argument is no text in UTF-8: {fault.object[:60]!r}")
        return USAGE_EXIT
    except BrokenPipeError:
        _drop_stdout()
        return FAILURE_EXIT
    except OSError as fault:
        _drop_stdout()
        reason = (fault.strerror or str(fault)).lower()
        say_error(reason if fault.filename is None else f"{fault.filename}: {reason}")
        return FAILURE_EXIT
    except MemoryError:
        say_error("not enough memory; split the input into smaller snapshots")
        return FAILURE_EXIT


def _usage_message(fault: click.ClickException) -> str:
    message = " ".join(visible(line) for line in fault.format_message().split()).rstrip(".")
    context = getattr(fault, "ctx", None)
    return f"{message} (see {context.command_path} --help)" if context is not None else message


def _drop_stdout() -> None:
    """Output can no longer be written: let the interpreter's last flush go nowhere instead of complaining."""
    import os

    with contextlib.suppress(OSError, io.UnsupportedOperation):  # a test's stream has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.command(
    cls=CommandTable,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="\b\n" + EPILOG,
    invoke_without_command=True,
)
@click.version_option(package_name="trueup", prog_name="trueup", message="%(prog)s %(version)s")
@click.option("--live", is_flag=True, help="Accounts of real money, where live = true is configured too.")
@click.pass_context
def commands(ctx: click.Context, live: bool) -> None:
    """Keep a trading bot's books true: compare them with the venue, explain what differs, repair what is proven."""
    if live:
        os.environ[ALLOW_LIVE] = "true"
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> None:
    """The console script `trueup`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller (`>&-`): what is said goes nowhere
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the locale is, output never ends in an exception
            stream.reconfigure(errors="backslashreplace")
    commands.main(prog_name="trueup")
