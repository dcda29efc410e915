"""What ccxt raises, as our errors, with nothing in them that must not be seen.

ccxt's messages hold whole URLs (with signatures, at some exchanges with keys) and bodies. So a message is cleaned
(`venues.texts`) and the original is never chained: whatever prints a traceback would print it too. Must not know what
was asked.
"""

import re
from collections.abc import Mapping

import aiohttp
import ccxt

from trueup.model.errors import AuthError, RateLimited, VenueError, VenueUnavailable
from trueup.venues.texts import Cleaner

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
