"""Reads accounts for the roster from a file: JSON lines, JSON, CSV or TOML, by the file's ending.

Each account says what `[[accounts]]` says in a configuration. In a CSV a column's name is a dotted key
(`options.path`, `credentials.key_id.env`, `policy.owned_client_order_id_prefixes`), a list is separated by semicolons,
and rows of one account are its profiles. Decides nothing about what is read.
"""

import csv
import io
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from trueup.model.errors import InputError
from trueup.model.policy import Policy
from trueup.service.config import AccountConfig

OF_PROFILES = ("profile_id", "user_id", "books")  # columns; and those that begin with `policy.`
_LISTS = {
    one.encode_name
    for one in msgspec.structs.fields(Policy)
    if any(get_origin(kind) in (list, tuple) for kind in (one.type, *get_args(one.type)))
}

Tree = dict[str, Any]


def read_accounts(path: Path) -> list[AccountConfig]:
    """Raises InputError, which names the line or the place; OSError where the file cannot be read."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(f"expected a file that ends in {', '.join(_READERS)}", str(path))
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("it is not UTF-8 text", str(path)) from error
    accounts = [_account(tree, f"{path}: {place}") for place, tree in reader(text, str(path))]
    if not accounts:
        raise InputError("it names no account", str(path))
    return accounts


def _account(tree: object, place: str) -> AccountConfig:
    try:
        return msgspec.convert(tree, AccountConfig, strict=False)
    except msgspec.ValidationError as error:
        raise InputError(str(error), place) from error


def _json_lines(text: str, path: str) -> Iterator[tuple[str, object]]:
    for number, line in enumerate(text.split("\n"), 1):  # a JSON text may hold other line ends
        if line.strip():
            yield f"line {number}", _json(line, f"{path}: line {number}")


def _json_document(text: str, path: str) -> Iterator[tuple[str, object]]:
    found = _json(text, path)
    listed = found.get("accounts") if isinstance(found, dict) else found
    if not isinstance(listed, list):
        raise InputError('expected a list of accounts, or {"accounts": […]}', path)
    yield from ((f"accounts[{number}]", one) for number, one in enumerate(listed))


def _json(text: str, place: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"it is not JSON ({error})", place) from error


def _toml(text: str, path: str) -> Iterator[tuple[str, object]]:
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"it is not TOML ({error})", path) from error
    if found.keys() - {"accounts"}:
        raise InputError(f"only [[accounts]] can stand here, not {min(found.keys() - {'accounts'})}", path)
    yield from ((f"accounts[{number}]", one) for number, one in enumerate(found.get("accounts", [])))


def _csv(text: str, path: str) -> Iterator[tuple[str, object]]:
    rows = csv.DictReader(io.StringIO(text), strict=True)
    accounts: dict[str, tuple[int, Tree]] = {}
    try:
        for number, row in enumerate(rows, 2):
            profile, account = _split(row, f"{path}: line {number}")
            first, known = accounts.setdefault(
                str(account.get("account_id")), (number, account | {"profiles": []})
            )
            if {**known, "profiles": 0} != {**account, "profiles": 0}:
                raise InputError(f"this account is another than in line {first}", f"{path}: line {number}")
            known["profiles"].append(profile)
    except csv.Error as error:
        raise InputError(f"it is not CSV ({error})", path) from error
    yield from ((f"line {number}", account) for number, account in accounts.values())


def _split(row: Mapping[str | None, Any], place: str) -> tuple[Tree, Tree]:
    """A row's profile and its account."""
    profile: Tree = {}
    account: Tree = {}
    for key, value in row.items():
        if key is None:
            raise InputError("it has more values than there are columns", place)
        if value not in (None, ""):
            belongs = profile if key in OF_PROFILES or key.startswith("policy.") else account
            _set(belongs, key, value, place)
    return profile, account


def _set(tree: Tree, key: str, value: str, place: str) -> None:
    *folders, name = key.split(".")
    for folder in folders:
        tree = tree.setdefault(folder, {})
        if not isinstance(tree, dict):
            raise InputError(f"column {key!r} is a part of {folder!r}, which has a column of its own", place)
    if isinstance(tree.get(name), dict):
        raise InputError(f"column {key!r} has parts in columns of their own", place)
    tree[name] = (
        [one.strip() for one in value.split(";")] if key == f"policy.{name}" and name in _LISTS else value
    )


_READERS: Mapping[str, Callable[[str, str], Iterator[tuple[str, object]]]] = {
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".json": _json_document,
    ".csv": _csv,
    ".toml": _toml,
}
