"""What people are told, from the commit to the arrival: claimed once, in order, marked where it may be a repeat."""

import pytest

from trueup.model.alert_message import AlertAbout, AlertMessage, MessageKind
from trueup.model.times import NS_PER_S, from_ns
from trueup.model.vocabulary import Severity
from trueup.ports.records import NewDelivery
from trueup.testing.ledgers.bench import Bench


def message(key: str, kind: MessageKind = MessageKind.RAISED) -> AlertMessage:
    return AlertMessage(
        message_id=f"{key}:{kind}", key=key, kind=kind, severity=Severity.ERROR, profile_id="mom-1",
        about=AlertAbout(kind="other"), title="t", reason="r", since="2026-11-23T12:00:00Z",
    )  # fmt: skip


def commit(bench: Bench, *messages: AlertMessage, wait_s: int = 0, notifier: str = "phone") -> None:
    at = from_ns(bench.clock() + wait_s * NS_PER_S)
    rows = [
        NewDelivery(
            delivery_id=f"{one.message_id}@{notifier}",
            notifier=notifier,
            message=one,
            not_before=at,
            ends_untold=one.kind is MessageKind.RECOVERED,
        )
        for one in messages
    ]
    bench.ledger.journal.keep_alerts([], rows)


def claim(bench: Bench, limit: int = 10, notifier: str = "phone") -> list[tuple[str, bool]]:
    claimed = bench.ledger.journal.claim_deliveries(notifier, limit, 15.0)
    return [(one.message.message_id, one.message.possibly_repeated) for one in claimed]


def pass_s(bench: Bench, seconds: int) -> None:
    bench.clock.pass_s(seconds)


def test_one_is_claimed_by_one_and_committed_twice_it_is_one(bench: Bench) -> None:
    commit(bench, message("a"), message("b"))
    commit(bench, message("a"))
    commit(bench, message("a"), notifier="mail")
    assert claim(bench, 1) == [("a:raised", False)]
    assert claim(bench) == [("b:raised", False)]
    assert claim(bench) == []
    assert claim(bench, notifier="mail") == [("a:raised", False)]


def test_a_claim_that_ran_out_is_told_again_and_says_so(bench: Bench) -> None:
    commit(bench, message("a"))
    assert claim(bench) == [("a:raised", False)]
    pass_s(bench, 14)
    assert claim(bench) == []
    pass_s(bench, 1)
    assert claim(bench) == [("a:raised", True)]


def test_what_arrived_is_settled_for_good(bench: Bench) -> None:
    commit(bench, message("a"))
    claimed = bench.ledger.journal.claim_deliveries("phone", 10, 15.0)
    bench.ledger.journal.settle_deliveries(claimed)
    pass_s(bench, 60)
    assert claim(bench) == []
    (kept,) = bench.ledger.journal.list_deliveries(open_only=False)
    assert (kept.outcome, kept.attempts, kept.error) == ("told", 1, None)
    assert bench.ledger.journal.list_deliveries() == []
    assert bench.ledger.journal.next_delivery_at(["phone"]) is None


@pytest.mark.parametrize("is_certain", [True, False])
def test_what_was_refused_waits_and_only_the_uncertain_is_marked(bench: Bench, is_certain: bool) -> None:
    commit(bench, message("a"))
    claimed = bench.ledger.journal.claim_deliveries("phone", 10, 15.0)
    given_up = bench.ledger.journal.return_deliveries(
        claimed, "no", 8.0, is_certain=is_certain, attempts_max=2
    )
    assert given_up == 0
    pass_s(bench, 7)
    assert claim(bench) == []
    pass_s(bench, 1)
    assert claim(bench) == [("a:raised", not is_certain)]


def test_after_its_last_try_it_is_given_up_and_seen(bench: Bench) -> None:
    commit(bench, message("a"))
    claimed = bench.ledger.journal.claim_deliveries("phone", 10, 15.0)
    assert bench.ledger.journal.return_deliveries(claimed, "no", 8.0, is_certain=True, attempts_max=1) == 1
    pass_s(bench, 100)
    assert claim(bench) == []
    (seen,) = bench.ledger.journal.list_deliveries()
    assert (seen.outcome, seen.error) == ("refused", "no")


def test_a_recovery_waits_for_what_it_ends(bench: Bench) -> None:
    commit(bench, message("a"))
    commit(bench, message("a", MessageKind.RECOVERED), message("b"))
    first = bench.ledger.journal.claim_deliveries("phone", 10, 15.0)
    assert [one.message.message_id for one in first] == ["a:raised", "b:raised"]
    assert claim(bench) == []
    bench.ledger.journal.settle_deliveries(first)
    assert claim(bench) == [("a:recovered", False)]


def test_put_off_and_over_it_is_not_told_but_once_tried_it_is(bench: Bench) -> None:
    commit(bench, message("put-off"), wait_s=3600)
    commit(bench, message("due"))
    for key in ("put-off", "due"):
        commit(bench, message(key, MessageKind.RECOVERED))
    pass_s(bench, 3600)
    assert claim(bench) == [("due:raised", False)]
    assert claim(bench, notifier="mail") == []


def test_a_time_later_than_any_that_is_stored_is_not_believed(bench: Bench) -> None:
    commit(bench, message("a"), wait_s=3 * 86_400)
    assert claim(bench) == [("a:raised", False)]


def test_the_next_one_is_due_when_its_wait_or_its_claim_is_over(bench: Bench) -> None:
    now_ns = bench.clock()
    commit(bench, message("a"), wait_s=100)
    commit(bench, message("b"))
    due = bench.ledger.journal.next_delivery_at
    assert due(["phone"]) == f"{from_ns(now_ns)[:-1]}.000000000Z"
    claim(bench)
    assert due(["phone"]) == f"{from_ns(now_ns + 15 * NS_PER_S)[:-1]}.000000000Z"
    assert due(["mail"]) is None
