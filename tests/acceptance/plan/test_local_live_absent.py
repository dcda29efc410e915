"""Live locally, not in the venue's open orders: absence asks a question, and only authority answers it."""

import pytest

from tests.acceptance.plan.snapshots import (
    absent,
    asked,
    at,
    confirmations,
    deferred,
    errors_alerted,
    fill,
    found,
    history,
    kinds,
    local_order,
    open_orders,
    plan,
    projected,
    stands,
    steps,
    told,
    unknown,
    venue_order,
)

BOTH_ABSENT = [absent("v-1"), absent("c-1", "client_order_id")]


def finding(confirmed: int = 2, first_s: float = -120, **keys):
    """The prior finding of v-1: so often confirmed, first seen so long ago."""
    return {
        "break_id": None,
        "kind": "missing_at_venue",
        "venue_order_id": "v-1",
        "client_order_id": "c-1",
        "trade_id": None,
        "first_seen_at": at(first_s),
        "last_seen_at": at(-30),
        "confirmations": confirmed,
        "version": 3,
    } | keys


def gone(local=None, **keys):
    """The plan for an order of which the venue's complete open-order read knows nothing."""
    return plan([local or local_order()], [], **keys)


# Before anything is asked


@pytest.mark.parametrize("state", ["failed", "partial"])
def test_an_incomplete_read_proves_nothing_by_what_it_lacks(state):
    # D 13
    planned = gone_from(open_orders([], state=state))
    assert deferred(planned) == {"open_orders_incomplete"}
    assert steps(planned) == []


def gone_from(read, **keys):
    return plan([local_order()], read, **keys)


def test_a_read_that_was_left_out_is_a_failed_read():
    planned = plan([local_order()], venue_keys={"open_orders": None})
    assert deferred(planned) == {"open_orders_incomplete"}
    assert steps(planned) == []


@pytest.mark.parametrize("state", ["failed", "partial"])
def test_an_incomplete_read_stops_even_confirmed_absence(state):
    planned = gone_from(open_orders([], state=state), answers=BOTH_ABSENT, prior=[finding(9, -9999)])
    assert deferred(planned) == {"open_orders_incomplete"}
    assert steps(planned) == []


@pytest.mark.parametrize(("age_s", "is_recent"), [(6, True), (6.000001, False)])
def test_recent_is_deferred(age_s, is_recent):
    planned = gone(local_order(last_activity_at=at(-age_s)))
    assert (deferred(planned) == {"recent_activity"}) is is_recent
    assert asked(planned) == ([] if is_recent else ["venue venue_order_id v-1"])
    assert planned["result"]["missing_at_venue"] == (0 if is_recent else 1)


def test_absence_asks_by_venue_order_id():
    # D 1
    planned = gone()
    assert steps(planned) == []
    assert asked(planned) == ["venue venue_order_id v-1"]
    assert planned["queries"][0]["reason"] == "live_locally_not_in_open_orders"
    assert planned["result"]["missing_at_venue"] == 1


def test_absence_asks_by_client_order_id_where_there_is_no_other():
    assert asked(gone(local_order(venue_order_id=None))) == ["venue client_order_id c-1"]


def test_an_order_whose_question_is_open_is_deferred():
    assert deferred(gone()) == {"query_open"}


def test_a_useless_client_id_is_not_asked_for():
    planned = gone(local_order(client_order_id="0"), answers=[absent("v-1")])
    assert asked(planned) == []


# The budget


def missing(number: int, **keys):
    return local_order(venue_order_id=f"v-{number}", client_order_id=f"c-{number}", **keys)


def test_over_the_budget_is_deferred_and_never_resolved_unqueried():
    planned = plan([missing(1), missing(2), missing(3)], [], policy={"queries_max": 2})
    assert len(planned["queries"]) == 2
    assert "query_budget" in deferred(planned)
    assert steps(planned) == []


def test_who_waited_longest_is_asked_first():
    waited = [
        finding(0, -60, venue_order_id="v-1", client_order_id="c-1"),
        finding(0, -600, venue_order_id="v-3", client_order_id="c-3"),
        finding(0, -300, venue_order_id="v-2", client_order_id="c-2"),
    ]
    planned = plan([missing(1), missing(2), missing(3)], [], policy={"queries_max": 2}, prior=waited)
    assert sorted(asked(planned)) == ["venue venue_order_id v-2", "venue venue_order_id v-3"]


