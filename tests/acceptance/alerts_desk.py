"""A profile in a folder, three ways to people who listen on this machine, and a venue whose orders a test chooses."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.acceptance.receiver import Post, Receiver
from tests.patience import PATIENCE_S

SECRET = "the-secret-of-the-tests-0001"
ROUTING_KEY = "routing-key-of-the-tests"
CONFIG = """
[service]
interval_s = 0.005
ready_within_s = 60
{service}
[alerts]
link = "https://books.example"
timeout_s = {timeout_s}
{alerts}
[alerts.to.phone]
kind = "apprise"
severity_min = "info"
digest = true
credentials = {{ url = {{ env = "PHONE_URL" }} }}

[alerts.to.hook]
kind = "webhook"
severity_min = "info"
options = {{ url = "{url}/hook" }}
credentials = {{ secret = {{ env = "HOOK_SECRET" }} }}

[alerts.to.pager]
kind = "pagerduty"
severity_min = "info"
options = {{ url = "{url}/pager" }}
credentials = {{ routing_key = {{ env = "ROUTING_KEY" }} }}

[[accounts]]
account_id = "acc-1"
venue = "files"
options = {{ path = "venue.json" }}

[[accounts.profiles]]
profile_id = "bot1"

[accounts.profiles.policy]
watchdog_enabled = false
"""


class AlertsDesk:
    def __init__(
        self, folder: Path, receiver: Receiver, *, timeout_s: float = 60, service: str = "", alerts: str = ""
    ) -> None:
        self.folder = folder
        self.receiver = receiver
        text = CONFIG.format(url=receiver.url, timeout_s=timeout_s, service=service, alerts=alerts)
        (folder / "trueup.toml").write_text(text)
        self.environ = {
            "PHONE_URL": receiver.url.replace("http://", "json://") + "/phone",
            "HOOK_SECRET": SECRET,
            "ROUTING_KEY": ROUTING_KEY,
            "PING_URL": f"{receiver.url}/ping",
        }
        self.at_venue()

    def at_venue(self, *venue_order_ids: str, state: str = "complete", symbol: str = "DOGE/USD") -> None:
        """Orders in an instrument that the venue does not list: an error each, for as long as it is there."""
        rows = [
            {
                "venue_order_id": one, "symbol": symbol, "side": "buy", "qty": "1", "status": "pending_new",
                "filled_qty": "0", "submitted_at": "2026-01-01T00:00:00Z",
            }
            for one in venue_order_ids
        ]  # fmt: skip
        export = {
            "account_id": "venue-acc",
            "instruments": [{"symbol": "ETH/USD", "qty_step": "0.001"}],
            "open_orders": {"state": state, "rows": rows},
            "history": {"state": "complete"},
            "positions": {"state": "complete"},
        }
        fresh = self.folder / "venue.json.new"
        fresh.write_text(json.dumps(export))
        fresh.replace(self.folder / "venue.json")

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "trueup", *arguments]
        environ = os.environ | self.environ | {"COLUMNS": "400"}
        return subprocess.run(
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=PATIENCE_S
        )

    def json(self, *arguments: str) -> list[Any]:
        return [json.loads(line) for line in self.call(*arguments, "--json").stdout.splitlines()]


def is_signed(post: Post, secret: str = SECRET) -> bool:
    """As a receiver verifies it."""
    signed = f"{post.headers['webhook-id']}.{post.headers['webhook-timestamp']}.".encode() + post.body
    mac = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    return post.headers["webhook-signature"] == f"v1,{mac}"


def kinds(posts: Sequence[Post]) -> list[tuple[str, str]]:
    return [(one.json["kind"], one.json["key"]) for one in posts]
