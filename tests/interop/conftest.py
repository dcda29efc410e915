"""The Python of an environment that has the real freqtrade, where `TRUEUP_TEST_FREQTRADE` says one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

VARIABLE = "TRUEUP_TEST_FREQTRADE"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    said = os.environ[VARIABLE]
    if said != "make":
        return Path(said)
    folder = tmp_path_factory.mktemp("freqtrade")
    lock = Path(__file__).parent / "freqtrade.lock"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin/pip"), "install", "-q", "--no-deps", "--require-hashes", "-r", str(lock)]
    done = subprocess.run(pip, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"freqtrade cannot be installed here: {done.stderr.decode()[-200:]}")
    return folder / "bin/python"
