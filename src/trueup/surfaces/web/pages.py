"""What each address shows: a template and the values of a view. Reads only; the same values answer as JSON at /api/….

Sync, for a thread. Raises InputError for what is not there, LedgerError where the journal cannot be read.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request

from trueup.engine.people.decide import owners_of
from trueup.engine.people.explain import Explanation, explain
from trueup.engine.people.undone_decisions import standing_undos
from trueup.engine.run.replay_run import replay_run
from trueup.model.at_stake import at_stake
from trueup.model.decode import decode_plan, decode_snapshot
from trueup.model.errors import InputError
from trueup.model.money import amount
from trueup.model.snapshot import Fill
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import Severity
from trueup.ports.records import BreakRecord
from trueup.service.config import OBJECTIVE_INTERVALS
from trueup.service.views.books_at import books_at
from trueup.service.views.correction import changes_of, subject_of
from trueup.service.views.cost import DriftCost, read_cost
from trueup.service.views.drift import DAYS_SHOWN, drift_by_day
from trueup.service.views.fleet import read_fleet
from trueup.service.views.overview import Overview, read_overview
from trueup.service.views.story import events, venue_snapshots
from trueup.surfaces.web.actions import Desk
from trueup.surfaces.web.forms import TOLD, whole_number
from trueup.surfaces.web.render import others

ROWS_MAX = 200  # of one page; the rest is asked for
RUNS_SHOWN = 100
COST_DAYS = 30
COST_DAYS_MAX = 3650

Page = tuple[str, Mapping[str, Any]]


def overview_part(desk: Desk, wanted: str | None, number: str) -> Page:
    """Of the overview, what changes: of all profiles or of those in one state, by pages."""
    found = read_overview(desk.ledger, desk.objective_s)
    profiles = [one for one in found.profiles if wanted in (None, one.sync.value)]
    asked = {"sync": wanted, "page": number}
    live = "/live?" + urlencode({name: value for name, value in asked.items() if value})
    values = {"view": found, "wanted": wanted, "live": live}
    values["others"] = urlencode({"sync": wanted} if wanted else {})
    return "overview_live.html", values | _page_of(number, profiles, "profiles")


def overview_data(desk: Desk, _: Request) -> Overview:
    return read_overview(desk.ledger, desk.objective_s)


def breaks_data(desk: Desk, request: Request) -> list[BreakRecord]:
    asked = request.query_params
    records = desk.ledger.journal.list_breaks(asked.get("profile"), open_only=asked.get("all") is None)
    severity, kind = asked.get("severity"), asked.get("kind")
    kept = [
        one
        for one in records
        if severity in (None, "", one.found.severity.value, _above_info(one))
        and kind in (None, "", one.found.kind.value)
        and asked.get("day") in (None, "", one.first_seen_at[:10])
    ]
    if wanted := asked.get("owner"):
        owners = owners_of(desk.ledger, asked.get("profile"))
        kept = [one for one in kept if owners.get(one.found.break_id) == wanted]
    rank = {Severity.ERROR: 0, Severity.WARN: 1, Severity.INFO: 2}
    return sorted(kept, key=lambda one: (rank[one.found.severity], one.first_seen_at, one.found.break_id))


def _above_info(record: BreakRecord) -> str | None:
    return None if record.found.severity is Severity.INFO else "drift"


def breaks(desk: Desk, request: Request) -> Page:
    records = breaks_data(desk, request)
    now_ns = to_ns(desk.ledger.now())
    shown = _paged(request, records, "records")
    owners = owners_of(desk.ledger)
    rows = [
        {
            "record": one,
            "age_s": (now_ns - to_ns(one.first_seen_at)) / 1e9,
            "at_stake": at_stake(one.found),
            "owner": owners.get(one.found.break_id),
        }
        for one in shown["records"]
    ]
    kinds = sorted({one.found.kind.value for one in records})
    names = sorted(set(owners.values()))
    return "breaks.html", {
        **shown,
        "rows": rows,
        "kinds": kinds,
        "asked": request.query_params,
        "owners": names,
    }


def order(desk: Desk, request: Request) -> Page:
    found = explain(desk.ledger, request.path_params["reference"], request.query_params.get("profile"))
    stories = []
    for one in found:
        snapshots = venue_snapshots(desk.ledger, one)
        stories.append({"story": one, "events": events(one, snapshots), "fills": _fills(desk, one)})
    if found[0].run is not None:
        return run(desk, request)
    return "story.html", {"reference": request.path_params["reference"], "stories": stories}


def _fills(desk: Desk, story: Explanation) -> list[Fill]:
    if story.order is None:
        return []
    homes = {one.profile_id: one.account_id for one in desk.ledger.journal.list_profiles()}
    booked, _ = desk.ledger.books.related(homes.get(story.profile_id) or "", story.profile_id, [story.order])
    return [one for one in booked if amount(one.qty) > 0][:ROWS_MAX]


def order_data(desk: Desk, request: Request) -> Any:
    return explain(desk.ledger, request.path_params["reference"], request.query_params.get("profile"))


def runs(desk: Desk, request: Request) -> Page:
    profile = request.query_params.get("profile")
    return "runs.html", {"runs": desk.ledger.journal.list_runs(profile, RUNS_SHOWN), "profile": profile}


def run(desk: Desk, request: Request) -> Page:
    run_id = request.path_params["reference"]
    record, snapshot, document = desk.ledger.journal.load_run(run_id)
    replayed = None
    if request.query_params.get("replay") is not None and record.state != "failed":
        replayed = replay_run(desk.ledger.journal, run_id)
    plan = None if record.state == "failed" else decode_plan(document)
    values = {"record": record, "plan": plan, "snapshot": decode_snapshot(snapshot), "replayed": replayed}
    return "run.html", values


def preview(desk: Desk, request: Request) -> Page:
    report = desk.previews.get(request.path_params["reference"])
    if report is None or report.plan is None:
        raise InputError("this plan is not kept any more: make it anew from the profile's page", "plan")
    return "plan.html", {"report": report, "plan": report.plan, "snapshot": report.snapshot}


def correction(desk: Desk, request: Request) -> Page:
    made = desk.corrections.get(request.path_params["reference"])
    if made is None:
        raise InputError("this correction is not kept any more: make it anew", "correction")
    return "correction.html", {"made": made, "lines": changes_of(made)}


def profile(desk: Desk, request: Request) -> Page:
    profile_id = request.path_params["reference"]
    found = read_overview(desk.ledger, desk.objective_s)
    views = [one for one in found.profiles if one.profile_id == profile_id]
    if not views:
        raise InputError(f"no profile {profile_id!r} is recorded", "profile")
    journal = desk.ledger.journal
    return "profile.html", {
        "view": views[0],
        "breaks": journal.list_breaks(profile_id)[:ROWS_MAX],
        "untold": journal.pending_notifications(ROWS_MAX, [profile_id]),
        "deferrals": journal.list_deferrals(profile_id)[:ROWS_MAX],
        "runs": journal.list_runs(profile_id, 20),
        "alerts": [one for one in found.alerts if one.profile_id == profile_id],
        "quarantined": desk.ledger.books.quarantined_trades(profile_id),
        "is_managed": any(profile_id in account.profile_ids for account in desk.accounts),
        "drift": drift_by_day(journal.list_breaks(profile_id, open_only=False), [profile_id], _days(desk)),
    }


def drift(desk: Desk, request: Request) -> Page:
    known = [one.profile_id for one in desk.ledger.journal.list_profiles()]
    records = desk.ledger.journal.list_breaks(None, open_only=False)
    return "drift.html", {
        "drift": drift_by_day(records, known[:ROWS_MAX], _days(desk)),
        "more": len(known) - ROWS_MAX,
    }


def cost_data(desk: Desk, request: Request) -> DriftCost:
    since = from_ns(to_ns(desk.ledger.now()) - _cost_days(request) * 86_400 * NS_PER_S)
    return read_cost(desk.ledger, since, request.query_params.get("profile") or None)


def _cost_days(request: Request) -> int:
    days = whole_number(request.query_params.get("days", ""))
    return min(days, COST_DAYS_MAX) if days else COST_DAYS


def cost(desk: Desk, request: Request) -> Page:
    found, asked = cost_data(desk, request), request.query_params
    chosen = [asked[key] for key in ("cause", "day") if key in asked]
    repairs = [
        one
        for one in found.repairs
        if asked.get("cause") in (None, one.cause.value) and asked.get("day") in (None, one.repaired_at[:10])
    ]
    values = {"cost": found, "days": _cost_days(request), "repairs": repairs, "chosen": ", ".join(chosen)}
    return "cost.html", values


def books(desk: Desk, request: Request) -> Page:
    known = [one.profile_id for one in desk.ledger.journal.list_profiles()]
    chosen = request.query_params.get("profile") or (known[0] if known else "")
    at = request.query_params.get("at") or desk.ledger.now()
    try:
        to_ns(at)
    except ValueError as fault:
        raise InputError("expected a time such as 2026-11-23T12:00:00Z", "at") from fault
    if chosen not in known:
        raise InputError(f"no profile {chosen!r} is recorded", "profile")
    found = books_at(desk.ledger.export("order_log", chosen), at)
    return "books.html", {"books": found, "chosen": chosen, "known": known}


def people(desk: Desk, _: Request) -> Page:
    known = [one.profile_id for one in desk.ledger.journal.list_profiles()]
    held = [(one, trade) for one in known for trade in desk.ledger.books.quarantined_trades(one)]
    corrections = desk.ledger.journal.list_corrections()
    return "people.html", {
        "held": held,
        "decisions": desk.ledger.journal.list_decisions()[::-1][:ROWS_MAX],
        "corrections": [
            {"record": one, "subject": subject_of(one.correction)} for one in corrections[::-1][:ROWS_MAX]
        ],
        "corrected": len(corrections),
        "undone": standing_undos(corrections),
        "profiles": known,
    }


def chain(desk: Desk, request: Request) -> Page:
    known = [one.profile_id for one in desk.ledger.journal.list_profiles()]
    asked = request.query_params.get("profile")
    checked = [one for one in known if asked in (one, "all")]
    reports = [
        (one, desk.ledger.journal.verify_log(one), desk.ledger.fold_log(one)) for one in checked[:ROWS_MAX]
    ]
    return "chain.html", {"known": known[:ROWS_MAX], "asked": asked, "reports": reports}


def fleet(desk: Desk, _: Request) -> Page:
    now_ns = to_ns(desk.ledger.now())
    rows = []
    for lease in desk.ledger.journal.lease_states():
        oldest = min(map(to_ns, lease.completed.values()), default=None)
        late_s = None if lease.next_due_at is None else max((now_ns - to_ns(lease.next_due_at)) / 1e9, 0.0)
        rows.append(
            {"lease": lease, "age_s": None if oldest is None else (now_ns - oldest) / 1e9, "late_s": late_s}
        )
    rows.sort(key=_latest_first)
    view = read_fleet(desk.ledger, desk.objective_s / OBJECTIVE_INTERVALS, None, None)
    return "fleet.html", {"rows": rows[:ROWS_MAX], "count": len(rows), "fleet": view if view.shards else None}


def _latest_first(row: dict[str, Any]) -> tuple[bool, float, str]:
    failing, late_s = row["lease"].failures > 0, row["late_s"] or 0.0
    return not failing, -late_s, row["lease"].account_id


def _days(desk: Desk) -> list[str]:
    today = dt.date.fromisoformat(desk.ledger.now()[:10])
    return [(today - dt.timedelta(days=back)).isoformat() for back in range(DAYS_SHOWN - 1, -1, -1)]


def _paged(request: Request, rows: list[Any], name: str) -> dict[str, Any]:
    asked = {"others": others(request, "page", *TOLD)}
    return asked | _page_of(request.query_params.get("page", "1"), rows, name)


def _page_of(text: str, rows: list[Any], name: str) -> dict[str, Any]:
    number = whole_number(text) or 1
    pages = max(1, -(-len(rows) // ROWS_MAX))
    number = min(max(number, 1), pages)
    shown = rows[(number - 1) * ROWS_MAX : number * ROWS_MAX]
    return {name: shown, "page_number": number, "pages": pages, "total": len(rows)}


PAGES: Mapping[str, Callable[[Desk, Request], Page]] = {
    "/breaks": breaks,
    "/profile/{reference:path}": profile,
    "/explain/{reference:path}": order,
    "/runs": runs,
    "/run/{reference}": run,
    "/plan/{reference}": preview,
    "/correction/{reference}": correction,
    "/drift": drift,
    "/cost": cost,
    "/books": books,
    "/people": people,
    "/chain": chain,
    "/fleet": fleet,
}
DATA: Mapping[str, Callable[[Desk, Request], Any]] = {
    "/overview": overview_data,
    "/breaks": breaks_data,
    "/cost": cost_data,
    "/explain/{reference:path}": order_data,
}
