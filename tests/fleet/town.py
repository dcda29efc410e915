"""A fleet at the command line: a database, a broker, accounts of exported files, workers that are real processes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tests.fleet.nats import NatsServer, nats_server
from tests.patience import PATIENCE_S, POLL_S
from tests.postgres.databases import migrated_database
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.sql.sql_ledger import SqlLedger
from trueup.surfaces.cli.main import commands

ROOT = Path(__file__).parents[2]
EMPTY = {"open_orders": {"state": "complete", "rows": []}, "history": {"state": "complete", "fills": []}}


class Town:
    """`interval_s`: of every account."""

    def __init__(
        self, folder: Path, url: str, broker: NatsServer, *, interval_s: float, ttl_s: float
    ) -> None:
        self.folder = folder
        self.url = url
        self.broker = broker
        self.ledger: SqlLedger = open_postgresql(url)
        self.workers: list[subprocess.Popen[bytes]] = []
        self.config = folder / "trueup.toml"
        self.config.write_text(
            f"[database]\nurl = '{url}'\n[service]\napply = true\ninterval_s = {interval_s}\n"
            f"lease_ttl_s = {ttl_s}\n[fleet]\nurl = '{broker.url}'\nprofiles_per_shard = 2\n"
        )
        (folder / "venue.json").write_text(json.dumps(EMPTY))

    def call(self, *args: str, code: int = 0) -> Result:
        result = CliRunner().invoke(commands, [*args, "--config", str(self.config)], env={"COLUMNS": "200"})
        assert result.exit_code == code, result.output
        return result

    def json(self, *args: str, code: int = 0) -> Any:
        return json.loads(self.call(*args, "--json", code=code).stdout)

    def add(self, count: int, profiles: int = 1) -> None:
        lines = [
            {
                "account_id": f"acc-{number}",
                "venue": "files",
                "options": {"path": str(self.folder / "venue.json")},
                "profiles": [
                    {
                        "profile_id": f"p-{number}-{one}",
                        "policy": {"owned_client_order_id_prefixes": [f"b{number}{one}"]},
                    }
                    for one in range(profiles)
                ],
            }
            for number in range(count)
        ]
        path = self.folder / "accounts.jsonl"
        path.write_text("\n".join(json.dumps(one) for one in lines))
        self.call("account", "add", str(path))

    def start_worker(self, name: str) -> "subprocess.Popen[bytes]":
        return self.start(name, sys.executable, "-m", "trueup", "fleet", "worker", "--name", name)

    def start(
        self, name: str, *command: str, cwd: Path = ROOT, environ: Any = None
    ) -> "subprocess.Popen[bytes]":
        """One that runs accounts until it is told to end; `name`: of its log."""
        log = (self.folder / f"{name}.log").open("ab")
        process = subprocess.Popen(
            [*command, "--config", str(self.config)],
            cwd=cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        self.workers.append(process)
        return process

    def events(self, name: str) -> list[dict[str, Any]]:
        lines = (self.folder / f"{name}.log").read_text().splitlines()
        return [json.loads(one) for one in lines if one.startswith("{")]

    def good_runs(self) -> dict[str, str]:
        """Profile id: when its last run began that ended well."""
        leases = self.ledger.journal.lease_states()
        return {key: at for lease in leases for key, at in lease.completed.items()}

    def until(self, is_so: Callable[[], bool], within_s: float = PATIENCE_S) -> None:
        end = time.monotonic() + within_s
        while not is_so():
            assert time.monotonic() < end, self.logs()
            time.sleep(POLL_S)

    def runs_again(self, within_s: float = PATIENCE_S) -> None:
        """Every profile has a good run that began after this call."""
        start = self.ledger.now()
        ids = {one.profile_id for one in self.ledger.journal.list_profiles()}
        self.until(lambda: {one for one, at in self.good_runs().items() if at > start} >= ids, within_s)

    def logs(self) -> str:
        return "\n".join(one.read_text()[-3000:] for one in self.folder.glob("*.log"))

    def close(self) -> None:
        for process in self.workers:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait(PATIENCE_S)
        self.ledger.close()


@contextmanager
def town(folder: Path, *, interval_s: float = 1.0, ttl_s: float = 3.0) -> Iterator[Town]:
    with migrated_database() as url, nats_server() as broker:
        opened = Town(folder, url, broker, interval_s=interval_s, ttl_s=ttl_s)
        try:
            yield opened
        finally:
            opened.close()
