"""What is told of a trade that more left than entered it: by a run, and by the bot's own write, under one id; pure."""

from trueup.model.money import amount, text
from trueup.model.plan import Break
from trueup.model.reasons import Reason
from trueup.model.snapshot import Trade
from trueup.model.vocabulary import BreakKind, Severity


def overrun_break(trade_digest: str, trade: Trade) -> Break:
    """It stands until an entry of the trade grows, or a person decides."""
    beyond = text(amount(trade.exit_qty) - amount(trade.entry_qty))
    return Break(
        break_id=f"{trade_digest}-{BreakKind.TRADE_OVERRUN}",
        kind=BreakKind.TRADE_OVERRUN,
        severity=Severity.ERROR,
        symbol=trade.symbol,
        client_order_id=None,
        venue_order_id=None,
        trade_id=trade.trade_id,
        reason=Reason.BEYOND_OPEN_QTY,
        message=f"{beyond} more left trade {trade.trade_id} than entered it: it is open with"
        f" {text(trade.open_qty)} until an entry grows or a person decides",
        local={"entry_qty": trade.entry_qty, "exit_qty": trade.exit_qty},
        venue={"beyond_qty": beyond},
    )
