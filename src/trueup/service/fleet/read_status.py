"""What a fleet's database and its broker say, together; a broker that does not answer is part of the answer."""

from trueup.engine.in_thread import in_thread
from trueup.fleet.broker import BrokerGone, BrokerState
from trueup.ports.ledger import Ledger
from trueup.service.fleet.open_fleet import open_broker
from trueup.service.load_config import LoadedConfig
from trueup.service.views.fleet import FleetView, read_fleet


async def read_status(loaded: LoadedConfig, ledger: Ledger) -> FleetView:
    """Raises LedgerError, ConfigError."""
    state: BrokerState | None = None
    fault: str | None = None
    try:
        broker = await open_broker(loaded)
        try:
            state = await broker.state()
        finally:
            await broker.aclose()
    except BrokerGone as gone:
        fault = str(gone)
    return await in_thread(read_fleet, ledger, loaded.config.service.interval_s, state, fault)
