"""One cell of a foreign table as canonical text, and back. No cell is guessed: what is none is a ValueError.

Floats become the shortest decimal that gives the same float, snapped to the venue's step or tick where it lies within
1e-9 of it. Times without a zone, and numbers, need the mapping's word for what they are.
"""

import datetime as dt
import math
import uuid
from decimal import Decimal
from zoneinfo import ZoneInfo

from trueup.books.tables.mapping import TIME_UNITS
from trueup.exports.read_texts import read_amount, read_time
from trueup.model.check_texts import text_fault
from trueup.model.money import canonical, divide, multiply, text
from trueup.model.times import from_ns, to_ns

Cell = object  # what a driver hands out

SNAP = Decimal("1e-9")  # relative: what float noise stays far below and no step does (books.md)
EARLIEST_NS, LATEST_NS = to_ns("2009-01-01T00:00:00Z"), to_ns("2100-01-01T00:00:00Z")  # of times in numbers
_NEVER = ("1970-01-01T00:00:00", "0001-01-01T00:00:00", "1900-01-01T00:00:00")
NULL_TEXTS = frozenset({"", "null", "none", "nan", "nat"})
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_UNITS = {10: "s", 13: "ms", 16: "us", 19: "ns"}  # by the digits of times since 1970


def short_text(cell: Cell) -> str:
    """A cell as text, however it is stored. Raises ValueError for one that is no id and no word of anybody's: of notes
    and megabytes nothing is carried on."""
    said = str(cell).strip()
    if fault := text_fault(said):
        raise ValueError(fault)
    return said


def cell_text(cell: Cell) -> str | None:
    """An id, a word or a symbol as text; null where there is none."""
    if cell is None:
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if not cell.is_integer():
            raise ValueError(f"{cell!r} is a fraction where an id or a word is expected")
        return str(int(cell))
    if isinstance(cell, bytes | bytearray | memoryview):
        raw = bytes(cell)
        return str(uuid.UUID(bytes=raw)) if len(raw) == 16 else short_text(raw.decode("utf-8"))
    said = short_text(cell)
    return None if said.lower() in NULL_TEXTS else said


def loose_text(cell: Cell) -> str | None:
    """An id where it may be none: what is asked only whether it exists."""
    try:
        return cell_text(cell)
    except (ValueError, UnicodeDecodeError):
        return None


def cell_amount(cell: Cell, step: str | None = None, *, signed: bool = False) -> str | None:
    """An amount as canonical text; null where there is none. `step`: the venue's quantity step or price tick."""
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in NULL_TEXTS):
        return None
    if isinstance(cell, bool):
        raise ValueError(f"{cell} is no amount")
    if isinstance(cell, float):
        if not math.isfinite(cell):
            raise ValueError(f"{cell} is no amount")
        return read_amount(snapped(format(Decimal(repr(cell)), "f"), step), signed=signed)
    if isinstance(cell, Decimal):
        if not cell.is_finite():
            raise ValueError(f"{cell} is no amount")
        return read_amount(format(cell, "f"), signed=signed)
    return read_amount(short_text(cell), signed=signed)


def snapped(plain: str, step: str | None) -> str:
    """The nearest whole multiple of `step` where it is within 1e-9 of the amount; else the amount."""
    value, unit = Decimal(plain), Decimal(step or 0)
    if not value or unit <= 0:
        return canonical(plain)
    nearest = multiply(divide(value, unit).to_integral_value(), unit)
    is_near = nearest != 0 and abs(value - nearest) <= SNAP * abs(value)
    return text(nearest) if is_near else canonical(plain)


def cell_time(cell: Cell, rule: str | None) -> str | None:
    """RFC 3339 UTC. `rule`: a unit for numbers, a zone for times without one; null: what has neither is refused."""
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in NULL_TEXTS):
        return None
    if isinstance(cell, dt.datetime):
        return _meant(_from_datetime(cell, rule), cell)
    if isinstance(cell, bool | dt.date):
        raise ValueError(f"{cell} is no time")
    if isinstance(cell, int | float | Decimal):
        return _from_number(Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell), rule)
    said = short_text(cell)
    if said.replace(".", "", 1).isdigit() and "-" not in said:
        return _from_number(Decimal(said), rule)
    return _meant(_from_text(said, rule), said)


