"""Runs coroutine tests, each with a bench of its own, for every venue."""

import asyncio
import inspect
from typing import Any

import pytest

from tests.contract.venues.bench import BENCHES


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest) -> Any:
    """Its async context is entered by the test's own event loop."""
    return BENCHES[request.param]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    asyncio.run(_run(pyfuncitem.obj, arguments))
    return True


async def _run(test: Any, arguments: dict[str, Any]) -> None:
    if "bench" not in arguments:
        await test(**arguments)
        return
    async with arguments.pop("bench")() as opened:
        await test(bench=opened, **arguments)
