"""Two axes: what the books are, and whether anyone looks. Unknown is never in sync."""

from decimal import Decimal

import msgspec
import pytest

from trueup.model.at_stake import at_stake
from trueup.model.plan import Break
from trueup.model.snapshot import Profile
from trueup.model.vocabulary import BreakKind, Severity
from trueup.ports.records import ProfileState
from trueup.service.views.overview import Standing, Sync, _by_profile, _profile_view, _Read, _worst

NOW_NS = 1_795_435_200_000_000_000  # 2026-11-23T12:00:00Z


def found(
    severity: Severity, local: dict[str, str] | None = None, venue: dict[str, str] | None = None
) -> Break:
    return Break(
        break_id="b", kind=BreakKind.FILL_DRIFT, severity=severity, symbol="ETH/USD", client_order_id="c",
        venue_order_id="v", trade_id=None, reason="r", message="m", local=local, venue=venue,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("completed_at", "paused", "severities", "sync", "health"),
    [
        ("2026-11-23T11:59:50Z", False, [], Sync.IN_SYNC, Standing.OK),
        ("2026-11-23T11:59:50Z", False, [Severity.INFO], Sync.IN_SYNC, Standing.OK),
        ("2026-11-23T11:59:50Z", False, [Severity.WARN], Sync.DRIFTED, Standing.OK),
        ("2026-11-23T11:58:29Z", False, [], Sync.UNKNOWN, Standing.LATE),
        ("2026-11-23T12:00:01Z", False, [], Sync.UNKNOWN, Standing.LATE),
        (None, False, [], Sync.UNKNOWN, Standing.NEVER),
        ("2026-11-23T11:59:50Z", True, [Severity.ERROR], Sync.UNKNOWN, Standing.PAUSED),
    ],
)
def test_unknown_is_never_in_sync(
    completed_at: str | None, paused: bool, severities: list[Severity], sync: Sync, health: Standing
) -> None:
    read = _Read(
        now_ns=NOW_NS,
        objective_s=90,
        states={"p": ProfileState(paused=paused, pause_reason="x" if paused else None)},
        completed={} if completed_at is None else {"p": completed_at},
        waiting={},
        breaks=_by_profile([("p", msgspec.json.encode(found(one)).decode()) for one in severities]),
    )
    view = _profile_view(Profile(profile_id="p"), read)
    assert (view.sync, view.health) == (sync, health)


def test_the_worst_come_first_errors_then_by_the_money_at_stake() -> None:
    priced = found(Severity.WARN, {"filled_qty": "1"}, {"filled_qty": "3", "filled_avg_price": "50"})
    dear = found(Severity.WARN, {"filled_qty": "1"}, {"filled_qty": "3", "filled_avg_price": "70"})
    told = [
        ("p", found(Severity.WARN)),
        ("p", priced),
        ("q", dear),
        ("q", found(Severity.INFO)),
        ("r", found(Severity.ERROR)),
    ]
    worst = _worst([(name, msgspec.json.encode(one).decode()) for name, one in told])
    assert [(one.profile_id, one.at_stake) for one in worst] == [
        ("r", None),
        ("q", "140"),
        ("p", "100"),
        ("p", None),
    ]


@pytest.mark.parametrize(
    ("local", "venue", "amount"),
    [
        ({"filled_qty": "3"}, {"filled_qty": "7", "filled_avg_price": "1000"}, "4000"),
        ({"filled_qty": "10", "filled_avg_price": "5"}, {"filled_qty": "7"}, "15"),
        (None, {"qty": "2", "limit_price": "50"}, "100"),
        ({"filled_qty": "3"}, {"filled_qty": "7"}, None),
        ({"position_qty": "5"}, {"position_qty": "-1", "mark_price": "10"}, "60"),
        ({"position_qty": "5"}, {"position_qty": "3"}, None),
        ({"status": "open"}, {"status": "canceled"}, None),
        ({"filled_qty": "x"}, {"filled_qty": "7", "price": "0"}, None),
        (None, None, None),
    ],
)
def test_the_money_at_stake_is_the_difference_times_a_price_or_unknown(
    local: dict[str, str] | None, venue: dict[str, str] | None, amount: str | None
) -> None:
    expected = None if amount is None else Decimal(amount)
    assert at_stake(found(Severity.WARN, local, venue)) == expected
