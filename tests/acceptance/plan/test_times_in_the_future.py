"""Times that a clock stamped before it was put back: none is believed beyond now (design.md, "Times in the future")."""

import pytest

from tests.acceptance.plan.snapshots import at, deferred, local_order, plan, projected, steps, venue_order
from tests.acceptance.plan.test_local_live_absent import BOTH_ABSENT, finding, gone

DAYS_S = 2 * 86_400


def filled(**keys):
    return venue_order(status="filled", filled_qty="10", filled_avg_price="100", **keys)


def test_activity_far_beyond_now_defers_nothing():
    planned = plan([local_order(last_activity_at=at(DAYS_S))], [filled()])
    assert deferred(planned) == set()
    assert projected(planned, "v-1")["filled_qty"] == "10"


def test_activity_within_the_window_beyond_now_is_recent():
    """Two clocks of one database may differ by moments."""
    planned = plan([local_order(last_activity_at=at(4))], [filled()])
    assert deferred(planned) == {"recent_activity"}
    assert steps(planned) == []


def test_a_transition_of_the_future_is_not_believed_against_a_live_order():
    order = local_order(status="pending_cancel", last_activity_at=at(DAYS_S))
    assert projected(plan([order], [venue_order()]), "v-1")["status"] == "pending_new"


@pytest.mark.parametrize("first_s", [DAYS_S, -30])
def test_an_absence_first_seen_in_the_future_is_young(first_s):
    """Three times absent, but not over 60 s that passed: not confirmed, and its age counts from now."""
    planned = gone(answers=BOTH_ABSENT, prior=[finding(2, first_s)])
    assert steps(planned) == []
    (kept,) = planned["findings"]
    assert kept["first_seen_at"] == at(min(first_s, 0))


def test_what_was_stamped_since_the_books_were_read_is_recent_by_whatever_clock():
    """The ledger's clock was an hour ahead until the midst of the run: the order was recorded after the books had been
    read, and perhaps after the venue was asked. In the next run its time is no longer believed, and it is judged."""
    order = local_order(last_activity_at=at(3_601))
    during = plan([order], [filled()], local_keys={"read_at": at(3_600)})
    assert deferred(during) == {"recent_activity"}
    assert steps(during) == []
    assert projected(plan([order], [filled()]), "v-1")["filled_qty"] == "10"
