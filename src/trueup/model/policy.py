"""The policy: what trueup may do for one profile. Keys and defaults are those of the public document."""

from typing import Annotated

from msgspec import Meta, Struct, field

from trueup.model.vocabulary import OnConfirmedAbsence, ParityAction

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]


class Policy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every key has a safe default; amounts are decimal text, durations are seconds."""

    managed_symbols: tuple[str, ...] | None = None
    owned_client_order_id_prefixes: tuple[str, ...] = ()
    owned_sub_tags: tuple[str, ...] = ()
    claimed_symbols: tuple[str, ...] = ()
    client_order_id_pattern: str | None = None
    recent_activity_window_s: Seconds = 5
    transitional_timeout_s: Seconds = 60
    absence_confirmations: Positive = 3
    absence_min_age_s: Seconds = 60
    on_confirmed_absence: OnConfirmedAbsence = OnConfirmedAbsence.CANCEL
    queries_max: Count = 10
    allow_overfill: bool = False
    estimate_price_from_limit: bool = True
    qty_tolerance_steps: Count = 1
    coverage_enabled: bool = True
    coverage_dry_run: bool = False
    coverage_baseline_at: str | None = None
    coverage_inserts_max: Count = 100
    exit_backfill_enabled: bool = True
    exit_backfill_dry_run: bool = False
    exit_backfill_inserts_max: Count = 100
    sub_tag_repair_enabled: bool = True
    parity_enabled: bool = True
    parity_confirmations: Positive = 3
    parity_min_age_s: Seconds = 60
    parity_action: ParityAction = ParityAction.QUARANTINE
    parity_symbols: tuple[str, ...] | None = None
    position_baseline: dict[str, str] = field(default_factory=dict)
    parity_auto_close_notional_max_usd: str = "0"
    missing_position_is_flat: bool = False
    watchdog_enabled: bool = True
    watchdog_missing_locally_min: Positive = 1
    watchdog_no_go_min: Positive = 1
    corrections_max: Count = 1000
    notional_max_usd: str | None = None
    usd_rates: dict[str, str] = field(default_factory=dict)

    @property
    def has_ownership_rule(self) -> bool:
        """Whether anything says which orders are this profile's; without a rule all are."""
        return bool(self.owned_client_order_id_prefixes or self.owned_sub_tags or self.claimed_symbols)
