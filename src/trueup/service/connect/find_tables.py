"""A table of orders in some database: which table, which columns, what its words mean."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from trueup.books.plausible import implausible_rows
from trueup.books.tables.database import TableDatabase
from trueup.books.tables.guess_mapping import Guess, WordSeen, guess_fills, guess_orders, mapping_tree
from trueup.books.tables.mapping import DEFAULT_TIME, MEANINGS, TIME_UNITS, decode_mapping
from trueup.books.tables.read_tables import OrderCells, TablesReader, Wanted
from trueup.books.tables.values import cell_text, loose_text
from trueup.books.tables.words import Words, check_word
from trueup.model.errors import ConfigError, InputError
from trueup.model.ids import symbol_token
from trueup.model.times import from_ns
from trueup.ports.foreign_books import ForeignRow
from trueup.service.connect.found import Found

ROWS_LOOKED_AT = 200
SYMBOLS_MAX = 50
PROFILES_MAX = 1000
TABLES_MAX = 500  # a database with more is asked for by --table


class Said(Struct, frozen=True, kw_only=True):
    """What a person said beforehand: `--table`, `--key`, `--map`, `--word`, `--time`, `--only`, `--profile`."""

    table: str | None = None
    key: Sequence[str] = ()
    profile: str | None = None
    columns: Mapping[str, str] = {}
    words: Mapping[str, Mapping[str, str]] = {}
    times: Mapping[str, str] = {}
    only: Mapping[str, Any] = {}


def find_tables(database: TableDatabase, address: Any, name: str, said: Said) -> Found:
    """The best table of orders, and one of its fills. Raises InputError where there is none, or several are as good.

    `address`: as the configuration shall name the database.
    """
    _check_meanings(said)
    guess = _best(database, said)
    tree = _tree(guess, said, database.primary_key(guess.table))
    profile_id = _profile_id(database, guess, said)
    fills = _fills(database, guess)
    books: dict[str, Any] = {"kind": "tables", "database": address, "write": "never", "orders": tree}
    if fills is not None:
        books["fills"] = mapping_tree(fills) | {"columns": fills.columns}
    rows, status_words, faults, symbols = _look(database, books, guess)
    return Found(
        what=f"table {guess.table} of a {database.name} database",
        name=name,
        books=books,
        rows=rows,
        status_words=status_words,
        words=_words(guess, said),
        ignored=guess.ignored,
        notes=[
            *_time_notes(guess, said),
            *_fill_notes(database, fills),
            *_profile_notes(database, guess),
            *_gone_notes(database, guess),
        ],
        faults=faults,
        symbols=symbols,
        profile_id=profile_id,
    )


def _is_said(meaning: str, rule: str, said: Said) -> bool:
    """Whether a person's word takes the place of a guess: a default that of a zone, which the cells do not tell."""
    return meaning in said.times or (DEFAULT_TIME in said.times and rule not in TIME_UNITS)


def _time_notes(guess: Guess, said: Said) -> Sequence[str]:
    return [] if said.times.keys() & {DEFAULT_TIME, *guess.columns} else guess.notes


def _fill_notes(database: TableDatabase, fills: Guess | None) -> Sequence[str]:
    """Rows that are only numbered are compared by their quantities and prices, and cannot be inserted."""
    if fills is None or [fills.columns["fill_id"]] != database.primary_key(fills.table):
        return []
    name = fills.columns["fill_id"]
    if not any(one in database.columns(fills.table)[name].type for one in ("int", "serial")):
        return []
    told = (
        "only counts: its fills are told from the venue's by quantity and price; leave them out of `writable`"
    )
    return [f"{fills.table}.{name} {told}"]


def _check_meanings(said: Said) -> None:
    known = MEANINGS["orders"]
    for meaning in (one for one in (*said.columns, *said.words) if one not in known):
        nearest = difflib.get_close_matches(meaning, known, n=1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(known)}"
        raise InputError(f"{meaning} means nothing here; {hint}", "--map")


