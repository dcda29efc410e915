"""Where one profile's books and log stand, as one write transaction finds them."""

from msgspec import Struct

from trueup.ledgers.sql.database import Database, int_value, optional_text, text_value
from trueup.model.errors import Conflict
from trueup.ports.book_rows import Place

GENESIS = ""  # what the first row of a profile's log carries as the hash before it


class LogHead(Struct):
    """The profile's last row; of a log without any, as the first one's row before."""

    seq: int = 0
    hash: str = GENESIS


class Home(Struct, frozen=True, kw_only=True):
    """Whose books are written. `log_head` moves with what is logged."""

    place: Place
    user_id: str | None
    log_head: LogHead
    was_written_past_log: bool


def home_of(database: Database, profile_id: str) -> Home:
    """Inside a write transaction: other writers of the profile wait for its end. Raises Conflict where it is not known.

    The lock is a statement of its own: one that waited for it in its midst would still see the log of before.
    """
    database.rows("lock_profile", profile_id)
    rows = database.rows("books_of_profile", profile_id, database.bound_now())
    if not rows:
        raise Conflict(
            f"profile {profile_id!r} is not in this ledger: make it known with ensure_profiles first"
        )
    account_id, user_id, now, seq, log_hash, written_past = rows[0]
    return Home(
        place=Place(account_id=text_value(account_id), profile_id=profile_id, now=text_value(now)),
        user_id=optional_text(user_id),
        log_head=LogHead() if seq is None else LogHead(int_value(seq), text_value(log_hash)),
        was_written_past_log=bool(written_past),
    )
