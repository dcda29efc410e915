"""What an operator does from a page: each a person's decision with its author, in the log like those of the terminal.

A plan is shown first and kept by its id; applying it applies exactly that plan, or says that it is stale.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trueup.engine.in_thread import in_thread
from trueup.engine.people.correct import (
    Signature,
    apply_correction,
    book_fill,
    close_trade,
    move_order,
    set_action,
    set_baseline,
    set_end,
    split_trade,
    strike_fill,
)
from trueup.engine.people.decide import (
    adopt_order,
    allow_again,
    assign_break,
    disown_order,
    ignore_break,
    map_order,
)
from trueup.engine.people.quarantine import quarantine_trade, release_trade
from trueup.engine.people.undo import undo
from trueup.engine.run.account import ManagedAccount, ProfileReport, RunState
from trueup.engine.run.plan_account import plan_account
from trueup.engine.run.run_account import reconcile_account
from trueup.model.errors import InputError
from trueup.model.snapshot import Fill
from trueup.model.times import from_ns
from trueup.model.vocabulary import Action, Status
from trueup.ports.ledger import Ledger
from trueup.ports.people import PersonCorrection
from trueup.surfaces.web.forms import go_back, whole_number
from trueup.surfaces.web.live import News
from trueup.surfaces.web.shared import Shared

PLANS_KEPT_MAX = 50  # previews that wait for an operator; the oldest goes
FOR_GOOD_DAYS = 36_500
FIELD_CHARS_MAX = 1000  # as of an id or a reason in a snapshot; what is said of it goes back in an address


@dataclass
class Desk:
    """What pages and actions work on. `previews`: plans shown and not applied yet, by plan id."""

    ledger: Ledger
    accounts: Sequence[ManagedAccount]
    objective_s: float
    news: News
    shared: Shared
    previews: dict[str, ProfileReport] = field(default_factory=dict)
    corrections: dict[str, PersonCorrection] = field(
        default_factory=dict
    )  # the same of a person's, by their ids

    def account_of(self, profile_id: str) -> ManagedAccount:
        """Raises InputError where this process does not manage the profile."""
        for account in self.accounts:
            if profile_id in account.profile_ids:
                return account
        raise InputError(f"profile {profile_id!r} is not configured here", "profile")

    def keep(self, report: ProfileReport) -> None:
        if report.plan is not None:
            self.previews[report.plan.plan_id] = report
        while len(self.previews) > PLANS_KEPT_MAX:
            del self.previews[next(iter(self.previews))]

    def keep_correction(self, made: PersonCorrection) -> None:
        self.corrections[made.correction_id] = made
        while len(self.corrections) > PLANS_KEPT_MAX:
            del self.corrections[next(iter(self.corrections))]


Form = Mapping[str, str]


async def plan(desk: Desk, request: Request, form: Form) -> Response:
    profile_id = _needed(form, "profile")
    account = desk.account_of(profile_id)
    (report,) = [one for one in await plan_account(account) if one.profile_id == profile_id]
    if report.plan is None:
        return _on(form, failed=report.error or "the profile is paused")
    desk.keep(report)
    return RedirectResponse(f"/plan/{quote(report.plan.plan_id)}", 303)


async def apply(desk: Desk, request: Request, form: Form) -> Response:
    plan_id = _needed(form, "plan")
    preview = desk.previews.pop(plan_id, None)
    if preview is None or preview.plan is None:
        raise InputError("this plan is not kept any more: make it anew", "plan")
    account = desk.account_of(preview.profile_id)
    report = await reconcile_account(account, approved={preview.profile_id: preview.plan})
    (done,) = [one for one in report.profiles if one.profile_id == preview.profile_id]
    if done.state is RunState.STALE:
        return go_back(
            form.get("back", "/"),
            failed="the plan is stale: books or venue have moved since; nothing was written",
        )
    if done.state is not RunState.APPLIED or done.applied is None:
        return _on(form, failed=done.error or f"nothing was written: {done.state.value}")
    said = f"{done.applied.applied} corrections applied, {done.applied.superseded} dropped, for their rows had moved"
    return go_back(f"/run/{done.run_id}", said=said)


async def ignore(desk: Desk, request: Request, form: Form) -> Response:
    days = _days(form)
    until_ns = dt.datetime.now(dt.UTC) + dt.timedelta(days=min(days, FOR_GOOD_DAYS))
    until = from_ns(int(until_ns.timestamp()) * 1_000_000_000)
    await in_thread(
        lambda: ignore_break(
            desk.ledger, _needed(form, "break"), until, author=_author(request), reason=_needed(form, "why")
        )
    )
    return _on(form, said="kept: the break is information until then")


async def adopt(desk: Desk, request: Request, form: Form) -> Response:
    order, why = _needed(form, "order"), _needed(form, "why")
    profile = form.get("profile") or None
    decide = disown_order if form.get("whose") == "foreign" else adopt_order
    await in_thread(
        lambda: decide(desk.ledger, order, author=_author(request), reason=why, profile_id=profile)
    )
    return _on(form, said="decided; the next run acts on it")


async def map_to_trade(desk: Desk, request: Request, form: Form) -> Response:
    order, trade, why = (_needed(form, key) for key in ("order", "trade", "why"))
    profile = form.get("profile") or None
    await in_thread(
        lambda: map_order(desk.ledger, order, trade, author=_author(request), reason=why, profile_id=profile)
    )
    return _on(form, said="decided; the next run books it on that trade")


async def revoke(desk: Desk, request: Request, form: Form) -> Response:
    decision, why = _needed(form, "decision"), _needed(form, "why")
    await in_thread(desk.ledger.journal.revoke_decision, decision, _author(request), why)
    return _on(form, said="taken back")


async def again(desk: Desk, request: Request, form: Form) -> Response:
    decision, why = _needed(form, "decision"), _needed(form, "why")
    await in_thread(lambda: allow_again(desk.ledger, decision, author=_author(request), reason=why))
    return _on(form, said="the next run may make that repair again")


async def quarantine(desk: Desk, request: Request, form: Form) -> Response:
    profile, trade, why = (_needed(form, key) for key in ("profile", "trade", "why"))
    notify = desk.account_of(profile).executor is not None
    change = release_trade if form.get("release") else quarantine_trade
    await in_thread(
        lambda: change(desk.ledger, profile, trade, author=_author(request), reason=why, notify=notify)
    )
    return go_back(
        form.get("back", "/"),
        said="released" if form.get("release") else "quarantined: the bot must leave it alone",
    )


async def pause(desk: Desk, request: Request, form: Form) -> Response:
    profile = _needed(form, "profile")
    if form.get("resume"):
        await in_thread(desk.ledger.journal.resume_profile, profile)
        return _on(form, said="resumed")
    await in_thread(
        desk.ledger.journal.pause_profile, profile, f"{_needed(form, 'why')} ({_author(request)})"
    )
    return _on(form, said="paused: trueup keeps its hands off")


async def assign(desk: Desk, request: Request, form: Form) -> Response:
    reference, owner = _needed(form, "break"), _needed(form, "owner")
    why = form.get("why", "").strip() or "assigned on the page"
    await in_thread(lambda: assign_break(desk.ledger, reference, owner, author=_author(request), reason=why))
    return _on(form, said=f"{owner} looks after it")


async def correct(desk: Desk, request: Request, form: Form) -> Response:
    """Shown first: written from the page that this leads to."""
    plan_it = _CORRECTIONS.get(form.get("kind", ""))
    if plan_it is None:
        raise InputError("is not known", "kind")
    by = _signature(desk, request, form, _needed(form, "profile"))
    return _shown(desk, await in_thread(lambda: plan_it(desk.ledger, form, by)))


async def undo_writing(desk: Desk, request: Request, form: Form) -> Response:
    by = _signature(desk, request, form, _needed(form, "profile"))
    reference = _needed(form, "reference")
    return _shown(desk, await in_thread(lambda: undo(desk.ledger, reference, by)))


async def write(desk: Desk, request: Request, form: Form) -> Response:
    """Exactly what was shown to the same person, or nothing."""
    made = desk.corrections.pop(_needed(form, "correction"), None)
    if made is None or made.author != _author(request):
        raise InputError("this correction is not kept any more: make it anew", "correction")
    await in_thread(apply_correction, desk.ledger, made)
    return go_back("/people", said=f"written: {made.kind.replace('_', ' ')} {made.about}")


def _shown(desk: Desk, made: PersonCorrection) -> Response:
    desk.keep_correction(made)
    return RedirectResponse(f"/correction/{quote(made.correction_id)}", 303)


def _signature(desk: Desk, request: Request, form: Form, profile_id: str) -> Signature:
    return Signature(
        author=_author(request),
        reason=_needed(form, "why"),
        notify=desk.account_of(profile_id).executor is not None,
        profile_id=profile_id,
    )


def _end(ledger: Ledger, form: Form, by: Signature) -> PersonCorrection:
    return set_end(ledger, _needed(form, "order"), _word(Status, form, "end"), by)


def _move(ledger: Ledger, form: Form, by: Signature) -> PersonCorrection:
    return move_order(ledger, _needed(form, "order"), form.get("trade", "").strip() or None, by)


def _act(ledger: Ledger, form: Form, by: Signature) -> PersonCorrection:
    return set_action(ledger, _needed(form, "order"), _word(Action, form, "action"), by)


def _book(ledger: Ledger, form: Form, by: Signature) -> PersonCorrection:
    fill = Fill(
        fill_id=form.get("fill", "").strip(),
        qty=_needed(form, "qty"),
        price=form.get("price", "").strip() or None,
        filled_at=form.get("at", "").strip() or None,
    )
    return book_fill(ledger, _needed(form, "order"), fill, by)


def _strike(ledger: Ledger, form: Form, by: Signature) -> PersonCorrection:
    return strike_fill(ledger, _needed(form, "order"), _needed(form, "fill"), by)


def _close(ledger: Ledger, form: Form, by: Signature) -> PersonCorrection:
    return close_trade(ledger, _needed(form, "trade"), by)


def _split(ledger: Ledger, form: Form, by: Signature) -> PersonCorrection:
    return split_trade(ledger, _needed(form, "trade"), _needed(form, "new"), by)


def _baseline(ledger: Ledger, form: Form, by: Signature) -> PersonCorrection:
    return set_baseline(ledger, _needed(form, "symbol"), _needed(form, "qty"), by)


_CORRECTIONS: Mapping[str, Callable[[Ledger, Form, Signature], PersonCorrection]] = {
    "end": _end,
    "move": _move,
    "action": _act,
    "book": _book,
    "strike": _strike,
    "close": _close,
    "split": _split,
    "baseline": _baseline,
}


Word = TypeVar("Word", Status, Action)


def _word(kind: type[Word], form: Form, key: str) -> Word:
    try:
        return kind(_needed(form, key))
    except ValueError as fault:
        raise InputError(f"expected {', '.join(kind)}", key) from fault


def _on(form: Form, **said: str) -> Response:
    return go_back(form.get("back", "/"), **said)


def _needed(form: Form, key: str) -> str:
    value = form.get(key, "").strip()
    if not value:
        raise InputError("say in a few words why: it is kept for good" if key == "why" else "is missing", key)
    if len(value) > FIELD_CHARS_MAX:
        raise InputError(f"longer than {FIELD_CHARS_MAX} characters", key)
    return value


def _days(form: Form) -> int:
    text = form.get("days", "").strip()
    if not text:
        return FOR_GOOD_DAYS
    days = whole_number(text)
    if not days:
        raise InputError("expected a number of days, or nothing: for good", "days")
    return days


def _author(request: Request) -> str:
    name: str = request.state.visitor.name
    return name


ACTIONS: Mapping[str, Callable[[Desk, Request, Form], Awaitable[Response]]] = {
    "/act/plan": plan,
    "/act/apply": apply,
    "/act/ignore": ignore,
    "/act/adopt": adopt,
    "/act/map": map_to_trade,
    "/act/revoke": revoke,
    "/act/again": again,
    "/act/quarantine": quarantine,
    "/act/pause": pause,
    "/act/assign": assign,
    "/act/correct": correct,
    "/act/undo": undo_writing,
    "/act/write": write,
}
