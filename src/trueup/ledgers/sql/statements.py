"""Reads a file of named statements: `-- name: x` starts one, `-- fragment: x` a piece that `{x}` stands for."""

import re
from collections.abc import Mapping

_HEADING = re.compile(r"^-- (name|fragment): (\w+)\n", re.MULTILINE)
_PLACE = re.compile(r"\{(\w+)\}")
_COMMENT = re.compile(r"^--.*\n?", re.MULTILINE)


def load_statements(source: str, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The statements by name, fragments filled in. A fragment may use those before it, and the given ones."""
    _, *pieces = _HEADING.split(source)
    fragments: dict[str, str] = dict(given or {})
    statements: dict[str, str] = {}
    for kind, name, body in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
        text = _PLACE.sub(lambda place: fragments[place[1]], _COMMENT.sub("", body).strip())
        target = fragments if kind == "fragment" else statements
        if name in target:
            raise ValueError(f"two statements are named {name}")
        target[name] = text
    return statements
