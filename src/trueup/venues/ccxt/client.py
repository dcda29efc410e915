"""One ccxt exchange object of our own, and every call that is made of it: budget, time-outs, retries, exact numbers.

A bot's object is never changed. We take a twin: a copy that shares its throttler (one budget for the account) and its
settings, but has its own connections and markets, and reads every number of the venue's JSON as the text it is. An
answer that is no JSON, or empty, is refused before a parser can turn it into an empty list. Must not know what an
order is.
"""

import asyncio
import copy
import json
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from decimal import Decimal
from typing import Any

import ccxt
import ccxt.async_support
import ccxt.pro
from msgspec import Struct

from trueup.model.errors import ConfigError, RateLimited, VenueError, VenueUnavailable
from trueup.model.ids import digest
from trueup.model.times import NS_PER_S
from trueup.ports.clock import Clock
from trueup.ports.venue import WiderBudget
from trueup.venues.ccxt.counted_texts import count_texts
from trueup.venues.ccxt.errors import UNREADABLE, OrderMissing, PassingFault, as_venue_error
from trueup.venues.ccxt.pages import Page
from trueup.venues.ccxt.traits import NUMBERS_ARE_COUNTED, is_read
from trueup.venues.http.budget import shared_budget
from trueup.venues.http.clock_skew import ClockSkew
from trueup.venues.texts import Cleaner

ATTEMPTS_MAX = 3  # of one read that failed for a passing reason
BACKOFF_S = 0.5  # before the second attempt, doubled each time, moved by jitter
PAUSE_S = 5.0  # after a refusal for too many calls that does not say how long
PAUSE_MAX_S = 600.0  # Binance bans for minutes to days; then one call asks again
CALLS_PER_MINUTE = 300  # besides ccxt's throttler, which knows what each call weighs; the bot needs some too
PATIENCE_S = 20.0  # how long a call may wait for its turn
MARKETS_AGE_MAX_S = 6 * 3600  # then they are read again: venues list new ones daily
CREDENTIALS = (
    "apiKey", "secret", "uid", "login", "password", "twofa", "privateKey", "walletAddress", "token", "accountId",
)  # ccxt's own names (requiredCredentials), and an account's id where an exchange wants one  # fmt: skip

# ccxt logs headers and signed URLs at DEBUG. This logger stands outside the registry: whoever configures logging
# (uvicorn does) enables the registered ones again, `disabled` or not.
_SILENT = logging.Logger("trueup.venues.ccxt.silent", logging.CRITICAL + 1)  # noqa: LOG001 - on purpose, see above


class _Traffic(Struct):
    """What came back within one call of ccxt's: JSON, and failures that may pass. `last`: null while it is awaited."""

    last: Any = None
    sent_ns: int = 0  # when the last request was sent
    answers: list[Any] = []
    failures: list[Exception] = []


_traffic: ContextVar[_Traffic | None] = ContextVar("traffic", default=None)


