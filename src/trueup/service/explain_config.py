"""Where each value of the configuration comes from. Secrets are never shown: only where they are read."""

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from trueup.service.config import SecretSource
from trueup.service.load_config import LoadedConfig
from trueup.service.open_ledger import shown_url
from trueup.venues.texts import MASK, masked_address

DEFAULT = "default"
_SECRET_NAME = re.compile(r"secret|token|password|passphrase|private|api_?key|credential", re.IGNORECASE)


class ConfigValue(Struct, frozen=True, kw_only=True):
    """One value: its dotted key, the value as JSON holds it, and `default`, the file, a variable or a flag."""

    key: str
    value: Any
    source: str


def explain_config(loaded: LoadedConfig, environ: Mapping[str, str] | None = None) -> list[ConfigValue]:
    """Every value there is, defaults included, in the order of the documentation."""
    environ = os.environ if environ is None else environ
    sources = _with_tables(loaded.sources)
    return [
        ConfigValue(key=key, value=_shown(key, value, environ), source=sources.get(key, DEFAULT))
        for key, value in _values(loaded.config, "")
    ]


def _values(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, SecretSource):
        yield key, value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _values(getattr(value, name), f"{key}.{name}" if key else name)
    elif isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _values(inner, f"{key}.{name}")
    elif isinstance(value, list) and value and isinstance(value[0], Struct):
        for index, inner in enumerate(value):
            yield from _values(inner, f"{key}[{index}]")
    else:
        yield key, value


def _shown(key: str, value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, SecretSource):
        if value.env is not None:
            return f"{MASK} from environment {value.env} ({'set' if environ.get(value.env) else 'not set'})"
        if value.json is not None:
            return f"{MASK} from {value.json}, {value.path}"
        return f"{MASK} from file {value.file}"
    if key == "database.url" and isinstance(value, str):
        return shown_url(value)
    if _SECRET_NAME.search(key.rpartition(".")[2]):
        return MASK
    return _without_credentials(msgspec.to_builtins(value))


def _without_credentials(value: Any) -> Any:
    """Addresses lose what stands before their host and after their path: either may be a secret."""
    if isinstance(value, str):
        return masked_address(value)
    if isinstance(value, list):
        return [_without_credentials(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _without_credentials(inner) for name, inner in value.items()}
    return value


def _with_tables(sources: Mapping[str, str]) -> dict[str, str]:
    """The sources, and of each table the source of the first value within it: a secret is shown as one."""
    known = dict(sources)
    for name, source in sources.items():
        table = name.rpartition(".")[0]
        while table and table not in known:
            known[table] = source
            table = table.rpartition(".")[0]
    return known
