"""Which action an order has, and which trade it belongs to, from what is known and in a fixed order of trust."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from trueup.core.orders.record_figures import leaving_qty
from trueup.model.ids import are_apart, known_id, plain_id, symbol_token
from trueup.model.money import amount, exceeds
from trueup.model.snapshot import LocalOrder, Trade, VenueOrder
from trueup.model.times import to_ns
from trueup.model.vocabulary import (
    TERMINAL,
    Action,
    DecisionKind,
    Extent,
    Intent,
    PositionSide,
    Side,
    TradeStatus,
)

if TYPE_CHECKING:
    from trueup.core.draft.facts import Facts
    from trueup.core.draft.local_side import LocalSide
    from trueup.core.draft.venue_side import VenueSide

_ACTION_WORDS = {"entry": Action.ENTRY, "open": Action.ENTRY, "exit": Action.EXIT, "close": Action.EXIT}


def pattern_group(facts: "Facts", client_order_id: str | None, group: str) -> str | None:
    """What the client order id says by the policy's pattern; null where it says nothing."""
    if facts.pattern is None or client_order_id is None:
        return None
    return facts.pattern.read(plain_id(client_order_id), group)


def derive_action(
    facts: "Facts",
    local: "LocalSide",
    order: LocalOrder,
    record: VenueOrder | None,
    trades: Sequence[Trade] | None = None,
) -> Action:
    """Explicit; else the venue's intent; else the pattern; else the trade it would reduce; else sell = exit.

    `trades`: those of its instrument that are not closed; null: as they stand now.
    """
    known = known_action(facts, local, order, record, trades)
    if known is not None:
        return known
    return Action.EXIT if order.side is Side.SELL else Action.ENTRY


def known_action(
    facts: "Facts",
    local: "LocalSide",
    order: LocalOrder,
    record: VenueOrder | None,
    trades: Sequence[Trade] | None = None,
) -> Action | None:
    """The action where something says it; null where only the side is left to guess from."""
    if order.action is not None:
        return order.action
    marked = marked_action(facts, order, record)
    return _by_trade(local, order, trades) if marked is None else marked


def marked_action(
    facts: "Facts", order: LocalOrder | VenueOrder, record: VenueOrder | None = None
) -> Action | None:
    """What the venue says of it, or its client order id, or its position side; null where none of them does."""
    record = order if isinstance(order, VenueOrder) else record
    if record is not None and record.intent is not None:
        return Action.ENTRY if record.intent is Intent.OPEN else Action.EXIT
    word = pattern_group(facts, order.client_order_id, "action")
    if word is not None and word.lower() in _ACTION_WORDS:
        return _ACTION_WORDS[word.lower()]
    side = order.position_side or (record.position_side if record is not None else None)
    if side is None or order.side is None:
        return None
    return Action.ENTRY if (order.side is Side.BUY) == (side is PositionSide.LONG) else Action.EXIT


def _by_trade(local: "LocalSide", order: LocalOrder, trades: Sequence[Trade] | None) -> Action | None:
    own = local.trades.get(known_id(order.trade_id) or "")
    if own is not None:
        return Action.EXIT if reduces(order.side, own) else Action.ENTRY
    open_trades = trades_of_symbol(local, order.symbol) if trades is None else trades
    return Action.EXIT if len([one for one in open_trades if reduces(order.side, one)]) == 1 else None


def reduces(side: Side, trade: Trade) -> bool:
    """Whether an order of this side takes from the trade."""
    return (side is Side.SELL) == (trade.side is PositionSide.LONG)


def ended_before(record: VenueOrder, trade: Trade) -> bool:
    """Whether the venue's order ended before the trade was opened: it is no exit of it."""
    ended_at = record.updated_at or record.submitted_at
    if record.status not in TERMINAL or trade.opened_at is None or ended_at is None:
        return False
    return to_ns(ended_at) < to_ns(trade.opened_at)


def trades_of_symbol(local: "LocalSide", symbol: str | None) -> list[Trade]:
    """Trades of one instrument that are not closed."""
    return [one for one in _of_symbol(local, symbol) if one.status is not TradeStatus.CLOSED]


def standing_trades(facts: "Facts", local: "LocalSide", symbol: str | None) -> list[Trade]:
    """The same, as what this plan found so far leaves them."""
    settled = [local.trade_moves.settled(facts, local, one) for one in _of_symbol(local, symbol)]
    return [one for one in settled if one.status is not TradeStatus.CLOSED]