class Client:
    """Guarded calls. `exchange`: an async ccxt object; `calls_per_minute`: a bound besides ccxt's own throttler;
    `wider_budgets`: what other accounts spend from, too.
    """

    def __init__(
        self,
        exchange: Any,
        clock: Clock,
        *,
        calls_per_minute: int = CALLS_PER_MINUTE,
        wider_budgets: Sequence[WiderBudget] = (),
    ) -> None:
        if getattr(exchange, "synchronous", True):
            raise ConfigError(
                "give an exchange of ccxt.async_support or ccxt.pro: the synchronous one blocks the bot"
            )
        self.exchange = self._twin(exchange)
        self.markets_ns: int | None = None  # when they were read, by the monotonic clock
        self._clock = clock
        self._loading = asyncio.Lock()
        secrets = [str(value) for name in CREDENTIALS if (value := getattr(exchange, name, None))]
        self._cleaner = Cleaner(secrets)
        self.skew = ClockSkew()
        self._jitter = random.Random()  # noqa: S311 - spreads load, guards nothing
        self._budget = shared_budget(exchange.id, digest(*secrets), clock, calls_per_minute, wider_budgets)

    def __repr__(self) -> str:
        return f"Client({self.exchange.id})"

    async def load_markets(self) -> None:
        """The exchange's markets, at most `MARKETS_AGE_MAX_S` old."""
        async with (
            self._loading
        ):  # ccxt would share one task, and whoever is cancelled would cancel it for all
            now_ns = self._clock.monotonic_ns()
            if self.markets_ns is None or now_ns - self.markets_ns > MARKETS_AGE_MAX_S * NS_PER_S:
                await self.call(self.exchange.load_markets, self.markets_ns is not None)
                self.markets_ns = now_ns

    async def call(self, method: Callable[..., Any], *arguments: Any) -> Any:
        """One read, tried again where its failure may pass. Raises VenueError, with nothing secret in it."""
        return (await self._patiently(method, arguments))[0]

    async def call_list(self, method: Callable[..., Any], *arguments: Any) -> Page:
        """A listing. An empty one counts only where the venue's answer really holds a list.

        That is the last answer: what ccxt asks before is about the account.
        """
        rows, answers = await self._patiently(method, arguments)
        held = [_held(answer) for answer in answers] or [0]
        if not isinstance(rows, list) or held[-1] < 0:
            raise VenueUnavailable("the answer is not a listing (maintenance?): the next run asks again")
        return Page(rows=rows, held=max(held))

    async def call_totals(self, method: Callable[..., Any]) -> Mapping[str, Any]:
        """What is held of each currency. Nothing held counts only where the venue's answer has a place for it."""
        balance, answers = await self._patiently(method, ())
        totals: Mapping[str, Any] = balance.get("total") or {}
        if not totals and answers and _held(answers[-1]) < 0:
            raise VenueUnavailable("the answer holds no balances (maintenance?): the next run asks again")
        return totals

    async def aclose(self) -> None:
        await self.exchange.close()

    # -- inside ---------------------------------------------------------------------------------------------------

    async def _patiently(
        self, method: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> tuple[Any, list[Any]]:
        """What ccxt made of it, and the venue's own answers."""
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return await self._once(method, arguments, attempt)
            except (PassingFault, RateLimited) as error:
                if attempt == ATTEMPTS_MAX:
                    raise
                if not isinstance(error, RateLimited):  # the budget waits for that one
                    await self._clock.sleep(BACKOFF_S * 2 ** (attempt - 1) * (0.5 + self._jitter.random()))
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _once(
        self, method: Callable[..., Any], arguments: tuple[Any, ...], attempt: int
    ) -> tuple[Any, list[Any]]:
        traffic = _Traffic()
        token = _traffic.set(traffic)
        try:
            made = await _whole(method, arguments, traffic)
        except VenueError:
            raise
        except (ccxt.BaseError, *UNREADABLE) as error:
            fault = as_venue_error(error, self._cleaner, self.exchange.last_response_headers)
            if isinstance(fault, OrderMissing) and traffic.last is not None and _held(traffic.last) < 0:
                fault = VenueUnavailable("ccxt calls it missing, but the answer has no place for an order")
        else:
            return made, traffic.answers
        finally:
            _traffic.reset(token)
        if isinstance(fault, RateLimited):
            known_s = fault.retry_after_s
            self._budget.pause(PAUSE_S * attempt if known_s is None else min(known_s, PAUSE_MAX_S))
        raise fault  # outside the handler: the original, with its URL, is not its context

    def _twin(self, exchange: Any) -> Any:
        twin = copy.copy(exchange)
        twin.session = twin.tcp_connector = twin.asyncio_loop = None
        twin.own_session, twin.clients = True, {}
        twin.markets = twin.markets_by_id = twin.markets_loading = None
        twin.orders = twin.triggerOrders = twin.myTrades = twin.positions = (
            None  # what the bot's streams have told it
        )
        twin.options = _without_warnings(exchange.options)
        twin.enableRateLimit, twin.verbose, twin.logger = True, False, _SILENT
        if exchange.number not in (str, Decimal):
            twin.number = str
        if exchange.id in NUMBERS_ARE_COUNTED:
            count_texts(twin)
        if "on_json_response" not in vars(type(exchange)):
            twin.on_json_response = _read_json
        twin.on_rest_response = self._note_time
        twin.fetch = self._fetch
        return twin

    def _note_time(
        self,
        code: int,
        reason: str,
        url: str,
        method: str,
        headers: Mapping[str, str],
        body: Any,
        *asked: Any,
    ) -> Any:
        """ccxt calls this with every reply; what it returns is the body that is read."""
        sent_ns = (_traffic.get() or _Traffic()).sent_ns
        date = next((value for name, value in headers.items() if name.lower() == "date"), None)
        self.skew.note(date if sent_ns else None, sent_ns, self._clock.now_ns())
        twin = self.exchange
        return type(twin).on_rest_response(twin, code, reason, url, method, headers, body, *asked)

    async def _fetch(self, url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        """In place of ccxt's own: every single HTTP request passes here."""
        traffic, twin = _traffic.get() or _Traffic(), self.exchange
        traffic.last = None
        if not is_read(twin.id, method, url):  # ccxt goes on without where it only meant well
            raise ccxt.NotSupported(f"{twin.id}: trueup only reads, and this request may change something")
        try:
            await self._budget.take(PATIENCE_S)
            traffic.sent_ns = self._clock.now_ns()
            answer = await type(twin).fetch(twin, url, method, headers, body)
            if not isinstance(answer, (dict, list)) or answer == {}:
                raise ccxt.BadResponse(f"{twin.id} answered with a body that is not its JSON")
        except (VenueError, ccxt.OperationFailed, OSError) as failure:
            traffic.failures.append(failure)
            raise
        traffic.last = answer
        traffic.answers.append(answer)
        return answer


async def _whole(method: Callable[..., Any], arguments: tuple[Any, ...], traffic: _Traffic) -> Any:
    """What ccxt makes of it, unless a request of it failed.

    ccxt catches some failures and goes on as if they had been an answer: a time-out on bitget's question for the kind
    of account makes it a classic one, whose lists are empty, for as long as the object remembers it in its options.
    """
    exchange = getattr(method, "__self__", None)
    remembered = dict(exchange.options) if exchange is not None else {}
    made = await method(*arguments)
    if not traffic.failures:
        return made
    if exchange is not None:
        exchange.options = remembered
    raise traffic.failures[0]


def _without_warnings(options: Mapping[str, Any]) -> dict[str, Any]:
    """One listing of all symbols costs more calls, which the budget knows: binance and aster would refuse it."""
    quiet = {**options, "warnOnFetchOpenOrdersWithoutSymbol": False}
    if isinstance(own := options.get("fetchOpenOrders"), Mapping):
        quiet["fetchOpenOrders"] = {**own, "warnIfNoSymbol": False}
    return quiet


def _read_json(text: str) -> Any:
    """Numbers with a fraction stay the text they are: through a float they would be rounded."""
    return json.loads(text, parse_float=str)


def _held(answer: Any, depth: int = 3) -> int:
    """How many rows an answer holds: its longest array, or object of objects. -1: it holds neither array nor object.

    Every documented listing holds one besides words and numbers, also when it is empty.
    """
    if isinstance(answer, list):
        return len(answer)
    if not isinstance(answer, dict) or depth == 0:
        return -1
    inner = [value for value in answer.values() if isinstance(value, (dict, list))]
    if not inner:
        return -1 if depth == 3 else 0
    whole = (
        len(answer)
        if len(inner) == len(answer) and depth < 3 and all(isinstance(v, dict) for v in inner)
        else 0
    )
    return max(whole, 0, *(_held(value, depth - 1) for value in inner))
