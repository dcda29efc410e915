"""The race and the crash on PostgreSQL, at any size.

    python -m tests.postgres.trials race [--workers 8] [--rounds 100] [--pooled] [--without fence]
    python -m tests.postgres.trials crash [--workers 4] [--kills 200] [--stops 5] [--without key]

Each ends with 0 if nothing was lost or doubled. With `--without` it must not.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import psycopg

from tests.acceptance.rig import ROOT, Nursery, Rig, environment, event_counts
from tests.patience import PATIENCE_S, wait_until
from tests.postgres.race_worker import count_of, profile_of
from tests.postgres.server import Server, free_port, own_server
from trueup.ledgers.postgresql import open_postgresql
from trueup.ledgers.postgresql.migrate import migrate
from trueup.model.errors import LedgerError

PROFILES = 4
LEASE_S, RUN_MAX_S = 0.03, 0.06  # runs of up to twice the lease
FALSE_BOOKS_PATIENCE_S = 5.0
LIVES_S = (0.005, 0.2)
STEP_S = 5  # of the market, between two kills
PGBOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"  # Debian's package


def migrated(url: str) -> None:
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as connection:
        migrate(connection, url, post=True)


# -- the race --------------------------------------------------------------------------------------------------------


def race(url: str, *, workers: int, rounds: int, without: str | None = None) -> tuple[int, Counter[str]]:
    """How many updates were lost, and what became of the rounds. `url`: of a migrated database."""
    ledger = open_postgresql(url)
    ledger.journal.ensure_profiles([profile_of(number) for number in range(PROFILES)])
    sabotage = [] if without is None else [without]
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.postgres.race_worker", url, str(PROFILES), str(rounds)),
                *(str(LEASE_S), str(RUN_MAX_S), str(seed), *sabotage),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in range(workers)
    ]
    counts: Counter[str] = Counter()
    for process in processes:
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
        counts.update(json.loads(said))
    counted = sum(count_of(ledger, profile_of(number).profile_id) for number in range(PROFILES))
    ledger.close()
    return counts["committed"] - counted, counts


@contextlib.contextmanager
def pooled(url: str, folder: Path) -> Iterator[str]:
    """The same database behind a pgbouncer that gives each transaction one of two server processes."""
    from psycopg import conninfo

    place, port = conninfo.conninfo_to_dict(url), free_port()
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={place['host']} port={place['port']}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nunix_socket_dir =\nauth_type = trust\nauth_file = {folder / 'users'}\n"
        "pool_mode = transaction\ndefault_pool_size = 2\nmax_client_conn = 200\n"
    )
    nobody = 65534 if os.geteuid() == 0 else None
    process = subprocess.Popen(
        [PGBOUNCER, "-q", str(folder / "pgbouncer.ini")], user=nobody, stderr=subprocess.DEVNULL
    )
    behind = f"postgresql://{place['user']}@127.0.0.1:{port}/{place['dbname']}"
    try:
        _until_it_answers(behind)
        yield behind
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _until_it_answers(url: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


# -- the crash -------------------------------------------------------------------------------------------------------


def crash(
    folder: Path, *, workers: int, kills: int, stops: int, without: str | None = None
) -> tuple[list[str], Counter[str]]:
    """Kills workers at any moment, and stops the server under them; what may not be, and what happened."""
    with own_server() as server:
        url = server.url()
        migrated(url)
        if without == "key":
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("ALTER TABLE trueup.fills DROP CONSTRAINT fills_pkey")
        rig = Rig(folder, 7, accounts=1, profiles=PROFILES, lease_ttl_s=LEASE_S, postgresql=url, muddled=True)
        try:
            _kill(rig, server, workers=workers, kills=kills, stops=stops, without=without)
            reports = rig.settle() if without is None else rig.settle(FALSE_BOOKS_PATIENCE_S)
            faults = rig.faults_in_the_end(reports)
            counts = Counter(event_counts(folder / "run.log"))
            counts["corrections"] = len(rig.ledger.export("corrections"))
            counts["effects"] = len(rig.effects.effects())
            return faults, counts
        finally:
            rig.close()


def _kill(rig: Rig, server: Server, *, workers: int, kills: int, stops: int, without: str | None) -> None:
    module = ("tests.acceptance.nursery",) if without is None else ("tests.postgres.sabotage", without)
    nurseries = [Nursery(rig, *module) for _ in range(workers)]
    alive = {nursery: nursery.start("run", "--config", str(rig.config)) for nursery in nurseries}
    stop_every = kills // stops if stops else kills + 1
    try:
        for number in range(1, kills + 1):
            rig.step(STEP_S)
            if number % stop_every == 0:
                _stop_and_start(rig, server)
            begun = _runs_begun(rig)
            time.sleep(rig.random.uniform(*LIVES_S))
            if number % 2:  # somebody is at work, however slow the machine
                wait_until(partial(_has_begun, rig, begun))
            nursery = nurseries[number % workers]
            _end(nursery, alive[nursery])
            alive[nursery] = nursery.start("run", "--config", str(rig.config))
    finally:
        for nursery, process_id in alive.items():
            _end(nursery, process_id)
            nursery.close()


def _runs_begun(rig: Rig) -> int:
    with contextlib.suppress(LedgerError):
        return sum(lease.epoch for lease in rig.ledger.journal.lease_states())
    return 0


def _has_begun(rig: Rig, before: int) -> bool:
    return _runs_begun(rig) > before


def _stop_and_start(rig: Rig, server: Server) -> None:
    server.stop("immediate")
    time.sleep(rig.random.uniform(0, 0.2))
    server.start()
    with contextlib.suppress(LedgerError):
        rig.ledger.journal.list_profiles()  # by a connection of before


def _end(nursery: Nursery, process_id: int) -> None:
    """By SIGKILL; one that began while the server was away has ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_id, signal.SIGKILL)
    nursery.ended()


# -- by command ------------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.postgres.trials", description=__doc__)
    parser.add_argument("trial", choices=["race", "crash"])
    parser.add_argument("--workers", type=int)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--stops", type=int, default=5)
    parser.add_argument("--pooled", action="store_true")
    parser.add_argument("--without", choices=["fence", "key"])
    given = parser.parse_args()
    os.environ.update(environment())
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # pgbouncer reads there, as another user
        return _race(given, Path(folder)) if given.trial == "race" else _crash(given, Path(folder))


def _race(given: argparse.Namespace, folder: Path) -> int:
    with own_server() as server, contextlib.ExitStack() as stack:
        migrated(server.url())
        url = stack.enter_context(pooled(server.url(), folder)) if given.pooled else server.url()
        lost, counts = race(url, workers=given.workers or 8, rounds=given.rounds, without=given.without)
    print(f"{lost} updates lost; {dict(counts)}")
    return int(lost != 0)


def _crash(given: argparse.Namespace, folder: Path) -> int:
    faults, counts = crash(
        folder, workers=given.workers or 4, kills=given.kills, stops=given.stops, without=given.without
    )
    print(*faults[:20], sep="\n")
    print(f"{len(faults)} faults; {dict(counts)}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
