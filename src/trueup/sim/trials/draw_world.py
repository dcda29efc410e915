"""What kind of world a seed is: its accounts, markets and bots, and what its people configure.

Decides shapes and policies only. What a policy changes in a storm never lowers what absence needs to be confirmed:
whoever asks trueup to believe less proof gets what they asked for.
"""

from random import Random

from msgspec import structs

from trueup.model.policy import Policy
from trueup.model.vocabulary import OnConfirmedAbsence, ParityAction
from trueup.sim.trials.world import INSTRUMENTS, Shape

SKEW_S_MAX = 25  # of the venue: beyond 30 trueup writes nothing


def draw_world_shape(rng: Random) -> Shape:
    """Any kind of world that workers share."""
    hedged = rng.random() < 0.2
    return Shape(
        accounts=rng.choice((1, 1, 2)),
        profiles=rng.choice((1, 2, 2, 3)),
        sub_tags=rng.random() < 0.5,
        tags_unrecorded=rng.random() < 0.2,
        shorts=hedged or rng.random() < 0.3,
        hedged=hedged,
        notional=rng.random() < 0.25,
        brackets=rng.random() < 0.3,
        venue_skew_s=rng.choice((0, 0, rng.randint(-SKEW_S_MAX, SKEW_S_MAX))),
        fills_by_client_id=rng.random() < 0.15,
        fill_ids_repeat=rng.random() < 0.3,
        stages=rng.random() < 0.6,
        auto_close=rng.random() < 0.3,
        coverage=rng.random() < 0.5,
        trades_max=rng.choice((1, 2, 3, 6)),
        order_ids_repeat=rng.random() < 0.3,
    )


def draw_storm_policy(rng: Random, policy: Policy) -> Policy:
    """The profile's policy with one or two things changed by somebody."""
    changed = policy
    for _ in range(rng.randint(1, 2)):
        changed = structs.replace(changed, **rng.choice(_CHANGES)(rng))
    return changed


_CHANGES = (
    lambda rng: {"coverage_enabled": rng.random() < 0.7},
    lambda rng: {"managed_symbols": tuple(one.symbol for one in rng.sample(INSTRUMENTS, 2))},
    lambda rng: {"coverage_dry_run": rng.random() < 0.5},
    lambda rng: {"coverage_inserts_max": rng.randint(0, 1)},
    lambda rng: {"exit_backfill_enabled": rng.random() < 0.8, "exit_backfill_dry_run": rng.random() < 0.2},
    lambda rng: {"exit_backfill_inserts_max": rng.randint(0, 1)},
    lambda rng: {"parity_enabled": True, "parity_action": rng.choice(list(ParityAction))},
    lambda rng: {
        "parity_auto_close_notional_max_usd": rng.choice(("0", "1000")),
        "parity_action": ParityAction.AUTO_CLOSE,
    },
    lambda rng: {"on_confirmed_absence": rng.choice(list(OnConfirmedAbsence))},
    lambda rng: {"queries_max": rng.randint(0, 2)},
    lambda rng: {"corrections_max": rng.randint(0, 2)},
    lambda rng: {"notional_max_usd": str(rng.randint(1, 10_000))},
    lambda rng: {"estimate_price_from_limit": False},
    lambda rng: {"client_order_id_pattern": None},
    lambda rng: {"recent_activity_window_s": rng.randint(5, 20)},
    lambda rng: {"transitional_timeout_s": rng.randint(5, 60)},
    lambda rng: {"missing_position_is_flat": True},
    lambda rng: {"sub_tag_repair_enabled": rng.random() < 0.5},
)
