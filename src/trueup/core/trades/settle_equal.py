"""What an equal position proves of its trades: what parity quarantined is released, and what nothing is left of closes.

Where the venue hedges, long and short each prove their own. Released after as many equal runs as a mismatch takes to be
confirmed; closed where the trade only lagged behind its own orders, which have left it with nothing.
"""

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.trades.change_trade import change_trade, settled_state
from trueup.core.trades.confirm_mismatch import count_on
from trueup.core.trades.trade_moves import report_lag
from trueup.model.ids import (
    symbol_token,
)
from trueup.model.reasons import Reason
from trueup.model.snapshot import Trade
from trueup.model.vocabulary import (
    BreakKind,
    CorrectionKind,
    NotificationKind,
    PositionSide,
    QuarantinedBy,
    Severity,
    TradeStatus,
)


def close_lagging(
    facts: Facts, local: LocalSide, outcome: RunOutcome, token: str, side: PositionSide | None
) -> None:
    """An open trade that its orders have left with nothing, and the venue holds nothing of it either."""
    for key, levelled in sorted(local.trade_moves.lagging(facts, local).items()):
        trade = local.trades[key]
        if (
            not _is_of(facts, trade, token, side)
            or trade.status is not TradeStatus.OPEN
            or settled_state(facts, local, trade)["status"] is TradeStatus.OPEN
        ):
            continue
        closed = change_trade(
            facts,
            local,
            outcome,
            trade,
            CorrectionKind.CLOSE_TRADE,
            NotificationKind.CLOSED,
            BreakKind.TRADE_DRIFT,
            Reason.ORDERS_FILLED_MORE,
        )
        if closed:
            report_lag(facts, outcome, trade, levelled)


def count_equal(
    facts: Facts, local: LocalSide, outcome: RunOutcome, token: str, side: PositionSide | None
) -> None:
    """Equal runs of what parity quarantined; after enough of them the trade is released."""
    for key in sorted(local.trades):
        trade = local.trades[key]
        is_parity = trade.status is TradeStatus.QUARANTINED and trade.quarantined_by is QuarantinedBy.PARITY
        if is_parity and _is_of(facts, trade, token, side):
            _count_equal_run(facts, local, outcome, trade)


def _is_of(facts: Facts, trade: Trade, token: str, side: PositionSide | None) -> bool:
    """Whether the position that is equal is the trade's; where the venue hedges, that of its side."""
    return symbol_token(trade.symbol) == token and side in (None, trade.side) and facts.in_scope(trade.symbol)


def _count_equal_run(facts: Facts, local: LocalSide, outcome: RunOutcome, trade: Trade) -> None:
    own = facts.trade_digest(trade)
    prior = facts.prior_by_id.get(f"{own}-{BreakKind.POSITION_MISMATCH}.equal")
    confirmations, released = count_on(facts, prior)
    if released:
        change_trade(
            facts,
            local,
            outcome,
            trade,
            CorrectionKind.RELEASE_TRADE,
            NotificationKind.RELEASED,
            f"{BreakKind.POSITION_MISMATCH}.equal",
            Reason.PARITY_RESTORED,
        )
    outcome.add_break(
        own,
        BreakKind.POSITION_MISMATCH,
        Reason.PARITY_RESTORED,
        f"trade {trade.trade_id} is quarantined, but the position is right again"
        f" (seen {confirmations} of {facts.policy.parity_confirmations} times)",
        ids=(None, None, trade.trade_id),
        symbol=trade.symbol,
        severity=Severity.INFO,
        corrected=released,
        version=trade.version,
        confirmations=confirmations,
        detail=".equal",
    )