def _profile_id(database: TableDatabase, guess: Guess, said: Said) -> str | None:
    """Whose rows are meant, where a column says whose they are. Raises InputError where it is not clear."""
    column = guess.columns.get("profile")
    if column is None:
        return None
    words = Words(said.words.get("profile", {}))
    name, table = database.quoted(column), database.quoted_table(guess.table)
    rows = database.rows(f"SELECT DISTINCT {name} FROM {table} {database.most(PROFILES_MAX)}")
    found = sorted({words.mapped(text) for (one,) in rows if (text := cell_text(one)) is not None})
    if said.profile in found or not found:
        return said.profile
    if said.profile is None and len(found) == 1:
        return found[0]
    raise InputError(
        f"{column} says {', '.join(found[:5])}: say --profile {found[0]}, or another of them; "
        "docs/how-to/your-tables.md has a configuration of several",
        "--profile",
    )


def unknown_words(found: Found) -> list[WordSeen]:
    """Status words that a mapping has to give a meaning; sides and actions without one are told by the rows."""
    if found.books["kind"] != "tables":
        return []
    return [one for one in found.words if one.ours is None and one.meaning == "status"]


def _best(database: TableDatabase, said: Said) -> Guess:
    words = {meaning: Words(one) for meaning, one in said.words.items()}
    if said.table is not None:
        if not database.columns(said.table):
            raise InputError(
                f"there is no table {said.table}; there are: {', '.join(database.tables()[:20])}", "--table"
            )
        known = database.columns(said.table)
        for column in (one for one in said.columns.values() if one and one not in known):
            raise InputError(f"{said.table} has no column {column}; it has {', '.join(known)}", "--map")
        guess = guess_orders(database, said.table, said.columns, words)
        if not guess.is_orders:
            raise InputError(_missing(guess), f"table {said.table}")
        return guess
    names = database.tables()
    if len(names) > TABLES_MAX:
        raise InputError(
            f"the database has {len(names)} tables and views; say which: --table NAME", "--table"
        )
    wanted = {one for one in said.columns.values() if one}
    named = [one for one in names if wanted <= database.columns(one).keys()]
    if names and not named:
        raise InputError(f"no table has the columns {', '.join(sorted(wanted))}", "--map")
    guesses = [
        guess_orders(database, name, said.columns, words) for name in named if _may_be_orders(database, name)
    ]
    good = sorted((one for one in guesses if one.is_orders), key=_score, reverse=True)
    if not good:
        shown = (
            "; ".join(_missing(one) for one in guesses[:3]) or f"tables: {', '.join(names[:20]) or 'none'}"
        )
        raise InputError(
            f"no table of orders was recognised: say --table NAME and --map MEANING=COLUMN ({shown})",
            "--table",
        )
    if len(good) > 1 and _score(good[0]) == _score(good[1]):
        raise InputError(f"{good[0].table} and {good[1].table} could both be it: say --table NAME", "--table")
    return good[0]


def _may_be_orders(database: TableDatabase, name: str) -> bool:
    return len(database.columns(name)) >= 4


def _score(guess: Guess) -> tuple[int, int]:
    is_named = "order" in guess.table.lower() and "event" not in guess.table.lower()
    return int(is_named), len(guess.columns)


def _missing(guess: Guess) -> str:
    wanted = [one for one in ("status", "side", "qty") if one not in guess.columns]
    if guess.signed:
        wanted.remove("side")
    if not guess.columns.keys() & {"venue_order_id", "client_order_id"}:
        wanted.append("venue_order_id")
    return f"{guess.table} lacks {', '.join(wanted)}: say --map {wanted[0]}=COLUMN" if wanted else guess.table


def _tree(guess: Guess, said: Said, database_key: Sequence[str]) -> dict[str, Any]:
    tree = mapping_tree(guess)
    if said.times:
        guessed = {one: rule for one, rule in guess.times.items() if not _is_said(one, rule, said)}
        tree["times"] = guessed | dict(said.times)
    for meaning, words in said.words.items():
        for word, ours in words.items():
            if (fault := check_word("orders", meaning, ours)) is not None:
                raise InputError(fault, f"--word {meaning}.{word}={ours}")
        tree.setdefault("words", {}).setdefault(meaning, {}).update(words)
    if said.key:
        tree["key"] = list(said.key)
    elif not database_key:
        raise InputError(
            f"{guess.table} has no primary key: say --key COLUMN, which names a row", f"table {guess.table}"
        )
    if said.only:
        tree["where"] = dict(said.only)
    return tree


