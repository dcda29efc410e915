"""A form's cells as the readers want them: no unit behind an amount, a zone behind a time, one row a fill.

Rows in, rows out, and notes of what was left aside; cells are changed in place, for a copy of a million rows is a
gigabyte. A unit that stood behind an amount gets a column of its own (`Executed unit`), so that an amount of quote
currency is not taken for one of base.
"""

import re

from trueup.exports.forms import Form, Kind
from trueup.exports.freqtrade import say_actions, say_exits
from trueup.exports.hummingbot import say_fees
from trueup.exports.kraken import pair_ledgers, pair_name
from trueup.exports.meanings import AMOUNTS, NAMES, TIMES, header_token, header_zone
from trueup.exports.okx import pair_legs
from trueup.exports.rows import Row, Rows

_GLUED = re.compile(
    r"(?P<number>[+-]?[0-9,]*\.?[0-9]+)\s?(?P<unit>(?!e\d+$)[^\W\d_][\w.]{0,14})", re.IGNORECASE
)  # coins of one letter (T, W) and of other scripts are traded, too
_NUMBER = re.compile(r"[+-]?[\d,]*\.?\d+", re.ASCII)
_QUOTES = (
    "USDT",
    "USDC",
    "FDUSD",
    "BUSD",
    "TUSD",
    "DAI",
    "USD",
    "EUR",
    "TRY",
    "BRL",
    "JPY",
    "BTC",
    "ETH",
    "BNB",
)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+", re.ASCII)
_CLOCK = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?", re.ASCII)
_SHORT_YEAR = re.compile(r"\d\d-\d\d-\d\d ", re.ASCII)
_MINUTE_FIRST = re.compile(r"(?P<minute>\d\d:\d\d(:\d\d)?) (?P<day>\d{4}-\d\d-\d\d)", re.ASCII)
_NO_SIGN = frozenset(
    {"baseasset", "quoteasset", "aorconversionpair", "realizedprofit"}
)  # that quantities have units
UNIT = " unit"
_OF_COINS = ("qty", "filled_qty", "fee")  # a price has no unit


def tidy_rows(rows: Rows, form: Form | None) -> tuple[Rows, list[str]]:
    """The rows, and what a person should know of those that are not among them."""
    zone = rows.zone
    rows, notes = _rows_that_count(rows, form)
    if form is not None and header_token("ft_order_side") in {header_token(one) for one in rows.columns}:
        rows = say_actions(rows)
    if form is not None and form.kind is Kind.TRADES:
        rows = say_exits(rows)
    if form is not None and form.kraken_names and not form.is_ledger:
        rows = _with_fee_asset(rows)
    if form is not None and form.has_fees_as_json:
        rows = say_fees(rows)
    if form is not None and form.has_two_rows_a_fill:
        rows = pair_legs(rows)
    return _zoned(_without_units(rows, form), form, zone), notes


def _rows_that_count(rows: Rows, form: Form | None) -> tuple[Rows, list[str]]:
    if form is None:
        return rows, []
    if form.is_ledger:
        rows, left = pair_ledgers(rows)
        return rows, [f"left out of {rows.name}, for they are no trade's: {left} of its rows"] if left else []
    if form.rows_of is None:
        return rows, []
    name, words = form.rows_of
    column = next(one for one in rows.columns if header_token(one) == name)
    kept = [row for row in rows.rows if (row.cells.get(column) or "").lower() in words]
    left = len(rows.rows) - len(kept)
    note = [f"left out of {rows.name}, for {column} is not {' or '.join(sorted(words))}: {left} of its rows"]
    return Rows(rows.name, rows.columns, kept), note if left else []


def _with_fee_asset(rows: Rows) -> Rows:
    """Kraken's trades say their fee in the pair's quote currency."""
    made = [
        Row(
            row.number,
            row.cells | {"feeasset": pair_name(row.cells.get("pair") or "").partition("/")[2] or None},
        )
        for row in rows.rows
    ]
    return Rows(rows.name, [*rows.columns, "feeasset"], made)


# -- units ------------------------------------------------------------------------------------------------------------


