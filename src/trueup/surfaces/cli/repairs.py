"""How the repairs of a plan can be made, in a line for a person: by `trueup apply`, by the bot itself, or not at all.

Books of a bot's own are written only where its configuration says so; what does not write them is not told to.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from trueup.model.plan import Plan
    from trueup.service.load_config import LoadedConfig

_ENABLED_BY = {  # by the kind of books
    "tables": "write = 'tables' there, with the columns that may be set in `writable`, lets trueup apply set them",
    "freqtrade": "write = 'ask' there lets `trueup run --apply` ask freqtrade itself for its repairs",
    "hummingbot": "its database is never written: repair by hand, and look at the live orders before a restart",
}
_READ_ONLY = "its page in the documentation says what repairs these books"


def is_writable(loaded: "LoadedConfig", profile_id: str) -> bool:
    """Whether `trueup apply` changes this profile's books: trueup's own, or a bot's that are written to."""
    return _unwritten(loaded, profile_id) is None


def next_steps(loaded: "LoadedConfig", plans: "Sequence[Plan]", file: "Path | None" = None) -> list[str]:
    """What to do about plans with corrections; a line for each way there is. `file`: where the plans were written."""
    due = [plan.profile_id for plan in plans if plan.corrections]
    names = [name for one in due if (name := _unwritten(loaded, one)) is not None]
    lines = [] if file is None else [f"wrote {file}"]
    if len(names) < len(due):
        lines = [
            f"wrote {file}; next: trueup apply {file}" if file else "nothing was written; next: trueup apply"
        ]
    return lines + [_report_only(loaded, name) for name in dict.fromkeys(names)]


def _unwritten(loaded: "LoadedConfig", profile_id: str) -> str | None:
    """The name of the bot's own books that keep this profile's corrections from being applied."""
    from trueup.ports.foreign_books import WriteMode

    config = loaded.config
    named = (
        one.books for account in config.accounts for one in account.profiles if one.profile_id == profile_id
    )
    name = next(named, None)
    if name is None or config.books[name].write is WriteMode.TABLES:
        return None
    return name


def _report_only(loaded: "LoadedConfig", name: str) -> str:
    from trueup.ports.foreign_books import WriteMode

    books = loaded.config.books[name]
    if books.write is WriteMode.ASK:
        return f"nothing was written; [books.{name}] has write = 'ask': `trueup run --apply` lets the bot repair them"
    enabled_by = _ENABLED_BY.get(books.kind, _READ_ONLY)
    return f"nothing was written: [books.{name}] has write = 'never', so this is a report; {enabled_by}"
