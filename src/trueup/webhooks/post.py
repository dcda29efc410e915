"""Posts one JSON document and says whether it arrived: yes, certainly not, or nobody knows.

Rules: redirects are not followed, for the address was somebody's choice; an answer's body is read up to a bound; no
message of an error holds the address, which may be a secret.
"""

import math
import os
from urllib.parse import urlsplit

import aiohttp

from trueup.model.errors import ConfigError, TrueupError
from trueup.ports.notifier import NotTold

ANSWER_BYTES_MAX = 2000
JSON = {"Content-Type": "application/json", "User-Agent": "trueup"}


class PerhapsTold(TrueupError):
    """It was sent, and what became of it is not known."""


class Poster:
    """Keeps one session, which is made by its first request."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        """Returns where it was taken (2xx). Raises NotTold, PerhapsTold."""
        if self._session is None or self._session.closed:
            timeout = aiohttp.ClientTimeout(total=self._timeout_s)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._session.post(
                url, data=body, headers=JSON | headers, allow_redirects=False
            ) as answer:
                if not 200 <= answer.status < 300:
                    raise await _refusal(answer)
        except aiohttp.ClientConnectorError as error:  # nothing was sent
            raise NotTold(f"cannot connect: {_why(error)}") from None
        except aiohttp.InvalidURL:
            raise NotTold("cannot connect: it is no address of a server") from None
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise PerhapsTold(f"no answer: {type(error).__name__}") from None

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


def _why(error: aiohttp.ClientConnectorError) -> str:
    """Without the address, which the system's own words may hold."""
    if isinstance(error, aiohttp.ClientSSLError):
        verdict = getattr(error.os_error, "verify_message", None)
        return (
            f"the server's certificate is not trusted: {verdict}" if verdict else "the server speaks no TLS"
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no such host"
    code = error.os_error.errno
    return os.strerror(code).lower() if code is not None and code > 0 else "no connection"


async def _refusal(answer: aiohttp.ClientResponse) -> TrueupError:
    """A server that fails may have taken it before."""
    said = (await answer.content.read(ANSWER_BYTES_MAX)).decode(errors="replace")
    text = f"answered {answer.status}: {' '.join(said.split())[:200]}".removesuffix(": ")
    if answer.status >= 500:
        return PerhapsTold(text)
    return NotTold(text, _seconds(answer.headers.get("Retry-After")))


def _seconds(text: str | None) -> float | None:
    try:
        seconds = float(text or "")
    except ValueError:  # a date: our own pace will do
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def check_url(url: str, place: str) -> str:
    """Raises ConfigError, which never holds it, for what is no address of a server."""
    if not _is_of_a_server(url):
        raise ConfigError(f"{place}: expected an address such as https://example.org/path")
    return url


def _is_of_a_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of a port, an address in brackets, a name that no server can have
        return False
