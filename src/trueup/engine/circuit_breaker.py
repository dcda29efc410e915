"""The circuit breaker: decides whether one profile's plan is too large to be applied without a person.

More corrections than `corrections_max`, or more booked in USD than `notional_max_usd`. With a notional limit set, an
amount that cannot be told in USD trips it too: unknown is not zero.
"""

from collections.abc import Mapping
from decimal import Decimal

from trueup.model.ids import symbol_token
from trueup.model.money import ZERO, add, amount, multiply, text
from trueup.model.plan import Correction, Plan
from trueup.model.policy import Policy
from trueup.model.snapshot import Snapshot

USD_EQUALS = frozenset({"usd", "usdt", "usdc"})  # design.md: these count as 1


def judge_size(snapshot: Snapshot, plan: Plan) -> str | None:
    """Why this plan must wait for a person; null where it may be applied."""
    policy = snapshot.policy
    if len(plan.corrections) > policy.corrections_max:
        return f"{len(plan.corrections)} corrections are more than corrections_max = {policy.corrections_max}"
    if policy.notional_max_usd is None:
        return None
    total = booked_notional_usd(snapshot, plan)
    if total is None:
        return (
            "the notional in USD is not known: add the quote currency to usd_rates, or unset notional_max_usd"
        )
    if total > amount(policy.notional_max_usd):
        return f"{text(total)} USD booked is more than notional_max_usd = {policy.notional_max_usd}"
    return None


def booked_notional_usd(snapshot: Snapshot, plan: Plan) -> Decimal | None:
    """Σ quantity × price of the fills that the plan books, in USD; null where a price or rate is unknown."""
    symbols = {one.break_id: one.symbol for one in plan.breaks}
    quotes = {symbol_token(one.symbol): one.quote for one in snapshot.instruments}
    total = ZERO
    for correction in plan.corrections:
        if correction.fill is None:
            continue
        rate = _usd_rate(snapshot.policy, symbols.get(correction.break_id), quotes)
        notional = _notional(correction)
        if rate is None or notional is None:
            return None
        total = add(total, multiply(notional, rate))
    return total


def _notional(correction: Correction) -> Decimal | None:
    fill = correction.fill
    if fill is None or fill.price is None:
        return None
    return abs(multiply(amount(fill.qty), amount(fill.price)))


def _usd_rate(policy: Policy, symbol: str | None, quotes: Mapping[str, str | None]) -> Decimal | None:
    if symbol is None:
        return None
    quote = quotes.get(symbol_token(symbol)) or _quote_in(symbol)
    if quote is None:
        return None
    rates = {currency.lower(): rate for currency, rate in policy.usd_rates.items()}
    if quote.lower() in rates:
        return amount(rates[quote.lower()])
    return Decimal(1) if quote.lower() in USD_EQUALS else None


def _quote_in(symbol: str) -> str | None:
    """The quote that the symbol itself names (`ETH/USD`, `ETH/USDT:USDT`); a bare ticker names none."""
    _, slash, quote = symbol.partition("/")
    return quote.partition(":")[0] or None if slash else None