def _without_units(rows: Rows, form: Form | None) -> Rows:
    """`0.0100000000BTC` as an amount and its unit; `1,820.00` without its comma: with a point it can be no other."""
    if form is None:
        return rows
    names = " ".join(form.means.get(meaning, "") for meaning in AMOUNTS).split()
    columns = [column for column in rows.columns if header_token(column) in names]
    pairs = form.columns_for("symbol", rows.columns)
    no_sign = {
        *_NO_SIGN,
        *(name for meaning in ("fee", *NAMES) for name in form.means.get(meaning, "").split()),
    }
    told = [column for column in rows.columns if header_token(column) not in no_sign]
    of_coins = {name for meaning in _OF_COINS for name in form.means.get(meaning, "").split()}
    for row in rows.rows:
        row.cells.update(_split(row, columns, pairs, of_coins, told))
    units = [column + UNIT for column in columns if any(column + UNIT in row.cells for row in rows.rows)]
    return Rows(rows.name, [*rows.columns, *units], rows.rows)


def _has_units(row: Row, told: list[str]) -> bool:
    """Whether an amount of the row has its unit behind it. The pair 4USDT is no amount, and of a fee Binance's futures
    write the unit where they write none of a quantity."""
    return any(_GLUED.fullmatch(row.cells.get(column) or "") for column in told)


def _split(
    row: Row, columns: list[str], pairs: list[str], of_coins: set[str], told: list[str]
) -> dict[str, str | None]:
    """`told`: the columns whose cells show whether the file writes units."""
    pair = next((said for column in pairs if (said := row.cells.get(column)) is not None), "").upper()
    has_units = pair[:1].isdigit() and _has_units(row, told)
    cells: dict[str, str | None] = {}
    for column in columns:
        said = row.cells.get(column) or ""
        is_of_coins = header_token(column) in of_coins
        parted = _part_by_pair(said, pair, is_of_coins=is_of_coins) if has_units else None
        match = _GLUED.fullmatch(said)
        if parted is None and match is not None:
            parted = match["number"], match["unit"]
        number, unit = parted or (said, None)
        if unit is not None:
            cells[column + UNIT] = unit
        cells[column] = (number.replace(",", "") if _THOUSANDS.fullmatch(number) else number) or None
    return cells


def _part_by_pair(said: str, pair: str, *, is_of_coins: bool) -> tuple[str, str] | None:
    """Coins may begin with a digit: of the pair 1INCHUSDT `501INCH` is 50 of 1INCH, not 501 of INCH.

    A coin of digits alone (4USDT) is told by what follows it in the pair, behind a quantity or a fee only.
    Null where the pair's coin begins with a letter, or the cell does not end with it.
    """
    if not pair[:1].isdigit():
        return None
    for length in range(len(pair) - 1, 0, -1):
        coin, number = pair[:length], said[:-length]
        if coin.isdigit() and not (is_of_coins and pair[length:] in _QUOTES):
            continue
        if said.upper().endswith(coin) and _NUMBER.fullmatch(number):
            return number, said[-length:]
    return None


# -- times ------------------------------------------------------------------------------------------------------------


def _zoned(rows: Rows, form: Form | None, said: str | None) -> Rows:
    """A time gets the zone that its header names, or that the file says, or that the form is known to write in."""
    zones = {column: zone for column in rows.columns if (zone := header_zone(column)) is not None}
    zone = said or ("Z" if form is not None and form.utc else None)
    if form is not None and zone is not None:
        names = " ".join(form.means.get(meaning, "") for meaning in TIMES).split()
        zones = {column: zone for column in rows.columns if header_token(column) in names} | zones
    if not zones:
        return rows
    century = "20" if form is not None and form.short_years else ""
    for row in rows.rows:
        row.cells.update(
            {column: _with_zone(row.cells.get(column), zone, century) for column, zone in zones.items()}
        )
    return rows


def _with_zone(said: str | None, zone: str, century: str) -> str | None:
    """A time of a clock with its zone. Binance writes years with two digits, Bybit the minute before the day."""
    if said is None:
        return None
    turned = _MINUTE_FIRST.fullmatch(said)
    clock = f"{turned['day']} {turned['minute']}" if turned is not None else said
    clock = century + clock if _SHORT_YEAR.match(clock) else clock
    return f"{clock}{zone}" if _CLOCK.fullmatch(clock) else said
