"""A venue's answer within its time, or why there is none: a read that failed says so, and nothing is raised.

Also the one question that comes before the local reads: books that snap their amounts are told the instruments.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from trueup.engine.run.account import ManagedAccount
from trueup.engine.run.slots import waiting
from trueup.model.errors import AuthError, VenueError
from trueup.model.vocabulary import ReadFault
from trueup.ports.foreign_books import SnappingBooks

T = TypeVar("T")
F = TypeVar("F")


async def tell_instruments(account: ManagedAccount) -> None:
    """To books that snap their amounts, before they are read at all; where the venue does not answer in the time of one
    question they are read without, and read anew by the run that was told."""
    if all(books.knows_instruments for books in snapping(account)):
        return
    async with waiting():
        told = await in_time(account.venue.instruments(), as_it_is, account.query_timeout_s)
    if not isinstance(told, NoAnswer):
        for books in snapping(account):
            books.know_instruments(told)


def snapping(account: ManagedAccount) -> list[SnappingBooks]:
    return [books for books in account.foreign if isinstance(books, SnappingBooks)]


class NoAnswer(Struct, frozen=True):
    """Why a read has no answer, in words and by kind."""

    error: str
    fault: ReadFault = ReadFault.UNREACHABLE


def as_it_is(fault: NoAnswer) -> NoAnswer:
    return fault


async def in_time(read: Awaitable[T], failed: Callable[[NoAnswer], F], timeout_s: float) -> T | F:
    """A venue's answer within its time, or what `failed` makes of the reason why there is none."""
    try:
        async with asyncio.timeout(timeout_s):
            return await read
    except TimeoutError:
        return failed(NoAnswer(f"no answer within {timeout_s:g} s"))
    except AuthError as error:
        return failed(NoAnswer(f"{type(error).__name__}: {error}", ReadFault.CREDENTIALS))
    except VenueError as error:
        return failed(NoAnswer(f"{type(error).__name__}: {error}"))
