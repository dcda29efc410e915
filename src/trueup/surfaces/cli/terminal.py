"""Text that reaches a terminal: made harmless, coloured only where wanted, asked for only where someone can answer.

Everything a venue or a bot named (ids, symbols, reasons, errors) may hold control characters; it is printed only
through here. rich is imported when something is printed, never before.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from trueup.model.errors import InputError
from trueup.model.harmless import visible

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

ROWS_MAX = 40  # rows of one table; a person reads no more, and --json has them all
ENDLESS = 1 << 20  # columns; wider than any line
SEVERITY_STYLES = {"info": "dim", "warn": "yellow", "error": "bold red"}


def counted(number: int, word: str) -> str:
    """`1 break`, `2 breaks`."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def say(message: str) -> None:
    """One line on standard error: what a person should know but no program should parse."""
    print(visible(message), file=sys.stderr, flush=True)


def say_error(message: str) -> None:
    say(f"error: {message}")


def console(*, color: bool = True, stderr: bool = False) -> "Console":
    """A console that reads no markup, so that text stays text. NO_COLOR is respected by rich itself.

    Without a terminal no line is wrapped, unless the variable COLUMNS says how wide lines are to be.
    """
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    endless = not stream.isatty() and not os.environ.get("COLUMNS", "").isdigit()
    return Console(
        stderr=stderr,
        markup=False,
        highlight=False,
        emoji=False,
        no_color=None if color else True,
        width=ENDLESS if endless else None,
    )


def table(
    title: str | None,
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    rows_max: int | None = ROWS_MAX,
) -> "RenderableType":
    """A table of harmless text under its title. A cell may be a `Text` that `styled` made.

    A column whose name begins with `>` is aligned right; one without any text is left out. `rows_max` null: all rows.
    """
    from rich.console import Group
    from rich.text import Text

    from trueup.surfaces.cli.text_table import TextTable

    shown = [[cell if isinstance(cell, Text) else Text(visible(cell)) for cell in row] for row in rows]
    parts: list[RenderableType] = [styled(title, "bold")] if title else []
    parts.append(TextTable(columns, shown[:rows_max]))
    if rows_max is not None and len(shown) > rows_max:
        parts.append(styled(f"… {len(shown) - rows_max} more; --json shows all", "dim"))
    return Group(*parts)


def styled(value: object, style: str) -> "Text":
    from rich.text import Text

    return Text(visible(value), style=style)


def severity(value: object) -> "Text":
    return styled(value, SEVERITY_STYLES.get(str(value), ""))


def can_ask() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, flag: str) -> bool:
    """Asks yes or no; without a terminal it refuses and names the flag that answers."""
    if not can_ask():
        raise InputError(f"{question} Nobody can be asked without a terminal; say {flag}", flag)
    import click

    answers = click.Choice(["y", "yes", "n", "no"], case_sensitive=False)  # an answer that is none is named
    asked = f"{visible(question)} [y/N]"
    said = click.prompt(asked, default="n", type=answers, show_choices=False, show_default=False, err=True)
    return bool(said[0] == "y")


def progress(label: str) -> AbstractContextManager[Any]:
    """A spinner on standard error while something takes its time; nothing at all without a terminal."""
    if not sys.stderr.isatty():
        return nullcontext()
    return console(stderr=True).status(visible(label))
