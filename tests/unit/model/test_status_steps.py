"""The table of statuses: complete, and as design.md's rules of a matched pair say. Expected steps by hand."""

import pytest

from trueup.model.status_steps import CANCELABLE, IN_WORK, STEPS, UNFILLED_ENDS, Step
from trueup.model.vocabulary import LIVE, TERMINAL, TRANSITIONAL, Status


def test_every_pair_of_statuses_has_its_step() -> None:
    assert set(STEPS) == {(before, after) for before in Status for after in Status}


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ("pending_new", "pending_new", Step.SAME),
        ("pending_new", "partially_filled", Step.FOLLOWS),
        ("partially_filled", "pending_cancel", Step.FOLLOWS),
        ("suspended", "partially_filled", Step.FOLLOWS),
        ("pending_cancel", "partially_filled", Step.WAITS),  # rule 3: believed for transitional_timeout_s
        ("pending_replace", "pending_cancel", Step.WAITS),
        ("pending_cancel", "canceled", Step.ENDS),
        ("partially_filled", "filled", Step.ENDS),
        ("pending_replace", "replaced", Step.ENDS),
        ("canceled", "filled", Step.ENDS_OTHERWISE),
        ("filled", "canceled", Step.ENDS_OTHERWISE),
        ("canceled", "pending_new", Step.REOPENS),  # rule 8
        ("replaced", "pending_cancel", Step.REOPENS),
    ],
)
def test_steps(before: str, after: str, step: Step) -> None:
    assert STEPS[Status(before), Status(after)] is step


def test_a_step_agrees_with_what_is_live() -> None:
    for (before, after), step in STEPS.items():
        assert (step is Step.SAME) is (before is after)
        assert (step is Step.REOPENS) is (before in TERMINAL and after in LIVE)
        assert (step is Step.ENDS) is (before in LIVE and after in TERMINAL)
        assert (step is Step.WAITS) is (before in TRANSITIONAL and after in LIVE - {before})


def test_what_follows_from_the_table() -> None:
    assert UNFILLED_ENDS == (Status.CANCELED, Status.EXPIRED, Status.REJECTED, Status.REPLACED)
    assert CANCELABLE == (Status.PENDING_NEW, Status.PARTIALLY_FILLED, Status.SUSPENDED)
    assert frozenset({Status.PENDING_NEW, Status.PARTIALLY_FILLED}) == IN_WORK
