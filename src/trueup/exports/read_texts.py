"""Single texts of an export made canonical: amounts, times, words. Each raises ValueError that says what is wrong."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from trueup.model.check_texts import amount_fault
from trueup.model.money import canonical, is_same, parse
from trueup.model.times import from_ns, to_ns
from trueup.model.vocabulary import Action, Intent, PositionSide, Side, Status, TradeStatus

Vocabulary = TypeVar("Vocabulary", bound=StrEnum)

_PLAIN = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_EXPONENT_MAX = 60
_TEXTS_KEPT = 1 << 16  # of one function: cells repeat, and a text that is read twice is kept once
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])", re.ASCII)
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d(:\d\d)?)([.,](?P<fraction>\d+))?"
    r" ?(?P<zone>Z|UTC|GMT|\+0000 UTC|[+-]\d\d(:?\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)  # PostgreSQL writes whole hours (`+00`), Go its zone twice (`+0000 UTC`)
_EPOCH_UNITS = {10: 10**9, 13: 10**6, 16: 10**3, 19: 1}  # digits → nanoseconds of the last one
_FRACTION_DIGITS = 9


@lru_cache(maxsize=_TEXTS_KEPT)
def read_amount(text: str, *, signed: bool = False) -> str:
    """The exact amount in its one plain notation (`1e-7`, `+5`, `.5`, `1.50` are written otherwise)."""
    plain = text if _PLAIN.fullmatch(text) else _spelled_out(text)
    fault = amount_fault(plain, signed=signed)
    if fault is not None:
        raise ValueError(fault)
    return canonical(plain)


def _spelled_out(text: str) -> str:
    if "," in text:
        raise ValueError(f"{text!r}: write a point for decimals and nothing between thousands")
    value = parse(text)
    if value is None:
        is_word = text.lower().lstrip("+-") in ("nan", "snan", "inf", "infinity")
        raise ValueError(f"{text[:60]!r} is not {'an amount' if is_word else 'a number'}")
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(exponent) > _EXPONENT_MAX:
        raise ValueError(f"{text[:60]!r} is not an amount")
    return format(value, "f")


class NoZone(ValueError):
    """A time that does not say its zone."""


@lru_cache(maxsize=_TEXTS_KEPT)
def read_time(text: str, *, assume_utc: bool) -> str:
    """RFC 3339 UTC of an ISO text with a zone, or of seconds, milli-, micro- or nanoseconds since 1970."""
    whole, _, fraction = text.partition(".")
    if whole.isdigit() and (not fraction or fraction.isdigit()):
        return _from_epoch(whole, fraction)
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]!r} is not a time such as 2026-11-23T12:00:00Z")
    if match["zone"] is None and not assume_utc:
        raise NoZone(f"{text!r} has no time zone; say --assume-utc if it is UTC")
    return _from_parts(match["day"], match["time"], match["fraction"] or "", match["zone"] or "Z")


def _from_epoch(whole: str, fraction: str) -> str:
    unit_ns = _EPOCH_UNITS.get(len(whole))
    if unit_ns is None:
        raise ValueError(f"{whole[:60]!r} is not a time in s, ms, µs or ns since 1970")
    return from_ns(int(whole) * unit_ns + int((fraction + "0" * 9)[:9]) * unit_ns // 10**9)


def _from_parts(day: str, time: str, fraction: str, zone: str) -> str:
    offset = "+00:00" if zone.upper() in ("Z", "UTC", "GMT", "+0000 UTC") else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{offset}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{day} {time}: no such time") from None
    digits = fraction[:_FRACTION_DIGITS].rstrip("0")
    text = moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{digits}" if digits else "") + "Z"
    to_ns(text)
    return text


TRUE_WORDS = frozenset({"true", "1", "t", "yes"})  # PostgreSQL's CSV has t and f
FALSE_WORDS = frozenset({"false", "0", "f", "no"})

# -- words ------------------------------------------------------------------------------------------------------------

# What a status word says. Alpaca's eighteen are all here; ccxt's `open` and `closed` say less than they seem to, and
# are read with the quantities. Alpaca: `done_for_day` may go on tomorrow and `stopped` will still fill: both live.
# `calculated` is over for the day, filled or not, before settlement: it may be either, so it says nothing (null).
_STATUS_WORDS: dict[str, Status | None] = {
    **{status.value: status for status in Status},
    **dict.fromkeys(
        (
            "new",
            "accepted",
            "open",
            "held",
            "pending",
            "active",
            "working",
            "submitted",
            "live",
            "untriggered",
        ),
        Status.PENDING_NEW,
    ),
    **dict.fromkeys(
        ("accepted_for_bidding", "pending_review", "done_for_day", "stopped"), Status.PENDING_NEW
    ),
    "partially_canceled": Status.CANCELED,
    "partial": Status.PARTIALLY_FILLED,
    "partial_fill": Status.PARTIALLY_FILLED,
    "partial_filled": Status.PARTIALLY_FILLED,  # HTX's, as the next
    "partial_canceled": Status.CANCELED,
    "partially_fill": Status.PARTIALLY_FILLED,
    "filled_partially": Status.PARTIALLY_FILLED,
    "partially_filled_canceled": Status.CANCELED,
    "partially_filled_cancelled": Status.CANCELED,
    "mmp_canceled": Status.CANCELED,
    "expired_in_match": Status.EXPIRED,
    "cancelled": Status.CANCELED,
    "partially_cancelled": Status.CANCELED,
    "canceling": Status.PENDING_CANCEL,
    "cancelling": Status.PENDING_CANCEL,
    "calculated": None,
}
_SIDE_WORDS = {
    "sell_short": Side.SELL,
    "short": Side.SELL,
    "bid": Side.BUY,
    "ask": Side.SELL,
    "b": Side.BUY,
    "s": Side.SELL,
    "a": Side.SELL,  # Hyperliquid's ask
    "buy_to_cover": Side.BUY,
    "bot": Side.BUY,  # Interactive Brokers' executions
    "sld": Side.SELL,
}
_TRADE_STATUS_WORDS = {
    **dict.fromkeys(TRUE_WORDS, TradeStatus.OPEN),  # of a column `is_open`
    **dict.fromkeys(FALSE_WORDS, TradeStatus.CLOSED),
}
_ACTION_WORDS = {"open": Action.ENTRY, "close": Action.EXIT}
_POSITION_SIDE_WORDS = {"buy": PositionSide.LONG, "sell": PositionSide.SHORT}


@lru_cache(maxsize=_TEXTS_KEPT)
def word(text: str) -> str:
    """`Partially-Filled` as `partially_filled`."""
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def read_status(text: str, qty: str | None, filled_qty: str | None) -> Status | None:
    """The canonical status; null where the word says nothing certain. Raises KeyError where it is not known.

    `closed` is filled or, with less than its quantity, canceled with its fills; `open` with a fill is partly filled.
    """
    said = _status_word(text)
    filled = None if filled_qty is None else Decimal(filled_qty)
    if said == "closed":
        return _read_closed(None if qty is None else Decimal(qty), filled)
    status = _STATUS_WORDS[said]
    return Status.PARTIALLY_FILLED if status is Status.PENDING_NEW and filled else status


def _status_word(text: str) -> str:
    """Bybit and others write `PartiallyFilled`, which is `partially_filled` only where it is no word by itself."""
    said = word(text)
    return said if said in _STATUS_WORDS else word(_HUMPS.sub("_", text))


def _read_closed(qty: Decimal | None, filled: Decimal | None) -> Status | None:
    if filled is None or (qty is None and filled):
        return None
    return Status.FILLED if filled and qty is not None and _reaches(filled, qty) else Status.CANCELED


def _reaches(filled: Decimal, qty: Decimal) -> bool:
    """But for the noise of binary fractions."""
    return filled >= qty or is_same(filled, qty)


def read_side(text: str) -> Side:
    said = word(text)
    return _SIDE_WORDS.get(said) or _member(Side, said, text)


def read_trade_status(text: str) -> TradeStatus:
    said = word(text)
    return _TRADE_STATUS_WORDS.get(said) or _member(TradeStatus, said, text)


def read_position_side(text: str) -> PositionSide | None:
    """Null for the venues' word for "not hedged"."""
    said = word(text)
    return (
        None
        if said in ("both", "net")
        else _POSITION_SIDE_WORDS.get(said) or _member(PositionSide, said, text)
    )


def read_action(text: str) -> Action | None:
    """Null where it is no action: the reference took an explicit action only where it is valid."""
    said = word(text)
    return _ACTION_WORDS.get(said) or (Action(said) if said in list(Action) else None)


def read_intent(text: str) -> Intent | None:
    """Alpaca's `buy_to_open`, `sell_to_close` …; null where it says neither."""
    said = word(text)
    return Intent.OPEN if said.endswith("open") else Intent.CLOSE if said.endswith("close") else None


def _member(vocabulary: type[Vocabulary], said: str, text: str) -> Vocabulary:
    try:
        return vocabulary(said)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is none of {', '.join(list(vocabulary))}") from None
