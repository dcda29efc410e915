"""Decides what a place is: freqtrade, Hummingbot, a database with a table of orders, an export, or nothing yet."""

import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trueup.books.tables.database import TableDatabase
from trueup.books.tables.open_tables import has_password, open_tables
from trueup.model.errors import InputError
from trueup.service.connect.find_freqtrade import (
    DATABASE,
    find_config,
    find_freqtrade,
    find_freqtrade_database,
    read_config,
)
from trueup.service.connect.find_hummingbot import find_hummingbot, hummingbot_databases, is_hummingbot
from trueup.service.connect.find_tables import Said, find_tables
from trueup.service.connect.found import Found

_VARIABLE = re.compile(r"(?:env:)?([A-Z][A-Z0-9_]+)", re.ASCII)
_SQLITE_MAGIC = b"SQLite format 3\x00"
_EXPORTS = (".csv", ".json", ".jsonl", ".ndjson", ".parquet", ".gz", ".tsv")


def recognise(where: str, folder: Path, said: Said, environ: Mapping[str, str]) -> Found:
    """`folder`: where the configuration will stand. Raises InputError with what to say instead."""
    variable = _VARIABLE.fullmatch(where)
    if variable is not None and not Path(where).exists():
        return _of_variable(variable[1], environ, said)
    if "://" in where:
        if has_password(where):
            raise InputError(
                "a password never stands in a command or a file: put the URL into an environment variable and say "
                "trueup connect env:BOT_DATABASE_URL",
                "URL",
            )
        return _of_database(open_tables(where), where, _name(where), said)
    path = Path(where).expanduser()
    try:
        if path.is_dir():
            return _of_folder(path, folder, said)
        if path.exists():
            return _of_file(path, folder, said)
    except PermissionError as error:
        denied = str(error.filename or path)
        raise InputError("permission denied: give this user the right to read it", denied) from error
    raise InputError(
        f"there is no such file or folder, and no environment variable of that name{_near(path)}", where
    )


def _near(path: Path) -> str:
    """What a person may have meant."""
    try:
        names = [one.name for one in path.parent.iterdir()]
    except OSError:
        return ""
    nearest = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {path.with_name(nearest[0])}?" if nearest else ""


def _of_variable(name: str, environ: Mapping[str, str], said: Said) -> Found:
    url = environ.get(name, "")
    if not url:
        raise InputError(f"environment variable {name} is not set", name)
    return _of_database(open_tables(url), {"env": name}, "bot", said)


def _of_database(database: TableDatabase, address: Any, name: str, said: Said) -> Found:
    tables = set(database.tables())
    if said.table is None and {"orders", "trades"} <= tables and "ft_pair" in database.columns("orders"):
        return find_freqtrade_database(database, address)
    try:
        return find_tables(database, address, name, said)
    finally:
        database.close()


def _of_folder(path: Path, folder: Path, said: Said) -> Found:
    config = find_config(path)
    if config is not None:
        return find_freqtrade(*config, folder)
    if hummingbots := hummingbot_databases(path):
        return find_hummingbot(hummingbots, folder)
    found = [one for one in sorted(path.iterdir()) if one.is_file() and _is_sqlite(one)]
    found = [one for one in found if one.name != "trueup.sqlite"]
    if len(found) == 1:
        return _of_file(found[0], folder, said)
    names = ", ".join(one.name for one in found[:5])
    reason = (
        f"holds several databases ({names}); name one"
        if found
        else "holds no bot's configuration or database"
    )
    raise InputError(reason, str(path))


def _of_file(path: Path, folder: Path, said: Said) -> Found:
    if _is_sqlite(path):
        if said.table is None and is_hummingbot(path):
            return find_hummingbot([path], folder)
        address = os.path.relpath(path, folder)
        return _of_database(open_tables(str(path)), address, _name(path.stem), said)
    config = read_config(path) if path.suffix == ".json" else None
    if config is not None:
        return find_freqtrade(path, config, folder)
    if path.suffix.lower() in _EXPORTS:
        raise InputError(
            f"this is an export: `trueup snapshot --local {path} --venue FILE` makes a snapshot for `trueup plan`",
            str(path),
        )
    raise InputError("neither a database nor a bot's configuration", str(path))


def _is_sqlite(path: Path) -> bool:
    """Raises PermissionError."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC


def _name(text: str) -> str:
    stem = text.rstrip("/").rpartition("/")[2].partition("?")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "bot"


__all__ = ["DATABASE", "recognise"]
