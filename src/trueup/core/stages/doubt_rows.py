"""The stage that stands for all later ones where a bot's rows cannot be what their mapping says: each doubt is a break.

Nothing of the books is corrected, inserted or asked for: every repair would be made of the same misreading.
"""

from trueup.core.doubt_mapping import mapping_doubts
from trueup.core.draft.add_alert import add_alert
from trueup.core.draft.draft import Draft
from trueup.model.ids import digest
from trueup.model.vocabulary import BreakKind


def doubt_rows(draft: Draft) -> None:
    """Report each doubt, and alert once."""
    doubts = mapping_doubts(draft.snapshot)
    for doubt in doubts:
        draft.add_break(
            digest(draft.profile.profile_id, "mapping", doubt.reason),
            BreakKind.MAPPING_DOUBTFUL,
            doubt.reason,
            doubt.message,
            ids=(None, None, None),
            symbol=None,
        )
    add_alert(
        draft,
        "mapping_doubtful",
        f"the books cannot be what their mapping says, nothing is judged: {doubts[0].message}",
    )
