"""What a run classes of the venue's history: a watermark holds only for what was looked at when it was set.

Whoever widens it later (coverage switched on, a symbol or a mark of ownership added, an earlier baseline) has the
history read again from the beginning, or from the baseline.
"""

from msgspec import Struct

from trueup.model.policy import Policy
from trueup.model.times import to_ns

Marks = tuple[tuple[str, ...], ...]


class CoverageScope(Struct, frozen=True, kw_only=True):
    """The part of a policy that decides it. `symbols`: null = all; without any ownership mark every order is owned."""

    symbols: tuple[str, ...] | None = None
    prefixes: tuple[str, ...] = ()
    sub_tags: tuple[str, ...] = ()
    claimed_symbols: tuple[str, ...] = ()
    baseline_at: str | None = None

    def holds(self, policy: Policy) -> bool:
        """Whether everything that runs of this policy class was classed already."""
        wanted = scope_of(policy)
        return wanted is None or (
            _is_part(wanted.symbols, self.symbols)
            and _is_owned(wanted, self)
            and _is_later(wanted.baseline_at, self.baseline_at)
        )


def scope_of(policy: Policy) -> CoverageScope | None:
    """Null: nothing is classed."""
    if not policy.coverage_enabled:
        return None
    return CoverageScope(
        symbols=policy.managed_symbols,
        prefixes=policy.owned_client_order_id_prefixes,
        sub_tags=policy.owned_sub_tags,
        claimed_symbols=policy.claimed_symbols,
        baseline_at=policy.coverage_baseline_at,
    )


def _is_part(wanted: tuple[str, ...] | None, classed: tuple[str, ...] | None) -> bool:
    return classed is None or (wanted is not None and set(wanted) <= set(classed))


def _is_owned(wanted: CoverageScope, classed: CoverageScope) -> bool:
    before, now = _marks(classed), _marks(wanted)
    if not any(before):
        return True
    return any(now) and all(set(one) <= set(known) for one, known in zip(now, before, strict=True))


def _marks(scope: CoverageScope) -> Marks:
    return scope.prefixes, scope.sub_tags, scope.claimed_symbols


def _is_later(wanted: str | None, classed: str | None) -> bool:
    return classed is None or (wanted is not None and to_ns(wanted) >= to_ns(classed))
