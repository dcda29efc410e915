"""Last stage: what a person has to be told now. De-duplicated by key; throttling and delivery are the engine's."""

from trueup.core.check_limits import check_limits
from trueup.core.draft import Draft
from trueup.model.plan import Alert
from trueup.model.vocabulary import BreakKind, Severity

DEGRADED = "RECONCILIATION_DEGRADED"


def raise_alerts(draft: Draft) -> None:
    """Alerts for what persists or endangers: mass absence, a changed account, a venue that stays behind, the limits."""
    if draft.account_changed:
        recorded, answered = draft.snapshot.venue.recorded_account_id, draft.snapshot.venue.account_id
        add_alert(draft, "account_changed", f"account {recorded} was recorded, {answered} answered: nothing it lacks counts")
    if draft.mass_absence is not None:
        vanished, live = draft.mass_absence
        add_alert(draft, "mass_absence", f"{vanished} of {live} live orders vanished at once: their absence does not count")
    for one in draft.breaks:
        if one.kind is BreakKind.VENUE_BEHIND and one.severity is Severity.ERROR:
            add_alert(draft, f"venue_behind:{one.break_id}", f"{one.message} (order {one.venue_order_id or one.client_order_id})")
    reason = check_limits(draft.corrections, draft.policy, _quotes(draft))
    if reason is not None:
        add_alert(draft, "circuit_breaker", f"{reason}: nothing is applied until a person does (trueup apply)")


def add_alert(draft: Draft, key: str, message: str, severity: str = "ERROR") -> None:
    draft.alerts.append(
        Alert(
            type=DEGRADED,
            severity=severity,
            message=f"{draft.profile.profile_id}: {message}",
            dedupe_key=f"{draft.profile.profile_id}:{key}",
        )
    )


def _quotes(draft: Draft) -> dict[str, str | None]:
    """The quote currency of each order that grows, by break id."""
    symbols = {one.break_id: one.symbol for one in draft.breaks}
    return {break_id: quote_of(symbol, draft) for break_id, symbol in symbols.items()}


def quote_of(symbol: str | None, draft: Draft) -> str | None:
    """The instrument's quote, else what stands behind the separator (`ETH/USD`)."""
    if symbol is None:
        return None
    known = draft.quote(symbol)
    if known is not None:
        return known
    return symbol.rpartition("/")[2].upper() if "/" in symbol else None
