"""Alpaca: stocks, options and crypto of one account, through its Trading API v2. Read only.

Rules: paper unless `live = true` stands in the configuration and the caller allows it; secrets go nowhere but into
the headers of requests to one host, over TLS (plain HTTP only to this machine). It decides nothing: an order is absent
where Alpaca says so in its own words, and everything else that is not an answer is a VenueError or `unknown`.
"""

from collections.abc import AsyncIterator
from typing import TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from trueup.model.errors import ConfigError, VenueError, VenueUnavailable
from trueup.model.ids import normal_id
from trueup.model.snapshot import (
    HistoryRead,
    Instrument,
    OrdersRead,
    PositionsRead,
    VenueAnswer,
    VenueOrder,
)
from trueup.model.times import from_ns, to_ns
from trueup.model.vocabulary import Lists, Outcome, QueryBy, ReadState
from trueup.ports.clock import Clock
from trueup.ports.venue import VenueSettings
from trueup.venues.alpaca.hints import hear_hints
from trueup.venues.alpaca.pages import list_fills, list_orders
from trueup.venues.alpaca.rows import ORDERS, POSITIONS, read_all, read_order, read_position, utc_text
from trueup.venues.http.budget import shared_budget
from trueup.venues.http.reader import TIMEOUT_S, HttpReader
from trueup.venues.texts import masked_address

