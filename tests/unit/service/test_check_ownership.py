"""Which profiles of an account contradict each other: as a pair by pair comparison says, in one pass."""

import time
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from trueup.model.errors import ConfigError
from trueup.model.policy import Policy
from trueup.service.check_ownership import check_ownership
from trueup.service.config import AccountConfig, Config, ProfileConfig
from trueup.service.explain_config import explain_config
from trueup.service.load_config import LoadedConfig

PREFIX = st.text(alphabet="ab-", min_size=1, max_size=4)
COUNT = 3_000


class Owner(Struct):
    profile_id: str
    policy: Policy


def owns_both(left: str, right: str) -> bool:
    """Whether one id can begin with both, token by token."""
    short, long = sorted((left, right), key=len)
    rest = long[len(short) :]
    return long.startswith(short) and not (rest and short[-1].isalnum() and rest[0].isalnum())


@given(st.lists(st.lists(PREFIX, min_size=1, max_size=3), min_size=2, max_size=5))
def test_the_first_two_that_overlap_are_named(rules: list[list[str]]):
    owners = [
        Owner(f"p{number}", Policy(owned_client_order_id_prefixes=tuple(mine)))
        for number, mine in enumerate(rules)
    ]
    expected = next(
        (
            (left, right)
            for left, right in combinations(range(len(rules)), 2)
            if any(owns_both(one, other) for one in rules[left] for other in rules[right])
        ),
        None,
    )
    if expected is None:
        check_ownership("accounts[0]", owners)
        return
    with pytest.raises(ConfigError, match=f"profiles 'p{expected[0]}' and 'p{expected[1]}' both own"):
        check_ownership("accounts[0]", owners)


def test_thousands_of_profiles_are_checked_and_shown_in_a_second_each():
    """Pair by pair it took more than ten."""
    profiles = [
        ProfileConfig(profile_id=f"p{number}", policy=Policy(owned_client_order_id_prefixes=(f"p{number}-",)))
        for number in range(COUNT)
    ]
    began = time.process_time()
    check_ownership("accounts[0]", profiles)
    checked = time.process_time()
    assert checked - began < 1
    config = Config(accounts=[AccountConfig(account_id="a", venue="files", profiles=profiles)])
    sources = {
        f"accounts[0].profiles[{number}].policy.corrections_max": "trueup.toml" for number in range(COUNT)
    }
    loaded = LoadedConfig(config=config, path=None, folder=".", sources=sources)
    shown = explain_config(loaded, {})
    assert sum(one.source == "trueup.toml" for one in shown) == COUNT
    assert time.process_time() - checked < 10