def test_nobody_waits_for_ever_behind_orders_that_stay_unanswered():
    prior: list = []
    asked_ever = set()
    for run in range(6):
        orders = [missing(1), missing(2), missing(3)]
        read = open_orders([], read_at=at(run * 30))
        first = {"taken_at": at(run * 30), "policy": {"queries_max": 1}, "prior": prior}
        questions = asked(plan(orders, read, **first))
        asked_ever.update(questions)
        ids = [question.split()[-1] for question in questions]
        prior = plan(orders, read, **first, answers=[unknown(one) for one in ids])["findings"]
    assert len(asked_ever) == 3


def test_a_budget_of_nothing_asks_nothing():
    planned = gone(policy={"queries_max": 0})
    assert (asked(planned), deferred(planned), steps(planned)) == ([], {"query_budget"}, [])


# Found


def test_found_is_judged_as_a_matched_pair():
    ended = venue_order(status="filled", filled_qty="10", filled_avg_price="100")
    planned = gone(answers=[found(ended)])
    assert steps(planned) == ["book_fill v-1 inferred 10 @ 100", "set_status v-1 filled"]


def test_found_ends_the_count():
    planned = gone(answers=[found(venue_order())], prior=[finding(2)])
    assert confirmations(planned) is None
    assert steps(planned) == []


def test_found_by_client_id_binds_the_venue_id():
    answer = found(venue_order(), by="client_order_id", id="c-1")
    planned = gone(local_order(venue_order_id=None), answers=[answer])
    assert projected(planned, "v-1")["client_order_id"] == "c-1"
    assert kinds(planned) == {"ids_incomplete"}


def test_found_by_the_other_id_under_another_venue_id_is_no_match():
    other = venue_order(venue_order_id="v-9", status="canceled")
    planned = gone(answers=[absent("v-1"), found(other, by="client_order_id", id="c-1")])
    assert stands(planned, "v-1") is None


# Unknown


@pytest.mark.parametrize("error", ["timeout", "rate limited", "500"])
def test_unknown_changes_nothing_however_often(error):
    planned = gone(answers=[unknown("v-1", error=error)], prior=[finding(2, -99999)])
    assert steps(planned) == []
    assert "missing_at_venue" in kinds(planned)
    assert (confirmations(planned) or 0) <= 2


def test_unknown_after_absent_by_the_other_id_does_not_count():
    answers = [absent("v-1"), unknown("c-1", "client_order_id")]
    planned = gone(answers=answers, prior=[finding(2)])
    assert steps(planned) == []
    assert (confirmations(planned) or 0) <= 2


# Absent


def test_absent_is_asked_again_by_the_other_id_before_it_counts():
    planned = gone(answers=[absent("v-1")], prior=[finding(2)])
    assert asked(planned) == ["venue client_order_id c-1"]
    assert steps(planned) == []


def test_absent_by_every_id_is_one_confirmation():
    planned = gone(answers=BOTH_ABSENT)
    assert confirmations(planned) == 1
    assert asked(planned) == []
    assert steps(planned) == []
    [found_break] = [item for item in planned["findings"] if item["kind"] == "missing_at_venue"]
    assert (found_break["version"], found_break["first_seen_at"]) == (3, "2026-11-23T12:00:00Z")


def test_an_order_with_one_id_needs_only_that_answer():
    local = local_order(client_order_id=None)
    assert confirmations(plan([local], [], answers=[absent("v-1")])) == 1


def test_answers_match_ids_in_any_case():
    assert confirmations(gone(answers=[absent(" V-1"), absent("C-1 ", "client_order_id")])) == 1


def test_confirmations_add_up_from_run_to_run():
    assert confirmations(gone(answers=BOTH_ABSENT, prior=[finding(1)])) == 2


def test_confirmed_absence_cancels():
    planned = gone(answers=BOTH_ABSENT, prior=[finding(2)])
    assert steps(planned) == ["set_status v-1 canceled"]
    assert told(planned) == ["cancel v-1"]


def test_it_is_marked_as_policy():
    [correction] = gone(answers=BOTH_ABSENT, prior=[finding(2)])["corrections"]
    words = correction["reason"] + str(correction["changes"])
    assert "policy" in words or "absen" in words


