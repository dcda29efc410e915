"""How the growth of an order moves its trade. Used by the core and by `Recorder`; pure.

Only growth moves quantities. Quantity beyond a trade's open quantity stays on the order (`trade_overrun`). A trade
closes at zero within the tolerance with no live entry; a later fill reopens it; a quarantined one stays quarantined.
"""

from decimal import Decimal, localcontext

from msgspec.structs import replace

from trueup.model.money import CONTEXT, ZERO, amount, text
from trueup.model.snapshot import Fill, Trade
from trueup.model.vocabulary import Action, PositionSide, TradeStatus


def base_fee(fills: list[Fill], trade: Trade, quote: str | None) -> Decimal:
    """Σ of these fills' fees in the instrument's base currency. Only a long trade holds what such a fee takes."""
    if trade.side is not PositionSide.LONG:
        return ZERO
    base = base_currency(trade.symbol, quote)
    charged = [fill for fill in fills if fill.fee is not None and fill.fee_currency is not None]
    return sum(
        (amount(f.fee) for f in charged if base and (f.fee_currency or "").strip().upper() == base), ZERO
    )


def base_currency(symbol: str, quote: str | None) -> str | None:
    """`ETH` of `ETH/USD`; of `ETHUSD` where the instrument's quote is known; else null. Contracts hold none."""
    if ":" in symbol:  # ccxt's mark of a contract: what its fees take, they take of the margin
        return None
    for separator in ("/", "-", "_"):
        if separator in symbol:
            return symbol.split(separator)[0].strip().upper()
    whole = symbol.strip().upper()
    if quote and whole.endswith(quote.upper()) and len(whole) > len(quote):
        return whole[: -len(quote)]
    return None


def move_trade(
    trade: Trade,
    action: Action,
    *,
    growth_qty: Decimal,
    growth_cost: Decimal | None,
    recost: Decimal = ZERO,
    fee_base_qty: Decimal = ZERO,
) -> tuple[Trade, Decimal]:
    """The trade after one order grew by `growth_qty` (units) at `growth_cost` (quote currency; null = not known).

    Returns the moved trade (status untouched, see `settle_status`) and the quantity beyond its open quantity.
    """
    with localcontext(CONTEXT):
        fees = max(
            amount(trade.fee_base_qty) + fee_base_qty, ZERO
        )  # a rebate takes it no further than nothing
        if action is Action.EXIT:
            fits = min(growth_qty, max(trade.open_qty, ZERO))
            moved = replace(trade, exit_qty=text(amount(trade.exit_qty) + fits), fee_base_qty=text(fees))
            return moved, growth_qty - fits
        before = amount(trade.entry_qty)
        after = before + growth_qty
        moved = replace(
            trade,
            entry_qty=text(after),
            entry_avg_price=_entry_price(trade, before, after, growth_cost, recost),
            fee_base_qty=text(fees),
        )
        return moved, ZERO


def _entry_price(
    trade: Trade, before: Decimal, after: Decimal, growth_cost: Decimal | None, recost: Decimal
) -> str | None:
    if after == before and not recost:
        return trade.entry_avg_price
    unknown = growth_cost is None or (before > 0 and trade.entry_avg_price is None)
    if unknown or growth_cost is None or after == 0:
        return trade.entry_avg_price
    return text((before * amount(trade.entry_avg_price) + growth_cost + recost) / after)


def settle_status(trade: Trade, *, tolerance: Decimal, has_live_entry: bool) -> Trade:
    """Close or reopen a trade whose quantities moved."""
    if trade.status is TradeStatus.QUARANTINED:
        return trade
    flat = trade.open_qty <= tolerance and amount(trade.entry_qty) > 0 and not has_live_entry
    return replace(trade, status=TradeStatus.CLOSED if flat else TradeStatus.OPEN)
