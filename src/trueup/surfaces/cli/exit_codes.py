"""What trueup's exit codes mean, and which of several is the worst. Errors carry theirs (`model.errors`)."""

from collections.abc import Iterable

IN_SYNC = 0
FAILURE = 1
BREAKS = 2
INCOMPLETE = 3
LEASED_ELSEWHERE = 11
BAD_CREDENTIALS = 12
UNREACHABLE = 13

_WORST_FIRST = (FAILURE, BAD_CREDENTIALS, UNREACHABLE, LEASED_ELSEWHERE, BREAKS, INCOMPLETE, IN_SYNC)


def worst(codes: Iterable[int]) -> int:
    return min(codes, key=_WORST_FIRST.index, default=IN_SYNC)
