"""A table of orders in some database: which table, which columns, what its words mean."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from trueup.books.plausible import implausible_rows
from trueup.books.tables.database import TableDatabase
from trueup.books.tables.guess_mapping import Guess, WordSeen, guess_fills, guess_orders, mapping_tree
from trueup.books.tables.mapping import decode_mapping
from trueup.books.tables.read_tables import OrderCells, TablesReader, Wanted
from trueup.books.tables.words import Words, check_word
from trueup.model.errors import ConfigError, InputError
from trueup.model.times import from_ns
from trueup.ports.foreign_books import ForeignRow
from trueup.service.connect.found import Found

ROWS_LOOKED_AT = 200
SYMBOLS_MAX = 50
TABLES_MAX = 500  # a database with more is asked for by --table


class Said(Struct, frozen=True, kw_only=True):
    """What a person said beforehand: `--table`, `--map`, `--word`, `--time`, `--only`."""

    table: str | None = None
    columns: Mapping[str, str] = {}
    words: Mapping[str, Mapping[str, str]] = {}
    times: Mapping[str, str] = {}
    only: Mapping[str, Any] = {}


def find_tables(database: TableDatabase, address: Any, name: str, said: Said) -> Found:
    """The best table of orders, and one of its fills. Raises InputError where there is none, or several are as good.

    `address`: as the configuration shall name the database.
    """
    guess = _best(database, said)
    tree = _tree(guess, said)
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
        notes=[*guess.notes, *_profile_notes(database, guess)],
        faults=faults,
        symbols=symbols,
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
        guess = guess_orders(database, said.table, said.columns, words)
        if not guess.is_orders:
            raise InputError(_missing(guess), f"table {said.table}")
        return guess
    names = database.tables()
    if len(names) > TABLES_MAX:
        raise InputError(
            f"the database has {len(names)} tables and views; say which: --table NAME", "--table"
        )
    guesses = [
        guess_orders(database, name, said.columns, words) for name in names if _may_be_orders(database, name)
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
    if not guess.columns.keys() & {"venue_order_id", "client_order_id"}:
        wanted.append("venue_order_id")
    return f"{guess.table} lacks {', '.join(wanted)}: say --map {wanted[0]}=COLUMN" if wanted else guess.table


def _tree(guess: Guess, said: Said) -> dict[str, Any]:
    tree = mapping_tree(guess)
    if said.times:
        tree["times"] = {**tree.get("times", {}), **said.times}
    for meaning, words in said.words.items():
        for word, ours in words.items():
            if (fault := check_word("orders", meaning, ours)) is not None:
                raise InputError(fault, f"--word {meaning}.{word}={ours}")
        tree.setdefault("words", {}).setdefault(meaning, {}).update(words)
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
