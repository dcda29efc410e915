"""Whose an order is must be clear among an account's profiles: each says what it owns, and no two own the same.

One pass over all rules, however many profiles there are: tags and symbols in a table; and of each prefix, the shorter
ones that it begins with are looked up. Must not know what else a profile is configured with.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from trueup.model.errors import ConfigError
from trueup.model.ids import normal_id, symbol_token
from trueup.model.policy import Policy


class Owner(Protocol):
    @property
    def profile_id(self) -> str: ...
    @property
    def policy(self) -> Policy: ...


Clash = tuple[int, int, str]  # the two profiles by their number, the lower first; what both own


def check_ownership(place: str, profiles: Sequence[Owner]) -> None:
    """Raises ConfigError that names the first two profiles which contradict each other; `place`: of their account."""
    if len(profiles) == 1:
        return
    for number, profile in enumerate(profiles):
        if not profile.policy.has_ownership_rule:
            raise ConfigError(
                f"{place}.profiles[{number}].policy: {profile.profile_id!r} shares its account, so it must say which"
                " orders are its own: owned_client_order_id_prefixes, owned_sub_tags or claimed_symbols"
            )
    clashes = [*_same_prefixes(profiles), *_same_words(profiles)]
    if clashes:
        left, right, what = min(clashes, key=lambda clash: clash[:2])
        raise ConfigError(
            f"{place}: profiles {profiles[left].profile_id!r} and {profiles[right].profile_id!r} both own {what}:"
            " an order must belong to one of them"
        )


def _same_words(profiles: Sequence[Owner]) -> Iterator[Clash]:
    rules: tuple[tuple[str, Callable[[Policy], Sequence[str]], Callable[[str], str]], ...] = (
        ("the sub-tag", lambda policy: policy.owned_sub_tags, normal_id),
        ("the symbol", lambda policy: policy.claimed_symbols, symbol_token),
    )
    for what, words_of, comparable in rules:
        owners: dict[str, int] = {}
        for number, profile in enumerate(profiles):
            for word in map(comparable, words_of(profile.policy)):
                first = owners.setdefault(word, number)
                if first != number:
                    yield first, number, f"{what} {word!r}"


def _same_prefixes(profiles: Sequence[Owner]) -> Iterator[Clash]:
    """Two prefixes that one id can begin with. A prefix ends with a token: `bot` does not own `bot2-7`."""
    owners: dict[str, list[int]] = {}
    spelled: dict[str, str] = {}
    for number, profile in enumerate(profiles):
        for prefix in profile.policy.owned_client_order_id_prefixes:
            comparable = prefix.strip().lower()
            spelled.setdefault(comparable, prefix)
            mine = owners.setdefault(comparable, [])
            if number not in mine[-1:]:
                mine.append(number)
    for long, theirs in owners.items():
        for end in range(1, len(long) + 1):
            short = long[:end]
            if short in owners and (end == len(long) or not (short[-1].isalnum() and long[end].isalnum())):
                yield from _clashes(owners[short], theirs, spelled[long])


def _clashes(left: Sequence[int], right: Sequence[int], prefix: str) -> Iterator[Clash]:
    """The first two that are not one profile: of many that own one prefix, one pair says enough."""
    pairs = ((one, other) for one in left[:2] for other in right[:2] if one != other)
    for one, other in pairs:
        yield min(one, other), max(one, other), f"client order ids that begin with {prefix!r}"
