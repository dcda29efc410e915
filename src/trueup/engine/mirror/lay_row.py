"""What a bot's own row makes of the mirror's order: the row is the bot's word, whatever was known before. Pure.

Rules: keys that the row carries replace the mirror's, all others stay. The quantity filled may also fall; then fills
are taken back: all that was inferred (it stands for the step from one quantity to another, which is undone;
it has to be free to be inferred again), and real ones that no longer fit, newest first (the venue tells them again).
What the fills do not cover is legacy. A row that says nothing new changes nothing, and is no activity.

Books that take fills are to name all of them (`fills_are_whole`): one that they do not name (their row moved before it
was inserted) is taken back, so that the venue tells it and it is written again. Not so where they name the same
execution by an id of their own, whose place the venue's fill took here.

Activity is the row's own time of its change, where it has one that moved; else the moment of taking in.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.ids import known_id, normal_id
from trueup.model.money import ZERO, amount, canonical
from trueup.model.snapshot import Fill, LocalOrder
from trueup.model.times import is_before, padded, to_ns
from trueup.ports.book_rows import FillRow
from trueup.ports.foreign_books import ForeignRow

_AMOUNTS = ("qty", "limit_price", "stop_price", "filled_qty", "filled_avg_price")


class LaidRow(Struct, frozen=True, kw_only=True):
    """The order as the mirror shall have it, and what becomes of its fills. `changed`: anything at all does."""

    order: LocalOrder
    new: list[Fill] = []
    dropped: list[FillRow] = []
    changed: bool = True


def lay_row(
    row: ForeignRow,
    keys: frozenset[str],
    before: LocalOrder | None,
    booked: Sequence[FillRow],
    now: str,
    *,
    is_back: bool = False,
    fills_are_whole: bool = False,
) -> LaidRow:
    """`keys`: what the row carries; `booked`: the fills that the mirror has of the order; `now`: the ledger's time.

    `is_back`: the row was gone, or is another than the order had: that is activity, whatever it says.
    """
    order = _with_amounts(_laid(row.order, keys, before))
    if before is not None:
        order = _with_former_ids(order, before)
    new, dropped = _Fills(row.fills, booked, order, before, are_whole=fills_are_whole).fit()
    changed = before is None or is_back or bool(new or dropped) or order != before
    if not changed or before is None:
        version = 1 if before is None else before.version
    else:
        version = before.version + 1
    stamped = replace(order, version=version, last_activity_at=_activity(row, before, now))
    return LaidRow(
        order=stamped if changed or before is None else before,
        new=new,
        dropped=dropped,
        changed=changed,
    )


def _laid(said: LocalOrder, keys: frozenset[str], before: LocalOrder | None) -> LocalOrder:
    """The row's keys over the mirror's; what is the mirror's own stays, so that equal orders are equal."""
    if before is None:
        return replace(said, previous_venue_order_ids=())
    return replace(before, **{key: getattr(said, key) for key in keys if hasattr(before, key)})


def _with_amounts(order: LocalOrder) -> LocalOrder:
    known = {key: getattr(order, key) for key in _AMOUNTS}
    better = {key: canonical(one) for key, one in known.items() if one is not None}
    return replace(order, **{key: one for key, one in better.items() if one != known[key]})


def _with_former_ids(order: LocalOrder, before: LocalOrder) -> LocalOrder:
    """A venue id that the bot gave up is not remembered as the order's: the bot says that it is another order."""
    own = known_id(order.venue_order_id)
    if own == known_id(before.venue_order_id):
        return order
    former = tuple(one for one in before.previous_venue_order_ids if known_id(one) != own)
    is_step_back = len(former) < len(before.previous_venue_order_ids)
    return replace(order, previous_venue_order_ids=former if is_step_back else ())


def _activity(row: ForeignRow, before: LocalOrder | None, now: str) -> str:
    """A row that changed although its own time did not is active now; no time is later than now."""
    said = row.changed_at
    if said is None or is_before(now, said):
        return now
    if before is None or before.last_activity_at is None or is_before(before.last_activity_at, said):
        return padded(said)
    return now


