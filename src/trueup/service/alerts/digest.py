"""Once a day in a few lines: how the profiles stand, what is open, what it is worth, and what was put right.

Decides which day's digest is due; that of one day is one message, whichever process made it, however often.
"""

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from trueup.engine.telling.quiet_hours import last_due_ns
from trueup.model.alert_message import AlertAbout, AlertMessage, MessageKind
from trueup.model.ids import digest
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import Severity
from trueup.ports.ledger import Ledger
from trueup.service.views.cost import DriftCost, read_cost
from trueup.service.views.overview import Overview, Sync, read_overview

DAY_S = 86_400
LATE_MAX_S = 6 * 3600  # a digest of this morning is still worth reading; later the next one says it
DIGEST = "digest"
WORST_SHOWN = 5


def due_digest_ns(at: dt.time, zone: ZoneInfo, now_ns: int) -> int | None:
    """The moment of the digest that is due now, or was a short while ago; null: none is."""
    due_ns = last_due_ns(at, zone, now_ns)
    return due_ns if now_ns - due_ns <= LATE_MAX_S * NS_PER_S else None


def compose_digest(ledger: Ledger, objective_s: float, due_ns: int, link: str | None) -> AlertMessage:
    """Sync, for a thread. Raises LedgerError."""
    view = read_overview(ledger, objective_s)
    since = from_ns(due_ns - DAY_S * NS_PER_S)
    drifted = view.sync_counts[Sync.DRIFTED] + view.sync_counts[Sync.UNKNOWN]
    key = f"{DIGEST}:{from_ns(due_ns)}"
    return AlertMessage(
        message_id=digest(key),
        key=key,
        kind=MessageKind.DIGEST,
        severity=Severity.WARN if drifted else Severity.INFO,
        profile_id=None,
        about=AlertAbout(kind=DIGEST, at_stake=view.at_stake),
        title="the last day",
        reason="\n".join(_lines(ledger, view, since)),
        since=since,
        next_step="trueup status",
        link=link,
    )


def _lines(ledger: Ledger, view: Overview, since: str) -> list[str]:
    counts = view.sync_counts
    states = ", ".join(f"{counts[one]} {one.replace('_', ' ')}" for one in Sync if counts[one])
    lines = [f"{len(view.profiles)} profiles: {states or 'none'}"]
    open_ = Counter[str]()
    for one in view.profiles:
        open_.update(one.open_breaks)
    lines.append("open breaks: " + (_counts(open_, ("error", "warn", "info")) or "none"))
    worst = [one for one in view.profiles if one.sync is not Sync.IN_SYNC][:WORST_SHOWN]
    lines += [f"- {one.profile_id}: {one.sync.replace('_', ' ')}, {one.health}" for one in worst]
    ended = Counter(
        one.resolution or ""
        for one in ledger.journal.list_breaks(open_only=False)
        if one.resolved_at is not None and to_ns(one.resolved_at) >= to_ns(since)
    )
    lines.append(f"since yesterday: {ended['corrected']} repaired, {ended['not_seen_again']} not seen again")
    lines += _costs(read_cost(ledger, since))
    if view.alerts:
        lines.append(f"{len(view.alerts)} alerts stand")
    return lines


def _costs(cost: DriftCost) -> list[str]:
    """What the books had wrong until it was repaired: exposure, profit or loss, by cause; amounts by their currency."""
    return [
        f"- {one.name.replace('_', ' ')}: {one.repairs} repairs, exposure {_money(one.exposure)},"
        f" profit or loss {_money(one.profit_or_loss)}"
        for one in cost.by_cause
    ]


def _money(amounts: Mapping[str, str]) -> str:
    return ", ".join(f"{amount} {quote}" for quote, amount in amounts.items()) or "unknown"


def _counts(counts: Counter[str], order: tuple[str, ...]) -> str:
    return ", ".join(f"{counts[one]} {one}" for one in order if counts[one])
