"""The dashboard: which address shows which page, and what stands before all of them (access, headers, errors).

What a page shows is `service.views`'; how it looks is a template's; what a form does is `actions`'.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trueup.engine.run.account import ManagedAccount
from trueup.model.errors import InputError, TrueupError
from trueup.ports.ledger import Ledger
from trueup.surfaces.web.access import HEADERS, SESSION_COOKIE, SESSION_S, Access, AccessSettings, scheme_of
from trueup.surfaces.web.actions import ACTIONS, Desk
from trueup.surfaces.web.answers import json_answer
from trueup.surfaces.web.forms import FormTooLong, go_back, read_form, unsaid
from trueup.surfaces.web.live import News
from trueup.surfaces.web.overview import show_live, show_overview
from trueup.surfaces.web.pages import DATA, PAGES
from trueup.surfaces.web.render import PREFERENCES, error_page, here, page
from trueup.surfaces.web.shared import Shared

STATIC = Path(__file__).parent / "static"
FREE = ("/login", "/static/")  # without these nobody could log in

Handler = Callable[[Request], Awaitable[Response]]


def make_dashboard(
    ledger: Ledger,
    accounts: Sequence[ManagedAccount],
    objective_s: float,
    settings: AccessSettings,
    *,
    routes: Sequence[Route] = (),
) -> Starlette:
    """`routes`: others that answer beside the pages (health, metrics), free of log-in."""
    access = Access(settings)
    shared = Shared()
    news = News(ledger, shared)
    desk = Desk(ledger=ledger, accounts=accounts, objective_s=objective_s, news=news, shared=shared)
    app = Starlette(
        routes=[
            *routes,
            Route("/", show_overview),
            Route("/live", show_live),
            *(Route(path, _reading(view)) for path, view in PAGES.items()),
            *(Route(f"/api{path}", _data(view)) for path, view in DATA.items()),
            *(Route(path, _acting(action), methods=["POST"]) for path, action in ACTIONS.items()),
            Route("/login", _log_in, methods=["GET", "POST"]),
            Route("/logout", _log_out, methods=["POST"]),
            Route("/prefer", _prefer),
            Route("/events", _events),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[
            Middleware(_Gate, access=access, free=[*FREE, *(route.path for route in routes)]),
            Middleware(GZipMiddleware, minimum_size=1000),
        ],
        exception_handlers={
            FormTooLong: _too_long,
            InputError: _refused,
            TrueupError: _failed,
            404: _missing,
        },
    )
    app.state.access, app.state.desk = access, desk
    return app


class _Gate:
    """Before every page: the server's name, the request's origin, the visitor; behind it: the headers."""

    def __init__(self, app: ASGIApp, access: Access, free: Sequence[str]) -> None:
        self._app = app
        self._access = access
        self._free = tuple(free)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                kept = request.url.path.startswith("/static/")
                headers["Cache-Control"] = "max-age=86400" if kept else "no-store"
            await send(message)

        await (self._answer(request) or self._app)(scope, receive, with_headers)

    def _answer(self, request: Request) -> Response | None:
        """What is answered in the place of a page; null: the page itself."""
        refusal = self._access.refusal(request)
        if refusal is not None:
            return error_page(request, 421, "Not here", refusal)
        visitor = self._access.visitor(request)
        request.state.visitor = visitor
        request.state.form_token = "" if visitor is None else self._access.form_token(visitor)
        path = request.scope["path"]
        if visitor is None and not path.startswith(self._free):
            if path.startswith("/api/"):
                return json_answer({"error": "log in first"}, 401)
            asked = f"?{urlencode({'next': here(request)})}" if _is_page(path) else ""
            return RedirectResponse(f"/login{asked}", 303)
        return None


def _is_page(path: str) -> bool:
    """Whether a reader may have been led there, by an alert's link, say, and wants to go on there."""
    return path.startswith(tuple(one.partition("{")[0] for one in PAGES))


def _reading(view: Callable[[Desk, Request], tuple[str, Mapping[str, Any]]]) -> Handler:
    async def handler(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        return await desk.shared.read(lambda: page(request, *view(desk, request)))

    return handler


def _data(view: Callable[[Desk, Request], Any]) -> Handler:
    async def handler(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        return await desk.shared.read(lambda: json_answer(view(desk, request)))

    return handler


def _acting(action: Callable[[Desk, Request, Mapping[str, str]], Awaitable[Response]]) -> Handler:
    async def handler(request: Request) -> Response:
        visitor = request.state.visitor
        form = await read_form(request)
        if not visitor.may_act:
            return error_page(
                request, 403, "Read only", "only an operator may do that: log in with that token"
            )
        if not request.app.state.access.is_form_of(visitor, form.get("form_token", "")):
            return error_page(
                request, 403, "Not from here", "the form is not one of these pages, or is too old"
            )
        try:
            answer = await action(request.app.state.desk, request, form)
            request.app.state.desk.shared.forget()
            return answer
        except TrueupError as fault:
            return go_back(form.get("back", "/"), failed=str(fault))

    return handler


async def _log_in(request: Request) -> Response:
    if request.method == "GET":
        asked = unsaid(request.query_params.get("next", ""))
        return page(request, "login.html", {"wrong": False, "next": asked})
    form = await read_form(request)
    asked = unsaid(form.get("next", ""))
    cookie = request.app.state.access.log_in(form.get("token", ""), form.get("name", ""))
    if cookie is None:
        return page(request, "login.html", {"wrong": True, "next": asked}, 403)
    answer = go_back(asked)
    secure = scheme_of(request) == "https"
    answer.set_cookie(
        SESSION_COOKIE, cookie, max_age=SESSION_S, httponly=True, samesite="strict", secure=secure
    )
    return answer


async def _log_out(request: Request) -> Response:
    request.app.state.access.log_out(request.state.visitor)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


async def _prefer(request: Request) -> Response:
    """A reader's own choice of how pages look."""
    answer = go_back(request.query_params.get("back", "/"))
    for name in PREFERENCES:
        value = request.query_params.get(name)
        if value in ("0", "1", "auto", "light", "dark"):
            answer.set_cookie(name, value, max_age=365 * 86_400, samesite="strict", httponly=True)
    return answer


async def _events(request: Request) -> Response:
    news = request.app.state.desk.news
    if news.is_full:
        return Response("too many readers", 503)
    return StreamingResponse(news.events(), media_type="text/event-stream")


async def _too_long(request: Request, fault: Exception) -> Response:
    return _as_error(request, 413, "Too long", str(fault))


async def _refused(request: Request, fault: Exception) -> Response:
    return _as_error(request, 404, "Not found", str(fault))


async def _failed(request: Request, fault: Exception) -> Response:
    return _as_error(request, 503, "Not readable now", str(fault))


async def _missing(request: Request, _: Exception) -> Response:
    return _as_error(request, 404, "Not found", "there is no such page")


def _as_error(request: Request, status: int, title: str, text: str) -> Response:
    if request.url.path.startswith("/api/"):
        return json_answer({"error": text}, status)
    return error_page(request, status, title, text)
