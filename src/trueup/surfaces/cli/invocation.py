"""How a command was called: the options every command takes, and how it answers."""

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from trueup.model.harmless import harmless_json, visible
from trueup.surfaces.cli import terminal


@dataclass(frozen=True)
class Invocation:
    """The common options of one call. `config_path` null: `trueup.toml` in this folder."""

    config_path: Path | None
    json: bool
    color: bool

    def show(self, *renderables: object) -> None:
        """Prints for people, on standard output."""
        terminal.console(color=self.color).print(*renderables)

    def line(self, text: str, style: str | None = None) -> None:
        terminal.console(color=self.color).print(visible(text), style=style, soft_wrap=True)

    def talk(self, text: str, style: str | None = None) -> None:
        """A line of a story; with --json there is none, only its end."""
        if not self.json:
            self.line(text, style)

    def talk_table(self, renderable: object) -> None:
        if not self.json:
            self.show(renderable)

    def data(self, value: Any) -> None:
        """Prints one line of JSON, on standard output, at once."""
        import msgspec

        self.json_text(msgspec.json.encode(value))

    def json_text(self, document: bytes) -> None:
        """The same of JSON that is encoded already."""
        sys.stdout.buffer.write(harmless_json(document.decode()).encode() + b"\n")
        sys.stdout.buffer.flush()


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--config`, `--json` and `--no-color`, and passes them on as `invocation`."""

    @click.option("--config", "config_path", type=click.Path(path_type=Path), envvar="TRUEUP_CONFIG",
                  help="Configuration file (default: trueup.toml here).")  # fmt: skip
    @click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
    @click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
    @functools.wraps(function)
    def called(*args: Any, config_path: Path | None, as_json: bool, no_color: bool, **kwargs: Any) -> Any:
        return function(Invocation(config_path, as_json, not no_color), *args, **kwargs)

    return called
