"""The one way to the configured database: by URL scheme, with its password from where secrets may stand."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from trueup.ledgers.sqlite import file_of
from trueup.model.errors import AuthError, ConfigError
from trueup.service.explain_config import explain_config
from trueup.service.load_config import LoadedConfig, load_config
from trueup.service.open_ledger import database_file, database_url, open_ledger, shown_url


@pytest.fixture
def load(tmp_path: Path):
    def load_text(database: str, environ: dict[str, str] | None = None) -> LoadedConfig:
        file = tmp_path / "trueup.toml"
        file.write_text(f"[database]\n{database}\n")
        return load_config(str(file), environ=environ or {})

    return load_text


@pytest.mark.parametrize(
    "database", ['path = "here.db"', 'url = "sqlite:///here.db"', 'url = { env = "WHERE" }']
)
def test_a_sqlite_file_is_named_by_path_or_url(load, tmp_path: Path, database: str):
    loaded = load(database)
    environ = {"WHERE": "sqlite:///here.db"}
    assert database_file(loaded, environ) == str(tmp_path / "here.db")
    ledger = open_ledger(loaded, environ)
    assert ledger.journal.list_profiles() == []
    ledger.close()
    assert (tmp_path / "here.db").exists()


def test_a_path_keeps_its_own_letters(load, tmp_path: Path):
    loaded = load('path = "50% of a?b#c.db"')
    assert database_file(loaded, {}) == str(tmp_path / "50% of a?b#c.db")


def test_looking_makes_no_file(load, tmp_path: Path):
    with pytest.raises(ConfigError, match="there are no books at"):
        open_ledger(load('path = "here.db"'), {}, create=False)
    assert not (tmp_path / "here.db").exists()


@pytest.mark.parametrize("url", ["sqlite://here.db", "sqlite:///", "sqlite:///x?mode=ro"])
def test_a_url_that_names_no_file_is_refused(url: str):
    with pytest.raises(ConfigError, match="write sqlite:///PATH"):
        file_of(url, "/tmp")


def test_a_path_from_the_root():
    assert file_of("sqlite:////var/lib/x.db", "/tmp") == "/var/lib/x.db"


def test_an_unknown_scheme_is_answered_with_what_there_is(load):
    with pytest.raises(ConfigError, match="sqlite"):
        open_ledger(load('url = "sqllite:///x.db"'), {})
    with pytest.raises(ConfigError, match="expected sqlite:///PATH or postgresql://"):
        open_ledger(load('url = "x.db"'), {})


@pytest.mark.parametrize("url", ["postgresql://u:hunter2@h/db", "postgresql://h/db?user=u&password=hunter2"])
def test_a_password_never_stands_in_the_file(load, url: str):
    with pytest.raises(ConfigError, match="a password never stands in the file") as caught:
        load(f'url = "{url}"')
    assert "hunter2" not in str(caught.value)
    loaded = load("", {"TRUEUP_DATABASE_URL": url})
    assert database_url(loaded, {}) == url
    (shown,) = [one.value for one in explain_config(loaded) if one.key == "database.url"]
    assert "hunter2" not in shown


def test_a_password_joins_the_url_from_its_own_place(load, tmp_path: Path):
    (tmp_path / "secret").write_text("p@ss/w:rd\n")
    loaded = load('url = "postgresql://bot@db.example:5433/books"\npassword = { file = "secret" }')
    parts = urlsplit(database_url(loaded, {}))
    assert (parts.username, parts.password, parts.hostname, parts.port) == (
        "bot",
        "p%40ss%2Fw%3Ard",
        "db.example",
        5433,
    )
    assert shown_url(parts.geturl()) == "postgresql://bot@db.example:5433/books"


@pytest.mark.parametrize("url", ["sqlite:///trueup.sqlite", "sqlite:////var/lib/trueup.sqlite"])
def test_a_files_url_is_shown_as_it_can_be_written(url: str) -> None:
    assert shown_url(url) == url


def test_a_password_that_is_not_there_is_exit_code_12(load):
    loaded = load('url = "postgresql://bot@h/books"\npassword = { env = "NOPE" }')
    with pytest.raises(AuthError, match="environment variable NOPE"):
        database_url(loaded, {})


@pytest.mark.parametrize(
    ("database", "why"),
    [
        ("url = { }", "give one of env"),
        ('password = { env = "X" }', "a SQLite file has none"),
        ('url = "postgresql://h/db"\npassword = { env = "X" }', "must name a user"),
    ],
)
def test_what_cannot_be_meant_is_refused(load, database: str, why: str):
    with pytest.raises(ConfigError, match=why):
        database_url(load(database), {"X": "secret"})
