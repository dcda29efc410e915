"""What a person says of files that no table knows: columns, words and symbols, kept in a file for the next time.

`--map local.side=dir` says which column it is, `--value local.status.done=filled` what a word in it means, `--symbol
XXBTZUSD=BTC/USD` what a symbol is called here. Must not read rows.
"""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as Dictionary
from enum import StrEnum
from typing import Literal

import msgspec
from msgspec import Struct

from trueup.exports.meanings import MEANINGS, Source
from trueup.exports.read_texts import (
    read_action,
    read_position_side,
    read_side,
    read_status,
    read_trade_status,
    word,
)
from trueup.model.errors import InputError
from trueup.model.vocabulary import Action, PositionSide, Side, Status, TradeStatus

MAPPING_FORMAT = "trueup.mapping/1"


class Mapping(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`columns`: `file.meaning` → column, or "" for none; `values`: `file.meaning` → {word: what it means}."""

    format: Literal["trueup.mapping/1"] = "trueup.mapping/1"
    columns: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    symbols: dict[str, str] = {}
    assume_utc: bool = False

    def column(self, source: Source, meaning: str) -> str | None:
        return self.columns.get(f"{source}.{meaning}")

    def words(self, source: Source, meaning: str) -> Dictionary[str, str]:
        return self.values.get(f"{source}.{meaning}", {})


def read_mapping(
    columns: Sequence[str] = (),
    values: Sequence[str] = (),
    symbols: Sequence[str] = (),
    *,
    assume_utc: bool = False,
    kept: Mapping | None = None,
) -> Mapping:
    """The options of one command, on top of what was kept. Raises InputError for a file or meaning that is none."""
    known = kept or Mapping()
    said = dict(_column(text) for text in columns)
    words = {target: dict(inner) for target, inner in known.values.items()}
    for text in values:
        target, from_word, to_word = _value(text)
        words.setdefault(target, {})[from_word] = to_word
    return Mapping(
        columns=known.columns | said,
        values=words,
        symbols=known.symbols | dict(_symbol(text) for text in symbols),
        assume_utc=assume_utc or known.assume_utc,
    )


def load_mapping(data: bytes, name: str) -> Mapping:
    """A mapping that was kept. Raises InputError."""
    try:
        kept = msgspec.json.decode(data, type=Mapping)
    except (msgspec.MsgspecError, UnicodeDecodeError) as fault:
        raise InputError(f"not a mapping that --save wrote: {fault}", name) from fault
    for target in (*kept.columns, *kept.values):
        _check_target(target, name)
    return kept


def _column(text: str) -> tuple[str, str]:
    target, equals, column = text.partition("=")
    if not equals:
        raise InputError(_help("COLUMN"), f"--map {text}")
    _check_target(target, f"--map {text}")
    return target, column


def _value(text: str) -> tuple[str, str, str]:
    target_and_word, equals, to_word = text.rpartition("=")
    source, _, rest = target_and_word.partition(".")
    meaning, dot, from_word = rest.partition(".")
    if not equals or not dot or not to_word:
        raise InputError(
            "expected FILE.MEANING.WORD=MEANT, such as local.status.done=filled", f"--value {text}"
        )
    _check_target(f"{source}.{meaning}", f"--value {text}")
    _check_meant(Source(source), meaning, to_word, f"--value {text}")
    return f"{source}.{meaning}", word(from_word), to_word


def _check_meant(source: Source, meaning: str, meant: str, place: str) -> None:
    """A word that means nothing would make its rows mean nothing, and of the venue's nobody would be told."""
    if meaning == "symbol":
        raise InputError("a symbol is said by --symbol SAID=SYMBOL", place)
    known = _VOCABULARIES.get((source, meaning)) or _VOCABULARIES.get((None, meaning))
    if known is None:
        return
    read, vocabulary = known
    try:
        is_known = read(meant)
    except (KeyError, ValueError):
        is_known = False
    if not is_known:
        raise InputError(f"{meant!r} is no {meaning}: one of {', '.join(vocabulary)}", place)


def _is_status(meant: str) -> bool:
    read_status(meant, None, None)
    return True


_VOCABULARIES: Dictionary[tuple[Source | None, str], tuple[Callable[[str], object], type[StrEnum]]] = {
    (None, "status"): (_is_status, Status),
    (Source.TRADES, "status"): (read_trade_status, TradeStatus),
    (None, "side"): (read_side, Side),
    (Source.TRADES, "side"): (read_position_side, PositionSide),
    (Source.POSITIONS, "side"): (read_position_side, PositionSide),
    (None, "action"): (read_action, Action),
}  # meanings whose words are a closed vocabulary


def _symbol(text: str) -> tuple[str, str]:
    said, equals, symbol = text.partition("=")
    if not equals or not said or not symbol:
        raise InputError("expected SAID=SYMBOL, such as XXBTZUSD=BTC/USD", f"--symbol {text}")
    return said.strip(), symbol.strip()


def _check_target(target: str, place: str) -> None:
    source, _, meaning = target.partition(".")
    if source not in list(Source):
        raise InputError(f"{_help('COLUMN')} with FILE one of {', '.join(Source)}", place)
    if meaning not in MEANINGS[Source(source)]:
        names = ", ".join(MEANINGS[Source(source)])
        raise InputError(f"expected {source}.MEANING=COLUMN with MEANING one of {names}", place)


def _help(what: str) -> str:
    return f"expected FILE.MEANING={what}"
