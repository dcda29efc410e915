"""What ccxt raises, as our errors, with nothing in them that must not be seen.

ccxt's messages hold whole URLs (with signatures, at some exchanges with keys) and bodies. So a message is cleaned and
cut, and the original is never chained: whatever prints a traceback would print it too. Must not know what was asked.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

import aiohttp
import ccxt

from trueup.model.errors import AuthError, RateLimited, VenueError, VenueUnavailable

MESSAGE_LENGTH_MAX = 300
SECRET_LENGTH_MIN = 4  # a shorter one would blot out ordinary words
_ADDRESS_TAIL = re.compile(r"(https?://[^\s?#]+)[?#]\S*")
_SIGNED = re.compile(
    r"(?i)\b(\w*(?:sign|signature|api-?_?key|token|secret|passphrase)\w*)([\"']?\s*[=:]\s*[\"']?)[^\s&\"',}]+"
)

# What parsers of a third party raise on a body of another shape than the documented one.
UNREADABLE = (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, OSError)


class OrderMissing(VenueError):
    """The endpoint that was asked says with authority that it has no such order."""


class ArgumentMissing(VenueError):
    """This exchange cannot be asked without an argument that was not given: almost always the symbol."""


class PassingFault(VenueUnavailable):
    """No usable answer, for a reason that may be gone a moment later: worth another attempt."""


class NotOffered(VenueError):
    """The exchange, or ccxt for it, has no such call."""


class Cleaner:
    """Takes secrets out of texts. Holds them in no attribute that prints."""

    __slots__ = ("_pattern",)

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SECRET_LENGTH_MIN}
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def clean(self, text: str) -> str:
        """One line without secrets, signatures and query strings, and not longer than a message should be."""
        line = " ".join(text.split())
        if self._pattern is not None:
            line = self._pattern.sub("***", line)
        line = _SIGNED.sub(r"\1\2***", _ADDRESS_TAIL.sub(r"\1?…", line))
        return line if len(line) <= MESSAGE_LENGTH_MAX else line[:MESSAGE_LENGTH_MAX] + "…"


def _forms(secret: str) -> set[str]:
    """A secret as it may be written: whole, on one line, line by line (a key in PEM), or in a URL."""
    return {secret, " ".join(secret.split()), quote(secret, safe=""), quote(secret), *secret.split("\n")}


def as_venue_error(error: Exception, cleaner: Cleaner, headers: Mapping[str, str] | None) -> VenueError:
    """The error to raise in its place, `from None` and outside the handler, so that the original is not kept."""
    said = f"{type(error).__name__}: {cleaner.clean(str(error))}"
    if isinstance(error, ccxt.OrderNotFound):
        return OrderMissing(said)
    if isinstance(error, ccxt.AuthenticationError):
        return AuthError(f"{said} (check the key, its permissions, and whether it is one of the sandbox)")
    if isinstance(error, (ccxt.RateLimitExceeded, ccxt.DDoSProtection)):
        return RateLimited(f"{said} (fewer calls, or a longer interval)", _retry_after_s(headers or {}))
    if isinstance(error, ccxt.ArgumentsRequired):
        return ArgumentMissing(said)
    if isinstance(error, ccxt.NotSupported):
        return NotOffered(said)
    if isinstance(error, (ccxt.OperationFailed, OSError)) or isinstance(error.__cause__, aiohttp.ClientError):
        return PassingFault(f"{said} (nothing is concluded from it; the next run asks again)")
    return VenueUnavailable(f"{said} (nothing is concluded from it; the next run asks again)")


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    for name, text in headers.items():
        if name.lower() == "retry-after" and re.fullmatch(r"\d+(\.\d+)?", text.strip(), re.ASCII):
            return float(text)
    return None
