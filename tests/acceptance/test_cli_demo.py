"""The demo: the books end as the venue's truth, the same seed tells the same story, and its commands work."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from trueup.surfaces.cli.main import commands


def demo(folder: Path, *args: str) -> Result:
    return CliRunner().invoke(commands, ["demo", "--keep", str(folder), *args], env={"COLUMNS": "140"})


def test_the_books_end_as_the_truth(tmp_path: Path) -> None:
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
def test_other_seeds_end_so_too(tmp_path: Path, seed: int) -> None:
    result = demo(tmp_path / "a", "--seed", str(seed), "--json")
    answer = json.loads(result.stdout)
    assert answer["drifted_orders"]
    assert answer["corrections"] > 0
    assert answer["books_equal_truth"] is True
    assert result.exit_code == 0


def test_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    first, second = (
        demo(tmp_path / name, "--seed", "3").stdout.replace(name, "-") for name in ("aaa", "bbb")
    )
    assert first == second
    assert first != demo(tmp_path / "ccc", "--seed", "4").stdout.replace("ccc", "-")


def test_what_it_says_to_type_next_works(tmp_path: Path) -> None:
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


def test_it_says_what_the_tutorial_says_to_type(tmp_path: Path) -> None:
    tutorial = (Path(__file__).parents[2] / "docs/tutorial.md").read_text()
    (order,) = re.findall(r"^    trueup explain (\S+)$", tutorial, re.MULTILINE)
    story = demo(tmp_path / "a").stdout
    assert f"explain {order}\n" in story


def test_it_shows_the_stages(tmp_path: Path) -> None:
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


def test_what_a_person_says_of_the_closed_position_is_booked(tmp_path: Path) -> None:
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
    result = demo(tmp_path)
    assert result.exit_code == 64
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
