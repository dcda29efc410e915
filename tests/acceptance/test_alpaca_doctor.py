"""`trueup doctor` at the paper server: whose account, whose clock, which credentials; real money only if said twice."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from trueup.model.times import NS_PER_S
from trueup.service.clock import SystemClock
from trueup.sim.paper.json import paper_id
from trueup.sim.paper.serve import serving
from trueup.sim.paper.venue import KEY_ID, SECRET, PaperVenue

CONFIG = """
[[accounts]]
account_id = "acc-1"
venue = "alpaca"
options = {{ {options} }}
[accounts.credentials]
key_id = {{ env = "KEY_ID" }}
secret_key = {{ env = "SECRET_KEY" }}
[[accounts.profiles]]
profile_id = "p1"
"""
ELSEWHERE = 'base_url = "https://127.0.0.2:9", live = true'  # here too, but not known as here; nobody listens


async def _doctor(
    folder: Path, options: str, *flags: str, secret: str = SECRET
) -> tuple[dict[str, dict[str, str]], str]:
    """Its checks by name, and all that it wrote."""
    (folder / "trueup.toml").write_text(CONFIG.format(options=options))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "trueup", *flags, "doctor", "--json"),
        cwd=folder,
        env={**os.environ, "KEY_ID": KEY_ID, "SECRET_KEY": secret},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return {check["name"]: check for check in map(json.loads, out.splitlines())}, (out + err).decode()


@pytest.mark.parametrize(
    ("behind_s", "state", "said"), [(0, "ok", ""), (90, "warn", "90."), (-90, "warn", "behind the venue's")]
)
def test_the_account_and_the_venue_s_clock(tmp_path: Path, behind_s: int, state: str, said: str) -> None:
    async def scenario() -> None:
        paper = PaperVenue(follow=SystemClock() if behind_s == 0 else _Shifted(-behind_s))
        async with serving(paper) as url:
            checks, _ = await _doctor(tmp_path, f'base_url = "{url}"')
        assert checks["account acc-1"]["state"] == "ok"
        assert paper_id("account", "paper") in checks["account acc-1"]["message"]
        assert (checks["clock for acc-1"]["state"], said in checks["clock for acc-1"]["message"]) == (
            state,
            True,
        )
        assert {seen.method for seen in paper.seen} == {"GET"}

    asyncio.run(scenario())


class _Shifted(SystemClock):
    """The machine's clock, some seconds off."""

    def __init__(self, seconds: int) -> None:
        self._by_ns = seconds * NS_PER_S

    def now_ns(self) -> int:
        return super().now_ns() + self._by_ns


def test_credentials_that_are_refused_are_named_without_being_shown(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with serving(PaperVenue()) as url:
            checks, output = await _doctor(tmp_path, f'base_url = "{url}"', secret="wrong-but-secret")
        assert checks["account acc-1"]["state"] == "fail"
        assert "credentials" in checks["account acc-1"]["message"]
        assert "wrong-but-secret" not in output

    asyncio.run(scenario())


def test_real_money_is_said_twice(tmp_path: Path) -> None:
    checks, _ = asyncio.run(_doctor(tmp_path, ELSEWHERE))
    assert "say it again" in checks["account acc-1"]["message"]
    checks, _ = asyncio.run(_doctor(tmp_path, ELSEWHERE, "--live"))
    assert "gave no whole answer" in checks["account acc-1"]["message"]  # so it was asked
