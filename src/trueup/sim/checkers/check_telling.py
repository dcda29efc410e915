"""Checks at rest of what was told and who may write: I10 and the leases, on the raw tables.

Decides that every committed notification was obeyed or is parked, that nothing waits, and that no lease outlives its
time. Must not know what a notification says.
"""

from collections.abc import Iterable, Mapping

import apsw
from msgspec import structs

from trueup.model.plan import Notification
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import NotificationKind
from trueup.sim.checkers.facts import Violation
from trueup.sim.checkers.tables import rows

FILLS = (NotificationKind.ENTRY_FILL, NotificationKind.EXIT_FILL)


def check_telling(
    connection: apsw.Connection, effects: Mapping[str, Notification], now_ns: int, *, again: int = 0
) -> list[Violation]:
    """`effects`: what bots obeyed, by id. `again`: how often the database lost commits, and with them what it told."""
    found = _told_twice(effects.values()) if again == 0 else []
    committed: set[str] = set()
    for notification_id, delivered_at, parked_at in rows(
        connection, "SELECT notification_id, delivered_at, parked_at FROM outbox"
    ):
        committed.add(notification_id)
        if delivered_at is None and parked_at is None:
            found.append(Violation("live", notification_id, "waits in the outbox"))
    if again == 0:
        found += [
            Violation("I10", one, "was obeyed and never committed") for one in effects if one not in committed
        ]
    for account_id, holder, expires_at, ttl_s in rows(
        connection, "SELECT account_id, holder, expires_at, ttl_s FROM leases"
    ):
        if holder is not None and to_ns(expires_at) > now_ns + round(ttl_s * NS_PER_S):
            found.append(Violation("live", account_id, f"its lease is held until {expires_at}"))
    return found


def _told_twice(effects: Iterable[Notification]) -> list[Violation]:
    """The same facts under two ids: a bot cannot know that they are the same."""
    seen: dict[Notification, str] = {}
    found: list[Violation] = []
    for one in effects:
        facts = structs.replace(one, notification_id="")
        if one.kind in FILLS and seen.setdefault(facts, one.notification_id) != one.notification_id:
            found.append(Violation("I10", one.notification_id, f"tells what {seen[facts]} told"))
    return found
