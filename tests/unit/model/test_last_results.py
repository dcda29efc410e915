"""A result that is remembered is the one that would be reckoned, whatever became of the lists in between."""

from collections.abc import Sequence
from random import Random

import pytest

from trueup.model import last_results
from trueup.model.last_results import LastResults, between_same


class Reckoner:
    """Says of each row what it is of each list, and counts the rows that it was asked about."""

    def __init__(self) -> None:
        self.asked = 0

    def each(self, rows: Sequence[str], others: Sequence[str | None]) -> list[str]:
        self.asked += len(rows)
        return [f"{row}:{other}" for row, other in zip(rows, others, strict=True)]

    def all(self, rows: list[str], by_key: dict[str, int]) -> str:
        self.asked += len(rows)
        return " ".join([*rows, *by_key])


def test_equal_rows_are_not_reckoned_again() -> None:
    results, reckoner = LastResults(), Reckoner()
    reckon = reckoner.all
    assert results.of(reckon, ["a", "b"], {"k": 1}) == "a b k"
    assert results.of(reckon, ["a", "b"], {"k": 1}) == "a b k"
    assert reckoner.asked == 2


@pytest.mark.parametrize(
    ("rows", "by_key", "said"),
    [(["a", "c"], {"k": 1}, "a c k"), (["a", "b"], {"l": 1}, "a b l"), (["a"], {"k": 1}, "a k")],
)
def test_other_rows_are(rows: list[str], by_key: dict[str, int], said: str) -> None:
    results, reckon = LastResults(), Reckoner().all
    results.of(reckon, ["a", "b"], {"k": 1})
    assert results.of(reckon, rows, by_key) == said


def test_what_is_done_to_a_list_afterwards_changes_nothing() -> None:
    results, reckon = LastResults(), Reckoner().all
    rows, by_key = ["a", "b"], {"k": 1}
    results.of(reckon, rows, by_key)
    rows[1] = "c"
    by_key["l"] = 2
    assert results.of(reckon, ["a", "b"], {"k": 1}) == "a b k"
    assert results.of(reckon, rows, by_key) == "a c k l"


def test_each_function_has_its_own_result() -> None:
    results, reckoner = LastResults(), Reckoner()
    assert results.of(len, ["a"]) == 1
    assert results.of(str, ["a"]) == "['a']"
    assert results.of(len, ["a"]) == 1
    assert results.of_each(reckoner.each, ["a"], [None]) == ["a:None"]


def test_of_rows_that_differ_only_those_between_are_reckoned() -> None:
    results, reckoner = LastResults(), Reckoner()
    reckon = reckoner.each
    rows = [str(number) for number in range(100)]
    results.of_each(reckon, rows, list(rows))
    others = [*rows[:40], None, *rows[41:]]
    assert results.of_each(reckon, rows, others)[39:42] == ["39:39", "40:None", "41:41"]
    assert reckoner.asked == 101


@pytest.mark.parametrize("seed", range(40))
def test_rows_that_come_go_and_change(seed: int) -> None:
    rng, results, reckon = Random(seed), LastResults(), Reckoner().each
    rows: list[str] = []
    others: list[str | None] = []
    for _ in range(60):
        at, dropped, added = rng.randrange(len(rows) + 1), rng.randrange(3), rng.randrange(3)
        rows[at : at + dropped] = [rng.choice("abc") for _ in range(added)]
        others[at : at + dropped] = [rng.choice(["x", None]) for _ in range(added)]
        if rows and rng.random() < 0.5:
            others[rng.randrange(len(rows))] = "y"
        assert results.of_each(reckon, rows, others) == Reckoner().each(rows, others)


def test_long_lists_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_results, "ROWS_KEPT_MAX", 1)
    results, reckoner = LastResults(), Reckoner()
    reckon = reckoner.each
    for _ in range(2):
        assert results.of_each(reckon, ["a", "b"], [None, None]) == ["a:None", "b:None"]
    assert reckoner.asked == 4


@pytest.mark.parametrize(
    ("known", "rows", "new"),
    [
        ("abc", "abc", range(3, 3)),
        ("abc", "axc", range(1, 2)),
        ("abc", "ac", range(1, 1)),
        ("ac", "abc", range(1, 2)),
        ("aa", "aaa", range(2, 3)),
        ("aaa", "aa", range(2, 2)),
        ("", "ab", range(2)),
        ("ab", "", range(0)),
    ],
)
def test_which_rows_stand_between_those_that_are_the_same(known: str, rows: str, new: range) -> None:
    assert between_same(known, rows) == new
