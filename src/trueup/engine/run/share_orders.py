"""Which of the venue's open orders each profile of an account has to look at.

Rule: an order that one profile has recorded, and that nothing else of what was read names, is that profile's. It stands
in no other profile's snapshot: there the plan would only ask the ledger whose it is, hear that it is known, and leave
it alone. Everything else stands in all of them: orders that nobody has recorded, ids that come twice, orders that are
linked with others, or that a fill, the history, a decision or a row of another profile names.

So a profile's plan costs what its own orders cost, however many profiles trade in the account. Must not know what an
order is judged to be.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from msgspec.structs import replace

from trueup.model.ids import comparable_client_ids, comparable_ids, contradict, known_client_id, known_id
from trueup.model.snapshot import Fill, Local, LocalOrder, Venue, VenueOrder
from trueup.model.vocabulary import Side, Status

_Owner = tuple[str, LocalOrder]  # a profile and its order
_Owners = dict[str | None, _Owner | None]  # by comparable id; null: of several orders


class _Naming(Protocol):
    """What names an order by its ids."""

    @property
    def venue_order_id(self) -> str | None: ...
    @property
    def client_order_id(self) -> str | None: ...


class SharedOrders:
    """The open orders of one read of an account, handed out to its profiles."""

    def __init__(self, venue: Venue, locals_: Mapping[str, Local]) -> None:
        """`locals_`: the local sides of all profiles that are planned, read before the venue was asked."""
        self._venue = venue
        self._common = venue.open_orders.rows
        self._own: dict[str, list[VenueOrder]] = {}  # by profile id
        self._left_out: dict[str, list[tuple[str, VenueOrder]]] | None = None  # by each id that names them
        if len(locals_) > 1 and not _is_of_another_account(venue):
            self._hand_out(locals_)

    def venue_of(self, profile_id: str) -> Venue:
        """The venue's side of this profile's snapshot."""
        if not self._own:
            return self._venue
        rows = [*self._common, *self._own.get(profile_id, ())]
        return replace(self._venue, open_orders=replace(self._venue.open_orders, rows=rows))

    def named_by(
        self, profile_id: str, records: Iterable[VenueOrder | LocalOrder | Fill]
    ) -> list[VenueOrder]:
        """Orders that this profile's snapshot lacks and that these records, of a later round's answers, name."""
        if not self._own:
            return []
        if self._left_out is None:
            self._left_out = {}
            for owner, rows in self._own.items():
                for row in rows:
                    for one in _ids_of(row):
                        self._left_out.setdefault(one, []).append((owner, row))
        named = sorted({one for record in records for one in (*_ids_of(record), *_kin_of(record))})
        found = [each for one in named for each in self._left_out.get(one, ())]
        return list({id(row): row for owner, row in found if owner != profile_id}.values())

    def _hand_out(self, locals_: Mapping[str, Local]) -> None:
        rows = self._venue.open_orders.rows
        venue_ids = comparable_ids([row.venue_order_id for row in rows])
        client_ids = comparable_client_ids([row.client_order_id for row in rows])
        by_venue_id, by_client_id = _owners(locals_)
        named = _twice(venue_ids, _VENUE) | _twice(client_ids, _CLIENT) | _named_elsewhere(self._venue)
        named |= _named_locally(locals_, by_venue_id, by_client_id)
        common: list[VenueOrder] = []
        for row, venue_id, client_id in zip(rows, venue_ids, client_ids, strict=True):
            owner = _owner_of(row, by_venue_id.get(venue_id, _NOBODY), by_client_id.get(client_id, _NOBODY))
            is_named = named and (_VENUE + (venue_id or "") in named or _CLIENT + (client_id or "") in named)
            if owner is None or venue_id is None or is_named:
                common.append(row)
            else:
                self._own.setdefault(owner, []).append(row)
        self._common = common


_VENUE, _CLIENT = "venue ", "client "  # what an id is called in a set of both kinds
_NO_ORDER = LocalOrder(side=Side.BUY, status=Status.PENDING_NEW)
_NOBODY: _Owner = ("", _NO_ORDER)


def _owner_of(row: VenueOrder, by_venue_id: _Owner | None, by_client_id: _Owner | None) -> str | None:
    """The one profile that recorded this order's ids; null where none did, or another one may have to judge it, too.

    Its venue order id has to be recorded: one that has not come back to the bot yet may be an older order's of another.
    """
    if by_venue_id is None or by_client_id is None or _is_linked(row):
        return None
    profile_id, order = by_venue_id
    if by_client_id is not _NOBODY and by_client_id[0] != profile_id:
        return None
    return profile_id or None if not contradict(order, row) else None


def _owners(locals_: Mapping[str, Local]) -> tuple[_Owners, _Owners]:
    """Who recorded each venue and each client order id. A venue order id that an order had before is nobody's alone."""
    recorded = [(profile_id, order) for profile_id, local in locals_.items() for order in local.orders]
    venue_ids = comparable_ids([order.venue_order_id for _, order in recorded])
    client_ids = comparable_client_ids([order.client_order_id for _, order in recorded])
    former = [known_id(one) for _, order in recorded for one in order.previous_venue_order_ids]
    return (
        _by_id(zip(venue_ids, recorded, strict=True)) | dict.fromkeys(former),
        _by_id(zip(client_ids, recorded, strict=True)),
    )


