"""The circuit breaker of a run: how much one plan may change before a person has to look."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, localcontext

from trueup.model.money import CONTEXT, ZERO, amount, text
from trueup.model.plan import Correction
from trueup.model.policy import Policy

DOLLARS = frozenset({"USD", "USDT", "USDC"})  # formats.md, `usd_rates`: these are 1


def usd_rate(quote: str | None, policy: Policy) -> Decimal | None:
    """US dollars of one unit of the quote currency; null where the policy does not know, which is not zero."""
    if quote is None:
        return None
    if quote.upper() in policy.usd_rates:
        return amount(policy.usd_rates[quote.upper()])
    return Decimal(1) if quote.upper() in DOLLARS else None


def check_limits(
    corrections: Sequence[Correction], policy: Policy, quote_of_break: Mapping[str, str | None]
) -> str | None:
    """Why the corrections exceed what one run may apply; null where they do not."""
    if len(corrections) > policy.corrections_max:
        return f"{len(corrections)} corrections exceed corrections_max = {policy.corrections_max}"
    if policy.notional_max_usd is None:
        return None
    with localcontext(CONTEXT):
        notional = _notional_usd(corrections, policy, quote_of_break)
        if notional is None:
            return "the corrections' notional in USD is not known (usd_rates), and notional_max_usd is set"
        if notional > amount(policy.notional_max_usd):
            return f"corrections of {text(notional)} USD exceed notional_max_usd = {policy.notional_max_usd}"
    return None


def _notional_usd(
    corrections: Sequence[Correction], policy: Policy, quote_of_break: Mapping[str, str | None]
) -> Decimal | None:
    total = ZERO
    for one in corrections:
        if one.fill is None or one.fill.price is None:
            continue
        rate = usd_rate(quote_of_break.get(one.break_id), policy)
        if rate is None:
            return None
        growth = amount(one.fill.qty) - amount(one.fill.superseded_qty)
        total += growth * amount(one.fill.price) * rate
    return total
