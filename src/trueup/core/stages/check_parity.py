"""The stage that compares open trades with the venue's position, per account and instrument, and acts only when sure.

A mismatch is confirmed by consecutive runs of the same sign over a least time; a skipped run neither counts nor resets.
Then the policy's action, only where the venue holds less. What parity quarantined it releases after as many equal runs.
"""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from trueup.core.draft.draft import Draft
from trueup.core.stages.backfill_exits import why_positions_unread
from trueup.core.trades.move_trade import settle_status
from trueup.core.trades.positions import (
    Comparison,
    compare_positions,
    expected_sides,
    is_settled,
    notional_usd,
    open_trades,
)
from trueup.core.trades.trade_moves import set_trade, trades_with_live_entry
from trueup.model.ids import digest, known_id, symbol_token
from trueup.model.money import ZERO, amount, text
from trueup.model.plan import Correction, Deferral, Notification, ParityResult
from trueup.model.reasons import Reason
from trueup.model.snapshot import Finding, Trade
from trueup.model.times import NS_PER_S, to_ns
from trueup.model.vocabulary import (
    BreakKind,
    CorrectionKind,
    DeferralReason,
    NotificationKind,
    ParityAction,
    PositionSide,
    QuarantinedBy,
    Severity,
    TradeStatus,
)


class _Tally:
    """The figures of one run."""

    def __init__(self) -> None:
        self.mismatched = self.quarantined = self.closed = 0
        self.notionals: list[Decimal | None] = []
        self.confirmed = False


def check_parity(draft: Draft) -> None:
    """Compare every watched instrument; confirm, act, release."""
    skipped = _why_skipped(draft)
    if skipped is not None:
        draft.keep_findings_of(BreakKind.POSITION_MISMATCH)
        draft.parity = ParityResult(skipped_reason=skipped)
        return
    tally = _Tally()
    for token, symbol in sorted(_watched(draft).items()):
        _check_instrument(draft, token, symbol, tally)
    known = [one for one in tally.notionals if one is not None]
    all_known = len(known) == len(tally.notionals)
    draft.parity = ParityResult(
        attempted=True,
        mismatched_trades=tally.mismatched,
        quarantined_trades=tally.quarantined,
        auto_closed_trades=tally.closed,
        max_mismatch_notional_usd=text(max(known, default=ZERO)) if all_known else None,
        total_mismatch_notional_usd=text(sum(known, ZERO)) if all_known else None,
        watchdog_triggered=tally.confirmed,
    )


def _why_skipped(draft: Draft) -> str | None:
    if not draft.policy.parity_enabled:
        return "disabled"
    if draft.account_changed:
        return "account_changed"
    return why_positions_unread(draft.snapshot.venue.positions)


def _watched(draft: Draft) -> dict[str, str]:
    """Instruments to compare, by token: those of open trades, and those the policy names."""
    names = (
        draft.policy.parity_symbols
        if draft.policy.parity_symbols is not None
        else draft.policy.managed_symbols
    )
    named = {symbol_token(symbol): symbol for symbol in names or ()}
    traded = {symbol_token(trade.symbol): trade.symbol for trade in open_trades(draft)}
    quarantined = {
        symbol_token(trade.symbol): trade.symbol
        for trade in draft.trades.values()
        if trade.status is TradeStatus.QUARANTINED
    }
    if names is None:
        return traded | quarantined
    return {token: (quarantined | traded).get(token, symbol) for token, symbol in named.items()}


def _check_instrument(draft: Draft, token: str, symbol: str, tally: _Tally) -> None:
    comparisons = compare_positions(draft, token, symbol)
    if not comparisons:
        draft.keep_findings_of(BreakKind.POSITION_MISMATCH, token)
        return
    tolerance = draft.tolerance(symbol)
    differing = [one for one in comparisons if abs(one.difference) > tolerance]
    if not is_settled(draft, token):
        draft.keep_findings_of(BreakKind.POSITION_MISMATCH, token)
        if differing:
            draft.deferrals.append(
                Deferral(reason=DeferralReason.NOT_SETTLED, client_order_id=None, venue_order_id=None)
            )
        return
    if not differing:
        _count_equal(draft, token)
    for comparison in differing:
        _report_mismatch(draft, comparison, tally)


# -- mismatches -------------------------------------------------------------------------------------------------------


