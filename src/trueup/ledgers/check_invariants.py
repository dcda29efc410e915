"""Money adds up, or nothing is committed (invariant I3). Raises InvariantError; decides nothing else.

An order's filled quantity moves by exactly what its corrections book beyond what they supersede, its fills never name
more than it has filled, and it never exceeds its quantity unless the policy allows. A trade moves by exactly what its
orders moved, less what the plan reports as `trade_overrun`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from trueup.ledgers.apply_plan import OrderWrite, Selection
from trueup.ledgers.rows import FillRow
from trueup.model.errors import InvariantError
from trueup.model.ids import known_id
from trueup.model.money import ZERO, add, amount, subtract
from trueup.model.plan import Plan
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import Action, BreakKind

Moved = tuple[Decimal, Decimal]  # of a trade: entry and exit quantity


def check_invariants(
    selection: Selection, plan: Plan, fills: Iterable[FillRow], *, allow_overfill: bool
) -> None:
    """`fills`: those booked of the orders before this."""
    booked: dict[int, list[FillRow]] = defaultdict(list)
    for row in fills:
        booked[row.order_key].append(row)
    for write in selection.orders:
        _check_order(
            write, booked[write.before.order_key] if write.before else [], allow_overfill=allow_overfill
        )
    _check_trades(selection, plan)


def _check_order(write: OrderWrite, booked: Sequence[FillRow], *, allow_overfill: bool) -> None:
    before, after = filled_before(write), amount(write.after.filled_qty)
    corrections = [c.fill for c in write.corrections if c.fill is not None]
    growth = _total(subtract(amount(fill.qty), amount(fill.superseded_qty)) for fill in corrections)
    if corrections and subtract(after, before) != growth:
        _fail(write.after, f"its corrections book {growth}, but it moves from {before} to {after}")
    if not corrections and write.before is not None and after != before:
        _fail(write.after, f"it moves from {before} to {after} without a fill")
    if after < before:
        _fail(write.after, f"its filled quantity falls from {before} to {after}")
    if (
        after > before
        and write.after.qty is not None
        and after > amount(write.after.qty)
        and not allow_overfill
    ):
        _fail(write.after, f"{after} of {write.after.qty} would be filled")
    if corrections:
        _check_named(write, booked, before, after)


def _check_named(write: OrderWrite, booked: Sequence[FillRow], before: Decimal, after: Decimal) -> None:
    """The fills of an order name at most what it has filled (legacy quantity has no fill)."""
    named_before = _total(amount(row.fill.qty) for row in booked)
    named_after = add(named_before, _total(amount(fill.qty) for _, fill in write.new_fills))
    for row, fill in write.shrunk_fills:
        named_after = add(named_after, subtract(amount(fill.qty), amount(row.fill.qty)))
        if amount(fill.qty) > amount(row.fill.qty):
            _fail(write.after, f"booked fill {fill.fill_id} would grow from {row.fill.qty} to {fill.qty}")
    if named_after > after and subtract(named_after, after) > subtract(named_before, before):
        _fail(write.after, f"its fills add up to {named_after}, but {after} is filled")


def _check_trades(selection: Selection, plan: Plan) -> None:
    moved, unclear = _moved_by_orders(selection.orders)
    overrun = {known_id(b.trade_id) for b in plan.breaks if b.kind is BreakKind.TRADE_OVERRUN}
    for write in selection.trades:
        if write.before is None:
            continue
        key = known_id(write.after.trade_id) or ""
        expected = moved[key]
        found = _movement(write.before.trade, write.after)
        if key in unclear:
            expected, found = (add(*expected), ZERO), (add(*found), ZERO)
        if found == expected or (key in overrun and found[0] <= expected[0] and found[1] <= expected[1]):
            continue
        raise InvariantError(
            f"trade {write.after.trade_id}: its orders move it by {_said(expected)}, the plan by {_said(found)}; "
            "nothing was written: replay this run and report it"
        )


def _moved_by_orders(writes: Iterable[OrderWrite]) -> tuple[dict[str, Moved], set[str]]:
    """By trade: what its orders' growth adds to entry and exit; and the trades where an action is not recorded."""
    moved: dict[str, Moved] = defaultdict(lambda: (ZERO, ZERO))
    unclear: set[str] = set()
    for write in writes:
        key = known_id(write.after.trade_id)
        growth = subtract(amount(write.after.filled_qty), filled_before(write))
        if key is None or not growth:
            continue
        entry, leaving = moved[key]
        if write.after.action is Action.EXIT:
            moved[key] = (entry, add(leaving, growth))
        else:
            moved[key] = (add(entry, growth), leaving)
        if write.after.action is None:
            unclear.add(key)
    return moved, unclear


def _movement(before: Trade, after: Trade) -> Moved:
    entry = subtract(amount(after.entry_qty), amount(before.entry_qty))
    return entry, subtract(amount(after.exit_qty), amount(before.exit_qty))


def filled_before(write: OrderWrite) -> Decimal:
    return ZERO if write.before is None else amount(write.before.order.filled_qty)


def _total(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for one in amounts:
        total = add(total, one)
    return total


def _said(moved: Moved) -> str:
    return f"{moved[0]} entry and {moved[1]} exit"


def _fail(order: LocalOrder, what: str) -> None:
    name = order.venue_order_id or order.client_order_id or order.trade_id
    raise InvariantError(f"order {name}: {what}; nothing was written: replay this run and report it")
