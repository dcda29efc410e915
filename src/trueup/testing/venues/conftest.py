"""Runs each test for every venue that `trueup_venues` names; a bench is opened inside the test's own event loop."""

import asyncio
import inspect
from typing import Any

import pytest

from trueup.testing.plugin import parametrize


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, "bench", "trueup_venues")


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
