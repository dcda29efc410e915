"""What a stranger meets first: the lock, dev.py, the README, the documentation."""

import ast
import enum
import inspect
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import msgspec
import pytest

from tests.mutants import MUTANTS, Mutant
from trueup.core.make_plan import STAGES
from trueup.model import plan, policy, snapshot, vocabulary
from trueup.model.reasons import Reason
from trueup.surfaces.cli.main import COMMANDS

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements.lock").read_text()
FORMATS = (ROOT / "docs/reference/formats.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EXAMPLES = [
    (page.name, example)
    for page in PAGES
    for example in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
]
OLD_PYTHON = (3, 6)  # must be able to read dev.py as far as its refusal


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_lock_pins_every_package_by_hash() -> None:
    packages = re.split(r"\n(?=[a-z0-9])", re.sub(r"^ *#.*\n", "", LOCK, flags=re.MULTILINE).strip())
    assert len(packages) > 50
    for package in packages:
        assert re.match(r"[a-z0-9.\-]+==\S+", package), package
        assert "--hash=sha256:" in package, package


def test_the_lock_names_no_host_and_no_folder() -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted-host|@ |file:", LOCK)


def test_the_lock_holds_every_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    declared = [
        *project["project"]["dependencies"],
        *(name for extra in project["project"]["optional-dependencies"].values() for name in extra),
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    names = {re.match(r"[\w.\-]+", requirement)[0].lower() for requirement in declared}  # type: ignore[index]
    assert {name.replace(".", "-") for name in names} <= set(re.findall(r"^([\w.\-]+)==", LOCK, re.MULTILINE))


def test_dev_imports_the_standard_library_only() -> None:
    imported = set()
    for node in ast.walk(ast.parse((ROOT / "dev.py").read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert imported <= sys.stdlib_module_names


def test_dev_can_be_parsed_by_the_pythons_it_refuses() -> None:
    ast.parse((ROOT / "dev.py").read_text(), feature_version=OLD_PYTHON)


def test_dev_refuses_an_unknown_command() -> None:
    answer = subprocess.run(
        [sys.executable, ROOT / "dev.py", "dmeo"], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 64
    assert answer.stdout == ""
    assert "'dmeo'" in answer.stderr


def test_the_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "python3 dev.py demo" in readme
    assert "python3 dev.py test" in readme


def test_the_readme_names_every_command() -> None:
    table = (ROOT / "README.md").read_text().partition("## Commands")[2]
    named = set(re.findall(r"`(?:trueup )?(\w+)", table))
    assert {name for section in COMMANDS.values() for name in section} <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.is_file(), f"{page.name}: {target}"
        assert linked.is_relative_to(ROOT), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name}: {target}"


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_examples_import_what_there_is(name: str, example: str) -> None:
    imports = [node for node in ast.parse(example).body if isinstance(node, ast.Import | ast.ImportFrom)]
    exec(compile(ast.Module([*imports], []), name, "exec"), {})  # noqa: S102 - our own page


def test_every_page_is_reached_from_the_index() -> None:
    reached: set[Path] = set()
    to_read = [ROOT / "docs/index.md"]
    while to_read:
        page = to_read.pop()
        if page in reached:
            continue
        reached.add(page)
        links = re.findall(r"\]\(([^)#\s]+\.md)[^)]*\)", page.read_text())
        to_read += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= reached


@pytest.mark.parametrize("module", [snapshot, plan, policy], ids=lambda module: module.__name__)
def test_every_key_of_the_public_documents_is_documented(module: object) -> None:
    structs = [
        value for _, value in inspect.getmembers(module, inspect.isclass) if issubclass(value, msgspec.Struct)
    ]
    keys = {field.encode_name for struct in structs for field in msgspec.structs.fields(struct)}
    assert keys
    assert keys <= set(re.findall(r"[\"`](\w+)[\"`]", FORMATS))


def test_every_closed_vocabulary_is_documented() -> None:
    enums = [
        value
        for _, value in inspect.getmembers(vocabulary, inspect.isclass)
        if issubclass(value, enum.StrEnum)
    ]
    values = {member.value for kind in enums if kind is not enum.StrEnum for member in kind}
    assert values <= set(re.findall(r"\w+", FORMATS))


def test_the_architecture_shows_the_stages_in_their_order() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    stages = [stage.__name__ for stage in STAGES]
    assert [word for word in re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) if word in stages] == stages


def test_every_reason_is_documented() -> None:
    page = (ROOT / "docs/reference/reasons.md").read_text()
    assert {reason.value for reason in Reason} <= set(re.findall(r"`(\w+)`", page))


def test_declared_entry_points_can_be_loaded() -> None:
    for group in ("trueup.venues", "trueup.ledgers"):
        for entry_point in entry_points(group=group):
            assert callable(entry_point.load()), entry_point.name


def test_pre_commit_runs_the_gates_of_ci() -> None:
    """One list of gates, in dev.py; its configuration is one that pre-commit accepts."""
    configuration = ROOT / ".pre-commit-config.yaml"
    answer = subprocess.run(
        [sys.executable, "-m", "pre_commit", "validate-config", configuration],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout
    assert "entry: python3 dev.py lint" in configuration.read_text()
    script = (ROOT / ".ci/run").read_text()
    assert script.index("dev.py lint") < script.index("dev.py test")


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: f"{one.file}: {one.right[:40]}")
def test_a_mutant_has_a_line_to_mistake(mutant: Mutant) -> None:
    assert (ROOT / "src/trueup" / mutant.file).read_text().count(mutant.right) == 1
