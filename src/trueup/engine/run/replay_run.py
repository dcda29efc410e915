"""Plans a kept run again from its stored snapshot and compares, byte for byte."""

import msgspec
from msgspec import Struct

from trueup.core.make_plan import make_plan
from trueup.model.decode import decode_snapshot
from trueup.model.errors import InputError
from trueup.model.plan import Plan
from trueup.model.snapshot import Snapshot
from trueup.ports.journal import Journal
from trueup.ports.records import RunRecord

_ENCODER = msgspec.json.Encoder(order="deterministic")  # as the journal stores its documents


class Replay(Struct, frozen=True, kw_only=True):
    """`same`: the plan made now is the stored one, byte for byte. `changed`: the plan's keys that differ."""

    run: RunRecord
    snapshot: Snapshot
    stored: bytes
    replayed: bytes
    plan: Plan
    same: bool
    changed: list[str]


def replay_run(journal: Journal, run_id: str) -> Replay:
    """Raises InputError where the run is not kept, or failed before it had a plan."""
    run, snapshot_bytes, stored = journal.load_run(run_id)
    if run.state == "failed":
        raise InputError(f"the run failed and has no plan to compare with: {run.error}", run_id)
    snapshot = decode_snapshot(snapshot_bytes)
    plan = make_plan(snapshot)
    replayed = _ENCODER.encode(plan)
    return Replay(
        run=run,
        snapshot=snapshot,
        stored=stored,
        replayed=replayed,
        plan=plan,
        same=stored == replayed,
        changed=_changed(stored, replayed),
    )


def _changed(stored: bytes, replayed: bytes) -> list[str]:
    if stored == replayed:
        return []
    before, after = msgspec.json.decode(stored), msgspec.json.decode(replayed)
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
