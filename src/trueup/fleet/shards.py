"""Cuts the accounts of the roster into shards: which accounts one message dispatches.

Rules: an account is never cut; a shard has at most so many profiles, unless one account alone has more; an account
stays where it is while its shard is not too full, so that few schedules change; where the shards stand half empty,
the emptiest are given up. A function of the roster alone. Must not know who runs a shard, or when.
"""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from trueup.ports.roster import AccountSize

PROFILES_PER_SHARD = 200  # one message a shard: at a million profiles 5,000 of them an interval
FILL_LEAST = 0.5  # below that the emptiest shards are given up
LOOKS_MAX = 4  # by then nothing moves any more: of 390,000 random rosters none moved in more than two


def assign(known: Iterable[AccountSize], new: Mapping[str, int], per_shard: int) -> dict[str, int]:
    """Shards for new accounts (by id: how many profiles); those that are known stay where they are."""
    room = _Room(per_shard)
    for one in known:
        room.fill(one.shard, one.profiles)
    return {account_id: room.place(new[account_id]) for account_id in sorted(new)}


def rebalance(known: Iterable[AccountSize], per_shard: int) -> dict[str, int]:
    """The accounts that move, with their new shards; empty where all is well, and so where these have moved."""
    accounts = list(known)
    before = {one.account_id: one.shard for one in accounts}
    for _ in range(LOOKS_MAX):  # what leaves a shard that is too full may leave others too empty
        moves = _moves(accounts, per_shard)
        accounts = [replace(one, shard=moves.get(one.account_id, one.shard)) for one in accounts]
    return {one.account_id: one.shard for one in accounts if before[one.account_id] != one.shard}


def _moves(known: Iterable[AccountSize], per_shard: int) -> dict[str, int]:
    accounts = sorted(known, key=lambda one: (one.shard, one.account_id))
    room, staying, moving = _Room(per_shard), list[AccountSize](), list[AccountSize]()
    given_up = _to_give_up(accounts, per_shard)
    for one in accounts:
        if one.shard not in given_up and room.fits(one.shard, one.profiles):
            room.fill(one.shard, one.profiles)
            staying.append(one)
        else:
            moving.append(one)
    moving.sort(key=lambda one: (-one.profiles, one.account_id))
    placed = {one.account_id: room.place(one.profiles) for one in moving}
    was = {one.account_id: one.shard for one in moving}
    return {account_id: shard for account_id, shard in placed.items() if was[account_id] != shard}


def _to_give_up(accounts: Iterable[AccountSize], per_shard: int) -> set[int]:
    """The emptiest shards, where all accounts would fit into half as many."""
    filled: dict[int, int] = {}
    for one in accounts:
        filled[one.shard] = filled.get(one.shard, 0) + one.profiles
    total = sum(min(one, per_shard) for one in filled.values())
    needed = max(1, -(-total // per_shard))
    if needed >= FILL_LEAST * len(filled):
        return set()
    emptiest = sorted(filled, key=lambda shard: (filled[shard], -shard))
    return set(emptiest[: len(filled) - needed])


class _Room:
    """How full each shard is."""

    def __init__(self, per_shard: int) -> None:
        self._per_shard = per_shard
        self._filled: dict[int, int] = {}
        self._first = 0  # shards before it have no room for a single profile

    def fits(self, shard: int, profiles: int) -> bool:
        filled = self._filled.get(shard, 0)
        return filled == 0 or filled + profiles <= self._per_shard

    def fill(self, shard: int, profiles: int) -> None:
        self._filled[shard] = self._filled.get(shard, 0) + profiles

    def place(self, profiles: int) -> int:
        """The first shard that has room."""
        while self._filled.get(self._first, 0) >= self._per_shard:
            self._first += 1
        shard = self._first
        while not self.fits(shard, profiles):
            shard += 1
        self.fill(shard, profiles)
        return shard
