"""Which unknown entry of the venue's history a trade can only have been opened for.

The books opened a trade, nothing entered it, and they know no order of it. Where it is the only trade of its symbol
that is not closed once this plan is applied, and the venue has one order that enters its way, is of no trade and was
not sent before it was opened, that order is its entry. Where two orders or two trades could be meant, none is.
"""

from collections import Counter
from collections.abc import Sequence

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.venue_side import VenueSide
from trueup.core.orders.derive_action import derive_action, pattern_group, reduces, standing_trades
from trueup.core.orders.insert_order import draft_order
from trueup.model.ids import known_id, symbol_token
from trueup.model.money import is_zero
from trueup.model.snapshot import Trade, VenueOrder
from trueup.model.times import is_before
from trueup.model.vocabulary import Action, Extent, Side, TradeStatus

Way = tuple[str, Side | None]  # of a symbol's token, bought or sold


def awaited_entries(
    facts: Facts, local: LocalSide, venue: VenueSide, missing: Sequence[VenueOrder]
) -> dict[int, str]:
    """Trade ids by the identity of the record, of the orders that the books lack."""
    if facts.snapshot.local.extent is not Extent.ALL:
        return {}  # orders of the trade may be recorded that were not read
    empty = {key for key, one in local.trades.items() if _is_empty(one)}
    if not empty or not missing:
        return {}
    empty -= {known_id(one.trade_id) or "" for one in local.orders if one.trade_id is not None}
    if not empty:
        return {}
    nobodys = Counter(_way(one) for one in venue.by_id.values() if _is_of_no_trade(local, one))
    found = {}
    for record in missing:
        if nobodys[_way(record)] != 1:
            continue
        trades = standing_trades(facts, local, record.symbol)
        if len(trades) != 1 or known_id(trades[0].trade_id) not in empty:
            continue
        if _enters(facts, local, venue, record, trades[0]):
            found[id(record)] = trades[0].trade_id
    return found


def _is_empty(trade: Trade) -> bool:
    return trade.status is TradeStatus.OPEN and is_zero(trade.entry_qty) and is_zero(trade.exit_qty)


def _is_of_no_trade(local: LocalSide, record: VenueOrder) -> bool:
    """Unknown to the books, or in them without a trade, if only since this plan inserted it."""
    index = local.local_index(known_id(record.venue_order_id))
    index = local.holder_of(record) if index is None else index
    return index is None or local.orders[index].trade_id is None


def _way(record: VenueOrder) -> Way:
    return symbol_token(record.symbol or ""), record.side


def _enters(facts: Facts, local: LocalSide, venue: VenueSide, record: VenueOrder, trade: Trade) -> bool:
    order = draft_order(facts, local, venue, record)
    if reduces(order.side, trade) or derive_action(facts, local, order, record) is not Action.ENTRY:
        return False
    if order.position_side not in (None, trade.side) or _names_another(facts, local, record):
        return False
    if record.submitted_at is None or trade.opened_at is None:
        return False
    return not is_before(record.submitted_at, trade.opened_at)


def _names_another(facts: Facts, local: LocalSide, record: VenueOrder) -> bool:
    """Its marks say a trade, and the mapping by them came to none."""
    named = pattern_group(facts, record.client_order_id, "trade")
    return named is not None or known_id(record.sub_tag) in local.trades
