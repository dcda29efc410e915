"""The demo: the books end as the venue's truth, the same seed tells the same story, and its commands work."""

import json
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
        assert result.exit_code == 0, (line, result.output)
        assert result.stdout != ""


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    result = demo(tmp_path)
    assert result.exit_code == 64
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
