"""What the log was told of a run and need not be told again: a fault that stands is said on change, and reminded of.

Decides only whether a warning or an error has been said: with the same content, and not longer ago than the throttle,
it goes to the debug level. Texts count as the same where only their figures differ (ages, seconds, ports); numbers
that are fields of their own do not. Alerts have their own rule of the same kind, in the journal (`alerts`).
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from trueup.engine.events import Event, log_event
from trueup.model.times import NS_PER_S

THROTTLE_S = 600.0  # the reference service's 10 minutes, as for alerts
ERROR_CHARS_MAX = 500  # of a text, where contents are compared
SAID_MAX = 10_000  # contents remembered; more than that many profiles fail in one way each
_OF_ONE_RUN = ("run_id", "plan_id", "messages")  # also how many messages one call was to tell
_NAMES = ("account_id", "profile_id")  # whose digits tell one from another
_DIGITS = re.compile(r"\d+(\.\d+)?")


class Said:
    """Of one process. `watchdog_throttle_s`: of the watchdog's events. A throttle of 0: every time."""

    def __init__(self, throttle_s: float = THROTTLE_S, watchdog_throttle_s: float = THROTTLE_S) -> None:
        self._throttle_s = throttle_s
        self._watchdog_throttle_s = watchdog_throttle_s
        self._said_ns: dict[object, int] = {}  # by content, the oldest first

    def log(
        self,
        now_ns: int,
        event: Event,
        fields: Mapping[str, Any],
        *,
        level: int,
        error: BaseException | None = None,
    ) -> None:
        """`log_event`, quietly where it was said. `now_ns`: of a clock that only passes, where there is one."""
        said = self._was_said(event, _content(event, fields, error), now_ns)
        log_event(event, fields, level=logging.DEBUG if said else level, error=error)

    def _was_said(self, event: Event, content: object, now_ns: int) -> bool:
        said_ns = self._said_ns.pop(content, None)
        throttle_s = self._watchdog_throttle_s if event is Event.WATCHDOG_TRIGGERED else self._throttle_s
        was_said = said_ns is not None and 0 <= now_ns - said_ns < round(throttle_s * NS_PER_S)
        self._said_ns[content] = said_ns if was_said and said_ns is not None else now_ns
        if len(self._said_ns) > SAID_MAX:
            del self._said_ns[next(iter(self._said_ns))]
        return was_said


def _content(event: Event, fields: Mapping[str, Any], error: BaseException | None) -> object:
    told = [
        (key, value if key in _NAMES else _folded(value))
        for key, value in fields.items()
        if key not in _OF_ONE_RUN
    ]
    return (
        event,
        *told,
        None if error is None else (type(error), _DIGITS.sub("0", str(error)[:ERROR_CHARS_MAX])),
    )


def _folded(value: object) -> str:
    return _DIGITS.sub("0", value[:ERROR_CHARS_MAX]) if isinstance(value, str) else repr(value)
