"""Checks at rest of what was told and who may write: I10 and the leases, on the raw tables.

Decides that every committed notification was obeyed or is parked, that nothing waits, and that no lease outlives its
time. Must not know what a notification says.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

import msgspec
from msgspec import structs

from trueup.model.plan import Notification
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import NotificationKind
from trueup.sim.checkers.facts import TRANSFER, Violation, exact
from trueup.sim.checkers.tables import Tables, corrected_by_people, rows


class _About(msgspec.Struct):
    """What a stored notification is about."""

    trade_id: str | None = None
    client_order_id: str | None = None


_OUTBOX = "SELECT notification_id, delivered_at, parked_at, notification FROM outbox"
_ABOUT = msgspec.json.Decoder(_About)
FILLS = (NotificationKind.ENTRY_FILL, NotificationKind.EXIT_FILL)


def check_telling(
    tables: Tables, effects: Mapping[str, Notification], now_ns: int, *, again: int = 0
) -> list[Violation]:
    """`effects`: what bots obeyed, by id. `again`: how often the database lost commits, and with them what it told."""
    people = corrected_by_people(tables)
    byself = [one for one in effects.values() if not {one.client_order_id, one.venue_order_id} & people]
    found = _told_twice(byself) if again == 0 else []
    committed: set[str] = set()
    for notification_id, delivered_at, parked_at, told in rows(tables, _OUTBOX):
        committed.add(notification_id)
        if delivered_at is None and parked_at is None:
            found.append(Violation("live", notification_id, "waits in the outbox"))
        elif parked_at is None and notification_id not in effects and _is_of_a_bot(told):
            found.append(Violation("I10", notification_id, "counts as delivered and was never obeyed"))
    if again == 0:
        found += _out_of_turn(byself)
        found += [
            Violation("I10", one, "was obeyed and never committed") for one in effects if one not in committed
        ]
    for account_id, holder, expires_at, ttl_s in rows(
        tables, "SELECT account_id, holder, expires_at, ttl_s FROM leases"
    ):
        if holder is not None and to_ns(expires_at) > now_ns + round(ttl_s * NS_PER_S):
            found.append(Violation("live", account_id, f"its lease is held until {expires_at}"))
    return found


def _is_of_a_bot(told: str) -> bool:
    """Without either id it is no bot's; nor is a person's transfer that is in no trade."""
    about = _ABOUT.decode(told)
    own_order = about.client_order_id is not None and not about.client_order_id.startswith(f"{TRANSFER}-")
    return about.trade_id is not None or own_order


def _out_of_turn(effects: Iterable[Notification]) -> list[Violation]:
    """Of one order, the cumulative quantity was told as it grew."""
    told: dict[tuple[str | None, str | None], Fraction] = {}
    found: list[Violation] = []
    for one in effects:
        if one.kind in FILLS and one.cumulative_qty is not None:
            order_id = (
                one.trade_id,
                one.venue_order_id or one.client_order_id,
            )  # a trade is of one instrument
            cumulative = exact(one.cumulative_qty)
            if cumulative < told.get(order_id, Fraction(0)):
                found.append(Violation("I10", one.notification_id, "was told after what came later"))
            told[order_id] = cumulative
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