def _report_mismatch(draft: Draft, comparison: Comparison, tally: _Tally) -> None:
    tally.notionals.append(notional_usd(draft, comparison))
    side, trades = _concerned(draft, comparison)
    less = comparison.shortfall(side) > 0
    concerned: list[Trade | None] = [*trades] or [None]
    for trade in concerned:
        confirmations, confirmed = _confirm(draft, comparison, trade, less)
        acted = confirmed and less and trade is not None and _act(draft, comparison, trade, side, tally)
        _add_break(draft, comparison, trade, less, confirmations, confirmed=confirmed, acted=acted)
        tally.mismatched += trade is not None
        tally.confirmed |= confirmed


def _concerned(draft: Draft, comparison: Comparison) -> tuple[PositionSide, list[Trade]]:
    """The trades of which the venue holds less; where there are none, those of which it holds more."""
    trades = open_trades(draft, comparison.token)
    if comparison.side is not None:
        return comparison.side, [one for one in trades if one.side is comparison.side]
    lacking = PositionSide.LONG if comparison.difference < 0 else PositionSide.SHORT
    short_of = [one for one in trades if one.side is lacking]
    other = PositionSide.SHORT if lacking is PositionSide.LONG else PositionSide.LONG
    return (lacking, short_of) if short_of else (other, trades)


def _digest(draft: Draft, comparison: Comparison, trade: Trade | None) -> str:
    if trade is None:
        return digest(draft.profile.profile_id, "position", comparison.token, comparison.side)
    return trade_digest(draft, trade)


def trade_digest(draft: Draft, trade: Trade) -> str:
    return digest(draft.profile.profile_id, "trade", known_id(trade.trade_id))


def _confirm(draft: Draft, comparison: Comparison, trade: Trade | None, less: bool) -> tuple[int, bool]:
    """Consecutive runs of the same sign, this one included, and whether they are enough."""
    break_id = f"{_digest(draft, comparison, trade)}-{BreakKind.POSITION_MISMATCH}{_sign(less)}"
    prior = _prior(draft, break_id, trade)
    return _counted(draft, prior)


def _counted(draft: Draft, prior: Finding | None) -> tuple[int, bool]:
    needed = draft.policy.parity_confirmations  # counted no further, so that a lasting mismatch is no news
    confirmations = min(1 + (0 if prior is None else prior.confirmations), needed)
    age_ns = 0 if prior is None else draft.now_ns - to_ns(prior.first_seen_at)
    old = age_ns >= round(draft.policy.parity_min_age_s * NS_PER_S)
    return confirmations, confirmations >= needed and old


def _sign(less: bool) -> str:
    return ".less" if less else ".more"


def _prior(draft: Draft, break_id: str, trade: Trade | None) -> Finding | None:
    ids = (None, None, None if trade is None else trade.trade_id)
    return draft.prior_of(break_id, BreakKind.POSITION_MISMATCH, ids)


def _add_break(
    draft: Draft,
    comparison: Comparison,
    trade: Trade | None,
    less: bool,
    confirmations: int,
    *,
    confirmed: bool,
    acted: bool,
) -> None:
    word = "less" if less else "more"
    draft.add_break(
        _digest(draft, comparison, trade),
        BreakKind.POSITION_MISMATCH,
        Reason.POSITION_LESS if less else Reason.POSITION_MORE,
        f"{comparison.symbol}: the trades come to {text(comparison.expected_qty)}, the venue holds"
        f" {text(comparison.venue_qty)}: {text(abs(comparison.difference))} {word}"
        f" (seen {confirmations} of {draft.policy.parity_confirmations} times)",
        ids=(None, None, None if trade is None else trade.trade_id),
        symbol=comparison.symbol,
        local={"position_qty": text(comparison.expected_qty)},
        venue={"position_qty": text(comparison.venue_qty)},
        severity=Severity.ERROR if confirmed else Severity.WARN,
        corrected=acted,
        version=None if trade is None else trade.version,
        confirmations=confirmations,
        detail=_sign(less),
    )


# -- actions ----------------------------------------------------------------------------------------------------------