def _fills(database: TableDatabase, orders: Guess) -> Guess | None:
    """A table of fills, where exactly one is clear."""
    named = [
        name
        for name in database.tables()
        if name != orders.table and any(word in name.lower() for word in ("fill", "execution", "deal"))
    ]
    good = [one for one in (guess_fills(database, name) for name in named) if one.is_fills]
    return good[0] if len(good) == 1 else None


def _words(guess: Guess, said: Said) -> list[WordSeen]:
    return [
        WordSeen(meaning=one.meaning, said=one.said, count=one.count, ours=said.words[one.meaning][one.said])
        if one.said in said.words.get(one.meaning, {})
        else one
        for one in guess.words
    ]


def _look(
    database: TableDatabase, books: Mapping[str, Any], guess: Guess
) -> tuple[list[ForeignRow], dict[str, str], list[str], list[str] | None]:
    """Some rows as they are understood, their words, what speaks against them, and the symbols they are of."""
    tables = {name: books[name] for name in ("orders", "fills") if name in books}
    try:
        mapping = decode_mapping(tables, "this guess")
    except ConfigError as error:
        raise InputError(str(error), guess.table) from error
    reader = TablesReader(database, mapping, [])
    with database.reading():
        found = _some(reader)
    read = [reader.row_of(one) for one in found]
    rows = [one for one in read if isinstance(one, ForeignRow)]
    unclear = [one for one in read if not isinstance(one, ForeignRow)]
    faults = implausible_rows(rows, from_ns(database.now_ns()))
    if unclear:
        faults.append(f"{len(unclear)} of {len(read)} rows say nothing certain, such as {unclear[0].message}")
    return rows, reader.status_words(found), faults, _symbols(database, guess)


def _some(reader: TablesReader) -> list[OrderCells]:
    """Live rows first, else any."""
    live = reader.order_cells(Wanted(live=True))[:ROWS_LOOKED_AT]
    if len(live) >= ROWS_LOOKED_AT:
        return live
    return [*live, *(one for one in reader.some(ROWS_LOOKED_AT) if one.key not in {row.key for row in live})]


def _symbols(database: TableDatabase, guess: Guess) -> list[str] | None:
    if "symbol" not in guess.columns:
        return None
    column = database.quoted(guess.columns["symbol"])
    rows = database.rows(
        f"SELECT DISTINCT {column} FROM {database.quoted_table(guess.table)} LIMIT {SYMBOLS_MAX + 1}"
    )
    return None if len(rows) > SYMBOLS_MAX else sorted(str(one) for (one,) in rows if one is not None)


_GONE_COLUMNS = (
    "deleted",
    "isdeleted",
    "deletedat",
    "archived",
    "isarchived",
    "archivedat",
    "removed",
    "removedat",
)
_BOT_COLUMNS = (
    "bot",
    "botid",
    "strategy",
    "profile",
    "profileid",
    "botname",
    "exchange",
    "account",
    "accountid",
)


def _gone_notes(database: TableDatabase, guess: Guess) -> Sequence[str]:
    """A column that may say that a row counts no more, where it says so of some."""
    notes = []
    for name in (one for one in guess.ignored if symbol_token(one) in _GONE_COLUMNS):
        quoted, table = database.quoted(name), database.quoted_table(guess.table)
        rows = database.rows(f"SELECT DISTINCT {quoted} FROM {table} {database.most(2)}")
        if len(rows) < 2:
            continue
        values = sorted(str(loose_text(one)) for (one,) in rows)
        standing = [one for one in values if one in ("0", "false")]
        means = f"--only {name}={standing[0]} leaves" if standing else "a view without them leaves"
        means += " them out"
        notes.append(f"{name} says more than one thing: are there rows that count no more? {means}")
    return notes


def _profile_notes(database: TableDatabase, guess: Guess) -> Sequence[str]:
    """A column that may say whose a row is, where it says more than one thing."""
    notes = []
    for name in guess.ignored:
        if name.lower().replace("_", "") not in _BOT_COLUMNS:
            continue
        quoted = database.quoted(name)
        rows = database.rows(f"SELECT DISTINCT {quoted} FROM {database.quoted_table(guess.table)} LIMIT 6")
        values = sorted(str(one) for (one,) in rows if one is not None)
        if len(values) > 1:
            notes.append(
                f"{name} says {', '.join(values[:5])}: several bots or accounts? --only {name}={values[0]} takes one, "
                f"--map profile={name} keeps them apart"
            )
    return notes
