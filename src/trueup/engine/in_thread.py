"""How async code calls the sync ledger: in a thread, and never abandoned half-way."""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs a blocking call in a thread. When cancelled, waits for the call to end first, then lets go.

    A transaction therefore either commits or rolls back before its lease is released.
    """
    in_context = partial(copy_context().run, call, *args, **kwargs)
    work = asyncio.get_running_loop().run_in_executor(None, in_context)
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if not work.done():
            await asyncio.wait([work])
        if not work.cancelled():
            work.exception()  # taken note of: the cancellation goes first
        raise
