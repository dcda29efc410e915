"""A configuration's text from what was found: TOML that a person can read, with the next things to say in comments."""

import json
import re
from collections.abc import Mapping
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
# What JSON writes as it is and a TOML file may not hold, or no editor shows. Pairs of surrogates are no TOML.
_NO_TEXT = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_HEAD = """\
# trueup's configuration, written by `trueup connect`. `trueup doctor` checks it, `trueup config show` explains it.

[database]
# trueup's journal; made at the first run. The bot's own books stay where they are.
path = "trueup.sqlite"

[service]
# Dry: breaks are reported, and nothing is written anywhere.
apply = false
interval_s = 30

# The bot's own books: {what}
"""
_POLICY = """\
# How the bot's orders begin: say it as soon as anyone else trades in this account; else every order counts as its own.
# owned_client_order_id_prefixes = ["bot1"]
"""


def render(
    *,
    what: str,
    name: str,
    books: Mapping[str, Any],
    account: Mapping[str, Any],
    credentials: Mapping[str, Any],
    profile_id: str,
    policy: Mapping[str, Any],
) -> str:
    """The whole file."""
    parts = [_HEAD.format(what=" ".join(what.split()))]
    parts += _repairing(name, books)
    parts += _table(("books", name), books)
    parts += ["", "# One holding at one venue.", "[[accounts]]", *_lines(account)]
    if credentials:
        parts += ["", "# Where secrets are read from; they never stand here."]
        parts += _table(("accounts", "credentials"), credentials)
    parts += [
        "",
        "[[accounts.profiles]]",
        f"profile_id = {toml_value(profile_id)}",
        f"books = {toml_value(name)}",
    ]
    parts += ["", "[accounts.profiles.policy]", _POLICY.rstrip(), *_lines(policy)]
    return "\n".join(parts) + "\n"


def _repairing(name: str, books: Mapping[str, Any]) -> list[str]:
    """How its repairs would be written, for books that are tables."""
    columns = books["orders"]["columns"] if books["kind"] == "tables" else {}
    names = [one for one in ("status", "filled_qty", "filled_avg_price") if one in columns]
    if not names:
        return []
    place = f"[books.{toml_key(name)}.orders]"
    return [
        f'# Repairs are reported. With write = "tables" they set what this line names in {place}:',
        f"# writable = {toml_value(names)}",
        "",
    ]


def _table(path: tuple[str, ...], tree: Mapping[str, Any]) -> list[str]:
    """`[a.b]`, its values, then its tables."""
    nested = {
        key: value for key, value in tree.items() if isinstance(value, Mapping) and not _is_inline(value)
    }
    lines = [
        f"[{'.'.join(map(toml_key, path))}]",
        *_lines({k: v for k, v in tree.items() if k not in nested}),
    ]
    for key, value in nested.items():
        lines += ["", *_table((*path, key), value)]
    return lines


def _is_inline(value: Mapping[str, Any]) -> bool:
    """A reference to a secret, or a few settings."""
    return set(value) <= {"env", "file", "json", "path"} or (
        len(value) <= 2 and not any(isinstance(one, Mapping) for one in value.values())
    )


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{toml_key(key)} = {toml_value(value)}" for key, value in values.items()]


def toml_key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else toml_value(key)


def toml_value(value: Any) -> str:
    """JSON's texts, numbers and truths are TOML's."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{toml_key(key)} = {toml_value(one)}" for key, one in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    said = json.dumps(value, ensure_ascii=False)
    return _NO_TEXT.sub(lambda found: f"\\u{ord(found[0]):04x}", said)
