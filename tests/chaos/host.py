"""The machine of the chaos run: a small disk, a clock that can jump, processes that are started again when they end.

The disk is a mounted tmpfs where this process may mount one; else processes are given a limit of file size. The clock
is libfaketime's, read anew at every look; where it is not installed there are no clock jumps.
"""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.venue import Venue
from tests.patience import PATIENCE_S
from trueup.sim.paper.venue import KEY_ID, SECRET

ROOT = Path(__file__).parents[2]
DISK_MIB = 256
BALLAST = "ballast"
FAKETIME = ("/usr/lib/{0}/faketime/libfaketimeMT.so.1", "/usr/lib64/faketime/libfaketimeMT.so.1")
PROFILES = ("mom", "rev")
LEASE_TTL_S = 1.0
CONFIG = """
[database]
path = "trueup.sqlite"
[service]
apply = true
interval_s = 0.3
jitter = 0.3
lease_ttl_s = {ttl_s}
alert_throttle_s = 0
executor = "tests.acceptance.effects:make_effects"
[[accounts]]
account_id = "paper"
venue = "alpaca"
options = {{ base_url = "{url}", requests_per_minute = 10000, timeout_s = 1.0 }}
credentials = {{ key_id = {{ env = "CHAOS_KEY" }}, secret_key = {{ env = "CHAOS_SECRET" }} }}
"""
PROFILE = """
[[accounts.profiles]]
profile_id = "{name}"
user_id = "u1"
[accounts.profiles.policy]
owned_client_order_id_prefixes = ["{name}"]
client_order_id_pattern = '^(?P<profile>\\w+)-(?P<trade>\\w+)-(?P<action>entry|exit)-\\d+$'
recent_activity_window_s = 1
transitional_timeout_s = 3
absence_confirmations = 2
absence_min_age_s = 2
parity_action = "report"
parity_min_age_s = 2
coverage_inserts_max = 100000
exit_backfill_inserts_max = 100000
queries_max = 1000
corrections_max = 1000000
"""


class Host:
    """Use as a context. `name` of a process: run-1, run-2, or a profile's id for its bot."""

    def __init__(self, venue: Venue, folder: Path | None = None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="chaos-") if folder is None else None
        self.home = Path(self._temporary.name) if self._temporary is not None else Path(folder or ".")
        self.home.mkdir(exist_ok=True)
        self.disk = self.home / "disk"
        self.ledger = self.disk / "trueup.sqlite"
        self.effects = self.home / "effects.sqlite"
        self.ends: list[str] = []  # how processes ended that nobody killed
        self._clock_file = self.home / "clock"
        self._clock_file.write_text("+0\n")
        self._venue = venue
        self._wanted: dict[str, subprocess.Popen[bytes] | None] = {}
        self._preload = _faketime()

    @property
    def has_clock(self) -> bool:
        return self._preload is not None

    def __enter__(self) -> "Host":
        self.disk.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(self.disk)]
        self.is_mounted = (
            os.name == "posix" and subprocess.run(mount, capture_output=True, check=False).returncode == 0
        )
        config = CONFIG.format(ttl_s=LEASE_TTL_S, url=self._venue.url)
        (self.disk / "trueup.toml").write_text(config + "".join(PROFILE.format(name=one) for one in PROFILES))
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._wanted):
            self.kill(name)
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.disk)], check=False)
        if self._temporary is not None:
            self._temporary.cleanup()

    # -- processes -----------------------------------------------------------------------------------------------------

    def start_all(self) -> None:
        self._wanted = dict.fromkeys(("run-1", "run-2", *PROFILES))
        self.tend()

    def tend(self) -> None:
        """Starts again what has ended."""
        for name, process in self._wanted.items():
            if process is None or process.poll() is not None:
                if process is not None:
                    self.ends.append(f"{name} ended with {process.returncode}: {self._last_line(name)}")
                self._wanted[name] = self._start(name)

    def wait(self, seconds: float) -> None:
        """That long, and processes are looked after meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.tend()
            time.sleep(min(left, 0.05))

    def kill(self, name: str) -> None:
        """SIGKILL; it is started again by whoever looks after it next."""
        process = self._wanted[name]
        if process is not None:
            process.kill()
            process.wait()
            self._wanted[name] = None

    def leave(self, name: str) -> None:
        """Kills it for good."""
        self.kill(name)
        del self._wanted[name]

    def end(self, name: str) -> int:
        """SIGTERM, for good; returns the exit code."""
        process = self._wanted.pop(name)
        if process is None:
            return 0
        process.terminate()
        return process.wait(PATIENCE_S)

    def pause(self, name: str, seconds: float) -> None:
        """SIGSTOP for that long: it goes on as if nothing had been."""
        process = self._wanted[name]
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGSTOP)
        self.wait(seconds)
        process.send_signal(signal.SIGCONT)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One `trueup` command of a person, by the true clock."""
        return subprocess.run(
            [sys.executable, "-m", "trueup", *arguments, "--config", str(self.disk / "trueup.toml")],
            cwd=ROOT, env=self._environment(None), capture_output=True, text=True, timeout=PATIENCE_S, check=False,
        )  # fmt: skip

    def log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    def opened(self, name: str) -> Path:
        """There where a bot's ledger knows all its trades."""
        return self.home / f"{name}.opened"

    # -- the machine ---------------------------------------------------------------------------------------------------

    def set_clock(self, offset_s: int) -> None:
        """Of all its processes; whole at any moment."""
        new = self._clock_file.with_suffix(".new")
        new.write_text(f"{offset_s:+d}\n")
        new.replace(self._clock_file)

    def fill_disk(self) -> None:
        if not self.is_mounted:
            self._limit_files(self.ledger.stat().st_size if self.ledger.exists() else 0)
            return
        with contextlib.suppress(OSError), (self.disk / BALLAST).open("ab", buffering=0) as file:
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)

    def free_disk(self) -> None:
        (self.disk / BALLAST).unlink(missing_ok=True)
        if not self.is_mounted:
            self._limit_files(resource.RLIM_INFINITY)

    def remove_ledger(self) -> None:
        for left in self.disk.glob("trueup.sqlite*"):
            left.unlink(missing_ok=True)

    def restore(self, backup: Path) -> None:
        """The backup in the ledger's place, as one rename."""
        self.remove_ledger()
        new = self.disk / "restored"
        new.write_bytes(backup.read_bytes())
        new.replace(self.ledger)

    def _limit_files(self, size: int) -> None:
        for process in self._wanted.values():
            if process is not None and process.poll() is None:
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        bot = ["-m", "tests.chaos.bot", str(self.disk), name, self._venue.url]
        run = ["-m", "trueup", "run", "--config", str(self.disk / "trueup.toml")]
        with self.log(name).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *(bot if name in PROFILES else run)],
                cwd=ROOT, env=self._environment(self._preload), stdout=log, stderr=log,
            )  # fmt: skip

    def _environment(self, preload: str | None) -> dict[str, str]:
        ours = {
            "PYTHONPATH": str(ROOT),
            "EFFECTS": str(self.effects),
            "CHAOS_KEY": KEY_ID,
            "CHAOS_SECRET": SECRET,
        }
        if preload is not None:
            ours |= {
                "LD_PRELOAD": preload,
                "FAKETIME_TIMESTAMP_FILE": str(self._clock_file),
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1",
            }
        return os.environ | ours

    def _last_line(self, name: str) -> str:
        lines = self.log(name).read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""


def _faketime() -> str | None:
    triplet = f"{os.uname().machine}-linux-gnu"
    return next((found for one in FAKETIME if Path(found := one.format(triplet)).exists()), None)
