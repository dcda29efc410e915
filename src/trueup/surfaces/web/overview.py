"""The overview, for one reader or fifty: what changes of it is made once for all, and sent on its own as it changes.

Decides that readers who see the same share it, compressed as well; the page around it is each reader's own.
"""

import gzip
from functools import partial

from markupsafe import Markup
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from trueup.service.views.overview import Sync
from trueup.surfaces.web.actions import Desk
from trueup.surfaces.web.pages import overview_part
from trueup.surfaces.web.render import is_incognito, page, part

COMPRESSION = 5  # of 9: beyond it a page gets no smaller to speak of
PAGE_CHARS_MAX = 6


class Part(Struct, frozen=True):
    """The same twice: as it stands in a page, and as it travels."""

    html: Markup
    packed: bytes


async def show_overview(request: Request) -> Response:
    made = await _part(request)
    shared = request.app.state.desk.shared
    answer: Response = await shared.read(partial(page, request, "overview.html", {"fragment": made.html}))
    return answer


async def show_live(request: Request) -> Response:
    """The changing part alone, which an open page asks for when it hears of news."""
    made = await _part(request)
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return HTMLResponse(made.html, headers=headers)
    return HTMLResponse(made.packed, headers=headers | {"Content-Encoding": "gzip"})


async def _part(request: Request) -> Part:
    desk: Desk = request.app.state.desk
    asked = request.query_params
    wanted = asked.get("sync") if asked.get("sync") in list(Sync) else None
    number = asked.get("page", "")[:PAGE_CHARS_MAX]
    incognito = is_incognito(request)

    def make() -> Part:
        html = part(*overview_part(desk, wanted, number), incognito=incognito)
        return Part(html, gzip.compress(html.encode(), COMPRESSION))

    made: Part = await desk.shared.once(("overview", wanted, number, incognito), make)
    return made