def _act(draft: Draft, comparison: Comparison, trade: Trade, side: PositionSide, tally: _Tally) -> bool:
    """Quarantine or close a trade that the venue cannot hold any more. Returns whether it did."""
    shortfall = comparison.shortfall(side)
    qty = draft.trade_moves.open_qty(draft, trade)
    long, short = expected_sides(draft, comparison.token)
    other_side = short if side is PositionSide.LONG else long
    if qty > shortfall + draft.tolerance(trade.symbol) or (comparison.side is None and other_side > 0):
        return False
    if draft.policy.parity_action is ParityAction.QUARANTINE and trade.status is TradeStatus.OPEN:
        _change(
            draft,
            trade,
            CorrectionKind.QUARANTINE_TRADE,
            NotificationKind.QUARANTINED,
            _sign(True),
            Reason.POSITION_LESS,
        )
        tally.quarantined += 1
        return True
    if draft.policy.parity_action is ParityAction.AUTO_CLOSE and _may_close(
        draft, comparison, trade, qty, shortfall
    ):
        _change(
            draft,
            trade,
            CorrectionKind.CLOSE_TRADE,
            NotificationKind.CLOSED,
            _sign(True),
            Reason.POSITION_FLAT,
        )
        tally.closed += 1
        return True
    return False


def _may_close(draft: Draft, comparison: Comparison, trade: Trade, qty: Decimal, shortfall: Decimal) -> bool:
    notional = notional_usd(draft, comparison)
    limit = amount(draft.policy.parity_auto_close_notional_max_usd)
    return (
        comparison.is_flat
        and abs(qty - shortfall) <= draft.tolerance(trade.symbol)
        and notional is not None
        and notional <= limit
        and trade.quarantined_by is not QuarantinedBy.PERSON
    )


_CHANGES: dict[CorrectionKind, dict[str, Any]] = {
    CorrectionKind.QUARANTINE_TRADE: {
        "status": TradeStatus.QUARANTINED,
        "quarantined_by": QuarantinedBy.PARITY,
    },
    CorrectionKind.CLOSE_TRADE: {"status": TradeStatus.CLOSED, "quarantined_by": None},
}


def _released(draft: Draft, trade: Trade) -> dict[str, Any]:
    """Back to the bot; closed where nothing of it is left."""
    freed = replace(trade, status=TradeStatus.OPEN, quarantined_by=None)
    live = known_id(trade.trade_id) in trades_with_live_entry(draft)
    settled = settle_status(freed, tolerance=draft.tolerance(trade.symbol), has_live_entry=live)
    return {"status": settled.status, "quarantined_by": None}


def _change(
    draft: Draft, trade: Trade, kind: CorrectionKind, notice: NotificationKind, detail: str, reason: Reason
) -> None:
    """One correction of a trade's status, with its notice; quantities are never touched here."""
    own = trade_digest(draft, trade)
    key = known_id(trade.trade_id) or ""
    version = trade.version - (1 if key in draft.changed_trades else 0)
    changes = _released(draft, trade) if kind is CorrectionKind.RELEASE_TRADE else _CHANGES[kind]
    draft.corrections.append(
        Correction(
            correction_id=f"{own}-{version}-{kind}",
            break_id=f"{own}-{BreakKind.POSITION_MISMATCH}{detail}",
            kind=kind,
            reason=reason,
            client_order_id=None,
            venue_order_id=None,
            trade_id=trade.trade_id,
            expected_version=version,
            changes=changes,
        )
    )
    draft.notifications.append(
        Notification(
            notification_id=f"{own}-{version}-{notice}",
            kind=notice,
            client_order_id=None,
            venue_order_id=None,
            trade_id=trade.trade_id,
            reason=reason,
        )
    )
    set_trade(draft, replace(trade, **changes))


# -- release ----------------------------------------------------------------------------------------------------------


def _count_equal(draft: Draft, token: str) -> None:
    """Equal runs of what parity quarantined; after enough of them the trade is released."""
    for key in sorted(draft.trades):
        trade = draft.trades[key]
        if trade.quarantined_by is QuarantinedBy.PARITY and symbol_token(trade.symbol) == token:
            _count_equal_run(draft, trade)


def _count_equal_run(draft: Draft, trade: Trade) -> None:
    own = trade_digest(draft, trade)
    prior = draft.prior_by_id.get(f"{own}-{BreakKind.POSITION_MISMATCH}.equal")
    confirmations, released = _counted(draft, prior)
    if released:
        _change(
            draft,
            trade,
            CorrectionKind.RELEASE_TRADE,
            NotificationKind.RELEASED,
            ".equal",
            Reason.PARITY_RESTORED,
        )
    draft.add_break(
        own,
        BreakKind.POSITION_MISMATCH,
        Reason.PARITY_RESTORED,
        f"trade {trade.trade_id} is quarantined, but the position is right again"
        f" (seen {confirmations} of {draft.policy.parity_confirmations} times)",
        ids=(None, None, trade.trade_id),
        symbol=trade.symbol,
        severity=Severity.INFO,
        corrected=released,
        version=trade.version,
        confirmations=confirmations,
        detail=".equal",
    )
