"""One worker at the command line, with what it answers over HTTP: for `trueup fleet worker`, and for `trueup run`
where the accounts stand in the database's roster.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from trueup.surfaces.cli.terminal import say

if TYPE_CHECKING:
    from trueup.fleet.broker import Broker
    from trueup.fleet.worker import FleetWorker
    from trueup.service.load_config import LoadedConfig
    from trueup.service.metrics import Metrics


def work_roster(
    loaded: "LoadedConfig",
    *,
    name: str | None = None,
    http: str | None = None,
    broker: "Broker | None" = None,
) -> None:
    """Until SIGTERM, Ctrl-C or a drain. `http`: where it answers. `broker`: in place of the configured one."""
    from trueup.service.fleet.run_worker import run_worker
    from trueup.service.logs import set_up_logs

    set_up_logs()
    if http is None:
        asyncio.run(run_worker(loaded, name=name, broker=broker))
        return
    from trueup.service.metrics import Metrics

    metrics = Metrics()
    answering = partial(_answering, http, metrics)
    asyncio.run(run_worker(loaded, name=name, metrics=metrics, answering=answering, broker=broker))


@asynccontextmanager
async def _answering(http: str, metrics: "Metrics", worker: "FleetWorker") -> "AsyncIterator[None]":
    from trueup.surfaces.web.bounded import KnownHosts, bound_names
    from trueup.surfaces.web.status_app import make_worker_app, parse_address, serving

    app = KnownHosts(make_worker_app(metrics, worker.says), bound_names(parse_address(http)[0]))
    async with serving(app, http) as address:
        say(f"http://{address}/healthz, /metrics")
        yield
