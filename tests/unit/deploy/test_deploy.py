"""The files for containers: linted, pinned to what the tests run with, and without a secret."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from trueup.service.config import SecretSource
from trueup.service.load_config import load_config

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def pins(name: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Package → its version and hashes."""
    found = {}
    for block in re.findall(r"^\S+==.*\n(?: +--hash=.*\n)+", (ROOT / name).read_text(), re.MULTILINE):
        package, _, rest = block.partition("==")
        version = re.split(r"[\s;]", rest)[0]
        found[package] = (version, frozenset(re.findall(r"--hash=(\S+)", block)))
    return found


def test_the_dockerfile_is_linted() -> None:
    program = Path(sys.executable).parent / "hadolint"
    done = subprocess.run([program, DEPLOY / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["deploy/requirements.txt", "deploy/requirements-build.txt"])
def test_the_image_has_what_the_tests_run_with(name: str) -> None:
    tested, wanted = pins("requirements.lock"), pins(name)
    assert wanted
    assert {package: one for package, one in wanted.items() if tested.get(package) != one} == {}


def test_the_image_has_what_trueup_declares_and_no_tool_of_the_tests() -> None:
    names = set(pins("deploy/requirements.txt"))
    assert {"aiohttp", "apprise", "apsw", "ccxt", "psycopg", "starlette"} <= names
    assert not names & {"pytest", "mypy", "playwright", "hypothesis"}


def test_every_package_is_checked_by_its_hash() -> None:
    installs = re.findall(r"pip (?:install|wheel) [^\\&\n]*", DOCKERFILE)
    assert len(installs) == 4
    assert [one for one in installs if "--require-hashes" not in one] == [
        "pip wheel --no-cache-dir --no-build-isolation --no-deps --wheel-dir dist . ",
        "pip install --no-cache-dir --no-index --no-deps dist/*.whl",
    ]


def test_it_runs_as_nobody_in_particular_and_says_whether_it_works() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER 65532:65532$", last, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*\n +CMD \[", last, re.MULTILINE)
    assert "pip" not in last


@pytest.mark.parametrize("name", ["migrate", "run", "web"])
def test_a_container_writes_nowhere_and_may_do_nothing(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_secrets_are_files_and_nothing_is_open_to_other_machines() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    assert not re.search(r"(?i)(password|token|secret|key): *[^{\s]", text)
    named = {secret for one in COMPOSE["services"].values() for secret in one.get("secrets", [])}
    assert named == set(COMPOSE["secrets"])
    assert all("file" in one for one in COMPOSE["secrets"].values())
    ports = [port for one in COMPOSE["services"].values() for port in one.get("ports", [])]
    assert ports == ["127.0.0.1:8787:8787"]


def test_its_configuration_is_accepted_and_reads_those_secrets() -> None:
    config = load_config(str(DEPLOY / "trueup.toml"), environ={}).config
    sources = [config.database.password, config.web.operator_token, *config.accounts[0].credentials.values()]
    files = {one.file for one in sources if isinstance(one, SecretSource)}
    assert files == {f"/run/secrets/{name}" for name in COMPOSE["secrets"]}
