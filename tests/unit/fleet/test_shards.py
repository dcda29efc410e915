"""Which accounts one message dispatches."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trueup.fleet.shards import assign, rebalance
from trueup.ports.roster import AccountSize


def sizes(**accounts: tuple[int, int]) -> list[AccountSize]:
    """name=(shard, profiles)."""
    return [
        AccountSize(account_id=name, shard=shard, profiles=profiles)
        for name, (shard, profiles) in accounts.items()
    ]


def test_new_accounts_go_where_there_is_room_and_are_never_cut() -> None:
    assert assign(sizes(a=(0, 3), b=(1, 1)), {"c": 2, "d": 2, "e": 1}, per_shard=4) == {
        "c": 1,
        "d": 2,
        "e": 0,
    }


def test_an_account_that_is_larger_than_a_shard_has_one_of_its_own() -> None:
    assert assign([], {"big": 9, "small": 1}, per_shard=4) == {"big": 0, "small": 1}


def test_who_is_known_stays_while_a_shard_is_not_too_full() -> None:
    assert rebalance(sizes(a=(0, 2), b=(0, 2), c=(1, 3)), per_shard=4) == {}


@pytest.mark.parametrize(
    ("known", "moves"),
    [
        (sizes(a=(0, 2), b=(0, 2), c=(0, 1)), {"c": 1}),  # too full: the last moves
        (sizes(a=(0, 1), b=(1, 1), c=(2, 1)), {"b": 0, "c": 0}),  # too empty: one shard is enough
        (sizes(a=(7, 2)), {}),  # its number does not matter
    ],
)
def test_shards_that_are_too_full_or_too_empty(known: list[AccountSize], moves: dict[str, int]) -> None:
    assert rebalance(known, per_shard=4) == moves


@example([(0, 1), (0, 5), (1, 1), (2, 1), (3, 1)])
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 5)), max_size=30))
def test_no_shard_is_too_full_and_a_second_look_moves_nothing(rows: list[tuple[int, int]]) -> None:
    known = [
        AccountSize(account_id=f"a{number}", shard=shard, profiles=profiles)
        for number, (shard, profiles) in enumerate(rows)
    ]
    moves = rebalance(known, per_shard=5)
    after = [
        AccountSize(
            account_id=one.account_id, shard=moves.get(one.account_id, one.shard), profiles=one.profiles
        )
        for one in known
    ]
    filled = Counter[int]()
    for one in after:
        filled[one.shard] += one.profiles
    assert all(count <= 5 for count in filled.values())
    assert rebalance(after, per_shard=5) == {}