T = TypeVar("T")
PAPER = "https://paper-api.alpaca.markets"
LIVE = "https://api.alpaca.markets"
REQUESTS_PER_MINUTE = 180  # Alpaca counts 200 per account; a tenth is left for what it counts otherwise
REQUESTS_PER_MINUTE_MAX = 10_000
NOT_FOUND_FAMILY = 4041  # of Alpaca's error codes (40410000); a proxy's or a router's 404 carries none
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class AlpacaOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[accounts.options]`. `base_url`: another address, such as that of `trueup sim serve`."""

    live: bool = False
    base_url: str | None = None
    requests_per_minute: int = REQUESTS_PER_MINUTE
    timeout_s: float = TIMEOUT_S


class _Account(Struct, frozen=True):
    id: str


class _Time(Struct, frozen=True):
    timestamp: str


class _Error(Struct, frozen=True):
    code: int
    message: str


_ACCOUNTS = msgspec.json.Decoder(_Account)
_TIMES = msgspec.json.Decoder(_Time)
_ERRORS = msgspec.json.Decoder(_Error)


def open_venue(settings: VenueSettings) -> "AlpacaVenue":
    """Entry point. Credentials: `key_id`, `secret_key`. Raises ConfigError."""
    try:
        options = msgspec.convert(dict(settings.options), AlpacaOptions)
    except msgspec.ValidationError as error:
        raise ConfigError(f"options of account {settings.account_id!r}: {error}") from error
    missing = {"key_id", "secret_key"} ^ settings.credentials.keys()
    if missing:
        raise ConfigError(
            f"account {settings.account_id!r}: the venue `alpaca` needs exactly the credentials key_id and secret_key"
        )
    if not 1 <= options.requests_per_minute <= REQUESTS_PER_MINUTE_MAX or options.timeout_s <= 0:
        raise ConfigError("requests_per_minute must be from 1 to 10000, and timeout_s above 0")
    address = _address(options, settings.allow_live)
    key_id, secret = (_header_text(settings, name) for name in ("key_id", "secret_key"))
    return AlpacaVenue(
        HttpReader(
            address,
            {"APCA-API-KEY-ID": key_id, "APCA-API-SECRET-KEY": secret},
            shared_budget(
                address, key_id, settings.clock, options.requests_per_minute, settings.wider_budgets
            ),
            settings.clock,
            timeout_s=options.timeout_s,
        ),
        settings.clock,
        key_id,
        secret,
    )


def _header_text(settings: VenueSettings, name: str) -> str:
    """A credential that can stand in a header: one that cannot was mostly copied with a line break in it."""
    text = settings.credentials[name]
    if not (text.isascii() and text.isprintable()):
        raise ConfigError(
            f"account {settings.account_id!r}: the credential {name} holds a line break or another character that"
            " no key has: copy it again, as one line"
        )
    return text


def _address(options: AlpacaOptions, allow_live: bool) -> str:
    """Where to read. Whatever is neither Alpaca's paper host nor this machine counts as live."""
    address = (options.base_url or (LIVE if options.live else PAPER)).rstrip("/").removesuffix("/v2")
    parts = urlsplit(address)
    if parts.username or parts.password or parts.query:
        raise ConfigError(f"base_url {masked_address(address)!r} must hold neither credentials nor a query")
    here = parts.hostname in _LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and here):
        raise ConfigError(
            f"base_url {address!r}: keys are sent over https only, or over http to this machine"
        )
    if address != PAPER and not here:
        if not options.live:
            raise ConfigError(
                f"{address} is not Alpaca's paper host: set live = true in the account's options"
            )
        if not allow_live:
            raise ConfigError(
                "live = true is configured; say it again: `trueup --live …`, or TRUEUP_ALLOW_LIVE=true"
            )
    return address


class AlpacaVenue:
    """Implements `ports.Venue`, `ports.Hinting` and `ports.TellingTime`."""

    name = "alpaca"

    def __init__(self, http: HttpReader, clock: Clock, key_id: str, secret: str) -> None:
        self._http = http
        self._clock = clock
        self._key_id = key_id
        self._secret = secret
        self._account_id: str | None = None

    @property
    def address(self) -> str:
        return self._http.address

    async def account_id(self) -> str | None:
        """Asked once: credentials belong to one account for as long as they live."""
        if self._account_id is None:
            self._account_id = _decode(_ACCOUNTS, await self._http.read("/v2/account")).id
        return self._account_id

    async def now_ns(self) -> int | None:
        timestamp = _decode(_TIMES, await self._http.read("/v2/clock")).timestamp
        try:
            return to_ns(utc_text(timestamp))
        except ValueError as error:
            raise VenueUnavailable(f"Alpaca's clock says {timestamp[:60]!r}, which is no time") from error

    async def instruments(self) -> list[Instrument]:
        """None: Alpaca takes fractions of 9 decimals, so quantities compare exactly."""
        return []

    async def open_orders(self) -> OrdersRead:
        read_at = self._now()
        listing = await list_orders(self._http, "open", None)
        return OrdersRead(state=listing.state, read_at=read_at, rows=listing.orders, error=listing.error)

    async def history(self, since: str | None, symbol: str | None = None) -> HistoryRead:
        """Orders by submission and fills by execution; of one symbol only the orders are fewer."""
        read_at = self._now()
        orders = await list_orders(self._http, "all", since, symbol)
        try:
            fills = await list_fills(self._http, since)
        except VenueError as error:
            return HistoryRead(
                state=ReadState.PARTIAL,
                read_at=read_at,
                since=since,
                orders=orders.orders,
                error=f"no fills: {error}",
            )
        whole = orders.state is ReadState.COMPLETE and fills.state is ReadState.COMPLETE
        return HistoryRead(
            state=ReadState.COMPLETE if whole else ReadState.PARTIAL,
            read_at=read_at,
            since=since,
            orders=orders.orders,
            fills=fills.fills,
            error="; ".join(filter(None, (orders.error, fills.error))) or None,
        )

    async def positions(self) -> PositionsRead:
        read_at = self._now()
        page = POSITIONS.decode(await self._http.read("/v2/positions"))
        rows, faults = read_all(page, read_position)
        state = ReadState.PARTIAL if faults else ReadState.COMPLETE
        error = "; ".join(faults[:3]) or None
        # GET /v2/positions lists "all open positions": of what is not held there is no row
        return PositionsRead(state=state, read_at=read_at, rows=rows, error=error, lists=Lists.HELD)

    async def find_order(self, by: QueryBy, order_id: str, symbol: str | None = None) -> VenueAnswer:
        read_at = self._now()
        if by is QueryBy.CLIENT_ORDER_ID:
            reply = await self._http.get("/v2/orders:by_client_order_id", {"client_order_id": order_id})
        else:
            reply = await self._http.get(f"/v2/orders/{_path_part(order_id)}")
        if reply.status == 404 and _says_not_found(reply.body):
            return VenueAnswer(by=by, id=order_id, outcome=Outcome.ABSENT, read_at=read_at)
        if reply.status != 200:
            raise VenueUnavailable(self._http.refusal(reply))
        order = _decode_order(reply.body)
        said = order.client_order_id if by is QueryBy.CLIENT_ORDER_ID else order.venue_order_id
        if normal_id(said or "") != normal_id(order_id):
            raise VenueUnavailable("Alpaca answered with another order than the one asked for")
        return VenueAnswer(by=by, id=order_id, outcome=Outcome.FOUND, read_at=read_at, order=order)

    def hints(self) -> AsyncIterator[None]:
        """From the stream of trade updates."""
        return hear_hints(self.address, self._key_id, self._secret, self._clock)

    def take_skew_ns(self) -> int | None:
        return self._http.skew.take_ns()

    async def aclose(self) -> None:
        await self._http.aclose()

    def _now(self) -> str:
        return from_ns(self._clock.now_ns())


def _path_part(order_id: str) -> str:
    """An id as one part of a path, whatever it holds: `..` must not lead elsewhere."""
    return quote(order_id, safe="").replace(".", "%2E")


def _says_not_found(body: bytes) -> bool:
    try:
        return _ERRORS.decode(body).code // 10_000 == NOT_FOUND_FAMILY
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


def _decode_order(body: bytes) -> VenueOrder:
    try:
        return read_order(ORDERS.one(body))
    except ValueError as error:
        raise VenueUnavailable(f"Alpaca's answer holds what cannot be used: {error}") from error


def _decode(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise VenueUnavailable(f"Alpaca's answer is not the documented one: {error}") from error
