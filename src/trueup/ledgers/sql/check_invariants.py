"""Money adds up, or nothing is committed (invariant I3). Raises InvariantError; decides nothing else.

An order's filled quantity moves by exactly what its corrections book beyond what they supersede, its fills never name
more than it has filled, and it never exceeds its quantity unless the policy allows. A trade moves by exactly what its
orders moved; one that lagged behind them is the sum of them all.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal, localcontext

from trueup.model.errors import InvariantError
from trueup.model.ids import known_id
from trueup.model.money import CONTEXT, ZERO, amount, exceeds
from trueup.model.notional import whole_qty
from trueup.model.plan import FillChange
from trueup.model.snapshot import LocalOrder, Trade
from trueup.model.vocabulary import TERMINAL, Action
from trueup.ports.book_rows import FillRow, OrderWrite, TradeWrite

OrdersOf = Callable[[str], list[LocalOrder]]
Moved = tuple[Decimal, Decimal]  # of a trade: entry and exit quantity


class Invariants:
    """Of one run's write: each order is checked as it is written, the trades with them at the end."""

    def __init__(
        self,
        booked: Iterable[FillRow],
        orders_of: OrdersOf,
        *,
        allow_overfill: bool,
        tolerance: Callable[[str | None], Decimal] = lambda symbol: ZERO,
    ) -> None:
        """`booked`: the fills of the orders before this; `orders_of`: all orders of a trade, as they are written.

        `tolerance`: by how much an ended order of that symbol may be filled beyond its quantity.
        """
        self._orders_of = orders_of
        self._allow_overfill = allow_overfill
        self._tolerance = tolerance
        self._booked: dict[int, list[FillRow]] = defaultdict(list)
        for row in booked:
            self._booked[row.order_key].append(row)
        self._grown: list[tuple[OrderWrite, Decimal]] = []

    @contextmanager
    def checking(self, trades: Sequence[TradeWrite]) -> Iterator[Callable[[OrderWrite], None]]:
        """What checks an order; at the end the trades are."""
        with localcontext(CONTEXT):
            yield self._check
            _check_trades(trades, self._grown, self._orders_of)

    def _check(self, write: OrderWrite) -> None:
        before = write.before
        changes = [one.fill for one in write.corrections if one.fill is not None]
        if changes or before is None or before.order.filled_qty != write.after.filled_qty:
            known = self._booked.get(before.order_key, ()) if before is not None else ()
            growth = _check_order(write, changes, known)
            if growth > 0 and not self._allow_overfill:
                self._check_overfill(write.after)
            self._grown.append((write, _growth_of_trade(write, growth)))
        elif before.order.trade_id != write.after.trade_id:
            self._grown.append((write, _growth_of_trade(write, ZERO)))

    def _check_overfill(self, after: LocalOrder) -> None:
        """An order by notional has no quantity that could be exceeded."""
        whole = whole_qty(after)
        if whole is None:
            return
        most = whole + (self._tolerance(after.symbol) if after.status in TERMINAL else ZERO)
        if exceeds(amount(after.filled_qty), most):
            _fail(after, f"{after.filled_qty} of {after.qty} would be filled")


def _growth_of_trade(write: OrderWrite, growth: Decimal) -> Decimal:
    """An order that a person mapped to its trade brings along all that it has filled."""
    joins = write.before is not None and write.before.order.trade_id is None
    return amount(write.after.filled_qty) if joins else growth


def _check_order(write: OrderWrite, changes: Sequence[FillChange], booked: Sequence[FillRow]) -> Decimal:
    """Returns by how much the order grows."""
    before = ZERO if write.before is None else amount(write.before.order.filled_qty)
    after = amount(write.after.filled_qty)
    growth, wanted = after - before, ZERO
    for change in changes:
        wanted += amount(change.qty)
        if change.superseded_qty is not None:
            wanted -= amount(change.superseded_qty)
    if (changes or write.before is not None) and growth != wanted:
        _fail(write.after, f"its corrections book {wanted}, but it moves from {before} to {after}")
    if growth < 0:
        _fail(write.after, f"its filled quantity falls from {before} to {after}")
    _check_named(write, booked, before, after)
    return growth


def _check_named(write: OrderWrite, booked: Sequence[FillRow], before: Decimal, after: Decimal) -> None:
    """The fills of an order name at most what it has filled (legacy quantity has no fill)."""
    named_before = ZERO
    for row in booked:
        named_before += amount(row.fill.qty)
    named = named_before
    for _, fill in write.new_fills:
        named += amount(fill.qty)
    for row, fill in write.amended_fills:
        change = amount(fill.qty) - amount(row.fill.qty)
        if change > 0 and row.fill.qty != "0":
            _fail(write.after, f"booked fill {fill.fill_id} would grow from {row.fill.qty} to {fill.qty}")
        named += change
    if named > after and named - after > named_before - before:
        _fail(write.after, f"its fills add up to {named}, but {write.after.filled_qty} is filled")


def _check_trades(
    trades: Iterable[TradeWrite], grown: Iterable[tuple[OrderWrite, Decimal]], orders_of: OrdersOf
) -> None:
    moved, unclear = _moved_by_orders(grown)
    for write in trades:
        if write.before is None:
            continue
        key = known_id(write.after.trade_id) or ""
        expected, found = moved[key], _movement(write.before.trade, write.after)
        if key in unclear:
            expected, found = (sum(expected, ZERO), ZERO), (sum(found, ZERO), ZERO)
        if found != expected and not _is_sum(write.after, orders_of(write.after.trade_id)):
            raise InvariantError(
                f"trade {write.after.trade_id}: its orders move it by {_said(expected)}, the plan by {_said(found)}; "
                "nothing was written: replay this run and report it"
            )


def _is_sum(trade: Trade, orders: Iterable[LocalOrder]) -> bool:
    """Whether a trade that lagged behind its orders is now exactly what all of them have filled."""
    sums = {Action.ENTRY: ZERO, Action.EXIT: ZERO}
    for order in orders:
        if order.action is None:
            return False
        sums[order.action] += amount(order.filled_qty)
    return (sums[Action.ENTRY], sums[Action.EXIT]) == (amount(trade.entry_qty), amount(trade.exit_qty))


def _moved_by_orders(grown: Iterable[tuple[OrderWrite, Decimal]]) -> tuple[dict[str, Moved], set[str]]:
    """By trade: what its orders' growth adds to entry and exit; and the trades where an action is not recorded."""
    moved: dict[str, Moved] = defaultdict(lambda: (ZERO, ZERO))
    unclear: set[str] = set()
    for write, growth in grown:
        key = known_id(write.after.trade_id)
        if key is None or not growth:
            continue
        entry, leaving = moved[key]
        exits = write.after.action is Action.EXIT
        moved[key] = (entry, leaving + growth) if exits else (entry + growth, leaving)
        if write.after.action is None:
            unclear.add(key)
    return moved, unclear


def _movement(before: Trade, after: Trade) -> Moved:
    return (
        amount(after.entry_qty) - amount(before.entry_qty),
        amount(after.exit_qty) - amount(before.exit_qty),
    )


def _said(moved: Moved) -> str:
    return f"{moved[0]} entry and {moved[1]} exit"


def _fail(order: LocalOrder, what: str) -> None:
    name = order.venue_order_id or order.client_order_id or order.trade_id
    raise InvariantError(f"order {name}: {what}; nothing was written: replay this run and report it")
