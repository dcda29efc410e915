"""What an entry point of the group `trueup.books` is called with; it returns a `trueup.books.values.Reader`."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct


class WriteMode(StrEnum):
    """How repairs reach a bot's own books. Never, unless a person says otherwise."""

    NEVER = "never"  # report
    ASK = "ask"  # ask the bot's own API
    TABLES = "tables"  # set the columns that the mapping marks writable


class BooksSettings(Struct, frozen=True, kw_only=True):
    """`database`: a path or URL, read already from where the configuration says; `folder`: where relative paths begin.

    `mapping`: the configured tables; `profile_ids`: whose books these are; `account_options`: their venue's options.
    """

    name: str
    database: str | None
    write: WriteMode = WriteMode.NEVER
    mapping: Mapping[str, Any] = {}
    options: Mapping[str, Any] = {}
    credentials: Mapping[str, str] = {}
    folder: str = "."
    profile_ids: Sequence[str] = ()
    account_options: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"BooksSettings({self.name!r}, database and credentials hidden)"
