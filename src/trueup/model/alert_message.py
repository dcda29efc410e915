"""One alert as people are told it: what it is about, the reason in a sentence, the money, and what to do next.

Values only: who is told, when and how often is the engine's.
"""

from enum import StrEnum

from msgspec import Struct

from trueup.model.vocabulary import Severity


class MessageKind(StrEnum):
    """Sent by value; a value is never renamed."""

    RAISED = "raised"
    AGAIN = "again"  # it still stands
    RECOVERED = "recovered"
    DIGEST = "digest"
    TEST = "test"


class AlertAbout(Struct, frozen=True, gc=False, kw_only=True):
    """What an alert is about. `kind`: of the break, else the alert's cause; `at_stake`: in the quote currency."""

    kind: str
    break_id: str | None = None
    symbol: str | None = None
    at_stake: str | None = None


class AlertMessage(Struct, frozen=True, gc=False, kw_only=True):
    """`message_id`: the same for every attempt. `key`: the same for all that is told of one alert (a break's id).

    `since`: when it began. `next_step`: a command. `link`: its page. `possibly_repeated`: an earlier attempt's end is
    not known.
    """

    message_id: str
    key: str
    kind: MessageKind
    severity: Severity
    profile_id: str | None
    about: AlertAbout
    title: str
    reason: str
    since: str
    next_step: str | None = None
    link: str | None = None
    possibly_repeated: bool = False
