"""The demo: the books end as the venue's truth, the same seed tells the same story, and its commands work."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.postgres.databases import empty_database
from tests.postgres.worlds import BOOKS, OF_THE_LEDGER
from trueup.surfaces.cli.main import commands

Demo = Callable[..., Result]


@pytest.fixture(params=["sqlite", "postgresql"])
def demo(request: pytest.FixtureRequest) -> Iterator[Demo]:
    """`trueup demo` into a folder; on PostgreSQL each with a database of its own, which the configuration names."""
    with ExitStack() as databases:

        def run(folder: Path, *args: str) -> Result:
            place: tuple[str, ...] = ()
            if request.param == "postgresql":
                place = ("--postgres", databases.enter_context(empty_database()))
            return told("--keep", str(folder), *place, *args)

        yield run


def told(*args: str) -> Result:
    return CliRunner().invoke(commands, ["demo", *args], env={"COLUMNS": "140"})


def test_the_books_end_as_the_truth(demo: Demo, tmp_path: Path) -> None:
    result = demo(tmp_path / "a")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    for expected in (
        "USD at stake",
        "book_fill",
        "every order, fill, price and trade is equal",
        "What happened",
    ):
        assert expected in result.stdout
    assert "DIFFERENT" not in result.stdout


@pytest.mark.parametrize("seed", range(20, 26))
def test_other_seeds_end_so_too(demo: Demo, tmp_path: Path, seed: int) -> None:
    result = demo(tmp_path / "a", "--seed", str(seed), "--json")
    answer = json.loads(result.stdout)
    assert answer["drifted_orders"]
    assert answer["corrections"] > 0
    assert answer["books_equal_truth"] is True
    assert result.exit_code == 0


def test_the_same_seed_tells_the_same_story(demo: Demo, tmp_path: Path) -> None:
    first, second = (
        demo(tmp_path / name, "--seed", "3").stdout.replace(name, "-") for name in ("aaa", "bbb")
    )
    assert first == second
    assert first != demo(tmp_path / "ccc", "--seed", "4").stdout.replace("ccc", "-")


def test_what_it_says_to_type_next_works(demo: Demo, tmp_path: Path) -> None:
    story = demo(tmp_path / "a").stdout.split("your turn")[1]
    configuration = story.split("TRUEUP_CONFIG=")[1].splitlines()[0]
    typed = [
        line.split("trueup ")[-1].split("dev.py run ")[-1]
        for line in story.splitlines()
        if line.startswith("  ")
    ]
    assert len(typed) > 5
    for line in typed[1:]:
        result = CliRunner().invoke(commands, line.split(), env={"TRUEUP_CONFIG": configuration})
        left_to_people = line == "plan"  # a position that was closed by hand
        assert result.exit_code == (2 if left_to_people else 0), (line, result.output)
        assert result.stdout != ""


def test_it_says_what_the_tutorial_says_to_type(demo: Demo, tmp_path: Path) -> None:
    tutorial = (Path(__file__).parents[2] / "docs/tutorial.md").read_text()
    (order,) = re.findall(r"^    trueup explain (\S+)$", tutorial, re.MULTILINE)
    story = demo(tmp_path / "a").stdout
    assert f"explain {order}\n" in story


def test_it_shows_the_stages(demo: Demo, tmp_path: Path) -> None:
    """A lost exit, a position closed by hand, two bots on an account, somebody else's order."""
    story = demo(tmp_path / "a").stdout
    happened = [
        "a bot's exit is filled, and it dies before noting that it sent it",
        "a person closes a bot's position on the website",
        "a person places an order of their own",
    ]
    assert [one for one in happened if one not in story] == []
    assert "-exit-99" in story
    assert "insert_order" in story
    assert "quarantine_trade" in story
    assert "foreign_exit (web-1)" in story
    assert "somebody else's live orders on these accounts: 1, never touched" in story
    config = (tmp_path / "a/trueup.toml").read_text()
    assert (config.count("[[accounts]]"), config.count("[[accounts.profiles]]")) == (2, 4)


def test_what_a_person_says_of_the_closed_position_is_booked(demo: Demo, tmp_path: Path) -> None:
    story = demo(tmp_path / "a").stdout
    profile = story.split("decide adopt web-1 --profile ")[1].split()[0]
    trade = story.split(f"{profile} may not trade ")[1].split(":")[0]
    config = {"TRUEUP_CONFIG": str(tmp_path / "a/trueup.toml")}
    adopt = ["decide", "adopt", "web-1", "--profile", profile, "--why", "closed by hand"]
    assert CliRunner().invoke(commands, adopt, env=config).exit_code == 0
    CliRunner().invoke(commands, ["run", "--once", "--apply"], env=config)
    told = CliRunner().invoke(commands, ["explain", trade], env=config).stdout
    assert "web-1" in told
    assert "closed by hand" in told
    assert "insert_exit" in told


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    result = told("--keep", str(tmp_path))
    assert result.exit_code == 64
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_database_with_books_in_it_is_left_alone(tmp_path: Path) -> None:
    with empty_database() as url:
        assert told("--keep", str(tmp_path / "a"), "--postgres", url).exit_code == 0
        again = told("--keep", str(tmp_path / "b"), "--postgres", url, "--seed", "3")
    assert again.exit_code == 64
    assert "has books in it" in again.stderr


def test_no_password_goes_into_the_configuration(tmp_path: Path) -> None:
    refused = told("--keep", str(tmp_path / "a"), "--postgres", "postgresql://me:hidden@127.0.0.1/books")
    assert refused.exit_code == 64
    assert "hidden" not in refused.output


@pytest.mark.parametrize("seed", [0, 3, 20])
def test_one_seed_gives_the_same_books_and_the_same_story_on_both_ledgers(tmp_path: Path, seed: int) -> None:
    with empty_database() as url:
        here, there = tmp_path / "aaa", tmp_path / "bbb"
        stories = [
            told("--keep", str(here), "--seed", str(seed)).stdout.replace("aaa", "-").splitlines(),
            told("--keep", str(there), "--seed", str(seed), "--postgres", url)
            .stdout.replace("bbb", "-")
            .replace("PostgreSQL", "SQLite")
            .splitlines(),
        ]
        assert stories[0] == stories[1]
        for table in BOOKS:
            assert rows(here, table) == rows(there, table), table


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """What the ledger has there, as `trueup export` shows it, but for what a run's random id is in."""
    arguments = ["export", table, "--format", "jsonl", "--config", str(folder / "trueup.toml")]
    found = CliRunner().invoke(commands, arguments)
    assert found.exit_code == 0, found.output
    lines = [json.loads(line) for line in found.stdout.splitlines()]
    return [{key: value for key, value in one.items() if key not in OF_THE_LEDGER} for one in lines]
