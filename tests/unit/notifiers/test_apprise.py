"""How several alerts read as one message."""

import pytest

from trueup.model.alert_message import AlertAbout, AlertMessage, MessageKind
from trueup.model.vocabulary import Severity
from trueup.notifiers.apprise.notifier import _title


def message(kind: MessageKind, severity: Severity) -> AlertMessage:
    return AlertMessage(
        message_id="m", key="k", kind=kind, severity=severity, profile_id="p", about=AlertAbout(kind="degraded"),
        title="t", reason="r", since="2026-11-23T12:00:00Z",
    )  # fmt: skip


ERROR = message(MessageKind.RAISED, Severity.ERROR)
WARN = message(MessageKind.RAISED, Severity.WARN)
OVER = message(MessageKind.RECOVERED, Severity.ERROR)


@pytest.mark.parametrize(
    ("messages", "title"),
    [
        ([WARN, WARN], "trueup: 2 alerts"),
        ([ERROR, WARN], "trueup: 2 alerts, 1 error"),
        ([ERROR, ERROR, OVER], "trueup: 3 alerts, 2 errors, 1 over"),
    ],
)
def test_a_title_counts(messages: list[AlertMessage], title: str) -> None:
    assert _title(messages) == title