def _meant(time: str, cell: Cell) -> str | None:
    """Null for the days that programs write for "never". Raises ValueError for others that no bot can mean."""
    if time.startswith(_NEVER):
        return None
    if not EARLIEST_NS <= to_ns(time) <= LATEST_NS:
        raise ValueError(f"{cell} is no time that a bot can mean: another column?")
    return time


def _from_number(value: Decimal, rule: str | None) -> str | None:
    if not value:
        return None  # 0 is how programs write "never"
    if rule in TIME_UNITS:
        time_ns = int(value * TIME_UNITS[rule])
        if not EARLIEST_NS <= time_ns <= LATEST_NS:
            raise ValueError(f"{value} {rule} since 1970 is no time that a bot can mean: another unit?")
        return from_ns(time_ns)
    return read_time(format(value, "f"), assume_utc=False)


def _from_datetime(value: dt.datetime, rule: str | None) -> str:
    if value.tzinfo is None:
        value = value.replace(tzinfo=_zone(rule, value.isoformat()))
    return from_ns((value - _EPOCH) // _MICROSECOND * 1000)


def _from_text(said: str, rule: str | None) -> str:
    local = read_time(said, assume_utc=True)  # the digits, as if they were UTC; raises where they are no time
    try:
        return read_time(said, assume_utc=False)
    except ValueError:
        zone = _zone(rule, said)
    naive = dt.datetime.fromisoformat(local[:19]).replace(tzinfo=zone)
    whole = (naive.astimezone(dt.UTC) - _EPOCH) // dt.timedelta(seconds=1)
    return from_ns(whole * 10**9 + to_ns(local) % 10**9)


def _zone(rule: str | None, said: str) -> ZoneInfo:
    if rule is None or rule in TIME_UNITS:
        raise ValueError(f"{said!r} has no time zone; say which: times = {{ default = 'UTC' }}")
    return ZoneInfo(rule)


def time_cell(time: str, like: Cell, rule: str | None, *, is_zoned: bool = False) -> Cell:
    """A time of ours as the column holds its times. `like`: a value of that column, or null where none is known.

    `is_zoned`: the column's type has a zone. What the column has decides; `rule` says what it does not tell.
    """
    if is_zoned or (isinstance(like, dt.datetime) and like.tzinfo is not None):
        return _moment(time)
    unit = _unit(like, rule)
    if unit is not None:
        number = to_ns(time) // TIME_UNITS[unit]
        return str(number) if isinstance(like, str) else number
    if isinstance(like, dt.datetime) and rule is None:
        return _moment(time)
    if rule is None or rule in TIME_UNITS or (isinstance(like, str) and _says_zone(like)):
        return time
    local = _moment(time).astimezone(ZoneInfo(rule)).replace(tzinfo=None)
    if isinstance(like, str) or like is None:
        return local.isoformat(sep="T" if isinstance(like, str) and "T" in like else " ")
    return local


def _moment(time: str) -> dt.datetime:
    return _EPOCH + dt.timedelta(microseconds=to_ns(time) // 1000)


def _unit(like: Cell, rule: str | None) -> str | None:
    """The unit of a column of numbers: the rule's, else what the digits of one of its values say."""
    digits = str(like).partition(".")[0] if isinstance(like, str | int | float | Decimal) else ""
    if rule in TIME_UNITS and (like is None or digits.isdigit()):
        return rule
    return _UNITS.get(len(digits)) if digits.isdigit() else None


def _says_zone(said: str) -> bool:
    try:
        read_time(said.strip(), assume_utc=False)
    except ValueError:
        return False
    return True
