"""Templates: every value is escaped and made harmless, whatever page shows it.

Decides how amounts, times and ages look, and that where a reader hides amounts no sentence that may hold one is shown.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import to_builtins
from starlette.requests import Request
from starlette.responses import HTMLResponse

from trueup.model.harmless import visible
from trueup.model.plan import Correction
from trueup.model.vocabulary import CorrectionKind
from trueup.service.views.texts import brief, brief_time
from trueup.surfaces.web.forms import TOLD

FOLDER = Path(__file__).parent
_INSERTS = (CorrectionKind.INSERT_ORDER, CorrectionKind.INSERT_EXIT)
_OF_AN_ORDER = (
    "trade_id",
    "symbol",
    "side",
    "action",
    "qty",
    "limit_price",
    "stop_price",
    "status",
    "filled_qty",
)
_HIDDEN = Markup('<span class="amount" title="hidden">•••</span>')
PREFERENCES = ("incognito", "theme")  # cookies of the reader's own choice, without meaning to the server


def _finalize(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _what_changes(correction: Correction) -> list[tuple[str, Any]]:
    """Keys and new values; of an order that is inserted, what tells it from others."""
    changes = to_builtins(correction.changes) or {}
    keys = _OF_AN_ORDER if correction.kind in _INSERTS else changes
    return [(key, changes[key]) for key in keys if changes.get(key) is not None]


def _moment(text: str | None) -> Markup:
    """A time that a script turns into the reader's own zone; without one it is UTC and says so."""
    if not text:
        return Markup("–")
    return Markup('<time datetime="{}">{} UTC</time>').format(visible(text), visible(brief_time(text)))


def make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"age": _age, "moment": _moment, "what_changes": _what_changes}
    return environment


_ENVIRONMENT = make_environment()


def page(request: Request, template: str, values: Mapping[str, Any], status: int = 200) -> HTMLResponse:
    """One page. Amounts are left out altogether where the reader hides them."""
    incognito = is_incognito(request)
    context = {
        **_hiding(incognito=incognito),
        "theme": _choice(request, "theme", ("light", "dark"), "auto"),
        "visitor": request.state.visitor,
        "can_log_in": request.app.state.access.has_tokens,
        "form_token": request.state.form_token,
        "path": request.url.path,
        "here": here(request),
        "said": _told(request, "said"),
        "failed": _told(request, "failed"),
        **values,
    }
    return HTMLResponse(_ENVIRONMENT.get_template(template).render(context), status)


def part(template: str, values: Mapping[str, Any], *, incognito: bool) -> Markup:
    """A piece of a page that is the same for all who look at it."""
    context = {**_hiding(incognito=incognito), **values}
    return Markup(_ENVIRONMENT.get_template(template).render(context))  # noqa: S704 - the template escaped it


def is_incognito(request: Request) -> bool:
    return request.cookies.get("incognito") == "1"


def _told(request: Request, key: str) -> str | None:
    """What became of a form; not what a link of another site would have us say."""
    came_from = request.headers.get("sec-fetch-site", "same-origin")
    return request.query_params.get(key) if came_from == "same-origin" else None


def here(request: Request) -> str:
    """The page with what was asked of it: where a form, a choice or a log-in leads back to."""
    asked, path = others(request, *TOLD), quote(request.scope["path"])
    return f"{path}?{asked}" if asked else path


def others(request: Request, *left_out: str) -> str:
    """What was asked besides, as a query."""
    return urlencode(
        [(key, value) for key, value in request.query_params.multi_items() if key not in left_out]
    )


def _hiding(*, incognito: bool) -> dict[str, Any]:
    """`amount` shows an amount, `words` a sentence that may hold some."""
    words = _HIDDEN if incognito else None
    return {
        "amount": _amount_maker(incognito=incognito),
        "words": lambda text: words or text,
        "incognito": incognito,
    }


def _amount_maker(*, incognito: bool) -> Callable[[object], str | Markup]:
    def amount(value: object) -> str | Markup:
        if value is None or value == "":
            return "–"
        return _HIDDEN if incognito else brief(value)

    return amount


def _choice(request: Request, name: str, known: tuple[str, ...], default: str) -> str:
    chosen = request.cookies.get(name, default)
    return chosen if chosen in known else default


def error_page(request: Request, status: int, title: str, text: str) -> HTMLResponse:
    """Also where nobody is known yet."""
    body = _ENVIRONMENT.get_template("error.html").render({"title": title, "text": text, "theme": "auto"})
    return HTMLResponse(body, status)
