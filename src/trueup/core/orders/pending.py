"""What a judgement found and would do, before it is the plan's: breaks and corrections as values.

Which kinds of breaks are drift (of status, fill or terms) stands here, too: they are the result's mismatches.
"""

from typing import Any

from msgspec import Struct

from trueup.model.plan import FillChange, Standing
from trueup.model.reasons import Reason
from trueup.model.vocabulary import (
    BreakKind,
    CorrectionKind,
    Severity,
)

Changes = dict[str, Any]


DRIFT = frozenset(
    {
        BreakKind.STATUS_DRIFT,
        BreakKind.FILL_DRIFT,
        BreakKind.TERMS_DRIFT,
        BreakKind.REOPENED,
        BreakKind.RESURRECTED,
        BreakKind.VENUE_BEHIND,
        BreakKind.OVERFILL,
        BreakKind.PRICE_MISSING,
        BreakKind.AVERAGE_DRIFT,
        BreakKind.FILLS_CONTRADICT,
    }
)  # breaks of status, fill or terms: the result's mismatches, unless they only inform


class PendingBreak(Struct, frozen=True, kw_only=True):
    """A break that is not yet the plan's. `detail` tells two of one kind and order apart."""

    kind: BreakKind
    reason: Reason
    message: str
    local: Changes | None
    venue: Changes | Standing | None
    corrected: bool
    severity: Severity | None
    detail: str
    confirmations: int
    restarted: bool

    @property
    def is_drift(self) -> bool:
        return self.kind in DRIFT and self.severity is not Severity.INFO


class PendingCorrection(Struct, frozen=True):
    """A correction that is not yet the plan's, of the break of that kind and detail."""

    kind: CorrectionKind
    reason: str
    break_kind: BreakKind
    fill: FillChange | None
    changes: Any
    detail: str = ""
