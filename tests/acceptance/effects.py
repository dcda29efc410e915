"""A bot's executor that outlives its process: one effect for each notification id, kept in a file of its own.

The file's path is in the environment variable EFFECTS. `deliveries` counts every call.
"""

import os
import sqlite3
from pathlib import Path

import msgspec

from tests.patience import PATIENCE_S
from trueup.model.plan import Notification

TABLES = """
CREATE TABLE IF NOT EXISTS effects (notification_id TEXT PRIMARY KEY, notification BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS deliveries (notification_id TEXT NOT NULL, notification BLOB NOT NULL);
"""


class Effects:
    """Implements `ports.Executor`, with every optional hook."""

    def __init__(self, path: str | Path) -> None:
        self._database = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.executescript(TABLES)

    def _take(self, notification: Notification) -> None:
        row = (notification.notification_id, msgspec.json.encode(notification))
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("INSERT INTO deliveries VALUES (?, ?)", row)
            self._database.execute("INSERT OR IGNORE INTO effects VALUES (?, ?)", row)

    reconcile_entry_fill = reconcile_exit_fill = reconcile_cancel = _take
    reconcile_discovered = reconcile_amended = reconcile_quarantined = _take
    reconcile_released = reconcile_closed = _take

    def effects(self) -> dict[str, Notification]:
        rows = self._database.execute("SELECT notification_id, notification FROM effects").fetchall()
        return {key: msgspec.json.decode(row, type=Notification) for key, row in rows}

    def deliveries(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM deliveries").fetchone()[0])

    def contradictions(self) -> list[str]:
        """Notification ids that were delivered with more than one content."""
        rows = self._database.execute(
            "SELECT notification_id FROM deliveries GROUP BY 1 HAVING count(DISTINCT notification) > 1"
        )
        return [row[0] for row in rows.fetchall()]

    def close(self) -> None:
        self._database.close()


def make_effects() -> Effects:
    return Effects(os.environ["EFFECTS"])
