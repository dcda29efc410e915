"""Which alerts reach a person, and when: raised on change, reminded of at a throttled pace, recovered once.

An alert stands from when it was told until a run that saw everything does not raise it any more. What was told is kept
in the journal, so that a restart neither repeats it nor forgets that it has to recover; while the journal cannot be
read or written this process remembers. The log is told at once. People are told through the journal: what they are to
hear is committed with the alert and delivered from there; of an open break they hear as well, once in its life.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from trueup.engine.events import Event
from trueup.engine.in_thread import in_thread
from trueup.engine.run.said import Said
from trueup.engine.telling.people import BREAKS_SINGLY_MAX, People
from trueup.model.alert_message import AlertAbout, MessageKind
from trueup.model.at_stake import at_stake, subject_of, sum_at_stake
from trueup.model.errors import LedgerError
from trueup.model.ids import alert_key
from trueup.model.plan import DEGRADED, Alert, Break
from trueup.model.times import NS_PER_S, from_ns, to_ns
from trueup.model.vocabulary import AlertCause, Severity
from trueup.ports.journal import Journal
from trueup.ports.notifier import AlertLog
from trueup.ports.records import AlertChange, AlertRecord, NewDelivery

THROTTLE_S = 600.0  # the reference service's 10 minutes, per profile, stage and reason
WATCHDOG_THROTTLE_S = 600.0  # the same, per profile
RECOVERED = "RECONCILIATION_RECOVERED"
BREAK_OPEN = "RECONCILIATION_BREAK"
MORE_BREAKS = "more_breaks"


class OpenBreak(Struct, frozen=True, kw_only=True):
    """A break above info that a run left open."""

    found: Break
    first_seen_at: str


class Unwritten(Protocol):
    """Tells people what the journal cannot take at present. Returns what nobody could be told."""

    async def tell_unwritten(self, deliveries: Sequence[NewDelivery]) -> list[NewDelivery]: ...


class _Raised(Struct, frozen=True, kw_only=True):
    """What one run raises: to the log and to people, or (a break) to people alone."""

    alert: Alert
    about: AlertAbout
    is_logged: bool = True


class AlertBook:
    """Tells a log what it has not heard yet, and decides what people are to be told. A throttle of 0: every time.

    `people` null: the log alone. `unwritten`: who tells them where the journal cannot be written.
    """

    def __init__(
        self,
        log: AlertLog,
        journal: Journal,
        throttle_s: float = THROTTLE_S,
        watchdog_throttle_s: float = WATCHDOG_THROTTLE_S,
        *,
        people: People | None = None,
        unwritten: Unwritten | None = None,
    ) -> None:
        self._log = log
        self._journal = journal
        self._throttle_s = throttle_s
        self._watchdog_throttle_s = watchdog_throttle_s
        self._people = people
        self._unwritten = unwritten
        self._said = Said(throttle_s, watchdog_throttle_s)  # of what could not be told
        self._known: dict[str, list[AlertRecord]] = {}
        self._unkept: dict[
            str, dict[str, AlertRecord]
        ] = {}  # told, and the journal could not be written since
        self._undelivered: dict[str, list[NewDelivery]] = {}  # the same of what people could not be told

    async def update(
        self,
        profile_id: str,
        alerts: Sequence[Alert],
        now_ns: int,
        *,
        saw_everything: bool,
        breaks: Sequence[OpenBreak] = (),
        kept: Sequence[AlertRecord] | None = None,
    ) -> None:
        """Takes the alerts and open breaks of one run of a profile: tells the new, the due and the recovered ones.

        `kept`: what the journal held under the run's lease, where it was read already; null: it is read here.
        What a run does not raise has recovered only where that run saw everything: a failed read proves nothing.
        """
        known = {one.alert.dedupe_key: one for one in await self._read(profile_id, kept)}
        raised = self._raised(profile_id, alerts, breaks, known, now_ns)
        changes = [
            change
            for key, one in raised.items()
            if (change := self._change(profile_id, one, known.get(key), now_ns)) is not None
            and (not one.is_logged or await self._tell(profile_id, one.alert, now_ns))
        ]
        changes += [
            AlertChange(record=replace(one, stands=False), kind=MessageKind.RECOVERED)
            for key, one in (known.items() if saw_everything else ())
            if one.stands
            and key not in raised
            and (one.alert.type == BREAK_OPEN or await self._tell(profile_id, _recovery(one.alert), now_ns))
        ]
        if changes or self._undelivered.get(profile_id):
            await self._keep(profile_id, known, changes, now_ns)

    # -- what a run raises --------------------------------------------------------------------------------------------

    def _raised(
        self,
        profile_id: str,
        alerts: Sequence[Alert],
        breaks: Sequence[OpenBreak],
        known: Mapping[str, AlertRecord],
        now_ns: int,
    ) -> dict[str, _Raised]:
        total = _total([one.found for one in breaks])
        raised = [_Raised(alert=one, about=AlertAbout(kind=one.cause, at_stake=total)) for one in alerts]
        if self._people is not None:
            stood_ns = round(self._people.breaks_after_s * NS_PER_S)
            old = [one.found for one in breaks if now_ns - to_ns(one.first_seen_at) >= stood_ns]
            raised += _of_breaks(profile_id, old, known)
        return {one.alert.dedupe_key: one for one in raised}

    def _change(
        self, profile_id: str, raised: _Raised, known: AlertRecord | None, now_ns: int
    ) -> AlertChange | None:
        """What is to be told of it now: that it began; that it still stands; nothing."""
        if not self._is_due(raised.alert, known, now_ns):
            return None
        begins = known is None or not known.stands
        if not begins and not raised.is_logged and not self._is_to_be_reminded(known, now_ns):
            return None
        now = from_ns(now_ns)
        reminds = begins or self._is_to_be_reminded(known, now_ns)
        record = AlertRecord(
            profile_id=profile_id,
            alert=raised.alert,
            raised_at=now,
            stands=True,
            began_at=now if known is None or begins else known.began_at or known.raised_at,
            told_at=now if reminds else None if known is None else known.told_at,
            about=raised.about,
        )
        return AlertChange(record=record, kind=MessageKind.RAISED if begins else MessageKind.AGAIN)

    def _is_due(self, alert: Alert, known: AlertRecord | None, now_ns: int) -> bool:
        """New, or told long enough ago; one that flaps is not told again within its throttle.

        What was told later than now was told by a clock that has been put back since: it may be told.
        """
        is_watchdog = alert.cause is AlertCause.WATCHDOG
        throttle_s = self._watchdog_throttle_s if is_watchdog else self._throttle_s
        return known is None or _is_past(known.raised_at, throttle_s, now_ns)

    def _is_to_be_reminded(self, known: AlertRecord | None, now_ns: int) -> bool:
        after_s = 0.0 if self._people is None else self._people.remind_after_s
        if after_s == 0 or known is None:
            return False
        return known.told_at is None or _is_past(known.told_at, after_s, now_ns)

    # -- the journal --------------------------------------------------------------------------------------------------

    async def _read(self, profile_id: str, kept: Sequence[AlertRecord] | None) -> list[AlertRecord]:
        with suppress(LedgerError):  # then the run itself has failed, and that is what has to be told
            if kept is None:
                kept = await in_thread(self._journal.list_alerts, profile_id)
            told = {one.alert.dedupe_key: one for one in kept} | self._unkept.get(profile_id, {})
            self._known[profile_id] = list(told.values())
        return self._known.get(profile_id, [])

    async def _keep(
        self, profile_id: str, known: dict[str, AlertRecord], changes: Sequence[AlertChange], now_ns: int
    ) -> None:
        changed = {one.record.alert.dedupe_key: one.record for one in changes}
        self._known[profile_id] = list((known | changed).values())
        unkept = self._unkept.pop(profile_id, {}) | changed
        deliveries = [*self._undelivered.pop(profile_id, []), *self._deliveries(changes, now_ns)]
        try:
            await in_thread(self._journal.keep_alerts, list(unkept.values()), deliveries)
        except LedgerError as error:
            self._unkept[profile_id] = unkept
            fields = {"profile_id": profile_id}
            self._said.log(now_ns, Event.ALERT_FAILED, fields, level=logging.WARNING, error=error)
            if self._unwritten is not None:
                deliveries = await self._unwritten.tell_unwritten(deliveries)
            self._undelivered[profile_id] = deliveries

    def _deliveries(self, changes: Sequence[AlertChange], now_ns: int) -> Iterator[NewDelivery]:
        if self._people is None:
            return
        for one in changes:
            if one.kind is not MessageKind.AGAIN or one.record.told_at == one.record.raised_at:
                yield from self._people.deliveries(one, now_ns)

    async def _tell(self, profile_id: str, alert: Alert, now_ns: int) -> bool:
        """Whether the log took it; one that it refused is tried again with the next run."""
        try:
            await self._log.alert(profile_id, alert)
        except Exception as error:  # noqa: BLE001 - a sink of somebody else's must not spoil a run
            fields = {"profile_id": profile_id, "type": alert.type, "alert": alert.message}
            self._said.log(now_ns, Event.ALERT_FAILED, fields, level=logging.ERROR, error=error)
            return False
        return True


def degraded(profile_id: str, cause: str, message: str, severity: str = "ERROR") -> Alert:
    """The alert that a profile is not kept true at present; one key per profile and cause."""
    return Alert(type=DEGRADED, severity=severity, message=message, dedupe_key=alert_key(profile_id, cause))


def _recovery(alert: Alert) -> Alert:
    return Alert(
        type=RECOVERED, severity="INFO", message=f"over: {alert.message}", dedupe_key=alert.dedupe_key
    )


def _of_breaks(
    profile_id: str, breaks: Sequence[Break], known: Mapping[str, AlertRecord]
) -> Iterator[_Raised]:
    """One alert for each break, of many for the worst of them; those told of already keep theirs."""

    def rank(one: Break) -> tuple[bool, bool, Decimal, str]:
        before = known.get(_break_key(profile_id, one))
        is_told = before is not None and before.stands
        return not is_told, one.severity is not Severity.ERROR, -(at_stake(one) or Decimal(0)), one.break_id

    by_rank = sorted(breaks, key=rank)
    for one in by_rank[:BREAKS_SINGLY_MAX]:
        about = AlertAbout(
            kind=one.kind, break_id=one.break_id, symbol=one.symbol, at_stake=_text(at_stake(one))
        )
        alert = _break_alert(_break_key(profile_id, one), one.severity, f"{one.message} ({one.reason})")
        yield _Raised(alert=alert, about=about, is_logged=False)
    rest = by_rank[BREAKS_SINGLY_MAX:]
    if rest:
        worst = Severity.ERROR if any(one.severity is Severity.ERROR for one in rest) else Severity.WARN
        alert = _break_alert(
            alert_key(profile_id, MORE_BREAKS), worst, f"{len(rest)} more breaks are open besides those told"
        )
        yield _Raised(alert=alert, about=AlertAbout(kind=MORE_BREAKS, at_stake=_total(rest)), is_logged=False)


def _break_key(profile_id: str, one: Break) -> str:
    return alert_key(profile_id, f"break:{one.break_id}")


def _break_alert(key: str, severity: Severity, message: str) -> Alert:
    return Alert(type=BREAK_OPEN, severity=severity.upper(), message=message, dedupe_key=key)


def _total(breaks: Sequence[Break]) -> str | None:
    return _text(sum_at_stake((subject_of(one), at_stake(one)) for one in breaks)[0])


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def _is_past(time: str, after_s: float, now_ns: int) -> bool:
    age_ns = now_ns - to_ns(time)
    return age_ns < 0 or age_ns >= round(after_s * NS_PER_S)
