"""An example's bot in a process of its own: started, waited for, killed. What it prints stands in a file, so that a
bot that talks much never waits for its reader, and a failure shows it."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import DEVNULL, STDOUT
from subprocess import Popen as Process

from tests.patience import PATIENCE_S, POLL_S

SHOWN_MAX = 4_000


class BotProcess:
    def __init__(self, script: Path, arguments: list[str], environ: Mapping[str, str], printed: Path) -> None:
        self._printed = printed
        self._from = printed.stat().st_size if printed.exists() else 0
        with printed.open("ab") as output:
            self._process = Process(  # what it says stands before what it is killed in
                [sys.executable, str(script), *arguments],
                env={**environ, "PYTHONUNBUFFERED": "1"},
                stdin=DEVNULL, stdout=output, stderr=STDOUT,
            )  # fmt: skip

    async def until(self, reached: Callable[[], bool], meanwhile: Callable[[], object]) -> None:
        """The market goes on meanwhile. A bot that ended is found by `kill`; one that stands still is shown."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not reached() and self._process.poll() is None:
                    await asyncio.sleep(POLL_S)
                    meanwhile()
        except TimeoutError:
            self._process.kill()
            raise AssertionError(f"the bot stands still:\n{self._said()}") from None

    def kill(self) -> None:
        """It must still have been running."""
        self._process.kill()
        assert self._process.wait(PATIENCE_S) == -signal.SIGKILL, self._said()

    def _said(self) -> str:
        return self._printed.read_text()[self._from :][-SHOWN_MAX:]
