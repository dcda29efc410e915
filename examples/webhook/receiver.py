"""Takes trueup's notifications: verifies the signature, does each once, sets the cumulative figures.

    TRUEUP_SECRET=… python3 receiver.py 9090 books.sqlite

Standard library only. The id of a notification and what it does to the books stand in one transaction, so that a
notification told twice, or a crash in between, changes nothing twice.
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

AGE_MAX_S = 300  # an older one may be a recording that somebody plays again
BODY_BYTES_MAX = 100_000

secret = os.environ["TRUEUP_SECRET"]
key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()


def is_signed(headers, body: bytes) -> bool:
    message_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isascii() or not at.isdigit() or abs(time.time() - int(at)) > AGE_MAX_S:
        return False
    signed = f"{message_id}.{at}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = [one.removeprefix("v1,") for one in headers.get("webhook-signature", "").split(" ")]
    return any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given)


def take(books: sqlite3.Connection, told: dict) -> None:
    """Once. What comes before another thing of the same trade is told before it."""
    with books:
        new = books.execute("INSERT OR IGNORE INTO told VALUES (?)", [told["notification_id"]]).rowcount
        if new and told["kind"] in ("entry_fill", "exit_fill", "amended"):
            order = told["venue_order_id"] or told["client_order_id"]
            books.execute(  # set, never add: the cumulative figures are right whatever was heard before
                "INSERT INTO orders VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET filled = excluded.filled,"
                " average = excluded.average",
                [order, told["cumulative_qty"], told["cumulative_avg_price"]],
            )


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        if size > BODY_BYTES_MAX:
            self.answer(413)
            return
        body = self.rfile.read(size)
        if not is_signed(self.headers, body):
            self.answer(401)
            return
        take(self.server.books, json.loads(body))
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


if __name__ == "__main__":
    server = HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
    server.books = sqlite3.connect(sys.argv[2])
    server.books.execute("CREATE TABLE IF NOT EXISTS told (id TEXT PRIMARY KEY)")
    server.books.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, filled TEXT, average TEXT)")
    print(server.server_port, flush=True)
    server.serve_forever()
