"""The nursery, with the ways to people imported already: apprise alone takes longer than a process lives here."""

import sys

import apprise

import trueup.notifiers.apprise.notifier
import trueup.notifiers.pagerduty.notifier
import trueup.notifiers.webhook.notifier
import trueup.service.alerts.open_alerts  # noqa: F401
from tests.acceptance.nursery import serve

if __name__ == "__main__":
    apprise.Apprise().add("json://127.0.0.1:9")  # it reads its plugins now
    serve(sys.argv[1])
