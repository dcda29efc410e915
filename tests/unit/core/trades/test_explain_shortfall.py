"""Which trades a shortfall proves to be gone: the only set that comes to it, every set that does, or none."""

from decimal import Decimal

import pytest

from trueup.core.trades.explain_shortfall import explain_shortfall


def explained(own: list[str], shortfall: str, others: list[str] = [], **keys) -> tuple[set[int], bool]:  # noqa: B006
    found = explain_shortfall(
        list(map(Decimal, own)),
        list(map(Decimal, others)),
        shortfall=Decimal(shortfall),
        tolerance=keys.pop("tolerance", Decimal(0)),
        **keys,
    )
    return set(found.gone), found.is_only


@pytest.mark.parametrize(
    ("own", "shortfall", "gone", "is_only"),
    [
        (["5"], "5", {0}, True),
        (["5"], "7", {0}, True),  # more than everything is missing
        (["5"], "4", set(), False),  # the trade exceeds it
        (["10", "3"], "3", {1}, True),
        (["10", "3"], "13", {0, 1}, True),
        (["10", "3"], "5", set(), False),  # no set comes to it
        (["5", "5"], "5", {0, 1}, False),
        (["5", "3", "2"], "5", {0, 1, 2}, False),  # 5, or 3 and 2
        (["5", "3", "4"], "5", {0}, True),
        (["7", "5", "5", "1"], "6", {1, 2, 3}, False),  # 5 and 1, either 5; never 7
        (["6", "4", "3"], "7", {1, 2}, True),
    ],
)
def test_the_sets_that_come_to_it(own, shortfall, gone, is_only):
    assert explained(own, shortfall) == (gone, is_only)


def test_within_the_tolerance():
    assert explained(["5", "3"], "4.999", tolerance=Decimal("0.001")) == ({0}, True)
    assert explained(["5", "3"], "4.998", tolerance=Decimal("0.001")) == (set(), False)


def test_trades_of_others_explain_it_as_well():
    assert explained(["5", "9"], "5", ["5"]) == ({0}, False)
    assert explained(["9"], "5", ["5"]) == (set(), True)  # it is theirs
    assert explained(["5", "9"], "5", ["3"]) == ({0}, True)
    assert explained(["5"], "8", ["3"]) == ({0}, True)  # all of it


def test_of_a_mere_sum_nothing_is_the_only_explanation():
    assert explained(["5", "9"], "5", ["3"], others_are_sums=True) == ({0}, False)


def test_a_search_that_has_no_end_proves_nothing():
    many = [str(number) for number in range(1001, 1101, 2)]  # 50 odd numbers never come to such a fraction
    assert explained(many, "20000.5") == (set(), False)
