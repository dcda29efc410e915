"""A header that sends a reader to another file names it as it is, as `core.orders.judge_pair` or by its path."""

import re
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "trueup"
ROOMS = "model|core|ports|engine|ledgers|venues|books|exports|notifiers|fleet|sim|service|surfaces|testing"
# of two parts alone `books.write` is a method, and `service.apply` a key of the configuration
NAMED = re.compile(
    rf"`(?:trueup\.)?((?:core|engine|model)\.[a-z_]+|(?:{ROOMS})(?:\.[a-z_]+){{2,}})`|`((?:{ROOMS})(?:/[a-z_]+)+\.py)`"
)


def test_every_module_that_a_docstring_or_comment_names_is_there() -> None:
    lost = {
        f"{path.relative_to(SOURCE)}: {name}"
        for path in SOURCE.rglob("*.py")
        for name in map(_as_path, NAMED.findall(path.read_text("utf-8")))
        if not _is_there(name)
    }
    assert lost == set()


def _as_path(found: tuple[str, str]) -> str:
    dotted, path = found
    return path.removesuffix(".py") if path else dotted.replace(".", "/")


def _is_there(name: str) -> bool:
    """A module, a folder, or a name within a module (`model.vocabulary.Side`)."""
    place = SOURCE / name
    return place.is_dir() or any(one.with_suffix(".py").exists() for one in (place, place.parent))
