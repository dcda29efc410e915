"""What systemd hears, over a real socket; and what its own judge says of our unit."""

import asyncio
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.patience import PATIENCE_S
from trueup.service.systemd import notify, told_to_systemd

UNIT = Path(__file__).parents[3] / "docs/how-to/operate/trueup.service"
EXPOSURE_MAX = 1.5  # of 10; a minimal unit has 9.6


def _listening(path: str) -> socket.socket:
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(path)
    heard.settimeout(PATIENCE_S)
    return heard


def test_ready_alive_and_stopping_in_this_order(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")

    async def serve(heard: socket.socket) -> list[bytes]:
        async with told_to_systemd({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000"}):
            return [await asyncio.to_thread(heard.recv, 64) for _ in range(4)]

    with _listening(address) as heard:
        first = asyncio.run(serve(heard))
        rest = b""
        while b"STOPPING" not in rest:
            rest = heard.recv(64)
    assert first == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"WATCHDOG=1"]


@pytest.mark.parametrize("watchdog", ["", "0", "never"])
def test_without_a_watchdog_no_sign_of_life_is_given(tmp_path: Path, watchdog: str) -> None:
    address = str(tmp_path / "notify")

    async def serve() -> None:
        async with told_to_systemd({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": watchdog}):
            for _ in range(5):
                await asyncio.sleep(0)

    with _listening(address) as heard:
        asyncio.run(serve())
        assert [heard.recv(64), heard.recv(64)] == [b"READY=1", b"STOPPING=1"]


def test_outside_systemd_nothing_is_said_and_a_lost_socket_harms_nobody(tmp_path: Path) -> None:
    async def serve() -> str:
        async with told_to_systemd({}):
            return "ran"

    assert asyncio.run(serve()) == "ran"
    notify(str(tmp_path / "gone"), "READY=1")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_finds_the_unit_hardly_exposed() -> None:
    answer = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", UNIT], capture_output=True, text=True, check=False
    )
    exposure = re.search(r"Overall exposure level for trueup.service: ([\d.]+)", answer.stdout)
    assert exposure is not None, answer.stderr
    assert float(exposure[1]) <= EXPOSURE_MAX


def test_the_unit_says_what_the_page_says() -> None:
    unit = UNIT.read_text()
    for line in (
        "Type=notify",
        "WatchdogSec=",
        "DynamicUser=yes",
        "StateDirectory=trueup",
        "ProtectSystem=strict",
    ):
        assert f"\n{line}" in unit
    assert "\nLoadCredential=" in unit
    assert "\nSystemCallFilter=" in unit
