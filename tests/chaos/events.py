"""What happens to the processes, their machine, their ledger and their venue. Each event takes the time it takes.

Drawn from a seed: the same seed gives the same events, though not the same moments.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.chaos.host import LEASE_TTL_S, PROFILES, Host
from tests.chaos.venue import Line, Venue
from trueup.sim.paper.faults import PaperFault

RUNS = ("run-1", "run-2")
STRANGE = tuple(one for one in PaperFault if one is not PaperFault.FRAME_LOST)
BACKUPS_KEPT = 3
JUMPS_S = (3, 20, 29, 90, 3600, 172_800)  # beyond the 30 s of clock_skew_max_s, and within


class Events:
    """Draws them, and makes them happen; says what happened in a line."""

    def __init__(self, seed: int, host: Host, venue: Venue) -> None:
        self._random = Random(f"{seed}/events")
        self._host = host
        self._venue = venue
        self._backups: list[Path] = []
        self._count = 0
        self._kinds: dict[str, tuple[int, Callable[[], str]]] = {
            "run_killed": (20, self._run_killed),
            "bot_killed": (10, self._bot_killed),
            "run_stopped": (14, self._run_stopped),
            "bot_stopped": (5, self._bot_stopped),
            "clock": (14 if host.has_clock else 0, self._clock),
            "disk_full": (8, self._disk_full),
            "backup": (6, self._backup),
            "restored": (5, self._restored),
            "deleted": (2, self._deleted),
            "line": (14, self._line),
            "strange": (14, self._strange),
            "by_hand": (8, self._by_hand),
        }

    def happen(self) -> tuple[str, str]:
        """One event: its kind, and what it was."""
        self._count += 1
        kinds = list(self._kinds)
        (kind,) = self._random.choices(kinds, [self._kinds[one][0] for one in kinds])
        what = self._kinds[kind][1]()
        self._host.wait(self._random.uniform(0.2, 2.0))
        return kind, what

    def _run_killed(self) -> str:
        return self._kill(self._random.choice(RUNS))

    def _bot_killed(self) -> str:
        return self._kill(self._random.choice(PROFILES))

    def _kill(self, name: str) -> str:
        self._host.kill(name)
        return f"{name} is killed"

    def _run_stopped(self) -> str:
        return self._stop(self._random.choice(RUNS))

    def _bot_stopped(self) -> str:
        return self._stop(self._random.choice(PROFILES))

    def _stop(self, name: str) -> str:
        seconds = LEASE_TTL_S * self._random.uniform(1.1, 2.5)
        self._host.pause(name, seconds)
        return f"{name} is stopped for {seconds:.1f} s"

    def _clock(self) -> str:
        offset_s = self._random.choice((-1, 1)) * self._random.choice(JUMPS_S)
        self._host.set_clock(offset_s)
        self._host.wait(self._random.uniform(1, 3))
        back = self._random.random() < 0.7
        if back:
            self._host.set_clock(0)
        return f"the clock jumps by {offset_s:+d} s" + (", and back" if back else "")

    def _disk_full(self) -> str:
        self._host.fill_disk()
        seconds = self._random.uniform(0.5, 2.5)
        if self._random.random() < 0.3:
            self._host.kill(self._random.choice(RUNS))  # who starts now finds the disk full
        self._host.wait(seconds)
        self._host.free_disk()
        return f"the disk is full for {seconds:.1f} s"

    def _backup(self) -> str:
        file = self._host.home / f"backup-{self._count}"
        done = self._host.command("backup", str(file))
        if done.returncode != 0:
            return f"no backup: {(done.stderr.strip().splitlines() or ['?'])[-1]}"
        self._backups.append(file)
        for old in self._backups[:-BACKUPS_KEPT]:
            old.unlink(missing_ok=True)
        self._backups = self._backups[-BACKUPS_KEPT:]
        return "a backup is made"

    def _restored(self) -> str:
        if not self._backups:
            return self._backup()
        for name in (
            *RUNS,
            *PROFILES,
        ):  # as docs/how-to/operate.md says: who lives leaves a log beside the backup
            self._host.kill(name)
        self._host.restore(backup := self._random.choice(self._backups))
        self._host.wait(1.0)
        return f"{backup.name} takes the ledger's place"

    def _deleted(self) -> str:
        self._host.remove_ledger()
        self._host.wait(1.0)
        return "the ledger is deleted"

    def _line(self) -> str:
        self._venue.line = self._random.choice((Line.HANGS, Line.CUT, Line.REFUSED))
        what = f"the line to the venue: {self._venue.line}"
        self._host.wait(self._random.uniform(0.5, 4))
        self._venue.line = Line.WHOLE
        return what

    def _strange(self) -> str:
        faults = self._random.sample(STRANGE, 3)
        self._venue.has_faults(dict.fromkeys(faults, 0.2))
        self._host.wait(self._random.uniform(1, 3))
        self._venue.has_faults({})
        return f"the venue answers strangely: {', '.join(faults)}"

    def _by_hand(self) -> str:
        return f"a person {self._venue.act_by_hand()}"
