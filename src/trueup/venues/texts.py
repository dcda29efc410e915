"""What a venue said, as text that may be shown: short, one line, without secrets and without bodies.

Rules: a body is never quoted, for a venue may echo what it was sent. Of a body that is JSON the venue's own code and
message are told, decoded first: a secret that JSON escapes is found only then. Addresses lose their credentials and
query. Must not know which venue speaks.
"""

import binascii
import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote, unquote_plus

MESSAGE_CHARS_MAX = 300
LOOKED_AT_CHARS_MAX = 2000  # of a line whose known secrets are masked
SECRET_CHARS_MIN = 4  # a shorter one would blot out ordinary words
DEPTH_MAX = 4  # of a body's values; every documented error stands within three
MASK = "***"
NOT_SHOWN = "(its body is not shown)"
_TELLING = re.compile(r"(?i)code|msg|message|error|reason|detail|title|description|status")
_BODY_START = re.compile(r"[{\[<]")
_ADDRESS_TAIL = re.compile(r"(https?://[^\s?#]+)[?#]\S*")
_ADDRESS_USER = re.compile(r"(?<=://)[^/@\s]+@")
_SIGNED = re.compile(
    r"(?i)\b(\w*(?:sign|signature|api-?_?key|token|secret|passphrase)\w*)([\"']?\s*[=:]\s*[\"']?)[^\s&\"',}]+"
)
_CREDENTIAL = re.compile(r"(?i)\b(basic|bearer)\s+[\w+/.=~-]{16,}")
_WORD = re.compile(r"\S+")
_CODED = re.compile(r"[A-Za-z0-9+/_-]{6,}={0,2}")  # base64 of either alphabet, or hexadecimal
_FROM_URL_ALPHABET = str.maketrans("-_", "+/")
_JSON = json.JSONDecoder()


class Cleaner:
    """Makes texts fit to be shown. Holds the secrets in no attribute that prints."""

    __slots__ = ("_lines", "_pattern")

    def __init__(self, secrets: Iterable[str]) -> None:
        known = list(secrets)
        forms = {form for secret in known for form in _forms(secret) if len(form) >= SECRET_CHARS_MIN}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE) if forms else None
        lines = {line.strip() for secret in known for line in secret.split("\n")}
        self._lines = [line.encode() for line in lines if len(line) >= SECRET_CHARS_MIN]

    def clean(self, text: str) -> str:
        """One line without bodies, secrets, signatures and query strings, of at most `MESSAGE_CHARS_MAX` characters."""
        line = " ".join(without_body(text).split())
        if self._pattern is not None:
            line = self._pattern.sub(MASK, line)
        line = _WORD.sub(self._unless_secret, _beginning(line))
        line = _CODED.sub(self._unless_secret, line)
        line = _CREDENTIAL.sub(rf"\1 {MASK}", _SIGNED.sub(rf"\1\2{MASK}", line))
        line = masked_address(line)
        return line if len(line) <= MESSAGE_CHARS_MAX else line[:MESSAGE_CHARS_MAX] + "…"

    def _unless_secret(self, word: re.Match[str]) -> str:
        """The word, or the mask where it is or holds a secret in a URL's notation, base64 or hexadecimal."""
        return MASK if any(line in read for read in _decoded(word[0]) for line in self._lines) else word[0]


def _beginning(line: str) -> str:
    """Of a long line, the whole words at its start: patterns take a time that grows faster than the line, and half a
    word may be half a secret in another notation."""
    if len(line) <= LOOKED_AT_CHARS_MAX:
        return line
    return line[:LOOKED_AT_CHARS_MAX].rpartition(" ")[0] + " …"


def _decoded(word: str) -> Iterator[bytes]:
    """What it may say. Base64 is read from each of four places: something else may stand right before it."""
    yield from (unquote(word).encode(errors="replace"), unquote_plus(word).encode(errors="replace"))
    bare = word.rstrip("=").translate(_FROM_URL_ALPHABET)
    for start in range(4):
        coded = bare[start:]
        coded = coded[: len(coded) - (len(coded) % 4 == 1)]
        try:
            yield binascii.a2b_base64(coded + "=" * (-len(coded) % 4))
        except binascii.Error:
            continue
    try:
        yield bytes.fromhex(word)
    except ValueError:
        return


def without_body(text: str) -> str:
    """The text up to a body within it, and what that body says for itself."""
    start = _BODY_START.search(text)
    if start is None:
        return text
    before = text[: start.start()].rstrip()
    try:
        body, _ = _JSON.raw_decode(text, start.start())
    except (ValueError, RecursionError):
        return f"{before} {NOT_SHOWN}".strip()
    said = ", ".join(dict.fromkeys(_telling(body, DEPTH_MAX, told=isinstance(body, list))))
    return f"{before} {said or NOT_SHOWN}".strip()


def masked_address(text: str) -> str:
    """Addresses without the credentials before their host and without their query, which may hold a key."""
    return _ADDRESS_TAIL.sub(r"\1?…", _ADDRESS_USER.sub(f"{MASK}@", text))


def _telling(value: object, depth: int, *, told: bool) -> Iterator[str]:
    """Texts and numbers that stand under a telling name, in the body's order."""
    if isinstance(value, dict) and depth:
        for name, inner in value.items():
            yield from _telling(inner, depth - 1, told=bool(_TELLING.search(name)))
    elif isinstance(value, list) and depth:
        for inner in value:
            yield from _telling(inner, depth - 1, told=told)
    elif told and isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
        yield str(value)


def _forms(secret: str) -> set[str]:
    """A secret as it may be written: whole, on one line, line by line (a key in PEM), in a URL, in JSON, and in JSON
    or a program's notation within JSON."""
    plain = {secret, " ".join(secret.split()), *secret.split("\n")}
    urls = {quote(secret, safe=""), quote(secret)}
    once = {form for one in plain for form in _escaped(one)}
    return plain | urls | once | {form for one in once for form in _escaped(one)}


def _escaped(text: str) -> set[str]:
    return {
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        text.replace("/", "\\/"),
        repr(text)[1:-1],
    }
