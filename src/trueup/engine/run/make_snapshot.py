"""One profile's snapshot, of what was read locally and at the venue: what its plan is made from.

Checked by the same rules as a document. What a person said the owner holds takes the place of what is configured.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from trueup.engine.run.account import ManagedProfile
from trueup.engine.run.observe_local import LocalReads
from trueup.model.check_snapshot import check_snapshot
from trueup.model.checked_rows import CheckedRows
from trueup.model.ids import symbol_token
from trueup.model.policy import Policy
from trueup.model.snapshot import (
    SNAPSHOT_FORMAT,
    Decision,
    Instrument,
    Local,
    Snapshot,
    Venue,
)
from trueup.model.times import to_ns
from trueup.model.vocabulary import DecisionKind


def make_snapshot(
    managed: ManagedProfile,
    local: LocalReads,
    venue: Venue,
    instruments: list[Instrument],
    taken_at: str,
    checked: CheckedRows | None = None,
) -> Snapshot:
    """One profile's snapshot, checked by the same rules as a document. Raises InputError for an unusable value."""
    locals_ = local.locals.get(managed.profile_id, Local(read_at=local.sent_at))
    snapshot = Snapshot(
        format=SNAPSHOT_FORMAT,
        taken_at=taken_at,
        profile=managed.profile,
        policy=with_baselines(managed.policy, locals_.decisions),
        instruments=instruments,
        local=locals_,
        venue=venue,
        prior=local.remembered[managed.profile_id].state.prior,
    )
    return check_snapshot(snapshot, checked)


def with_baselines(policy: Policy, decisions: Sequence[Decision]) -> Policy:
    """What a person said the owner holds takes the place of what is configured for that symbol; the latest counts."""
    said = [one for one in decisions if one.kind is DecisionKind.SET_BASELINE and one.symbol and one.qty]
    if not said:
        return policy
    baseline = dict(policy.position_baseline)
    for one in sorted(said, key=lambda each: (to_ns(each.decided_at), each.decision_id)):
        token = symbol_token(one.symbol or "")
        baseline = {symbol: qty for symbol, qty in baseline.items() if symbol_token(symbol) != token}
        baseline[one.symbol or ""] = one.qty or "0"
    return replace(policy, position_baseline=baseline)
