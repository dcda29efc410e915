"""The stage that compares open trades with the venue's position, per account and instrument, and acts only when sure.

A mismatch is confirmed by consecutive runs of the same sign over a least time; a skipped run neither counts nor resets.
Then the policy's action, only where the venue holds less, on the trades that are proven gone (`explain_shortfall`).
What parity quarantined it releases after as many equal runs.
"""

from collections.abc import Sequence
from decimal import Decimal

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.trades.change_trade import change_trade
from trueup.core.trades.confirm_mismatch import confirm_mismatch, mismatch_digest, sign_of
from trueup.core.trades.explain_position import explain_position, other_side
from trueup.core.trades.explain_shortfall import Explanation
from trueup.core.trades.positions import (
    Comparison,
    compare_positions,
    held_side,
    is_settled,
    near,
    notional_usd,
    open_trades,
    position_digest,
    price_of,
    report_unknown,
    why_positions_unread,
)
from trueup.core.trades.settle_equal import close_lagging, count_equal
from trueup.core.trades.watched_instruments import watched_instruments
from trueup.model.ids import (
    known_id,
    symbol_token,
)
from trueup.model.money import ZERO, amount, text
from trueup.model.plan import Deferral, ParityResult
from trueup.model.reasons import Reason
from trueup.model.snapshot import Trade
from trueup.model.vocabulary import (
    BreakKind,
    CorrectionKind,
    DeferralReason,
    NotificationKind,
    ParityAction,
    PositionSide,
    Severity,
    TradeStatus,
)


class _Tally:
    """The figures of one run."""

    def __init__(self) -> None:
        self.mismatched = self.quarantined = self.closed = 0
        self.notionals: list[Decimal | None] = []
        self.confirmed = False


def check_parity(facts: Facts, local: LocalSide, outcome: RunOutcome) -> None:
    """Compare every watched instrument; confirm, act, release."""
    skipped = _why_skipped(facts)
    if skipped is not None:
        _keep_findings(facts, local, outcome)
        outcome.parity = ParityResult(skipped_reason=skipped)
        return
    tally = _Tally()
    for token, symbol in sorted(watched_instruments(facts, local).items()):
        _check_instrument(facts, local, outcome, token, symbol, tally)
    known = [one for one in tally.notionals if one is not None]
    all_known = len(known) == len(tally.notionals)
    outcome.parity = ParityResult(
        attempted=True,
        mismatched_trades=tally.mismatched,
        quarantined_trades=tally.quarantined,
        auto_closed_trades=tally.closed,
        max_mismatch_notional_usd=text(max(known, default=ZERO)) if all_known else None,
        total_mismatch_notional_usd=text(sum(known, ZERO)) if all_known else None,
        watchdog_triggered=tally.confirmed,
    )


def _why_skipped(facts: Facts) -> str | None:
    if not facts.policy.parity_enabled:
        return "disabled"
    if facts.account_changed:
        return "account_changed"
    return why_positions_unread(facts.snapshot.venue.positions)


def _check_instrument(
    facts: Facts, local: LocalSide, outcome: RunOutcome, token: str, symbol: str, tally: _Tally
) -> None:
    compared = compare_positions(facts, local, token, symbol)
    if compared.why_unknown is not None:
        report_unknown(facts, outcome, token, symbol, compared.why_unknown)
    if not compared.comparisons:
        _keep_findings(facts, local, outcome, token)
        return
    tolerance = facts.tolerance(symbol)
    differing = [one for one in compared.comparisons if abs(one.difference) > near(one, tolerance)]
    if not is_settled(facts, local, outcome, token):
        _keep_findings(facts, local, outcome, token)
        if differing:
            outcome.deferrals.append(
                Deferral(
                    reason=DeferralReason.NOT_SETTLED,
                    client_order_id=None,
                    venue_order_id=None,
                    symbol=symbol,
                )
            )
        return
    if compared.why_unknown is not None:
        compared_sides = {one.side for one in compared.comparisons}
        unsaid = [side for side in PositionSide if side not in compared_sides]
        _keep_findings(facts, local, outcome, token, unsaid)
    elif not differing:
        outcome.equal_tokens.add(token)
    for comparison in compared.comparisons:
        if comparison not in differing:
            count_equal(facts, local, outcome, token, comparison.side)
            close_lagging(facts, local, outcome, token, comparison.side)
    for comparison in differing:
        _report_mismatch(facts, local, outcome, comparison, tally)


def _keep_findings(
    facts: Facts,
    local: LocalSide,
    outcome: RunOutcome,
    token: str | None = None,
    sides: Sequence[PositionSide | None] = (None, *PositionSide),
) -> None:
    """Findings that a skipped check neither counts nor resets; `token`, `sides`: of these only."""
    digests = [] if token is None else [position_digest(facts, token, side) for side in sides]
    for one in facts.prior:
        trade = local.trades.get(known_id(one.trade_id) or "")
        of_token = token is None or (
            trade is not None and symbol_token(trade.symbol) == token and trade.side in sides
        )
        named = one.break_id is not None and one.break_id.split("-", 1)[0] in digests
        if one.kind is BreakKind.POSITION_MISMATCH and (of_token or named):
            outcome.kept_findings.append(one)


# -- mismatches -------------------------------------------------------------------------------------------------------


