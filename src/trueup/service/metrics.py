"""Every metric of trueup, with its labels: nothing else defines one. No ids as labels.

Counters grow with each account's report; gauges show the last run of every profile, summed. docs/reference/metrics.md
lists them all.
"""

import math
from collections import Counter as Count
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from trueup.engine.run.account import AccountReport, ProfileReport, RunState
from trueup.fleet.worker import WorkerSays
from trueup.model.plan import Result
from trueup.service.health import Health

RUN_BUCKETS_S = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # in sync: 0.03; the read time-out: 30
LATENESS_BUCKETS_S = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one process. Its registry is its own: a host's other metrics stay apart."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._last: dict[str, ProfileReport] = {}
        self._runs = Counter(
            "trueup_runs", "Runs of profiles, by how they ended.", ["state"], registry=registry
        )
        self._duration = Histogram(
            "trueup_run_duration_seconds", "Runs of accounts.", buckets=RUN_BUCKETS_S, registry=registry
        )
        self._corrections = Counter("trueup_corrections", "Applied corrections.", ["kind"], registry=registry)
        self._superseded = Counter("trueup_corrections_superseded", "Rows had moved.", registry=registry)
        self._queries = Counter(
            "trueup_queries", "Single orders asked of venues.", ["outcome"], registry=registry
        )
        self._reads = Counter(
            "trueup_reads", "Listings read of venues.", ["read", "state"], registry=registry
        )
        self._contentions = Counter("trueup_lease_contentions", "Leases held elsewhere.", registry=registry)
        self._failing = Gauge(
            "trueup_accounts_failing", "Accounts that back off: nothing could be judged.", registry=registry
        )
        self._failures = Gauge(
            "trueup_account_failures_max",
            "Runs in a row that could judge nothing, of the account with most.",
            registry=registry,
        )
        self._failing_for = Gauge(
            "trueup_account_failing_seconds_max",
            "Of the account that fails longest; 0: none does.",
            registry=registry,
        )
        self._breaks = Gauge("trueup_breaks", "Breaks in the last runs.", ["kind"], registry=registry)
        self._deferred = Gauge(
            "trueup_deferred", "Orders deferred in the last runs.", ["reason"], registry=registry
        )
        self._lateness = Histogram(
            "trueup_lateness_seconds",
            "How late a fleet's worker began the run of an account.",
            buckets=LATENESS_BUCKETS_S,
            registry=registry,
        )
        self._stretch = Gauge(
            "trueup_fleet_stretch", "How many times as long intervals are.", registry=registry
        )
        self._degraded = Gauge("trueup_fleet_degraded", "1 where the broker is gone.", registry=registry)
        self._starved = Gauge(
            "trueup_fleet_starved_shards", "Passed over, found at the last look.", registry=registry
        )
        self._parity = Gauge(
            "trueup_parity_mismatch_notional_usd", "Summed; NaN: not known.", registry=registry
        )
        self._age = Gauge(
            "trueup_last_complete_run_age_seconds",
            "Of the profile that waits longest; +Inf: never.",
            registry=registry,
        )
        self._ready = Gauge("trueup_ready", "1 where every profile is ready.", registry=registry)
        self._waiting = Gauge("trueup_outbox_waiting", "Notifications not yet taken.", registry=registry)
        self._parked = Gauge("trueup_outbox_parked", "Notifications refused too often.", registry=registry)
        self._oldest = Gauge("trueup_outbox_oldest_age_seconds", "Of the waiting ones.", registry=registry)

    def note(self, report: AccountReport, seconds: float) -> None:
        """Takes one run of an account."""
        self._duration.observe(seconds)
        if report.contended:
            self._contentions.inc()
        for profile in report.profiles:
            self._runs.labels(profile.state.value).inc()
            if profile.plan is not None:
                self._last[profile.profile_id] = profile
                self._note_profile(profile)

    def note_late(self, seconds: float) -> None:
        """How long after its due time a run of an account began."""
        self._lateness.observe(seconds)

    def note_worker(self, says: WorkerSays) -> None:
        """How a fleet's worker fares."""
        self._stretch.set(says.stretch)
        self._degraded.set(says.degraded is not None)
        self._starved.set(says.starved)

    def render(self, health: Health | None) -> bytes:
        """The text that Prometheus reads. `health` null: a fleet's worker, which knows its own accounts only."""
        self._show_last_runs()
        if health is None:
            return generate_latest(self.registry)
        self._age.set(max((one.age_s for one in health.profiles if not one.paused), default=0))
        self._ready.set(health.ready)
        self._failing.set(len(health.failing))
        self._failures.set(max((one.failures for one in health.failing), default=0))
        self._failing_for.set(max((one.failing_for_s for one in health.failing), default=0))
        self._waiting.set(health.outbox.waiting)
        self._parked.set(health.outbox.parked)
        self._oldest.set(health.outbox.oldest_age_s)
        return generate_latest(self.registry)

    def _note_profile(self, profile: ProfileReport) -> None:
        if profile.snapshot is not None:
            venue = profile.snapshot.venue
            for read, state in (
                ("open_orders", venue.open_orders.state),
                ("history", venue.history.state),
                ("positions", venue.positions.state),
            ):
                self._reads.labels(read, state.value).inc()
            for answer in venue.answers:
                self._queries.labels(answer.outcome.value).inc()
        if profile.plan is None or profile.applied is None or profile.state is not RunState.APPLIED:
            return
        self._superseded.inc(profile.applied.superseded)
        dropped = set(profile.applied.superseded_ids)
        for correction in profile.plan.corrections:
            if correction.correction_id not in dropped:
                self._corrections.labels(correction.kind.value).inc()

    def _show_last_runs(self) -> None:
        self._breaks.clear()
        self._deferred.clear()
        plans = [one.plan for one in self._last.values() if one.plan is not None]
        for kind, count in Count(one.kind.value for plan in plans for one in plan.breaks).items():
            self._breaks.labels(kind).set(count)
        for reason, count in Count(one.reason.value for plan in plans for one in plan.deferred).items():
            self._deferred.labels(reason).set(count)
        self._parity.set(sum(_notionals(plan.result for plan in plans)))


def _notionals(results: Iterator[Result]) -> Iterator[float]:
    """Shown, never reckoned with: a float is good enough here."""
    for result in results:
        total = result.parity.total_mismatch_notional_usd
        yield math.nan if total is None else float(total)
