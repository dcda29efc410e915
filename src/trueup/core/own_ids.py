"""Makes ids that several orders have each order's own while it is planned, and plain again in the plan.

A venue order is identified by account, instrument and venue order id: at some exchanges two instruments have one
number. Such a number is planned as one id per instrument (`of_instrument`), so that every rule that compares ids tells
the orders apart. A row that names no instrument keeps the plain number, which then is nobody's. A client order id that
several local orders carry is planned as a tag (`as_tag`): it names no order, and stands in its rows as before.

`make_plan` finds out which ids these are; nothing else of the core need know that there are any.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import fields, replace

from trueup.model.ids import as_tag, known_client_id, normal_id, of_instrument, plain_id, symbol_token
from trueup.model.plan import Plan, Query
from trueup.model.snapshot import Fill, LocalAnswer, LocalOrder, Snapshot, VenueAnswer, VenueOrder
from trueup.model.vocabulary import Outcome, QueryBy

Row = TypeVar("Row", LocalOrder, VenueOrder, Fill)
_VENUE_IDS = ("venue_order_id", "replaces", "replaced_by", "parent_venue_order_id")


def of_their_instruments(snapshot: Snapshot, several: frozenset[str]) -> Snapshot:
    """The snapshot with these comparable venue order ids made each instrument's own, wherever they stand."""

    def own(raw_id: str | None, symbol: str | None) -> str | None:
        if raw_id is None or symbol is None or normal_id(raw_id) not in several:
            return raw_id
        return of_instrument(raw_id, symbol)

    def row(one: Row) -> Row:
        names = [name for name in _VENUE_IDS if hasattr(one, name)]
        changes: dict[str, Any] = {name: own(getattr(one, name), one.symbol) for name in names}
        if isinstance(one, LocalOrder):
            changes["previous_venue_order_ids"] = tuple(
                own(each, one.symbol) for each in one.previous_venue_order_ids
            )
        return replace(one, **changes)

    def answer(one: VenueAnswer) -> VenueAnswer:
        order = None if one.order is None else row(one.order)
        if one.by is not QueryBy.VENUE_ORDER_ID:
            return replace(one, order=order)
        symbol = one.symbol or (None if one.order is None else one.order.symbol)
        return replace(one, order=order, id=own(one.id, symbol) or one.id)

    mapped = _map_rows(snapshot, row, answer)
    answers = _local_answers(snapshot, several, row)
    decisions = [
        replace(one, venue_order_id=own(one.venue_order_id, one.symbol)) for one in snapshot.local.decisions
    ]
    return replace(mapped, local=replace(mapped.local, answers=answers, decisions=decisions))


def as_tags(snapshot: Snapshot, shared: frozenset[str]) -> Snapshot:
    """The snapshot with these comparable client order ids as tags, on both sides."""

    def row(one: Row) -> Row:
        is_shared = known_client_id(one.client_order_id) in shared
        return replace(one, client_order_id=as_tag(one.client_order_id or "")) if is_shared else one

    def answer(one: VenueAnswer) -> VenueAnswer:
        return one if one.order is None else replace(one, order=row(one.order))

    return _map_rows(snapshot, row, answer)


def as_they_are(plan: Plan) -> Plan:
    """The plan with plain ids: nobody outside knows the core's own."""
    shown: Plan = _map_texts(plan, plain_id)
    return replace(shown, queries=[_once(query) for query in shown.queries])


def _once(query: Query) -> Query:
    """The local question names each id once, however its rows write it."""
    if query.ids is None:
        return query
    ids = {normal_id(one): one for one in sorted(query.ids, reverse=True)}
    return replace(query, ids=[ids[key] for key in sorted(ids)])


def _map_rows(
    snapshot: Snapshot, row: Callable[[Any], Any], answer: Callable[[VenueAnswer], VenueAnswer]
) -> Snapshot:
    local, venue = snapshot.local, snapshot.venue
    opened, history = venue.open_orders, venue.history
    found = [one if one.order is None else replace(one, order=row(one.order)) for one in local.answers]
    return replace(
        snapshot,
        local=replace(
            local, orders=list(map(row, local.orders)), fills=list(map(row, local.fills)), answers=found
        ),
        venue=replace(
            venue,
            open_orders=replace(opened, rows=list(map(row, opened.rows))),
            history=replace(
                history, orders=list(map(row, history.orders)), fills=list(map(row, history.fills))
            ),
            answers=list(map(answer, venue.answers)),
        ),
    )


# -- local answers ----------------------------------------------------------------------------------------------------


def _local_answers(
    snapshot: Snapshot, several: frozenset[str], row: Callable[[LocalOrder], LocalOrder]
) -> list[LocalAnswer]:
    """The ledger was asked about a number, and so about all its instruments: each has an answer of its own."""
    symbols = _symbols_of(snapshot, several)
    asked: dict[str, list[LocalAnswer]] = {}
    answers: list[LocalAnswer] = []
    for one in snapshot.local.answers:
        if one.by is QueryBy.VENUE_ORDER_ID and normal_id(one.id) in several:
            asked.setdefault(normal_id(one.id), []).append(one)
        else:
            answers.append(one if one.order is None else replace(one, order=row(one.order)))
    for venue_id, together in asked.items():
        answers += [_answer_of(one, venue_id, together, row) for one in symbols.get(venue_id, {}).values()]
    return answers


def _answer_of(
    symbol: str, venue_id: str, together: Iterable[LocalAnswer], row: Callable[[LocalOrder], LocalOrder]
) -> LocalAnswer:
    token, own = symbol_token(symbol), of_instrument(venue_id, symbol)
    outcome = Outcome.ABSENT
    for one in together:
        said = one.symbol if one.order is None else one.order.symbol
        if one.outcome is Outcome.FOUND and (said is None or symbol_token(said) == token):
            return replace(one, id=own, order=None if one.order is None else row(one.order))
        if one.outcome is Outcome.UNKNOWN:
            outcome = Outcome.UNKNOWN
    return LocalAnswer(by=QueryBy.VENUE_ORDER_ID, id=own, outcome=outcome)


def _symbols_of(snapshot: Snapshot, several: frozenset[str]) -> Mapping[str, dict[str, str]]:
    """Every instrument that a row gives each of these numbers: symbols by token, by number."""
    local, venue = snapshot.local, snapshot.venue
    rows: list[LocalOrder | VenueOrder | Fill] = [*local.orders, *local.fills, *venue.open_orders.rows]
    rows += [*venue.history.orders, *venue.history.fills]
    rows += [one.order for one in local.answers if one.order is not None]
    rows += [one.order for one in venue.answers if one.order is not None]
    found: dict[str, dict[str, str]] = {}
    for one in rows:
        named = [getattr(one, name, None) for name in _VENUE_IDS]
        named += one.previous_venue_order_ids if isinstance(one, LocalOrder) else ()
        for raw in named:
            if raw is not None and one.symbol is not None and normal_id(raw) in several:
                found.setdefault(normal_id(raw), {}).setdefault(symbol_token(one.symbol), one.symbol)
    return found


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """The value with every text in it changed. Members of vocabularies are no texts."""
    match value:
        case str():
            return change(value) if type(value) is str else value
        case list() | tuple():
            return type(value)(_map_texts(one, change) for one in value)
        case dict():
            return {_map_texts(key, change): _map_texts(one, change) for key, one in value.items()}
        case Struct():
            texts = {one.name: _map_texts(getattr(value, one.name), change) for one in fields(value)}
            return replace(value, **texts)
        case _:
            return value