def test_fills_of_an_order_canceled_by_policy_are_kept():
    booked = local_order(status="partially_filled", filled_qty="4", filled_avg_price="100")
    planned = gone(booked, answers=BOTH_ABSENT, prior=[finding(2)])
    assert stands(planned, "v-1") == "canceled 4 @ 100"


def test_an_order_that_was_never_acknowledged_is_rejected():
    planned = gone(
        local_order(venue_order_id=None),
        answers=[absent("c-1", "client_order_id")],
        prior=[finding(2, venue_order_id=None)],
    )
    assert steps(planned) == ["set_status c-1 rejected"]


@pytest.mark.parametrize(("first_s", "confirmed"), [(-60, True), (-59.999999, False)])
def test_confirmations_must_span_their_least_age(first_s, confirmed):
    planned = gone(answers=BOTH_ABSENT, prior=[finding(2, first_s)])
    assert steps(planned) == (["set_status v-1 canceled"] if confirmed else [])
    assert confirmed or confirmations(planned) == 3


def test_age_without_confirmations_is_not_enough():
    assert steps(gone(answers=BOTH_ABSENT, prior=[finding(1, -99999)])) == []


def test_a_new_version_starts_the_count_again():
    planned = gone(answers=BOTH_ABSENT, prior=[finding(2, version=2)])
    assert steps(planned) == []
    assert confirmations(planned) == 1


def test_the_least_number_and_age_are_the_policys():
    policy = {"absence_confirmations": 1, "absence_min_age_s": 0}
    assert steps(gone(answers=BOTH_ABSENT, policy=policy)) == ["set_status v-1 canceled"]


def test_hold_only_reports():
    planned = gone(answers=BOTH_ABSENT, prior=[finding(9)], policy={"on_confirmed_absence": "hold"})
    assert kinds(planned) == {"missing_at_venue"}
    assert steps(planned) == []


@pytest.mark.parametrize("status", ["pending_cancel", "pending_replace"])
def test_a_local_transitional_status_is_left_and_reported(status):
    planned = gone(local_order(status=status), answers=BOTH_ABSENT, prior=[finding(9)])
    assert kinds(planned) == {"missing_at_venue"}
    assert steps(planned) == []


# The condition on the fill history


def confirmed_with(history_read):
    return gone(answers=BOTH_ABSENT, prior=[finding(2)], history=history_read)


def test_a_history_without_a_fill_of_it_lets_the_cancel_pass():
    other = fill("F9", "1", venue_order_id="v-9")
    local = [local_order(), local_order(venue_order_id="v-9", client_order_id="c-9", status="canceled")]
    planned = plan(local, [], answers=BOTH_ABSENT, prior=[finding(2)], history=history(fills=[other]))
    assert "set_status v-1 canceled" in steps(planned)


def test_a_history_that_cannot_be_read_lets_the_cancel_pass():
    assert steps(confirmed_with(None)) == ["set_status v-1 canceled"]


def test_a_fill_of_it_in_the_history_stops_the_cancel():
    planned = confirmed_with(history(fills=[fill("F1", "3")]))
    assert "set_status v-1 canceled" not in steps(planned)
    assert "book_fill v-1 F1 3 @ 100" in steps(planned)


def test_a_partial_history_stops_the_cancel():
    assert steps(confirmed_with(history(state="partial"))) == []


@pytest.mark.parametrize(("since_s", "passes"), [(-3601, True), (-3600, True), (-3599, False)])
def test_a_history_that_starts_after_the_submission_stops_the_cancel(since_s, passes):
    planned = confirmed_with(history(since=at(since_s)))
    assert steps(planned) == (["set_status v-1 canceled"] if passes else [])


# Mass absence, another account


def vanished(count: int, *, of: int, **keys):
    """So many of the live orders are gone; each answered absent and confirmed twice before."""
    numbers = range(1, count + 1)
    answers = [absent(f"v-{n}") for n in numbers] + [absent(f"c-{n}", "client_order_id") for n in numbers]
    prior = [finding(2, venue_order_id=f"v-{n}", client_order_id=f"c-{n}") for n in numbers]
    still = [venue_order(venue_order_id=f"v-{n}", client_order_id=f"c-{n}") for n in range(count + 1, of + 1)]
    local = [missing(n) for n in range(1, of + 1)]
    return plan(local, still, answers=keys.pop("answers", answers), prior=prior, **keys)


