"""Forms as they come in, and where a reader goes on afterwards: always a page of ours."""

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse

from trueup.model.errors import InputError

FORM_BYTES_MAX = 64 << 10


class FormTooLong(InputError):
    """More than a form of ours can be; answered 413."""


async def read_form(request: Request) -> dict[str, str]:
    """An ordinary form's fields. Raises FormTooLong."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES_MAX:
            raise FormTooLong(f"a form of more than {FORM_BYTES_MAX >> 10} KB", "form")
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))


def go_back(place: str, **said: str) -> RedirectResponse:
    """To a path on this server, whatever the form said, with a word about what was done."""
    path = place if place.startswith("/") and not place.startswith(("//", "/\\")) else "/"
    query = urlencode(said)
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{query}" if query else path, 303)
