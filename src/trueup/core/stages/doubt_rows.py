"""The stage that stands for all later ones where a bot's rows cannot be what their mapping says: each doubt is a break.

Nothing of the books is corrected, inserted or asked for: every repair would be made of the same misreading.
"""

from trueup.core.doubts.doubt_mapping import mapping_doubts
from trueup.core.draft.add_alert import add_alert
from trueup.core.draft.facts import Facts
from trueup.core.draft.outcome import RunOutcome
from trueup.model.ids import digest
from trueup.model.vocabulary import BreakKind


def doubt_rows(facts: Facts, outcome: RunOutcome) -> None:
    """Report each doubt, and alert once."""
    doubts = mapping_doubts(facts.snapshot)
    for doubt in doubts:
        outcome.add_break(
            digest(facts.profile.profile_id, "mapping", doubt.reason),
            BreakKind.MAPPING_DOUBTFUL,
            doubt.reason,
            doubt.message,
            ids=(None, None, None),
            symbol=None,
        )
    add_alert(
        facts,
        outcome,
        "mapping_doubtful",
        f"the books cannot be what their mapping says, nothing is judged: {doubts[0].message}",
    )