def _kin_of(record: VenueOrder | LocalOrder | Fill) -> list[str]:
    """The other venue order ids that a record names: which order it was before, replaced or belongs to."""
    if isinstance(record, VenueOrder):
        kin: Iterable[str | None] = (record.replaces, record.replaced_by, record.parent_venue_order_id)
    else:
        kin = record.previous_venue_order_ids if isinstance(record, LocalOrder) else ()
    return [_VENUE + one for one in map(known_id, kin) if one is not None]


def _by_id(recorded: Iterable[tuple[str | None, _Owner]]) -> _Owners:
    owners: _Owners = {}
    for one, owner in recorded:
        if owners.setdefault(one, owner) is not owner:
            owners[one] = None
    owners.pop(None, None)
    return owners


def _is_linked(row: VenueOrder) -> bool:
    return not (row.replaces is row.replaced_by is row.parent_venue_order_id is None)


def _is_of_another_account(venue: Venue) -> bool:
    """Then its ids may be those of other orders: every profile is told so of all of them."""
    ids = known_id(venue.account_id), known_id(venue.recorded_account_id)
    return None not in ids and ids[0] != ids[1]


# -- ids that are named elsewhere -------------------------------------------------------------------------------------


def _twice(ids: Sequence[str | None], kind: str) -> set[str]:
    if len(set(ids)) == len(ids):
        return set()
    return {kind + one for one, times in Counter(ids).items() if one is not None and times > 1}


def _named_elsewhere(venue: Venue) -> set[str]:
    """By the history, and by orders that say which others they come from."""
    linked = filter(_is_linked, (*venue.open_orders.rows, *venue.history.orders))
    records: tuple[_Naming, ...] = (*venue.history.orders, *venue.history.fills)
    listed = (one for record in records for one in _ids_of(record))
    return {one for row in linked for one in _kin_of(row)}.union(listed)


def _named_locally(locals_: Mapping[str, Local], by_venue_id: _Owners, by_client_id: _Owners) -> set[str]:
    """By fills of other profiles, by people's decisions, and by rows that cannot be judged."""
    named: set[str] = set()
    for profile_id, local in locals_.items():
        own: _Owner = (profile_id, _NO_ORDER)
        for fill in local.fills:
            owners = (
                by_venue_id.get(known_id(fill.venue_order_id), own),
                by_client_id.get(known_client_id(fill.client_order_id), own),
            )
            if any(one is None or one[0] != profile_id for one in owners):
                named.update(_ids_of(fill))
        for decision in local.decisions:
            named.update(_ids_of(decision))
        for fault in local.faults:
            named.update(_ids_of(fault))
    return named


def _ids_of(record: _Naming) -> list[str]:
    venue_id, client_id = known_id(record.venue_order_id), known_client_id(record.client_order_id)
    found = [] if venue_id is None else [_VENUE + venue_id]
    return found if client_id is None else [*found, _CLIENT + client_id]
