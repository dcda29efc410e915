"""Reads the configuration: defaults < file < environment < flags, each value with its source.

An unknown key, a wrong type or a contradiction is a ConfigError that names the place; a typing error is answered with
the nearest name. Must not know what a value is used for.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from trueup.model.errors import ConfigError, ConfigMissing
from trueup.service.config import Config, DatabaseConfig, ServiceConfig, check_config, has_password

DEFAULT_PATH = "trueup.toml"
PATH_VARIABLE = "TRUEUP_CONFIG"
PREFIX = "TRUEUP_"
TABLES: Mapping[str, type[Struct]] = {
    "database": DatabaseConfig,
    "service": ServiceConfig,
}  # settable outside the file
SUGGESTION_CUTOFF = 0.6  # difflib's own default
_PLACE_IN_MESSAGE = re.compile(r"^(?P<message>.*?) - at `\$\.?(?P<place>.*)`$", re.DOTALL)

Tree = dict[str, Any]


class LoadedConfig(Struct, frozen=True, kw_only=True):
    """A checked configuration. `sources`: dotted key → where its value came from; what is missing there is a default.

    `path` is null where no file was read; `folder` is where relative paths begin.
    """

    config: Config
    path: str | None
    folder: str
    sources: dict[str, str]


def load_config(
    path: str | None = None, environ: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> LoadedConfig:
    """`path` null: `TRUEUP_CONFIG`, else `trueup.toml`. `flags`: dotted keys such as `service.apply`; null = not given.

    Raises ConfigError (exit code 10).
    """
    environ = os.environ if environ is None else environ
    file = Path(path or environ.get(PATH_VARIABLE) or DEFAULT_PATH)
    tree = _read_file(file)
    sources = dict.fromkeys(_leaves(tree), str(file))
    with _named(file):
        _check_keys(tree, Config, "")
    for key, (name, value) in _environment(environ).items():
        _set(tree, key, value)
        sources[key] = f"environment {name}"
    for key, value in (flags or {}).items():
        if value is not None:
            _set(tree, key, value)
            sources[key] = "flag"
    with _named(file):
        config = _convert(tree)
        check_config(config)
        _refuse_password(config, sources, str(file))
    return LoadedConfig(config=config, path=str(file), folder=str(file.resolve().parent), sources=sources)


def _refuse_password(config: Config, sources: Mapping[str, str], file: str) -> None:
    """A URL may hold its password in the environment, never in the file."""
    url = config.database.url
    if isinstance(url, str) and sources.get("database.url") == file and has_password(url):
        raise ConfigError(
            "database.url: a password never stands in the file; write url = { env = 'NAME' }, or leave it out and say"
            " where it is read from: password = { file = 'PATH' }"
        )


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """A fault's message begins with the file that it is in."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from error


def _read_file(file: Path) -> Tree:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigMissing(
            f"{file} does not exist: `trueup init` writes one, or name it with --config"
        ) from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not TOML: {error}") from error


def _environment(environ: Mapping[str, str]) -> dict[str, tuple[str, Any]]:
    """The values that the environment sets: dotted key → (variable, value)."""
    known = {
        f"{PREFIX}{table}_{one.encode_name}".upper(): (f"{table}.{one.encode_name}", one.type)
        for table, struct in TABLES.items()
        for one in msgspec.structs.fields(struct)
    }
    values: dict[str, tuple[str, Any]] = {}
    for name, text in environ.items():
        if not name.startswith(tuple(f"{PREFIX}{table}_".upper() for table in TABLES)):
            continue
        if name not in known:
            raise ConfigError(f"environment variable {name} sets nothing{_suggest(name, known)}")
        key, kind = known[name]
        try:
            values[key] = (name, msgspec.convert(text, kind, strict=False))
        except msgspec.ValidationError as error:
            raise ConfigError(f"environment variable {name}: {error}") from error
    return values


def _set(tree: Tree, key: str, value: Any) -> None:
    table, _, name = key.partition(".")
    tree.setdefault(table, {})[name] = value


def _leaves(value: Any, key: str = "") -> Iterator[str]:
    """The dotted keys of everything in the file."""
    if isinstance(value, dict) and (value or not key):
        for name, inner in value.items():
            yield from _leaves(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{key}[{index}]")
    else:
        yield key


# -- checking --------------------------------------------------------------------------------------------------------


def _check_keys(tree: Any, kind: Any, place: str) -> None:
    """Unknown keys, with the nearest known one: msgspec refuses them too, but cannot suggest."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is list and isinstance(tree, list):
        for index, item in enumerate(tree):
            _check_keys(item, arguments[0], f"{place}[{index}]")
    elif origin is dict and isinstance(tree, dict):
        for name, item in tree.items():
            _check_keys(item, arguments[1], f"{place}.{name}")
    elif hasattr(kind, "__metadata__"):  # Annotated[…]
        _check_keys(tree, arguments[0] if arguments else kind.__origin__, place)
    elif isinstance(kind, type) and issubclass(kind, Struct) and isinstance(tree, dict):
        known = {one.encode_name: one.type for one in msgspec.structs.fields(kind)}
        for name, item in tree.items():
            here = f"{place}.{name}" if place else name
            if name not in known:
                raise ConfigError(f"{here}: there is no such key{_suggest(name, known)}")
            _check_keys(item, known[name], here)


def _convert(tree: Tree) -> Config:
    try:
        return msgspec.convert(tree, Config)
    except msgspec.ValidationError as error:
        match = _PLACE_IN_MESSAGE.match(str(error))
        message, place = (match["message"], match["place"]) if match else (str(error), "")
        raise ConfigError(f"{place}: {message}{_hint(place, message)}".removeprefix(": ")) from error


def _hint(place: str, message: str) -> str:
    if ".credentials" in place and "got `str`" in message:
        return ": a secret never stands in the file; write { env = 'NAME' } or { file = 'PATH' }"
    if "Expected `str" in message and ("got `int`" in message or "got `float`" in message):
        return ": put it in quotes, so that it stays exact"
    return ""


def _suggest(name: str, known: Mapping[str, Any]) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=SUGGESTION_CUTOFF)
    return f"; did you mean {nearest[0]}?" if nearest else f"; known are: {', '.join(sorted(known))}"
