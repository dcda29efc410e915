"""Whom an alert is told, by which routes, not before when: the deliveries that are committed with it.

Rules: a route takes what is severe enough, of its profiles and of its kinds; quiet hours put off what does not pierce
them. A recovery goes where its alert went. Must not know how a message travels.
"""

from collections.abc import Sequence

from msgspec import Struct

from trueup.engine.telling.compose_message import compose_message
from trueup.engine.telling.quiet_hours import QuietHours, is_at_least
from trueup.model.alert_message import AlertMessage, MessageKind
from trueup.model.ids import digest
from trueup.model.times import from_ns
from trueup.model.vocabulary import Severity
from trueup.ports.records import AlertChange, NewDelivery

REMIND_AFTER_S = 86_400.0
BREAKS_SINGLY_MAX = 10  # of one profile; the others are one alert together


class Route(Struct, frozen=True, kw_only=True):
    """To one notifier, by its name. `profiles`, `kinds`: null = all; a kind is a break's, or an alert's cause."""

    notifier: str
    severity_min: Severity = Severity.WARN
    profiles: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    quiet_hours: QuietHours | None = None
    digest: bool = False

    def takes(self, message: AlertMessage) -> bool:
        return (
            is_at_least(message.severity, self.severity_min)
            and (self.profiles is None or message.profile_id in self.profiles)
            and (self.kinds is None or message.about.kind in self.kinds)
        )


class People(Struct, frozen=True, kw_only=True):
    """Who is told. `link`: the dashboard's address, without a slash at its end.

    `remind_after_s`: how often what stands is told again; 0: never. `breaks_after_s`: how long a break must have
    stood before anyone is told.
    """

    routes: Sequence[Route]
    link: str | None = None
    remind_after_s: float = REMIND_AFTER_S
    breaks_after_s: float = 0.0

    def deliveries(self, change: AlertChange, now_ns: int) -> list[NewDelivery]:
        """Of one alert that was raised, stands still, or is over."""
        message = compose_message(change, self.link)
        return [
            addressed(message, one, _held_until_ns(one, message.severity, now_ns))
            for one in self.routes
            if one.takes(message)
        ]


def addressed(message: AlertMessage, route: Route, not_before_ns: int) -> NewDelivery:
    """The same message to the same notifier is one delivery, however often it is committed."""
    return NewDelivery(
        delivery_id=digest(message.message_id, route.notifier),
        notifier=route.notifier,
        message=message,
        not_before=from_ns(not_before_ns),
        ends_untold=message.kind is MessageKind.RECOVERED,
    )


def _held_until_ns(route: Route, severity: Severity, now_ns: int) -> int:
    return now_ns if route.quiet_hours is None else route.quiet_hours.held_until_ns(severity, now_ns)
