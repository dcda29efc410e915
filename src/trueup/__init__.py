"""trueup keeps a trading bot's books true.

The public names below are imported when they are first used, so that `import trueup` loads no SQL, HTTP or web code.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from trueup.core.make_plan import make_plan as make_plan
    from trueup.engine.recorder.recorder import Recorder as Recorder
    from trueup.engine.run.account import AccountReport as AccountReport
    from trueup.engine.run.account import ManagedAccount as ManagedAccount
    from trueup.engine.run.account import ManagedProfile as ManagedProfile
    from trueup.engine.run.account import ProfileReport as ProfileReport
    from trueup.engine.run.run_account import reconcile_account as reconcile_account
    from trueup.model.decode import decode_plan as decode_plan
    from trueup.model.decode import decode_snapshot as decode_snapshot
    from trueup.model.errors import TrueupError as TrueupError
    from trueup.model.plan import Plan as Plan
    from trueup.model.policy import Policy as Policy
    from trueup.model.snapshot import Snapshot as Snapshot
    from trueup.service.load_config import load_config as load_config
    from trueup.service.open_accounts import open_accounts as open_accounts
    from trueup.service.ready import NotReady as NotReady
    from trueup.service.ready import ready as ready
    from trueup.service.scheduler import Service as Service

_PUBLIC = {
    "AccountReport": "trueup.engine.run.account",
    "ManagedAccount": "trueup.engine.run.account",
    "ManagedProfile": "trueup.engine.run.account",
    "NotReady": "trueup.service.ready",
    "Plan": "trueup.model.plan",
    "Policy": "trueup.model.policy",
    "ProfileReport": "trueup.engine.run.account",
    "Recorder": "trueup.engine.recorder.recorder",
    "Service": "trueup.service.scheduler",
    "Snapshot": "trueup.model.snapshot",
    "TrueupError": "trueup.model.errors",
    "decode_plan": "trueup.model.decode",
    "decode_snapshot": "trueup.model.decode",
    "load_config": "trueup.service.load_config",
    "make_plan": "trueup.core.make_plan",
    "open_accounts": "trueup.service.open_accounts",
    "ready": "trueup.service.ready",
    "reconcile_account": "trueup.engine.run.run_account",
}


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'trueup' has no attribute {name!r}")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
