"""Reads a secret from where the configuration says: the environment, a file of its own, or a place in a JSON file.

Secrets are referred to, never copied. No message holds one, nor a piece of the file it stands in.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from trueup.model.errors import AuthError
from trueup.service.config import SecretSource

# a string, which may hold what looks like a comment; a comment; a comma before a closing bracket
_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)


def read_secret(name: str, source: SecretSource, folder: str, environ: Mapping[str, str]) -> str:
    """One secret. The message of an error never holds it. Raises AuthError."""
    if source.env is not None:
        secret: object = environ.get(source.env, "")
        where = f"environment variable {source.env}"
    elif source.json is not None:
        secret = _in_json(name, source.json, source.path or "", folder)
        where = f"{Path(folder, source.json)}, {source.path}"
    else:
        path = Path(folder, source.file or "")
        secret, where = _text(name, path), str(path)
    if not isinstance(secret, str) or not secret.strip():
        raise AuthError(f"the credential {name} is empty or not set: {where}")
    return secret.strip()


def _text(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AuthError(f"the credential {name} cannot be read from {path}: {_why(error)}") from error


def _in_json(name: str, file: str, place: str, folder: str) -> object:
    path = Path(folder, file)
    try:
        found = json_with_comments(_text(name, path))
    except msgspec.DecodeError:
        raise AuthError(f"the credential {name} cannot be read from {path}: it is not JSON") from None
    for part in place.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def json_with_comments(text: str) -> Any:
    """JSON as bots' configurations have it: with comments, and a comma after the last. Raises msgspec.DecodeError."""
    bare = _STRING_OR_COMMENT.sub(lambda match: match[0] if match[0].startswith('"') else " ", text)
    bare = _STRING_OR_COMMA.sub(lambda match: match[0] if match[0].startswith('"') else "", bare)
    return msgspec.json.decode(bare.encode())


def _why(error: OSError | UnicodeDecodeError) -> str:
    """Never the error's own text: a decoding error's holds what was read."""
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror).lower()