def lacks_entry(facts: "Facts", local: "LocalSide", side: Side, standing: Sequence[Trade]) -> bool:
    """Whether an order of this side may be what a trade lacks that is not closed: more left it than entered, or nothing
    entered it and no order is known that will."""
    for trade in standing:
        if reduces(side, trade):
            continue
        entered, left = amount(trade.entry_qty), amount(trade.exit_qty)
        if exceeds(left - facts.tolerance(trade.symbol), entered):
            return True
        if entered == 0 and not local.trade_moves.has_live_entry(facts, local, trade):
            return True
    return False


def _of_symbol(local: "LocalSide", symbol: str | None) -> list[Trade]:
    keys = () if symbol is None else local.trade_keys.get(symbol_token(symbol), ())
    return [local.trades[key] for key in keys]


def map_trade(
    facts: "Facts", local: "LocalSide", venue: "VenueSide", order: LocalOrder, record: VenueOrder
) -> str | None:
    """The trade of an order that has none; null where nothing proves one.

    In this order: a person's decision; the pattern; a sub-tag equal to a trade id; a parent leg or a chain; the only
    trade of that symbol, not closed, whose open quantity an exit fits, and only if it is open.
    """
    has_kin = record.parent_venue_order_id is not None or venue.predecessor_of
    if not (local.trades or facts.pattern or facts.snapshot.local.decisions or has_kin):
        return None  # nothing could prove one
    decided = facts.decision(DecisionKind.MAP_TRADE, record)
    if decided is not None and decided.trade_id is not None:
        known = local.trades.get(known_id(decided.trade_id) or "")
        is_anothers = known is not None and are_apart(order.symbol, known.symbol)
        return None if is_anothers else decided.trade_id
    named = pattern_group(facts, order.client_order_id, "trade")
    if named is not None:
        known = local.trades.get(known_id(named) or "")
        if known is not None:
            return None if are_apart(order.symbol, known.symbol) else known.trade_id
        return (
            named if facts.snapshot.local.extent is Extent.ALL else None
        )  # a trade not listed could not be moved
    tagged = local.trades.get(known_id(record.sub_tag) or "")
    if tagged is not None and not are_apart(order.symbol, tagged.symbol):
        return tagged.trade_id
    return _trade_of_kin(local, venue, record) or _only_trade(facts, local, order, record)


def named_trade(facts: "Facts", local: "LocalSide", venue: "VenueSide", record: VenueOrder) -> str | None:
    """The trade that a record's marks say, by its comparable id, whether it is listed or not; null where they say none.

    The same marks in the same order as `map_trade`, but for the only trade that is left.
    """
    decided = facts.decision(DecisionKind.MAP_TRADE, record)
    if decided is not None and decided.trade_id is not None:
        return known_id(decided.trade_id)
    named = pattern_group(facts, record.client_order_id, "trade")
    if named is not None:
        return known_id(named)
    tagged = local.trades.get(known_id(record.sub_tag) or "")
    if tagged is not None and not are_apart(record.symbol, tagged.symbol):
        return known_id(tagged.trade_id)
    return known_id(_trade_of_kin(local, venue, record))


def _trade_of_kin(local: "LocalSide", venue: "VenueSide", record: VenueOrder) -> str | None:
    own = known_id(record.venue_order_id) or ""
    kin = (
        known_id(record.parent_venue_order_id),
        venue.predecessor_of.get(own),
        venue.successor_of.get(own),
    )
    for venue_id in kin:
        index = local.local_index(venue_id)
        if index is not None and local.orders[index].trade_id is not None:
            return local.orders[index].trade_id
    return None


def _only_trade(facts: "Facts", local: "LocalSide", order: LocalOrder, record: VenueOrder) -> str | None:
    """Of the trades as this plan leaves them: else the next plan would map the order."""
    standing = standing_trades(facts, local, order.symbol)
    if derive_action(facts, local, order, record, standing) is not Action.EXIT:
        return None
    candidates = [
        one for one in standing if reduces(order.side, one) and order.position_side in (None, one.side)
    ]
    qty = leaving_qty(record)
    if len(candidates) != 1 or qty is None or candidates[0].status is not TradeStatus.OPEN:
        return None
    (trade,) = candidates
    if ended_before(record, trade):
        return None
    if marked_action(facts, order, record) is None and lacks_entry(facts, local, order.side, standing):
        return None
    now = local.trades[known_id(trade.trade_id) or ""]
    fits = not exceeds(qty, local.trade_moves.open_qty(facts, local, now))
    return trade.trade_id if fits else None
