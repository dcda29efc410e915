"""A PostgreSQL database from `trueup init --postgres` to a service with least rights, by the command line alone."""

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import conninfo, sql

from tests.postgres.databases import empty_database, run_as_owner
from trueup.ledgers.postgresql.grants import WRITER
from trueup.ledgers.postgresql.migrate import known_migrations
from trueup.surfaces.cli.main import commands

PASSWORD = "b\u00e4d:p@ss/w%rd"
VENUE = {"open_orders": {"state": "complete", "rows": []}, "history": {"state": "complete", "fills": []}}


class Town:
    """An empty database, and a configuration that `trueup init` has written for it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.place = conninfo.conninfo_to_dict(url)
        (folder / "venue.json").write_text(json.dumps(VENUE))
        written = ("--venue", "files", "--account", "acc-1", "--profile", "bot1", "--prefix", "b1")
        self.call("init", "--postgres", self.url("postgres"), *written, code=0)

    def url(self, user: str) -> str:
        return f"postgresql://{user}@{self.place['host']}:{self.place['port']}/{self.place['dbname']}"

    def call(self, *args: str, code: int, **environ: str) -> Result:
        config = ["--config", str(self.folder / "trueup.toml")]
        result = CliRunner().invoke(commands, [*args, *config], env={"COLUMNS": "300", **environ})
        assert result.exit_code == code, result.output
        return result

    def query(self, statement: str, user: str = "postgres", password: str | None = None) -> list[tuple]:
        with psycopg.connect(self.url(user), password=password, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with empty_database() as url:
        yield Town(tmp_path, url)


@pytest.fixture
def roles() -> Iterator[tuple[str, str]]:
    """Writer and reader, who may log in with a password only."""
    own = uuid.uuid4().hex[:12]  # roles are the whole server's
    names = (f"trueup_test_writer_{own}_secret", f"trueup_test_reader_{own}_secret")
    for name in names:
        literal = sql.Literal(PASSWORD).as_string(None)
        run_as_owner(f"CREATE ROLE {name} LOGIN PASSWORD {literal}")
    yield names
    for name in names:
        run_as_owner(f"DROP ROLE {name}")


def test_migrate_makes_the_tables_and_doctor_is_content(town: Town) -> None:
    assert "`trueup migrate`" in town.call("run", "--once", code=1).stderr
    names = ", ".join(one.name for one in known_migrations())
    assert f"migrated: {names}" in town.call("migrate", "--post", code=0).stdout
    assert "this version's already" in town.call("migrate", code=0).stdout
    assert "database" in town.call("doctor", code=0).stdout
    town.call("run", "--once", code=0)
    status = json.loads(town.call("status", "--json", code=0).stdout)
    (row,), (account,) = status["profiles"], status["accounts"]
    assert account["account_id"] == "acc-1"
    assert account["worked_by"].endswith(f":{os.getpid()}")
    assert (row["profile_id"], row["account_id"]) == ("bot1", "acc-1")
    assert row["last_good_run_at"] is not None


def test_what_migrate_prints_does_the_same(town: Town) -> None:
    script = town.call("migrate", "--sql", code=0).stdout
    assert town.query("SELECT 1 FROM pg_namespace WHERE nspname = 'trueup'") == []
    town.query(script)
    assert "this version's already" in town.call("migrate", code=0).stdout
    town.call("run", "--once", code=0)


def test_a_writer_works_and_cannot_change_the_log_nor_a_reader_anything(
    town: Town, roles: tuple[str, str]
) -> None:
    writer, reader = roles
    granted = town.call("migrate", "--grant-writer", writer, "--grant-reader", reader, code=0).stdout
    assert f"granted: {writer}" in granted
    try:
        _work(town, writer)
        _refuse(town, writer, reader)
    finally:
        for name in roles:
            town.query(f"DROP OWNED BY {name}")


def _work(town: Town, writer: str) -> None:
    environ = {"TRUEUP_DATABASE_URL": town.url(writer), "PGPASSWORD": PASSWORD}
    town.call("run", "--once", "--apply", code=0, **environ)
    town.call("pause", "bot1", "--why", "a test", code=0, **environ)
    town.call("purge", "--yes", code=0, **environ)
    town.query(
        "INSERT INTO trueup.orders (account_id, profile_id, client_order_id, side, status, previous_venue_order_ids)"
        " VALUES ('acc-1', 'bot1', 'b1-1', 'buy', 'pending_new', '[\"v-0\"]')",
        writer,
        PASSWORD,
    )
    town.query("UPDATE trueup.orders SET status = 'canceled'", writer, PASSWORD)
    assert town.query("SELECT version FROM trueup.orders") == [(2,)]


def _refuse(town: Town, writer: str, reader: str) -> None:
    for table in WRITER:
        assert town.query(f"SELECT count(*) >= 0 FROM trueup.{table}", reader, PASSWORD) == [(True,)]
        for statement in (f"DELETE FROM trueup.{table}", f"INSERT INTO trueup.{table} DEFAULT VALUES"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                town.query(statement, reader, PASSWORD)
        for statement in (
            f"TRUNCATE trueup.{table} CASCADE",
            f"ALTER TABLE trueup.{table} DISABLE TRIGGER ALL",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                town.query(statement, writer, PASSWORD)
    for statement in (
        "UPDATE trueup.order_log SET payload = ''",
        "DELETE FROM trueup.order_log",
        "UPDATE trueup.migrations SET checksum = ''",
        "CREATE TABLE trueup.mine (one int)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            town.query(statement, writer, PASSWORD)


def test_every_table_has_its_rights_named(town: Town) -> None:
    town.call("migrate", code=0)
    tables = town.query(
        "SELECT relname FROM pg_class WHERE relnamespace = 'trueup'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition"
    )
    assert {name for (name,) in tables} == WRITER.keys()


def test_the_password_is_never_shown(town: Town, roles: tuple[str, str]) -> None:
    writer, _ = roles
    (town.folder / "secret").write_text("wr0ng-s3cret\n")
    file = town.folder / "trueup.toml"
    text = file.read_text().replace(
        '# password = { env = "TRUEUP_DB_PASSWORD" }', 'password = { file = "secret" }'
    )
    file.write_text(text.replace(town.url("postgres"), town.url(writer)))
    for command in (["run", "--once"], ["doctor"], ["migrate"], ["status"], ["config", "show", "--all"]):
        result = CliRunner().invoke(commands, [*command, "--config", str(file)])
        assert "wr0ng" not in result.output + result.stderr
        assert "s3cret" not in result.output + result.stderr
    (town.folder / "secret").write_text(PASSWORD)
    assert "migrated" not in CliRunner().invoke(commands, ["migrate", "--config", str(file)]).output
    assert "permission denied" in town.call("migrate", code=1).stderr  # it may log in, and not migrate


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@h:not-a-port/d",
        "postgresql://u:s3cret@x@127.0.0.1:1/d",
        "postgresql://u:s3cret@127.0.0.1:1/d?nonsense=1",
        "postgresql://u:s3cret@127.0.0.1:1/d",
        "postgresql://u@127.0.0.1:1/d?password=s3cret",
    ],
)
def test_a_url_that_is_wrong_is_one_line_without_the_password(town: Town, url: str) -> None:
    result = CliRunner().invoke(
        commands,
        ["run", "--once", "--config", str(town.folder / "trueup.toml")],
        env={"TRUEUP_DATABASE_URL": url},
    )
    assert result.exit_code in (1, 10), result.output
    assert len(result.stderr.strip().splitlines()) == 1
    assert "s3cret" not in result.stderr


def test_init_refuses_a_password(tmp_path: Path) -> None:
    url = "postgresql://u:s3cret@h/d"
    given = ["init", "--postgres", url, "--venue", "files", "--config", str(tmp_path / "trueup.toml")]
    result = CliRunner().invoke(commands, given)
    assert result.exit_code == 64
    assert "s3cret" not in result.stderr
    assert urlsplit(url).password == "s3cret"
