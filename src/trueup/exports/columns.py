"""Which column of one file means what: by its form, else by the table of names, else as a person says.

Of a form the first filled column counts. Of the table's, the first tier of which the file has a column wins, and two
columns of one tier must agree in every row. What neither can tell, `--map local.venue_order_id=order_id` does; with
nothing after `=` no column is taken.
"""

import re
from collections.abc import Callable

from msgspec import Struct

from trueup.exports.check_kind import check_kind
from trueup.exports.forms import Form, Kind, recognise
from trueup.exports.kraken import pair_name
from trueup.exports.mapping import Mapping
from trueup.exports.meanings import MEANINGS, Source, find_columns, header_tells, header_token
from trueup.exports.read_texts import FALSE_WORDS, TRUE_WORDS, NoZone, word
from trueup.exports.rows import Row, Rows
from trueup.exports.tidy_rows import UNIT, tidy_rows
from trueup.model.errors import InputError
from trueup.model.ids import symbol_token

_SOURCES = {
    Kind.ORDERS: (Source.LOCAL, Source.VENUE),
    Kind.FILLS: (Source.FILLS, Source.LOCAL_FILLS),
    Kind.TRADES: (Source.TRADES,),
    Kind.STATEMENTS: (),
}
_YES_NO = {
    "isbuyer": dict.fromkeys(TRUE_WORDS, "buy") | dict.fromkeys(FALSE_WORDS, "sell"),
    "isshort": dict.fromkeys(TRUE_WORDS, "short") | dict.fromkeys(FALSE_WORDS, "long"),
    "isopen": dict.fromkeys(TRUE_WORDS, "open") | dict.fromkeys(FALSE_WORDS, "closed"),
    "positionidx": {"0": "both", "1": "long", "2": "short"},  # Bybit's: its API page "enum definitions"
}  # columns that answer a question, in the words of their meaning
_FORMS_ONLY = ("qty_in_quote",)  # meanings that no table of names has: one form alone tells them
_IDS = frozenset({"venue_order_id", "client_order_id", "fill_id", "trade_id", "replaces", "replaced_by"})
_WORDS = frozenset({"side", "status", "order_type", "action", "position_side", "intent"})
_ENUM = re.compile(r"<?[A-Z]\w*\.(?P<member>[A-Za-z]\w*)(: [^>]*>)?", re.ASCII)
_ROUNDED = re.compile(
    r"(?P<whole>\d+)[.,]0|\d([.,]\d+)?E\+?\d{2,3}", re.ASCII | re.IGNORECASE
)  # a longer "exponent" is an id of hexadecimal digits
_NO_ID = frozenset(
    {"nan", "nat", "<na>", "null", "none", "nil", "undefined"}
)  # what programs write for nothing
_NO_VALUE = re.compile(
    r"#+|#(N/A|REF!|VALUE!|NAME\?|NUM!|DIV/0!|NULL!)", re.IGNORECASE
)  # what spreadsheets show
_EXACT_DIGITS = (
    15  # of a whole number that was kept as a binary fraction: pandas does it where a cell is empty
)
_ZEROS_MIN = 6  # by chance so many digits are zeros once in a million files
_RAW = "info."  # ccxt keeps the exchange's own record of what its row says
_COLUMNS_SHOWN_MAX = 20
_NAME_SHOWN_MAX = 40


