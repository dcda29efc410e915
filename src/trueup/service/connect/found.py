"""What was found at a place, as far as a configuration needs it. Values only; secrets are places, never contents."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from trueup.books.tables.guess_mapping import WordSeen
from trueup.ports.foreign_books import ForeignRow


class Found(Struct, frozen=True, kw_only=True):
    """One bot's books. `books`: the section `[books.NAME]`; `credentials`: the venue's names → where each is read.

    `symbols`: what the bot trades, where that is known; `rows`: a few of its orders as trueup understands them;
    `status_words`: by row key, the bot's own;
    `notes`: what a person should know; `faults`: why the rows cannot be what they seem.
    """

    what: str
    name: str
    books: dict[str, Any]
    rows: Sequence[ForeignRow] = ()
    status_words: dict[str, str] = {}
    words: Sequence[WordSeen] = ()
    ignored: Sequence[str] = ()
    notes: Sequence[str] = ()
    faults: Sequence[str] = ()
    venue: str | None = None
    venue_options: dict[str, Any] = {}
    credentials: dict[str, dict[str, str]] = {}
    symbols: Sequence[str] | None = None
    profile_id: str | None = None
