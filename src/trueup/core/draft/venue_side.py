"""The venue's side: its orders in one index, and its fills with the local orders they are of. Read once, then fixed.

The index has the open-order read, the answers and the history, each order once; two records of one order are merged
(`merge_readings`). `match_orders` hands the fills out; a later stage only moves fills of an order that it inserts or
binds anew.
"""

from collections.abc import Iterable
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from trueup.core.draft.merge_readings import Reading, merge_readings
from trueup.model.facts_of import facts_of
from trueup.model.ids import (
    comparable_client_ids,
    comparable_ids,
    contradict,
    known_client_id,
    known_id,
    symbol_token,
)
from trueup.model.last_results import LastResults
from trueup.model.snapshot import Fill, VenueAnswer, VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import Outcome, QueryBy, Status


class VenueSide(Struct):
    """Venue orders by comparable venue order id; `nameless`: those that have only a client order id, or none."""

    open_rows: list[VenueOrder]  # of the open-order read, in scope
    fills_of: dict[int, list[Fill]] = {}  # by the index of the local order that they are of
    stray_fills: list[Fill] = []  # of no local order
    by_id: dict[str, VenueOrder] = {}
    nameless: list[VenueOrder] = []
    ids_of_several: set[str] = set()  # that records of several instruments have
    open_ids: set[str] | None = None  # null: every order of `by_id` is in the open-order read
    read_at_of: dict[str, str | None] = {}  # where it is not the open-order read's
    open_read_at: str | None = None
    open_is_complete: bool = False
    _listed_times: dict[str, int] = {}  # how often, where the open-order read has an order twice
    answered: set[str] = set()  # venue order ids whose record a query answered
    asked: dict[tuple[QueryBy, str], VenueAnswer] = {}
    successor_of: dict[str, str] = {}
    predecessor_of: dict[str, str] = {}
    linked: list[VenueOrder] = []  # that name a parent, a predecessor or a successor
    has_sub_tags: bool = False  # some record says one
    _by_client_id: dict[str, str | None] | None = None
    _several: dict[str, list[Reading]] = {}  # orders with more than one record, until `merge_records`

    def add_open_rows(
        self, rows: list[VenueOrder], read_at: str | None, results: LastResults, *, is_complete: bool
    ) -> None:
        self.open_read_at, self.open_is_complete = read_at, is_complete
        ids = results.of(_comparable, [row.venue_order_id for row in rows])
        by_id = dict(zip(ids, rows, strict=True))
        if None not in by_id and len(by_id) == len(rows):
            self.by_id = by_id  # type: ignore[assignment]
            return
        for venue_id, row in zip(ids, rows, strict=True):
            self._add(venue_id, row, read_at)

    def add_answers(self, answers: Iterable[VenueAnswer]) -> None:
        """Answers to this run's queries; a reply to another request counts as unknown."""
        for answer in answers:
            key = (answer.by, answer.id.strip().lower())
            if answer.order is not None and not _answers(answer):
                answer = replace(
                    answer, outcome=Outcome.UNKNOWN, order=None, error="the reply names another order"
                )
            known = self.asked.get(key)
            if known is None or _authority(answer) > _authority(known):
                self.asked[key] = answer
        for answer in self.asked.values():
            if answer.outcome is Outcome.FOUND and answer.order is not None:
                venue_id = self.add_record(answer.order, answer.read_at)
                if venue_id is not None:
                    self.answered.add(venue_id)

    def add_record(self, record: VenueOrder, read_at: str | None) -> str | None:
        """One record from outside the open-order read. Returns its comparable id."""
        if self.open_ids is None:
            self.open_ids = set(self.by_id)
            self._listed_times = {one: len(readings) for one, readings in self._several.items()}
        venue_id = known_id(record.venue_order_id)
        if venue_id is not None and venue_id not in self.by_id:
            self.read_at_of[venue_id] = read_at
        self._add(venue_id, record, read_at)
        return venue_id

    def _add(self, venue_id: str | None, record: VenueOrder, read_at: str | None) -> None:
        if venue_id is None:
            if record not in self.nameless:
                self.nameless.append(record)
            return
        known = self.by_id.setdefault(venue_id, record)
        if known is not record:
            first_read_at = self.read_at_of.get(venue_id, self.open_read_at)
            if known == record and first_read_at == read_at:
                return
            self._several.setdefault(venue_id, [(known, first_read_at)]).append((record, read_at))

    def merge_records(self) -> None:
        """Make one record of each order that several reads reported, whatever their order."""
        for venue_id, readings in self._several.items():
            if len({symbol_token(one.symbol) for one, _ in readings if one.symbol is not None}) > 1:
                self.ids_of_several.add(venue_id)
            is_listed = self.open_is_complete and self.is_open(venue_id)
            listed = readings[: self._listed_times.get(venue_id, 1)] if is_listed else []
            self.by_id[venue_id], self.read_at_of[venue_id] = merge_readings(readings, listed)
        self._several = {}

    def link_replacements(self) -> None:
        """Chains as one index, from either end of each link, and whether any record has a sub-tag: few say either.

        What an order says of its own end comes before what others say of it. A rejected order took nobody's place, nor
        did one of another symbol or side.
        """
        found = [
            one
            for one in self.by_id.values()
            if one.sub_tag is not None
            or one.replaced_by is not None
            or one.replaces is not None
            or one.parent_venue_order_id is not None
        ]
        self.has_sub_tags = any(one.sub_tag for one in chain(found, self.nameless))
        self.linked = linked = [
            one for one in found if not (one.replaced_by is one.replaces is one.parent_venue_order_id is None)
        ]
        for record in linked:
            self._link(known_id(record.venue_order_id), known_id(record.replaced_by))
        told = frozenset(self.successor_of)
        for record in linked:
            before = known_id(record.replaces)
            is_successor = before not in told and record.status is not Status.REJECTED
            self._link(before, known_id(record.venue_order_id), is_successor=is_successor)

    def _link(self, before: str | None, after: str | None, *, is_successor: bool = True) -> None:
        if before is None or after is None or before == after or self._contradict(before, after):
            return
        if is_successor:
            self.successor_of[before] = min(after, self.successor_of.get(before, after))
        self.predecessor_of[after] = min(before, self.predecessor_of.get(after, before))

    def _contradict(self, before: str, after: str) -> bool:
        one, other = self.by_id.get(before), self.by_id.get(after)
        return one is not None and other is not None and contradict(one, other)

    def is_open(self, venue_id: str) -> bool:
        """Whether the order stands in the open-order read."""
        return venue_id in self.by_id if self.open_ids is None else venue_id in self.open_ids

    def read_at(self, record: VenueOrder) -> str | None:
        """When the read that this record stands in was sent; null = the plan's own time."""
        venue_id = known_id(record.venue_order_id) if self.read_at_of else None
        return self.open_read_at if venue_id is None else self.read_at_of.get(venue_id, self.open_read_at)

    def by_client_id(self, client_id: str) -> VenueOrder | None:
        """The only order with this comparable client order id; null where none or several have it."""
        index = self._index_by_client_id()
        found = index.get(client_id)
        if found is not None:
            return self.by_id[found]
        if client_id in index:
            return None
        named = [row for row in self.nameless if known_client_id(row.client_order_id) == client_id]
        return named[0] if len(named) == 1 else None

    def is_shared(self, client_id: str) -> bool:
        """Whether several venue orders carry this client order id: it then names none of them."""
        return self._index_by_client_id().get(client_id, "") is None

    def shared_client_ids(self, client_ids: list[str | None]) -> set[str]:
        """Every client order id of which `is_shared` holds. `client_ids`: the comparable ones of `by_id`."""
        distinct = set(client_ids)
        distinct.discard(None)
        if not self.nameless and len(distinct) == len(client_ids) - client_ids.count(None):
            return set()
        return {client_id for client_id, venue_id in self._index_by_client_id().items() if venue_id is None}

    def _index_by_client_id(self) -> dict[str, str | None]:
        """Comparable venue order ids by comparable client order id; null where several orders carry it."""
        if self._by_client_id is None:
            client_ids = comparable_client_ids([one.client_order_id for one in self.by_id.values()])
            self._by_client_id = index = {}
            for client_id, venue_id in zip(client_ids, self.by_id, strict=True):
                if client_id is not None:
                    index[client_id] = None if client_id in index else venue_id
            for record in self.nameless:
                own = known_client_id(record.client_order_id)
                if own in index:
                    index[own] = None
        return self._by_client_id


def _comparable(ids: list[str | None]) -> list[str | None]:
    """A function of its own, to be remembered apart from what was asked of the local orders' ids."""
    return comparable_ids(ids)


def _answers(answer: VenueAnswer) -> bool:
    record = answer.order
    if record is None:
        return True
    if answer.by is QueryBy.CLIENT_ORDER_ID:
        return known_client_id(record.client_order_id) == known_client_id(answer.id)
    return known_id(record.venue_order_id) == known_id(answer.id)


def _authority(answer: VenueAnswer) -> tuple[int, int, bytes]:
    rank = {Outcome.UNKNOWN: 0, Outcome.ABSENT: 1, Outcome.FOUND: 2}[answer.outcome]
    return (rank, 0 if answer.read_at is None else to_ns(answer.read_at), facts_of(answer))
