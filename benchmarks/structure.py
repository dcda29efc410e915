"""`python -m benchmarks.structure [--json FILE]`: the shape of our source beside that of projects we admire.

Theirs are taken from their wheels by pip (four downloads, pinned below) and read as text: nothing of them is run. A
mirror, not a limit: docs/adr/0010 says where we stand behind, and why.
"""

import ast
import io
import json
import subprocess
import sys
import tempfile
import tokenize
import zipfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

OURS = Path(__file__).parent.parent / "src"
THEIRS = {"h11": "0.16.0", "fava": "1.30.12", "beancount": "3.2.3", "procrastinate": "3.10.0"}
TESTS = {"tests", "test", "testing", "_vendor", "demo_app"}
Definition = ast.FunctionDef | ast.AsyncFunctionDef
BRANCHES = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.ExceptHandler,
    ast.IfExp,
    ast.comprehension,
    ast.Assert,
)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure("trueup", OURS)] + [measure(name, _fetched(name, Path(folder))) for name in THEIRS]
    _print(rows)
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(json.dumps(rows, indent=2) + "\n")


def measure(package: str, root: Path) -> dict[str, str | float]:
    """The figures of the package `package` below `root`: tests and vendored code left out."""
    files = sorted(
        path for path in (root / package).rglob("*.py") if not TESTS & set(path.relative_to(root).parts)
    )
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    functions = [node for tree in trees.values() for node in ast.walk(tree) if isinstance(node, Definition)]
    lengths = [(node.end_lineno or node.lineno) - node.lineno + 1 for node in functions]
    public = [node for tree in trees.values() for node in _public(tree)]
    code, prose = map(sum, zip(*(_lines(text, trees[path]) for path, text in texts.items()), strict=True))
    depths = _depths(package, root, trees)
    return {
        "package": package,
        "files": len(files),
        "code lines": code,
        "longest file": max(text.count("\n") for text in texts.values()),
        "functions": len(functions),
        "median function": median(lengths),
        "longest function": max(lengths),
        "highest complexity": max(map(_complexity, functions)),
        "functions over 10": sum(_complexity(node) > 10 for node in functions),
        "import depth": max(depths.values()),
        "public docstrings %": round(
            100 * sum(ast.get_docstring(node) is not None for node in public) / len(public)
        ),
        "prose lines / 100 code": round(100 * prose / code),
    }


def _fetched(name: str, folder: Path) -> Path:
    spec = f"{name}=={THEIRS[name]}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--disable-pip-version-check",
        "-d",
        str(folder),
    ]
    subprocess.run([*command, "--only-binary", ":all:", spec], check=True)
    wheel = next(folder.glob(f"{name}-*.whl"))
    zipfile.ZipFile(wheel).extractall(folder / name)
    return folder / name


def _public(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef | Definition]:
    """The module, its public functions and classes, and their public methods."""
    yield tree
    for node in tree.body:
        if isinstance(node, ast.ClassDef | Definition) and not node.name.startswith("_"):
            yield node
            inner = node.body if isinstance(node, ast.ClassDef) else []
            yield from (
                each for each in inner if isinstance(each, Definition) and not each.name.startswith("_")
            )


def _lines(text: str, tree: ast.Module) -> tuple[int, int]:
    """Lines with code, and lines of comments (also those behind code) and docstrings."""
    docs = set[int]()
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.ClassDef | Definition)
            and ast.get_docstring(node, clean=False) is not None
        ):
            docs.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    code, comments = set[int](), set[int]()
    blank = {
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments.add(token.start[0])
        elif token.type not in blank:
            code.update(range(token.start[0], token.end[0] + 1))
    return len(code - docs), len(docs | comments)


def _complexity(function: Definition) -> int:
    """McCabe's: one, and one for each place where the way forks."""
    forks = 1
    for node in ast.walk(function):
        if isinstance(node, ast.BoolOp):
            forks += len(node.values) - 1
        elif isinstance(node, ast.match_case):
            forks += not isinstance(node.pattern, ast.MatchAs) or node.pattern.pattern is not None
        else:
            forks += isinstance(node, BRANCHES)
    return forks


def _depths(package: str, root: Path, trees: dict[Path, ast.Module]) -> dict[str, int]:
    """Of each module the number of modules on the longest way down its imports; modules in a circle count once."""
    names = {_module(root, path): path for path in trees}
    graph = {name: _imports(name, trees[path], names, package) for name, path in names.items()}
    depths: dict[str, int] = {}
    for circle in _circles(graph):
        below = [depths[target] for name in circle for target in graph[name] if target in depths]
        depths.update(dict.fromkeys(circle, 1 + max(below, default=0)))
    return depths


def _module(root: Path, path: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def _imports(name: str, tree: ast.Module, names: dict[str, Path], package: str) -> set[str]:
    found = set[str]()
    here = name if names[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = here.split(".")
            above = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (above, node.module or "") if part)
            found.update(full if (full := f"{base}.{alias.name}") in names else base for alias in node.names)
    return {target for target in found if target in names and target != name}


def _circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Tarjan's strongly connected parts, what is imported before what imports it."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    parts: list[set[str]] = []

    def visit(name: str) -> None:
        order[name] = low[name] = len(order)
        stack.append(name)
        for target in sorted(graph[name]):
            if target not in order:
                visit(target)
            if target in stack:
                low[name] = min(low[name], low[target])
        if low[name] == order[name]:
            cut = stack.index(name)
            parts.append(set(stack[cut:]))
            del stack[cut:]

    for name in sorted(graph):
        if name not in order:
            visit(name)
    return parts


def _print(rows: list[dict[str, str | float]]) -> None:
    for key in rows[0]:
        print(f"{key:24}" + "".join(f"{row[key]!s:>15}" for row in rows))


if __name__ == "__main__":
    main()