class Columns(Struct, frozen=True):
    """The rows of one file with what their columns mean. `taken`: meaning → columns that carry it."""

    source: Source
    rows: Rows
    taken: dict[str, list[str]]
    form: Form | None = None
    mapping: Mapping = Mapping()
    notes: list[str] = []

    @property
    def ignored(self) -> list[str]:
        """Columns that say something, and that nothing was taken from."""
        used = {column for columns in self.taken.values() for column in columns}
        passed = set() if self.form is None else set(self.form.passed.split())
        return [
            column
            for column in filled_columns(self.rows)
            if column not in used and header_token(column) not in passed and not column.endswith(UNIT)
        ]

    @property
    def ignored_but_telling(self) -> dict[str, str]:
        """Of the ignored, those whose header means a quantity, a price, a fee or an id, with what it means."""
        own = [column for column in self.ignored if not column.startswith(_RAW)]
        return {column: what for column in own if (what := header_tells(column)) is not None}

    def place(self, row: Row) -> str:
        return f"{self.rows.name} row {row.number}"

    def text(self, row: Row, meaning: str, canonical: Callable[[str], str] = str) -> str | None:
        """What the row says for this meaning, canonical; null where it says nothing. Raises InputError."""
        found: tuple[str, str] | None = None
        for column in self.taken.get(meaning, ()):
            raw = row.cells.get(column)
            if raw is None or (meaning in _IDS and raw.lower() in _NO_ID):
                continue
            try:
                value = canonical(_whole_id(raw) if meaning in _IDS else self._meant(meaning, column, raw))
            except ValueError as fault:
                chosen = self.form.zone if self.form is not None and isinstance(fault, NoZone) else ""
                raise InputError(f"{fault}{chosen}", f"{self.place(row)}, {column}") from fault
            if self.form is not None:
                return value
            if found is not None and found[1] != value:
                raise self._contradiction(row, meaning, found[0], column)
            found = found or (column, value)
        return None if found is None else found[1]

    def unit(self, row: Row, meaning: str) -> str | None:
        """The currency that the row's amount of this meaning is in; null where the file does not say."""
        named = None if self.form is None else self.form.units.get(meaning)
        columns = [column + UNIT for column in self.taken.get(meaning, ())]
        if named is not None:
            columns[:0] = [one for one in self.rows.columns if header_token(one) == named]
        return next((said for column in columns if (said := row.cells.get(column)) is not None), None)

    def _meant(self, meaning: str, column: str, raw: str) -> str:
        """The person's word for it, else the form's, else its own."""
        if meaning == "symbol":
            return self._symbol(raw)
        raw = _without_enum(raw) if meaning in _WORDS else raw
        words = {} if self.form is None else self.form.words.get(meaning, {})
        words = words or _YES_NO.get(header_token(column), {})
        said = self.mapping.words(self.source, meaning)
        return said.get(word(raw)) or words.get(word(raw)) or raw if said or words else raw

    def _symbol(self, raw: str) -> str:
        token = symbol_token(raw)
        for said, symbol in self.mapping.symbols.items():
            if symbol_token(said) == token:
                return symbol
        return pair_name(raw) if self.form is not None and self.form.kraken_names else raw

    def _contradiction(self, row: Row, meaning: str, one: str, other: str) -> InputError:
        return InputError(
            f"{one} is {row.cells[one]!r} but {other} is {row.cells[other]!r}, and both can be the {meaning}; "
            f"say --map {self.source}.{meaning}={one} or ={other}",
            self.place(row),
        )


def _without_enum(raw: str) -> str:
    """`OrderSide.BUY` and `<OrderSide.BUY: 'buy'>` as `BUY`: how Python writes a member of an enumeration."""
    found = _ENUM.fullmatch(raw)
    return raw if found is None else found["member"]


def _whole_id(raw: str) -> str:
    """An id as the exchange wrote it. A spreadsheet rounds a long number, and then many orders have one id."""
    rounded = _ROUNDED.fullmatch(raw)
    if _NO_VALUE.fullmatch(raw):
        raise ValueError(
            f"{raw} is what a spreadsheet shows in the place of a value: export it anew, ids as text"
        )
    if rounded is None:
        return raw
    if rounded["whole"] is None or len(rounded["whole"]) > _EXACT_DIGITS:
        raise ValueError(f"{raw} is a number that a program rounded, no id: export it anew, ids as text")
    return rounded["whole"]


def filled_columns(rows: Rows) -> list[str]:
    """The columns that are not empty in every row, in order."""
    filled = {column for row in rows.rows for column, text in row.cells.items() if text is not None}
    return [column for column in rows.columns if column in filled]


