"""Time is UTC: RFC 3339 text with `Z` in documents, integer nanoseconds where it is compared or added."""

import datetime as _dt
import re
from functools import lru_cache

NS_PER_S = 1_000_000_000
_SHAPE = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z", re.ASCII)
_EPOCH = _dt.datetime(1970, 1, 1)  # noqa: DTZ001 - all is UTC here; without a zone it is formatted faster
_SECOND = _dt.timedelta(seconds=1)


@lru_cache(maxsize=4096)  # one run asks for the same few again and again
def to_ns(time_text: str) -> int:
    """Nanoseconds since 1970 of an RFC 3339 UTC time such as `2026-11-23T12:00:00.123456789Z`.

    Raises ValueError where the text is not such a time.
    """
    match = _SHAPE.fullmatch(time_text)
    if match is None:
        raise ValueError(f"not an RFC 3339 UTC time with Z: {time_text!r}")
    whole, fraction = match.groups()
    return _seconds(whole) * NS_PER_S + (int(fraction.ljust(9, "0")) if fraction else 0)


def from_ns(time_ns: int) -> str:
    """RFC 3339 text of nanoseconds since 1970, without trailing zeros in the fraction."""
    seconds, fraction = divmod(time_ns, NS_PER_S)
    whole = _whole_text(seconds)
    digits = f"{fraction:09d}".rstrip("0")
    return f"{whole}.{digits}Z" if digits else f"{whole}Z"


def padded(time_text: str) -> str:
    """The same time with nine digits: such texts sort by time, as the ledger stamps them."""
    time_ns = to_ns(time_text)
    whole = from_ns(time_ns - time_ns % NS_PER_S)
    return f"{whole[:-1]}.{time_ns % NS_PER_S:09d}Z"


@lru_cache(maxsize=4096)  # the times of one run are of a few seconds
def _seconds(whole: str) -> int:
    return (_dt.datetime.fromisoformat(whole) - _EPOCH) // _SECOND


@lru_cache(maxsize=4096)
def _whole_text(seconds: int) -> str:
    return (_EPOCH + _dt.timedelta(seconds=seconds)).isoformat()


def is_before(left: str, right: str) -> bool:
    """Whether one time is earlier than another. Texts of one width are ordered as their times are."""
    if len(left) == len(right):
        return left < right
    return to_ns(left) < to_ns(right)
