"""The order of telling: corrections and notifications of one trade stand in the order of the facts' times.

Entries come before exits at the same moment. What one order says keeps its own sequence: terms before fills, fills
before an end. A notification tells several fills at once: an entry's stands where its first was, an exit's where its
last was, so that nobody is told to leave what was not entered. What has no time of its own comes last.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TypeVar

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.orders.derive_action import derive_action
from trueup.model.ids import known_client_id, known_id
from trueup.model.plan import Correction, Notification
from trueup.model.snapshot import LocalOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import Action, NotificationKind

Row = TypeVar("Row", Correction, Notification)
Turn = tuple[int, bool, int]  # when (ns), whether it leaves the trade, its place before
_FILLS = (NotificationKind.ENTRY_FILL, NotificationKind.EXIT_FILL)


def order_by_facts(facts: Facts, local: LocalSide, outcome: RunOutcome) -> None:
    """Put the rows of every trade of which several orders changed in turn; all other rows keep their places."""
    changed = Counter(known_id(one.trade_id) for one in local.projected_orders() if one.trade_id is not None)
    several = {key for key, orders in changed.items() if key is not None and orders > 1}
    if not several:
        return
    times = _Times(facts, local, several)
    outcome.corrections = _arranged(outcome.corrections, times, times.of_corrections)
    outcome.notifications = _arranged(outcome.notifications, times, times.of_notifications)


class _Times:
    """When what the changed orders say was so."""

    def __init__(self, facts: Facts, local: LocalSide, several: set[str]) -> None:
        self._facts, self._local = facts, local
        self._index: dict[str, int] = {}
        self._fills: dict[int, list[int]] = {}  # by order: the times of the fills that this plan books
        first = len(local.original_orders)
        for index in (*local.changed_orders, *range(first, len(local.orders))):
            order = local.orders[index]
            if known_id(order.trade_id) in several:
                self._index |= dict.fromkeys(_names(order), index)
        self._filled_at = {
            (index, fill.fill_id): fill.filled_at
            for index in set(self._index.values())
            for fill in local.fills_of.get(index, ())
        }

    def index_of(self, row: Correction | Notification) -> int | None:
        """The changed order that a row is about; null where it is about none of such a trade."""
        venue_id, client_id = known_id(row.venue_order_id), known_client_id(row.client_order_id)
        by_venue_id = None if venue_id is None else self._index.get(f"v {venue_id}")
        return by_venue_id if by_venue_id is not None else self._index.get(f"c {client_id}")

    def trade_of(self, index: int) -> str:
        return known_id(self._local.orders[index].trade_id) or ""

    def leaves(self, index: int) -> bool:
        action = derive_action(
            self._facts, self._local, self._local.orders[index], self._local.matched[index]
        )
        return action is Action.EXIT

    def of_corrections(self, index: int, rows: Sequence[Correction]) -> list[int]:
        """One order's corrections: fills by their own times, what stands before them with the first, an end after."""
        filled = [None if one.fill is None else self._fill_ns(index, one.fill.fill_id) for one in rows]
        self._fills[index] = known = [one for one in filled if one is not None]
        times: list[int] = []
        latest = min(known, default=self._told_ns(index))
        has_filled = False
        for own in filled:
            has_filled |= own is not None
            latest = max(latest, own or (self._told_ns(index) if has_filled else latest))
            times.append(latest)
        return times

    def of_notifications(self, index: int, rows: Sequence[Notification]) -> list[int]:
        known, told_ns = self._fills.get(index, []), self._told_ns(index)
        begun = min([*known, told_ns])
        filled = (max(known) if self.leaves(index) else min(known)) if known else told_ns
        times: list[int] = []
        for place, row in enumerate(rows):
            if row.kind in _FILLS:
                own = filled
            else:
                own = begun if row.kind is NotificationKind.DISCOVERED else told_ns
            if any(one.kind in _FILLS for one in rows[place:]):
                own = min(own, filled)  # new terms are told before the fills, and hold none of them back
            times.append(max([own, *times[-1:]]))
        return times

    def _fill_ns(self, index: int, fill_id: str) -> int:
        filled_at = self._filled_at.get((index, fill_id))
        return self._told_ns(index) if filled_at is None else to_ns(filled_at)

    def _told_ns(self, index: int) -> int:
        """When the venue last changed the order; now, where nobody says."""
        record, order = self._local.matched[index], self._local.orders[index]
        told_at = record.updated_at if record is not None else None
        if told_at is None and self._local.is_inserted(index):
            told_at = order.venue_updated_at
        return self._facts.now_ns if told_at is None else to_ns(told_at)


def _names(order: LocalOrder) -> list[str]:
    venue_ids = (known_id(order.venue_order_id), *map(known_id, order.previous_venue_order_ids))
    client_id = known_client_id(order.client_order_id)
    return [f"v {one}" for one in venue_ids if one is not None] + ([f"c {client_id}"] if client_id else [])


def _arranged(
    rows: list[Row], times: _Times, times_of: Callable[[int, Sequence[Row]], list[int]]
) -> list[Row]:
    """The rows with those of each trade in turn, in the places that these had before."""
    of_order: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        index = times.index_of(row)
        if index is not None:
            of_order[index].append(place)
    turns: dict[str, list[tuple[Turn, Row]]] = defaultdict(list)
    for index, places in of_order.items():
        leaves = times.leaves(index)
        for place, ns in zip(places, times_of(index, [rows[one] for one in places]), strict=True):
            turns[times.trade_of(index)].append(((ns, leaves, place), rows[place]))
    arranged = list(rows)
    for of_trade in turns.values():
        places = sorted(place for (_, _, place), _ in of_trade)
        for place, (_, row) in zip(places, sorted(of_trade, key=lambda one: one[0]), strict=True):
            arranged[place] = row
    return arranged
