"""A plan as JSON, encoded once: its breaks and notifications are journal rows and parts of the kept plan. Pure."""

from msgspec import Raw
from msgspec.structs import replace

from trueup.ledgers.journal.journal_rows import encode
from trueup.model.plan import Plan


class PlanTexts:
    """`breaks`, `notifications`: the plan's lists."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.breaks = encode(plan.breaks)
        self.notifications = encode(plan.notifications)

    def document(self) -> bytes:
        """The plan, canonical: as if it were encoded whole."""
        lists = {"breaks": Raw(self.breaks), "notifications": Raw(self.notifications)}
        return encode(replace(self._plan, **lists))