@pytest.mark.parametrize(
    ("count", "of", "is_mass"),
    [(3, 3, False), (2, 4, False), (3, 4, True), (4, 4, True), (3, 6, False), (4, 6, True)],
)
def test_mass_absence_counts_nothing(count, of, is_mass):
    planned = vanished(count, of=of)
    assert ("mass_absence" in deferred(planned)) is is_mass
    assert len(steps(planned)) == (0 if is_mass else count)
    assert (errors_alerted(planned) != []) is is_mass


@pytest.mark.parametrize(
    ("count", "of", "is_mass"), [(3, 3, False), (2, 4, False), (3, 4, True), (5, 5, True)]
)
def test_orders_never_acknowledged_are_a_mass_among_themselves(count, of, is_mass):
    orders = [
        local_order(venue_order_id=None, client_order_id=f"c-{n}", trade_id=f"t-{n}") for n in range(of)
    ]
    listed = [venue_order(venue_order_id=f"v-{n}", client_order_id=f"c-{n}") for n in range(count, of)]
    known = [local_order(venue_order_id=f"k-{n}", client_order_id=f"k-{n}") for n in range(20)]
    listed += [venue_order(venue_order_id=f"k-{n}", client_order_id=f"k-{n}") for n in range(20)]
    prior = [finding(2, venue_order_id=None, client_order_id=f"c-{n}") for n in range(count)]
    answers = [absent(f"c-{n}", "client_order_id") for n in range(count)]
    planned = plan([*orders, *known], listed, answers=answers, prior=prior)
    assert ("mass_absence" in deferred(planned)) is is_mass
    assert len([one for one in steps(planned) if one.startswith("set_status")]) == (0 if is_mass else count)
    assert (errors_alerted(planned) != []) is is_mass


def test_after_mass_absence_the_counts_start_again():
    planned = vanished(4, of=4)
    assert all(item["confirmations"] == 0 for item in planned["findings"])


def test_during_mass_absence_questions_are_still_asked():
    planned = vanished(4, of=4, answers=[])
    assert len(planned["queries"]) == 4
    assert "mass_absence" in deferred(planned)


OTHER_ACCOUNT = {"account_id": "acc-2", "recorded_account_id": "acc-1"}


def test_another_account_counts_nothing():
    planned = gone(answers=BOTH_ABSENT, prior=[finding(2)], venue_keys=OTHER_ACCOUNT)
    assert deferred(planned) == {"account_changed"}
    assert steps(planned) == []
    assert errors_alerted(planned) != []
    assert confirmations(planned) == 0


HALF = venue_order(status="partially_filled", filled_qty="4", filled_avg_price="100")
OF_OURS = fill("F1", "4", venue_order_id=None, client_order_id="c-1")


@pytest.mark.parametrize(("rows", "executed"), [([HALF], []), ([], [OF_OURS])])
def test_what_carries_our_client_ids_in_another_account_is_none_of_ours(rows, executed):
    planned = plan(
        [local_order(venue_order_id=None)],
        rows,
        history=history([], executed),
        venue_keys={"account_id": "A-2", "recorded_account_id": "A-1"},
    )
    assert (steps(planned), deferred(planned)) == ([], {"account_changed"})


def test_the_recorded_account_is_no_change():
    same = {"account_id": "acc-1", "recorded_account_id": "acc-1"}
    planned = gone(answers=BOTH_ABSENT, prior=[finding(2)], venue_keys=same)
    assert steps(planned) == ["set_status v-1 canceled"]


def test_an_order_of_the_same_client_id_in_another_account_is_no_conflict():
    """A bot's own ids may come again there (simulator's seed 1079)."""
    other = found(venue_order(venue_order_id="v-9"), by="client_order_id", id="c-1")
    planned = gone(answers=[absent("v-1"), other], venue_keys=OTHER_ACCOUNT)
    assert deferred(planned) == {"account_changed"}
    assert "identity_conflict" not in kinds(planned)


def test_another_account_still_asks():
    assert asked(gone(venue_keys=OTHER_ACCOUNT)) == ["venue venue_order_id v-1"]


# Afterwards


def test_a_later_record_resurrects_it():
    canceled = local_order(status="canceled", version=4)
    planned = plan(
        [canceled], [venue_order(status="partially_filled", filled_qty="2", filled_avg_price="100")]
    )
    assert kinds(planned) & {"resurrected", "reopened"}
    assert stands(planned, "v-1") == "partially_filled 2 @ 100"
