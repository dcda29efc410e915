"""Reads JSON over HTTP: the budget, time-outs, bounds, retries and honest failures that every REST venue needs.

Only GET exists here, so that a retry can never do harm. Rules: a reply that is not the venue's own JSON proves nothing
and is a VenueError; a redirect is never followed; a secret is in no message, whatever the venue echoes. Must not know
what a body means.
"""

import random
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct
from yarl import URL

from trueup.model.errors import AuthError, RateLimited, VenueError, VenueUnavailable
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.venues.http.budget import WINDOW_S, RateBudget
from trueup.venues.http.clock_skew import ClockSkew
from trueup.venues.texts import Cleaner

TIMEOUT_S = 8.0  # one reply; a page takes 0.1 to 2 s, and a listing of many pages has 30 s in all
ATTEMPTS_MAX = 3
BACKOFF_S = 0.5  # before the second attempt, doubled each time, moved by jitter
PATIENCE_S = (
    20.0  # the longest that a request waits for the budget: longer than that is the next run's business
)
BODY_MAX_BYTES = 32 << 20  # 500 orders with their legs are 3 MB
RESERVE_SHARE = 0.05  # of the venue's limit, where it says how many calls are left: those are the bot's
REFUSAL_BYTES_MAX = 64 << 10  # of a body that is looked into for what it says


class Reply(Struct, frozen=True):
    """A reply that is neither a failure of the server nor a refusal of the credentials."""

    status: int
    body: bytes


class HttpReader:
    """GETs from one address with one account's credentials."""

    def __init__(
        self,
        address: str,
        headers: Mapping[str, str],
        budget: RateBudget,
        clock: Clock,
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        self.address = address
        self.budget = budget
        self.skew = ClockSkew()
        self._host = urlsplit(address).netloc.rpartition("@")[2]
        self._headers = dict(headers)
        self._cleaner = Cleaner(headers.values())
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Reply:
        """The reply to one request, tried `ATTEMPTS_MAX` times; `path` is percent-encoded already.

        Raises VenueUnavailable, RateLimited, AuthError.
        """
        for attempt in range(1, ATTEMPTS_MAX + 1):
            await self.budget.take(PATIENCE_S)
            try:
                return await self._get_once(path, params or {})
            except AuthError:
                raise
            except VenueError as error:
                if attempt == ATTEMPTS_MAX:
                    raise
                if not isinstance(error, RateLimited):  # the budget waits for that one
                    await self._clock.sleep(BACKOFF_S * 2 ** (attempt - 1) * (0.5 + self._jitter.random()))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def read(self, path: str, params: Mapping[str, str] | None = None) -> bytes:
        """The body of a reply that says 200. Raises as `get` does."""
        reply = await self.get(path, params)
        if reply.status != 200:
            raise VenueUnavailable(self.refusal(reply))
        return reply.body

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _get_once(self, path: str, params: Mapping[str, str]) -> Reply:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        sent_ns = self._clock.now_ns()
        try:
            async with self._session.get(
                URL(self.address + path, encoded=True).with_query(params),
                headers=self._headers,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                self.skew.note(response.headers.get("Date"), sent_ns, self._clock.now_ns())
                reply = Reply(response.status, await _bounded_body(response))
                self._obey(response)
        except TimeoutError as error:
            raise VenueUnavailable(f"{self._host} did not answer within {self._timeout.total:g} s") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise VenueUnavailable(
                f"{self._host} gave no whole answer ({type(error).__name__}): it is tried again in the next run"
            ) from None  # its text may hold the request
        return self._usable(reply)

    def _usable(self, reply: Reply) -> Reply:
        status = reply.status
        if status == 429:
            raise RateLimited(f"{self._host} takes no more calls for now; trueup waits until it does")
        if status in (401, 403):
            raise AuthError(
                f"{self._host} refuses the credentials ({status}): check the key, and that it belongs to this host"
                " (paper and live keys differ)"
            )
        if status >= 500 or 300 <= status < 400 or status < 200:
            raise VenueUnavailable(f"{self._host} answered {status}: it is tried again in the next run")
        if not reply.body.lstrip().startswith((b"{", b"[")):
            raise VenueUnavailable(f"{self._host} answered {status} without JSON: is it under maintenance?")
        return reply

    def _obey(self, response: aiohttp.ClientResponse) -> None:
        """What the venue says about its limit: how many calls are left, and when it counts anew."""
        headers = response.headers
        left, limit = headers.get("X-RateLimit-Remaining", ""), headers.get("X-RateLimit-Limit", "")
        if response.status == 429:
            retry_after = headers.get("Retry-After", "")
            known = float(retry_after) if retry_after.isdigit() else self._reset_in_s(headers)
            self.budget.pause(min(WINDOW_S, known if known is not None else 1 + self._jitter.random()))
        elif left.isdigit() and limit.isdigit() and int(left) < RESERVE_SHARE * int(limit):
            self.budget.pause(self._reset_in_s(headers) or 0)

    def _reset_in_s(self, headers: Mapping[str, str]) -> float | None:
        """Seconds until the venue's counter starts anew, by the venue's own clock where it tells the time."""
        reset = headers.get("X-RateLimit-Reset", "")
        if not reset.isdigit():
            return None
        try:
            now_s = parsedate_to_datetime(headers["Date"]).timestamp()
        except (KeyError, ValueError):
            now_s = self._clock.now_ns() / NS_PER_S
        return min(max(int(reset) - now_s, 0.0) + self._jitter.random(), WINDOW_S)

    def refusal(self, reply: Reply) -> str:
        """What the venue says against a request: its code and message, short and without secrets."""
        said = self._cleaner.clean(reply.body[:REFUSAL_BYTES_MAX].decode(errors="replace"))
        return f"{self._host} answered {reply.status}: {said}"


async def _bounded_body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise aiohttp.ClientPayloadError("body too large")
    return bytes(body)
