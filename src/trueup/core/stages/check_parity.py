"""The stage that compares open trades with the venue's position, per account and instrument, and acts only when sure.

A mismatch is confirmed by consecutive runs of the same sign over a least time; a skipped run neither counts nor resets.
Then the policy's action, only where the venue holds less, on the trades that are proven gone (`explain_shortfall`).
What parity quarantined it releases after as many equal runs.
"""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from trueup.core.draft.facts import Facts
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.orders.hold_repairs import is_change_held
from trueup.core.trades.explain_position import explain_position, other_side
from trueup.core.trades.explain_shortfall import Explanation
from trueup.core.trades.move_trade import settle_status
from trueup.core.trades.positions import (
    Comparison,
    compare_positions,
    held_side,
    is_settled,
    near,
    notional_usd,
    open_trades,
    others_of,
    position_digest,
    price_of,
    report_unknown,
    why_positions_unread,
)
from trueup.core.trades.trade_moves import report_lag, same_quantities, trades_with_live_entry
from trueup.model.ids import (
    break_id_of,
    known_id,
    symbol_token,
    trade_correction_id_of,
    trade_notification_id_of,
)
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


def check_parity(facts: Facts, local: LocalSide, outcome: RunOutcome) -> None:
    """Compare every watched instrument; confirm, act, release."""
    skipped = _why_skipped(facts)
    if skipped is not None:
        _keep_findings(facts, local, outcome)
        outcome.parity = ParityResult(skipped_reason=skipped)
        return
    tally = _Tally()
    for token, symbol in sorted(_watched(facts, local).items()):
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


def _watched(facts: Facts, local: LocalSide) -> dict[str, str]:
    """Instruments to compare, by token: those the policy names, those of open trades, and what the venue holds."""
    policy = facts.policy
    names = policy.parity_symbols if policy.parity_symbols is not None else policy.managed_symbols
    named = {symbol_token(symbol): symbol for symbol in names or ()}
    held = {symbol_token(row.symbol): row.symbol for row in facts.snapshot.venue.positions.rows}
    owned = {symbol_token(symbol): symbol for symbol in policy.position_baseline}
    traded = {symbol_token(trade.symbol): trade.symbol for trade in open_trades(facts, local)}
    quarantined = {
        symbol_token(trade.symbol): trade.symbol
        for trade in local.trades.values()
        if trade.status is TradeStatus.QUARANTINED
    }
    found = held | owned | named | quarantined | traded
    if names is not None:
        return {token: found[token] for token in named}
    mine = owned | quarantined | traded
    return {token: symbol for token, symbol in found.items() if token in mine or not _is_others(facts, token)}


def _is_others(facts: Facts, token: str) -> bool:
    """Whether another profile of the account trades the instrument: what this one has no trade of, it will tell."""
    return any(amount(one.long) or amount(one.short) for one in others_of(facts, token))


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
    if not differing and compared.why_unknown is None:
        outcome.equal_tokens.add(token)
        _count_equal(facts, local, outcome, token)
        _close_lagging(facts, local, outcome, token)
    for comparison in differing:
        _report_mismatch(facts, local, outcome, comparison, tally)


def _keep_findings(facts: Facts, local: LocalSide, outcome: RunOutcome, token: str | None = None) -> None:
    """Findings that a skipped check neither counts nor resets; `token`: of this instrument only."""
    digests = [] if token is None else [position_digest(facts, token, side) for side in (None, *PositionSide)]
    for one in facts.prior:
        trade = local.trades.get(known_id(one.trade_id) or "")
        of_token = token is None or (trade is not None and symbol_token(trade.symbol) == token)
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
        confirmations, confirmed = _confirm(facts, comparison, trade, less)
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


def _digest(facts: Facts, comparison: Comparison, trade: Trade | None) -> str:
    if trade is None:
        return position_digest(facts, comparison.token, comparison.side)
    return facts.trade_digest(trade)


def _confirm(facts: Facts, comparison: Comparison, trade: Trade | None, less: bool) -> tuple[int, bool]:
    """Consecutive runs of the same sign, this one included, and whether they are enough."""
    break_id = f"{_digest(facts, comparison, trade)}-{BreakKind.POSITION_MISMATCH}{_sign(less)}"
    prior = _prior(facts, break_id, trade)
    return _counted(facts, prior)


def _counted(facts: Facts, prior: Finding | None) -> tuple[int, bool]:
    needed = facts.policy.parity_confirmations  # counted no further, so that a lasting mismatch is no news
    confirmations = min(1 + (0 if prior is None else prior.confirmations), needed)
    age_ns = 0 if prior is None else facts.now_ns - to_ns(prior.first_seen_at)
    old = age_ns >= round(facts.policy.parity_min_age_s * NS_PER_S)
    return confirmations, confirmations >= needed and old


def _sign(less: bool) -> str:
    return ".less" if less else ".more"