# -- fills ------------------------------------------------------------------------------------------------------------


class _Fills:
    """What the bot's rows say of an order's fills beside what the mirror has of them."""

    def __init__(
        self,
        said: Sequence[Fill] | None,
        booked: Sequence[FillRow],
        order: LocalOrder,
        before: LocalOrder | None,
        *,
        are_whole: bool,
    ) -> None:
        self._told = {} if said is None else {normal_id(fill.fill_id): fill for fill in said}
        self._are_whole = are_whole and said is not None
        self._known = {row.fill_identity: row for row in booked if amount(row.fill.qty) > 0}
        # what the bot names by ids of its own, and the venue's fills took the place of
        self._superseded = {
            row.fill_identity: row
            for row in booked
            if row.fill_identity in self._told and row.fill_identity not in self._known
        }
        self._real = [
            row for row in self._known.values() if not row.fill.inferred and _is_of(row.fill, order)
        ]
        self._filled = amount(order.filled_qty)
        self._has_fallen = before is not None and self._filled < amount(before.filled_qty)

    def fit(self) -> tuple[list[Fill], list[FillRow]]:
        """New fills and dropped ones, so that all together name at most what the order has filled."""
        unnamed = self._unnamed()
        stands = self._superseded if _sum(r.fill for r in unnamed) >= self._superseded_qty() else {}
        if not stands and self._are_whole:
            unnamed = []
        new = _that_fit(
            [self._told[one] for one in self._told if one not in self._known | stands], self._filled
        )
        named = [row for row in self._real if row.fill_identity in self._told]
        kept = _newest_dropped([*named, *unnamed], set(self._told), self._filled - _sum(new))
        inferred = [row for row in self._known.values() if row.fill.inferred]
        if not self._has_fallen and _sum([*new, *(row.fill for row in [*kept, *inferred])]) <= self._filled:
            kept += inferred
        held = {row.fill_identity for row in kept}
        dropped = [row for row in self._known.values() if row.fill_identity not in held]
        return new, [*dropped, *(row for key, row in self._superseded.items() if key not in stands)]

    def _unnamed(self) -> list[FillRow]:
        """Real fills that the bot does not name: of books that name all, no more than what it names otherwise."""
        unnamed = [row for row in self._real if row.fill_identity not in self._told]
        if not self._are_whole:
            return unnamed
        kept, room = list[FillRow](), self._superseded_qty()
        for row in sorted(unnamed, key=lambda one: _time_of(one.fill)):
            if (qty := amount(row.fill.qty)) <= room:
                kept.append(row)
                room -= qty
        return kept

    def _superseded_qty(self) -> Decimal:
        return _sum(self._told[one] for one in self._superseded)


def _sum(fills: Iterable[Fill]) -> Decimal:
    return sum((amount(one.qty) for one in fills), ZERO)


def _is_of(fill: Fill, order: LocalOrder) -> bool:
    """A fill of a venue order that the row no longer names is no evidence of this one."""
    of, own = known_id(fill.venue_order_id), known_id(order.venue_order_id)
    former = {known_id(one) for one in order.previous_venue_order_ids}
    return of is None or own is None or of == own or of in former


def _that_fit(fills: Iterable[Fill], filled: Decimal) -> list[Fill]:
    """The oldest, as far as they fit: a row whose own fills exceed its quantity contradicts itself."""
    kept: list[Fill] = []
    total = ZERO
    for fill in sorted(fills, key=_time_of):
        total += amount(fill.qty)
        if total <= filled:
            kept.append(fill)
    return kept


def _newest_dropped(rows: Sequence[FillRow], named: set[str], room: Decimal) -> list[FillRow]:
    """Those that the bot's own fills name go last; of the others the newest go first."""
    kept = sorted(rows, key=lambda row: (row.fill_identity not in named, _time_of(row.fill)))
    total = sum((amount(row.fill.qty) for row in kept), ZERO)
    while kept and total > room:
        total -= amount(kept.pop().fill.qty)
    return kept


def _time_of(fill: Fill) -> tuple[int, str]:
    return (0 if fill.filled_at is None else to_ns(fill.filled_at), fill.fill_id)