def _report_mismatch(
    facts: Facts, local: LocalSide, outcome: RunOutcome, comparison: Comparison, tally: _Tally
) -> None:
    tally.notionals.append(notional_usd(facts, comparison))
    side, trades = _concerned(facts, local, comparison)
    less = comparison.shortfall(side) > 0
    explained = explain_position(facts, local, comparison, side, trades) if less else Explanation()
    concerned: list[Trade | None] = [*trades] or [None]
    for place, trade in enumerate(concerned):
        confirmations, confirmed = confirm_mismatch(facts, comparison, trade, less)
        may_act = confirmed and place in explained.gone
        action = (
            _action(facts, local, comparison, trades, explained) if may_act and trade is not None else None
        )
        acted = action is not None and trade is not None and _act(facts, local, outcome, trade, action, tally)
        note = _note(less=less, unclear=bool(explained.gone) and not explained.is_only)
        _add_break(
            facts, outcome, comparison, trade, less, confirmations, note, confirmed=confirmed, acted=acted
        )
        tally.mismatched += trade is not None
        tally.confirmed |= confirmed


def _concerned(facts: Facts, local: LocalSide, comparison: Comparison) -> tuple[PositionSide, list[Trade]]:
    """The trades of which the venue holds less; where there are none, those of which it holds more.

    Where the venue hedges, the trades of the side that is compared: what left one beyond its entry counts on its side.
    """
    trades = open_trades(facts, local, comparison.token)
    if comparison.side is not None:
        return comparison.side, [one for one in trades if one.side is comparison.side]
    lacking = PositionSide.LONG if comparison.difference < 0 else PositionSide.SHORT
    if not trades:
        reference = comparison.expected_qty or comparison.venue_qty
        return (PositionSide.LONG if reference > 0 else PositionSide.SHORT), []
    short_of = [one for one in trades if held_side(facts, local, one) is lacking]
    return (lacking, short_of) if short_of else (other_side(lacking), trades)


def _note(*, less: bool, unclear: bool) -> str:
    """What a person should know before they act."""
    if unclear:
        return "; several sets of trades come to that, so some of them may be healthy"
    if not less:
        return (
            "; what its owner holds besides the bots belongs into position_baseline: `trueup init --baseline`"
        )
    return ""


def _add_break(
    facts: Facts,
    outcome: RunOutcome,
    comparison: Comparison,
    trade: Trade | None,
    less: bool,
    confirmations: int,
    note: str,
    *,
    confirmed: bool,
    acted: bool,
) -> None:
    word = "less" if less else "more"
    outcome.add_break(
        mismatch_digest(facts, comparison, trade),
        BreakKind.POSITION_MISMATCH,
        Reason.POSITION_LESS if less else Reason.POSITION_MORE,
        f"{comparison.symbol}: the trades come to {text(comparison.expected_qty)}, the venue holds"
        f" {text(comparison.venue_qty)}: {text(abs(comparison.difference))} {word}"
        f" (seen {confirmations} of {facts.policy.parity_confirmations} times){note}",
        ids=(None, None, None if trade is None else trade.trade_id),
        symbol=comparison.symbol,
        local={"position_qty": text(comparison.expected_qty)},
        venue={"position_qty": text(comparison.venue_qty)},
        severity=Severity.ERROR if confirmed else Severity.WARN,
        corrected=acted,
        version=None if trade is None else trade.version,
        confirmations=confirmations,
        detail=sign_of(less),
        price=price_of(facts, comparison.token, trade),
    )


# -- actions ----------------------------------------------------------------------------------------------------------


def _action(
    facts: Facts, local: LocalSide, comparison: Comparison, trades: list[Trade], explained: Explanation
) -> ParityAction | None:
    """What becomes of trades that are gone, or may be. Closed is only what is known to be, and never one of several."""
    wanted = facts.policy.parity_action
    if wanted is ParityAction.AUTO_CLOSE and explained.is_only:
        gone = [trades[place] for place in sorted(explained.gone)]
        return wanted if _may_close(facts, local, comparison, gone) else None
    return None if wanted is ParityAction.REPORT else ParityAction.QUARANTINE


def _act(
    facts: Facts, local: LocalSide, outcome: RunOutcome, trade: Trade, action: ParityAction, tally: _Tally
) -> bool:
    """Quarantine or close an open trade; a quarantined one stays as it is. Returns whether it did."""
    if trade.status is not TradeStatus.OPEN:
        return False
    if action is ParityAction.AUTO_CLOSE:
        kind, notice, reason = (
            CorrectionKind.CLOSE_TRADE,
            NotificationKind.CLOSED,
            Reason.POSITION_FLAT,
        )
    else:
        kind, notice, reason = (
            CorrectionKind.QUARANTINE_TRADE,
            NotificationKind.QUARANTINED,
            Reason.POSITION_LESS,
        )
    if not change_trade(
        facts, local, outcome, trade, kind, notice, f"{BreakKind.POSITION_MISMATCH}{sign_of(True)}", reason
    ):
        return False
    tally.closed += kind is CorrectionKind.CLOSE_TRADE
    tally.quarantined += kind is CorrectionKind.QUARANTINE_TRADE
    return True


def _may_close(facts: Facts, local: LocalSide, comparison: Comparison, gone: list[Trade]) -> bool:
    """An explicit flat, a shortfall that is exactly what these trades hold, and a known notional within the limit."""
    notional = notional_usd(facts, comparison)
    limit = amount(facts.policy.parity_auto_close_notional_max_usd)
    held = sum((local.trade_moves.open_qty(facts, local, one) for one in gone), ZERO)
    return (
        comparison.is_flat
        and abs(held - abs(comparison.difference)) <= near(comparison, facts.tolerance(comparison.symbol))
        and notional is not None
        and notional <= limit
    )