def _prior(facts: Facts, break_id: str, trade: Trade | None) -> Finding | None:
    ids = (None, None, None if trade is None else trade.trade_id)
    return facts.prior_of(break_id, BreakKind.POSITION_MISMATCH, ids)


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
        _digest(facts, comparison, trade),
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
        detail=_sign(less),
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
    if not _change(
        facts, local, outcome, trade, kind, notice, f"{BreakKind.POSITION_MISMATCH}{_sign(True)}", reason
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


_CHANGES: dict[CorrectionKind, dict[str, Any]] = {
    CorrectionKind.QUARANTINE_TRADE: {
        "status": TradeStatus.QUARANTINED,
        "quarantined_by": QuarantinedBy.PARITY,
    },
    CorrectionKind.CLOSE_TRADE: {"status": TradeStatus.CLOSED, "quarantined_by": None},
}


def _standing(facts: Facts, local: LocalSide, trade: Trade) -> Trade:
    """The trade with what its orders filled, where it lags behind them."""
    return local.trade_moves.lagging(facts, local).get(known_id(trade.trade_id) or "", trade)


def _settled(facts: Facts, local: LocalSide, trade: Trade) -> dict[str, Any]:
    """What the trade becomes in the bot's hands: closed where nothing of it is left."""
    freed = replace(_standing(facts, local, trade), status=TradeStatus.OPEN, quarantined_by=None)
    live = known_id(trade.trade_id) in trades_with_live_entry(facts, local)
    settled = settle_status(freed, tolerance=facts.tolerance(trade.symbol), has_live_entry=live)
    moved = {key: getattr(settled, key) for key in ("entry_qty", "exit_qty", "entry_avg_price")}
    lagging = {} if same_quantities(settled, trade) else moved
    return {"status": settled.status, "quarantined_by": None} | lagging


def _change(
    facts: Facts,
    local: LocalSide,
    outcome: RunOutcome,
    trade: Trade,
    kind: CorrectionKind,
    notice: NotificationKind,
    detail: str,
    reason: Reason,
) -> bool:
    """One correction of a trade's status, with its notice; quantities follow only where they lag behind the orders.

    False: a person undid exactly that, and it is left.
    """
    own = facts.trade_digest(trade)
    key = known_id(trade.trade_id) or ""
    version = trade.version - (1 if key in local.changed_trades else 0)
    is_settled_again = kind is CorrectionKind.RELEASE_TRADE or reason is Reason.ORDERS_FILLED_MORE
    changes = _settled(facts, local, trade) if is_settled_again else _CHANGES[kind]
    if facts.trade_holds and is_change_held(facts, outcome, trade, kind, changes):
        return False
    outcome.corrections.append(
        Correction(
            correction_id=trade_correction_id_of(own, version, kind),
            break_id=break_id_of(own, detail),
            kind=kind,
            reason=reason,
            client_order_id=None,
            venue_order_id=None,
            trade_id=trade.trade_id,
            expected_version=version,
            changes=changes,
        )
    )
    outcome.notifications.append(
        Notification(
            notification_id=trade_notification_id_of(own, version, notice),
            kind=notice,
            client_order_id=None,
            venue_order_id=None,
            trade_id=trade.trade_id,
            reason=reason,
        )
    )
    local.set_trade(replace(trade, **changes))
    return True


def _close_lagging(facts: Facts, local: LocalSide, outcome: RunOutcome, token: str) -> None:
    """An open trade that its orders have left with nothing, and the venue holds nothing of it either."""
    for key, levelled in sorted(local.trade_moves.lagging(facts, local).items()):
        trade = local.trades[key]
        is_here = symbol_token(trade.symbol) == token and facts.in_scope(trade.symbol)
        if (
            not is_here
            or trade.status is not TradeStatus.OPEN
            or _settled(facts, local, trade)["status"] is TradeStatus.OPEN
        ):
            continue
        closed = _change(
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


# -- release ----------------------------------------------------------------------------------------------------------


def _count_equal(facts: Facts, local: LocalSide, outcome: RunOutcome, token: str) -> None:
    """Equal runs of what parity quarantined; after enough of them the trade is released."""
    for key in sorted(local.trades):
        trade = local.trades[key]
        is_parity = trade.status is TradeStatus.QUARANTINED and trade.quarantined_by is QuarantinedBy.PARITY
        if is_parity and symbol_token(trade.symbol) == token and facts.in_scope(trade.symbol):
            _count_equal_run(facts, local, outcome, trade)


def _count_equal_run(facts: Facts, local: LocalSide, outcome: RunOutcome, trade: Trade) -> None:
    own = facts.trade_digest(trade)
    prior = facts.prior_by_id.get(f"{own}-{BreakKind.POSITION_MISMATCH}.equal")
    confirmations, released = _counted(facts, prior)
    if released:
        _change(
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
