"""The image's own steps without docker: built as the Dockerfile says, then run by nobody in particular, who may write
nowhere but in the books' folder, until the image's health check is content.

It fetches packages and takes minutes: `TRUEUP_IMAGE_STEPS=1 python3 dev.py test tests/unit/deploy/test_image_steps.py`.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.deploy.test_deploy import DOCKERFILE, ROOT

BUILD, LAST = DOCKERFILE.split("\nFROM ")[-2:]
NOBODY = 65532
WAIT_S = 300.0
HEALTHY = """[database]
url = "sqlite:///{books}/trueup.sqlite"

[[accounts]]
account_id = "acc1"
venue = "files"
options = {{ path = "{folder}/venue.json" }}

[[accounts.profiles]]
profile_id = "p1"
"""

pytestmark = pytest.mark.skipif(
    "TRUEUP_IMAGE_STEPS" not in os.environ, reason="fetches packages: set TRUEUP_IMAGE_STEPS to run it"
)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may enter, as the image's root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def python_for_all() -> str:
    """An interpreter that nobody in particular may start; a home's is not."""
    for one in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        if os.geteuid() != 0 or not one.startswith("/root/"):
            return one
    pytest.skip("no interpreter here that others than root may start")


def build(place: Path) -> None:
    """Every COPY and RUN of the first stage, in order, in a folder of its own."""
    work, programs = place / "build", place / "programs"
    work.mkdir()
    programs.mkdir()
    (programs / "python").symlink_to(python_for_all())
    environ = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"}
    for line in BUILD.replace("\\\n", " ").splitlines():
        step, _, rest = line.partition(" ")
        if step == "COPY":
            *sources, target = rest.split()
            for source in sources:
                into = work / target / (Path(source).name if target.endswith("/") else "")
                into.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, into)
        elif step == "RUN":
            command = rest.replace("/opt/", f"{place}/")
            subprocess.run(["sh", "-ec", command], cwd=work, env=environ, check=True, timeout=1_800)


def test_what_the_dockerfile_builds_runs_as_nobody_and_is_healthy(place: Path) -> None:
    build(place)
    books = place / "books"
    books.mkdir()
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    if user:
        os.chown(books, NOBODY, NOBODY)
    (place / "venue.json").write_text("{}")
    config = place / "trueup.toml"
    config.write_text(HEALTHY.format(books=books, folder=place))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    here = place / "here"
    here.mkdir(mode=0o555)
    environ = {
        "PATH": f"{place}/trueup/bin:/usr/bin:/bin",
        "TRUEUP_CONFIG": str(config),
        "HOME": "/nonexistent",
    }
    command = ["trueup", *json.loads(re.findall(r"^CMD (.*)$", LAST, re.MULTILINE)[0])]
    check = json.loads(re.findall(r"^HEALTHCHECK .*\n +CMD (.*)$", LAST, re.MULTILINE)[0])
    process = subprocess.Popen(  # type: ignore[call-overload]
        [one.replace("0.0.0.0:8787", f"127.0.0.1:{port}") for one in command], cwd=here, env=environ, **user
    )
    try:
        asked = [one.replace(":8787", f":{port}") for one in check]
        ends = time.monotonic() + WAIT_S
        while subprocess.run(asked, cwd=here, env=environ, capture_output=True, check=False).returncode != 0:
            assert process.poll() is None
            assert time.monotonic() < ends
            time.sleep(0.5)
        assert list(here.iterdir()) == []
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0
