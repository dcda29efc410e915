"""One of several processes that count upwards in the same profiles: run by the race.

Usage: race_worker URL ACCOUNTS ROUNDS LEASE_S RUN_MAX_S SEED [fence]. In each round it acquires an account, reads the
count that its profile remembers, takes its time, and commits the next one. Prints what became of the rounds, as JSON.
With `fence` the fence is removed.
"""

import json
import random
import sys
import time
from collections import Counter

from tests.postgres.sabotage import WITHOUT
from trueup.engine.holder import new_holder
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.model.errors import FenceLost
from trueup.model.plan import PLAN_FORMAT, Plan
from trueup.model.snapshot import SNAPSHOT_FORMAT, Finding, Local, Profile, Snapshot
from trueup.model.vocabulary import BreakKind
from trueup.ports.records import Lease

PAUSE_S = 0.002  # after a contention


def profile_of(number: int) -> Profile:
    return Profile(profile_id=f"p-{number}", account_id=f"acc-{number}")


def main(url: str, accounts: int, rounds: int, lease_s: float, run_max_s: float, seed: int) -> Counter[str]:
    ledger, dice, counts = open_postgresql(url), random.Random(seed), Counter[str]()
    while counts["committed"] + counts["refused"] < rounds:
        profile = profile_of(dice.randrange(accounts))
        lease = ledger.journal.acquire_lease(profile.account_id or "", new_holder(), lease_s)
        if lease is None:
            counts["contended"] += 1
            time.sleep(PAUSE_S)
            continue
        counts[
            "committed" if count_up(ledger, lease, profile, dice.uniform(0, run_max_s)) else "refused"
        ] += 1
    ledger.close()
    return counts


def count_up(ledger: SqlLedger, lease: Lease, profile: Profile, takes_s: float) -> bool:
    now = ledger.now()
    known = count_of(ledger, profile.profile_id)
    time.sleep(takes_s)
    finding = Finding(
        kind=BreakKind.FILL_DRIFT,
        first_seen_at=now,
        last_seen_at=now,
        confirmations=known + 1,
        break_id="count",
    )
    plan = Plan(
        format=PLAN_FORMAT, plan_id="", profile_id=profile.profile_id, taken_at=now, findings=[finding]
    )
    snapshot = Snapshot(format=SNAPSHOT_FORMAT, taken_at=now, profile=profile, local=Local())
    try:
        ledger.commit_run(lease, snapshot, plan, state="applied")
    except FenceLost:
        return False
    ledger.journal.release_lease(lease, {})
    return True


def count_of(ledger: SqlLedger, profile_id: str) -> int:
    prior = ledger.journal.profile_states([profile_id])[profile_id].prior
    return prior[0].confirmations if prior else 0


if __name__ == "__main__":
    if sys.argv[7:]:
        WITHOUT[sys.argv[7]]()
    done = main(
        sys.argv[1],
        int(sys.argv[2]),
        int(sys.argv[3]),
        float(sys.argv[4]),
        float(sys.argv[5]),
        int(sys.argv[6]),
    )
    print(json.dumps(done))