def take_columns(source: Source, rows: Rows, mapping: Mapping) -> Columns:
    """Decides what each column means. Raises InputError where the file is of another kind than it is given as."""
    form = recognise(rows.columns)
    if form is not None and form.is_bots and source in (Source.VENUE, Source.FILLS):
        raise InputError(
            f"this is {form.name}: the bot's, not the venue's; give it as --{_option(source, form)} {rows.name}",
            rows.name,
        )
    if form is not None and source not in _SOURCES[form.kind]:
        _refuse_other_kind(source, rows.name, form)
        form = None
    if form is None:
        check_kind(source, filled_columns(rows), rows.name, mapping)
    tidied, notes = tidy_rows(rows, form)
    filled = filled_columns(tidied)
    taken = find_columns(source, filled) if form is None else _of_form(source, form, filled)
    for meaning in MEANINGS[source]:
        said = mapping.column(source, meaning)
        if said is not None:
            taken[meaning] = _overridden(source, meaning, said, tidied)
    taken = {one: names for one, names in taken.items() if names}
    if (
        rows.is_unended
        and rows.rows
        and rows.columns[-1] in {one for names in taken.values() for one in names}
    ):
        notes.append(
            f"the last line of {rows.name} has no line end: if the file is cut off, its {rows.columns[-1]} may be, too"
        )
    for column in sorted({name for meaning in _IDS & taken.keys() for name in taken[meaning]}):
        _check_digits(column, tidied)
    return Columns(source, tidied, taken, form, mapping, notes)


def _check_digits(column: str, rows: Rows) -> None:
    """A spreadsheet keeps fifteen digits of a number and writes zeros for the others: then ids are no ids any more."""
    long = {said for row in rows.rows if len(said := row.cells.get(column) or "") > _EXACT_DIGITS}
    lost = [said[_EXACT_DIGITS:] for said in long]
    if (
        sum(map(len, lost)) >= _ZEROS_MIN
        and all(said.isdigit() for said in long)
        and not "".join(lost).strip("0")
    ):
        raise InputError(
            f"every long {column} ends in zeros after {_EXACT_DIGITS} digits ({min(long)[:_NAME_SHOWN_MAX]}): a "
            "spreadsheet rounded them; export it anew, ids as text",
            rows.name,
        )


def _of_form(source: Source, form: Form, filled: list[str]) -> dict[str, list[str]]:
    known = (*MEANINGS[source], *_FORMS_ONLY)
    return {meaning: form.columns_for(meaning, filled) for meaning in form.means if meaning in known}


def _refuse_other_kind(source: Source, name: str, form: Form) -> None:
    """Positions may be in the form of any table; orders, fills and trades are not taken for one another."""
    if form.kind is Kind.STATEMENTS:
        raise InputError(f"this is {form.name}: {form.why}; {form.instead}", name)
    if source is Source.POSITIONS or (source is Source.TRADES and form.kind is not Kind.TRADES):
        return
    what = Kind.FILLS if source in (Source.FILLS, Source.LOCAL_FILLS) else Kind.ORDERS
    option = _option(source, form)
    raise InputError(f"this is {form.name}: {form.kind}, not {what}; give it as --{option} {name}", name)


def _option(source: Source, form: Form) -> Source:
    """What the file is to be given as, on the side it was given for, or on the bot's where it is a bot's."""
    ours = form.is_bots or source in (Source.LOCAL, Source.LOCAL_FILLS)
    return {
        Kind.ORDERS: Source.LOCAL if ours else Source.VENUE,
        Kind.FILLS: Source.LOCAL_FILLS if ours else Source.FILLS,
        Kind.TRADES: Source.TRADES,
    }[form.kind]


def _overridden(source: Source, meaning: str, column: str, rows: Rows) -> list[str]:
    if not column:
        return []
    if column not in rows.columns:
        fault = f"{rows.name} has no column {column!r}; it has {shown(rows.columns)}"
        raise InputError(fault, f"--map {source}.{meaning}")
    return [column]


def shown(columns: list[str]) -> str:
    """Column names for a message: not more, and not longer, than a person reads."""
    names = [one if len(one) <= _NAME_SHOWN_MAX else one[:_NAME_SHOWN_MAX] + "…" for one in columns]
    more = len(names) - _COLUMNS_SHOWN_MAX
    return ", ".join(names[:_COLUMNS_SHOWN_MAX]) + (f" and {more} more" if more > 0 else "")
