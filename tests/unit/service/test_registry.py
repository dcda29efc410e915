"""Opening venues, secrets and executors by name."""

import sys
from pathlib import Path

import pytest

from trueup.model.errors import AuthError, ConfigError
from trueup.service.clock import SystemClock
from trueup.service.config import AccountConfig, ProfileConfig, SecretSource
from trueup.service.registry import load_entry, open_executor, open_venue
from trueup.service.secrets import read_secret
from trueup.venues.files import FilesVenue

ACCOUNT = AccountConfig(
    account_id="a", venue="files", options={"path": "x.json"}, profiles=[ProfileConfig(profile_id="p")]
)


def test_a_venue_opens_by_its_entry_point():
    assert isinstance(open_venue(ACCOUNT, SystemClock(), "/tmp", {}), FilesVenue)


def test_an_unknown_venue_is_answered_with_the_nearest():
    with pytest.raises(ConfigError, match="no venue is called 'file'; did you mean 'files'"):
        load_entry("trueup.venues", "file")


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path):
    (tmp_path / "key").write_text("from-file\n")
    assert read_secret("k", SecretSource(env="K"), ".", {"K": " from-env "}) == "from-env"
    assert read_secret("k", SecretSource(file="key"), str(tmp_path), {}) == "from-file"


@pytest.mark.parametrize("source", [SecretSource(env="K"), SecretSource(file="none")])
def test_a_missing_secret_is_exit_code_12(source, tmp_path: Path):
    with pytest.raises(AuthError) as caught:
        read_secret("k", source, str(tmp_path), {"K": "  "})
    assert caught.value.exit_code == 12


def test_an_unreadable_secret_says_why_in_words_and_nothing_of_itself(tmp_path: Path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin").write_bytes(b"hunter2\xff")
    for name, why in (
        ("none", "no such file or directory"),
        ("folder", "is a directory"),
        ("latin", "it is not UTF-8 text"),
    ):
        with pytest.raises(AuthError) as caught:
            read_secret("k", SecretSource(file=name), str(tmp_path), {})
        message = f"the credential k cannot be read from {tmp_path / name}: {why}"
        assert str(caught.value) == message


@pytest.fixture
def hooks_module(tmp_path: Path, monkeypatch):
    body = "\n".join(
        f"    async def reconcile_{one}(self, notification): ..."
        for one in ("entry_fill", "exit_fill", "cancel")
    )
    (tmp_path / "hooks_for_trueup.py").write_text(
        f"class Hooks:\n{body}\nexecutor = Hooks()\nhalf = object()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "hooks_for_trueup"


@pytest.mark.parametrize("attribute", ["Hooks", "executor"])
def test_an_executor_is_an_object_or_what_makes_one(hooks_module, attribute):
    assert type(open_executor(f"{hooks_module}:{attribute}")).__name__ == "Hooks"


@pytest.mark.parametrize(
    ("attribute", "words"),
    [(":none", "cannot be imported"), (":half", "has no reconcile_entry_fill"), ("", "expected")],
)
def test_what_is_not_an_executor_is_refused(hooks_module, attribute, words):
    with pytest.raises(ConfigError, match=words):
        open_executor(f"{hooks_module}{attribute}")


@pytest.mark.parametrize(
    "source", ["raise RuntimeError('no key')", "class Hooks:\n    def __init__(self): 1 / 0"]
)
def test_an_executor_that_fails_while_it_is_made_is_named(monkeypatch, tmp_path, source):
    (tmp_path / "broken_hooks.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_hooks", raising=False)
    with pytest.raises(
        ConfigError, match=r"broken_hooks:Hooks cannot be made: (RuntimeError|ZeroDivisionError): "
    ):
        open_executor("broken_hooks:Hooks")
