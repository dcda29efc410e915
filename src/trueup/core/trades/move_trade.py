"""How the growth of an order moves its trade. Used by the core, `Recorder` and people's commands; pure.

A trade is the sum of its orders: every growth moves it in full, in whatever order fills arrive. Beyond its entry it is
open with a negative quantity (`is_overrun`). It closes at zero within the tolerance with no live entry, also where its
entries ended unfilled. The tolerance is for what is left over: a trade of one step that nothing left is open. A later
fill reopens it; a quarantined one stays quarantined.
"""

from decimal import Decimal, localcontext

from msgspec.structs import replace

from trueup.model.money import CONTEXT, NOISE, ZERO, amount, divide, sum_text, text
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
) -> Trade:
    """The trade after one order grew by `growth_qty` (units) at `growth_cost` (quote currency; null = not known).

    Its status is untouched, see `settle_status`.
    """
    with localcontext(CONTEXT):
        fees = max(
            amount(trade.fee_base_qty) + fee_base_qty, ZERO
        )  # a rebate takes it no further than nothing
        if action is Action.EXIT:
            return replace(
                trade, exit_qty=sum_text(amount(trade.exit_qty) + growth_qty), fee_base_qty=text(fees)
            )
        before = amount(trade.entry_qty)
        after = before + growth_qty
        return replace(
            trade,
            entry_qty=sum_text(after),
            entry_avg_price=_entry_price(trade, before, after, growth_cost, recost),
            fee_base_qty=text(fees),
        )


def _entry_price(
    trade: Trade, before: Decimal, after: Decimal, growth_cost: Decimal | None, recost: Decimal
) -> str | None:
    if after == before and not recost:
        return trade.entry_avg_price
    unknown = growth_cost is None or (before > 0 and trade.entry_avg_price is None)
    if unknown or growth_cost is None or after == 0:
        return trade.entry_avg_price
    return text(divide(before * amount(trade.entry_avg_price) + growth_cost + recost, after))


def settle_status(
    trade: Trade, *, tolerance: Decimal, has_live_entry: bool, entry_ended: bool = False
) -> Trade:
    """Close or reopen a trade whose quantities moved, or one of whose entries ended (`entry_ended`)."""
    if trade.status is TradeStatus.QUARANTINED:
        return trade
    has_left = amount(trade.exit_qty) > 0
    has_begun = amount(trade.entry_qty) > 0 or (entry_ended and not has_left)
    flat = trade.open_qty <= near(trade, tolerance if has_left else ZERO) and not is_overrun(trade, tolerance)
    closes = flat and has_begun and not has_live_entry
    return replace(trade, status=TradeStatus.CLOSED if closes else TradeStatus.OPEN)


def is_overrun(trade: Trade, tolerance: Decimal) -> bool:
    """Whether more left the trade than entered it. (Fees in the base currency are no exit.)"""
    return amount(trade.exit_qty) - amount(trade.entry_qty) > near(trade, tolerance)


def near(trade: Trade, tolerance: Decimal) -> Decimal:
    """What counts as nothing of this trade: the instrument's tolerance, or what floats leave behind."""
    return max(tolerance, NOISE * max(amount(trade.entry_qty), amount(trade.exit_qty)))
