"""From the outcome to the plan: the query budget, the findings the next run carries, the plan's id."""

import hashlib
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import astuple

from trueup.core.draft.facts import Facts, Ids, shares_id
from trueup.core.draft.local_side import LocalSide
from trueup.core.draft.outcome import RunOutcome
from trueup.core.draft.venue_side import VenueSide
from trueup.core.draft.want import Want
from trueup.core.trades.order_of_facts import order_by_facts
from trueup.model.facts_of import facts_of
from trueup.model.ids import known_id
from trueup.model.plan import PLAN_FORMAT, Deferral, Plan, Query
from trueup.model.reasons import Reason
from trueup.model.snapshot import Finding
from trueup.model.times import from_ns
from trueup.model.vocabulary import BreakKind, DeferralReason, QuerySide

PLAN_ID_DIGITS = 32
RULES_VERSION = "1"  # raised when the same snapshot may give another plan; part of every plan's id


def finish_plan(facts: Facts, local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> Plan:
    """The plan. Its rows stand as the stages left them, which does not depend on the order of the snapshot's rows;
    those of one trade in the order of the facts.
    """
    queries = _queries(facts, venue, outcome)
    order_by_facts(facts, local, outcome)
    plan = Plan(
        format=PLAN_FORMAT,
        plan_id="",
        profile_id=facts.profile.profile_id,
        taken_at=facts.snapshot.taken_at,
        breaks=outcome.breaks,
        corrections=outcome.corrections,
        projected_orders=local.projected_orders(),
        projected_trades=[local.trades[key] for key in sorted(local.changed_trades)],
        projected_fills=list(local.changed_fills.values()),
        notifications=outcome.notifications,
        queries=queries,
        findings=_findings(facts, local, outcome),
        deferred=sorted(outcome.deferrals, key=_deferral_key),
        alerts=sorted(outcome.alerts, key=lambda one: one.dedupe_key),
        lapsed=sorted(outcome.lapsed),
        result=outcome.build_result(mismatches=_mismatches(local, venue, outcome)),
    )
    return msgspec.structs.replace(plan, plan_id=_plan_id(facts, outcome, plan))


def _mismatches(local: LocalSide, venue: VenueSide, outcome: RunOutcome) -> int:
    """Local orders with a break of status, fill or terms whose venue order is in the open-order read."""
    records = [record for index in outcome.drifted if (record := local.matched[index]) is not None]
    if venue.open_ids is None:
        return len(records)
    venue_ids = [known_id(record.venue_order_id) for record in records]
    return sum(1 for venue_id in venue_ids if venue_id is None or venue.is_open(venue_id))


# -- queries ----------------------------------------------------------------------------------------------------------


def _queries(facts: Facts, venue: VenueSide, outcome: RunOutcome) -> list[Query]:
    """Single-order queries within the budget, longest waiting first; then histories; then the one local question.

    The budget counts the orders asked about: one that was answered absent by one id may be asked by its other id.
    """
    wanted = sorted(outcome.wants.values(), key=lambda want: want.turn)
    budget = facts.policy.queries_max
    followed, first = _split_follow_ups(venue, wanted)
    followed, over = followed[:budget], followed[budget:]
    room = budget - max(len({key for _, key in venue.asked}), len(followed))
    asked = [want.query for want in followed]
    taken: set[Ids] = set()
    for want in first:
        if len(asked) < budget and (want.ids in taken or len(taken) < room):
            taken.add(want.ids)
            asked.append(want.query)
    first = [*over, *first]
    _defer_the_waiting(outcome, followed, first, taken)
    of_ledger = (
        [
            Query(
                side=QuerySide.LOCAL,
                by=None,
                id=None,
                reason=Reason.NOT_KNOWN_LOCALLY,
                ids=[outcome.ledger_ids[key] for key in sorted(outcome.ledger_ids)],
            )
        ]
        if outcome.ledger_ids
        else []
    )
    histories = sorted(outcome.history_queries, key=lambda one: (one.symbol or "", one.since or ""))
    return [*asked, *histories, *of_ledger]


def _split_follow_ups(venue: VenueSide, wanted: list[Want]) -> tuple[list[Want], list[Want]]:
    answered = {key for _, key in venue.asked}
    followed: list[Want] = []
    first: list[Want] = []
    for want in wanted:
        own = {one.strip().lower() for one in want.ids[:2] if one is not None}
        (followed if own & answered else first).append(want)
    return followed, first


def _defer_the_waiting(outcome: RunOutcome, followed: list[Want], first: list[Want], taken: set[Ids]) -> None:
    stated = {(one.client_order_id, one.venue_order_id) for one in outcome.deferrals}
    for want in (*followed, *first):
        ids = want.ids
        if (ids[0], ids[1]) in stated:
            continue
        stated.add((ids[0], ids[1]))
        within = ids in taken or any(ids is one.ids for one in followed)
        reason = DeferralReason.QUERY_OPEN if within else DeferralReason.QUERY_BUDGET
        outcome.deferrals.append(Deferral(reason=reason, client_order_id=ids[0], venue_order_id=ids[1]))
        if not within:
            outcome.unasked[ids[0], ids[1]] = from_ns(want.waited_since_ns[0])


def _deferral_key(one: Deferral) -> tuple[str, str, str]:
    return (one.reason, one.venue_order_id or "", one.client_order_id or "")


# -- findings ---------------------------------------------------------------------------------------------------------


def _findings(facts: Facts, local: LocalSide, outcome: RunOutcome) -> list[Finding]:
    """Every open break, what is deferred, and what earlier runs found of orders that this run did not judge."""
    found = {
        one.break_id: _finding(
            facts,
            outcome,
            one.break_id,
            one.kind,
            (one.client_order_id, one.venue_order_id, one.trade_id),
            outcome.break_versions[one.break_id],
            outcome.confirmations[one.break_id],
        )
        for one in outcome.open_breaks
    }
    for _, break_id, kind, ids, version in outcome.waiting:
        if break_id not in outcome.break_versions:
            prior = facts.prior_of(break_id, kind, ids)
            counted = prior.confirmations if prior is not None and prior.version == version else 0
            found[break_id] = _finding(facts, outcome, break_id, kind, ids, version, counted)
    for break_id, finding in found.items() if outcome.unasked else ():
        if (finding.client_order_id, finding.venue_order_id) in outcome.unasked:
            found[break_id] = _as_last_seen(facts, outcome, finding)
    if facts.snapshot.prior and outcome.deferred_orders:
        for earlier in _kept(facts, local, outcome):
            found.setdefault(earlier.break_id or facts_of(earlier).decode(), earlier)
    for earlier in outcome.kept_findings:
        found.setdefault(earlier.break_id or facts_of(earlier).decode(), earlier)
    return [found[key] for key in sorted(found)]


def _finding(
    facts: Facts,
    outcome: RunOutcome,
    break_id: str,
    kind: BreakKind,
    ids: Ids,
    version: int | None,
    confirmations: int,
) -> Finding:
    prior = facts.prior_of(break_id, kind, ids) if facts.snapshot.prior else None
    fresh = prior is None or break_id in outcome.restarted
    return Finding(
        break_id=break_id,
        kind=kind,
        venue_order_id=ids[1],
        client_order_id=ids[0],
        trade_id=ids[2],
        first_seen_at=facts.snapshot.taken_at if fresh or prior is None else prior.first_seen_at,
        last_seen_at=facts.snapshot.taken_at,
        confirmations=confirmations,
        version=version,
    )


def _as_last_seen(facts: Facts, outcome: RunOutcome, finding: Finding) -> Finding:
    """Not asked for want of budget: it keeps the time it was last judged at, and so its place in the queue."""
    ids = (finding.client_order_id, finding.venue_order_id, finding.trade_id)
    prior = facts.prior_of(finding.break_id or "", finding.kind, ids)
    last_seen_at = outcome.unasked[ids[:2]] if prior is None else prior.last_seen_at
    return msgspec.structs.replace(finding, last_seen_at=last_seen_at)


def _kept(facts: Facts, local: LocalSide, outcome: RunOutcome) -> list[Finding]:
    """Earlier findings of deferred orders, unless this plan says something of them itself."""
    ids = {
        one.strip().lower()
        for index in outcome.deferred_orders
        for one in (local.orders[index].client_order_id, local.orders[index].venue_order_id)
        if one is not None
    }
    kept = []
    for one in facts.prior:
        named = {
            each.strip().lower() for each in (one.client_order_id, one.venue_order_id) if each is not None
        }
        if named & ids and not (one.break_id is None and _is_stated(outcome, one)):
            kept.append(one)
    return kept


def _is_stated(outcome: RunOutcome, one: Finding) -> bool:
    """Whether this plan says itself what it found of an earlier finding that carries no break id."""
    ids = (one.client_order_id, one.venue_order_id, one.trade_id)
    stated = [
        (each.kind, (each.client_order_id, each.venue_order_id, each.trade_id)) for each in outcome.breaks
    ]
    stated += [(kind, theirs) for _, _, kind, theirs, _ in outcome.waiting]
    return any(kind is one.kind and shares_id(theirs, ids) for kind, theirs in stated)


# -- identity ---------------------------------------------------------------------------------------------------------


_BREAK = (attrgetter("break_id", "reason", "severity", "message"),)
_CORRECTION = tuple(map(attrgetter, ("correction_id", "kind", "reason", "fill")))
_NOTIFICATION = (attrgetter("notification_id"),)
_WHOLE_ROW = (astuple,)
_DIGESTED_AT_ONCE = 512  # rows, as many as stay in the processor's cache


def _plan_id(facts: Facts, outcome: RunOutcome, plan: Plan) -> str:
    """Digest of the rules' version, profile, taken_at and the plan's own content.

    Of the many rows it takes what the others do not say: the ids are digests of the profile and the order, with kind,
    version and turn. A corrected break says what its corrections say. Corrections change the projected orders, so their
    figures stand there. Notifications repeat the corrected figures. Column by column, without the keys, which are the
    same.
    """
    many: tuple[tuple[Sequence[Any], tuple[Callable[[Any], Any], ...]], ...] = (
        (outcome.open_breaks, _BREAK),
        (plan.corrections, _CORRECTION),
        (plan.projected_orders, _WHOLE_ROW),
        (plan.projected_trades, _WHOLE_ROW),
        (plan.projected_fills, _WHOLE_ROW),
        (plan.notifications, _NOTIFICATION),
    )
    encode, whole = msgspec.msgpack.Encoder().encode, hashlib.sha256()
    whole.update(encode([RULES_VERSION, facts.profile, plan.taken_at, [len(rows) for rows, _ in many]]))
    for rows, columns in many:
        for start in range(0, len(rows), _DIGESTED_AT_ONCE):
            some = rows[start : start + _DIGESTED_AT_ONCE]
            for column in columns:
                whole.update(encode(list(map(column, some))))
    whole.update(encode([plan.queries, plan.findings, plan.deferred, plan.alerts, plan.result]))
    return whole.hexdigest()[:PLAN_ID_DIGITS]
