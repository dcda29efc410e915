"""Forms as they come in, and where a reader goes on afterwards: always a page of ours."""

from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse

from trueup.model.errors import InputError

FORM_BYTES_MAX = 64 << 10
TOLD = ("said", "failed")  # in an address: what became of a form
DIGITS_MAX = 9  # of a number in an address or a form: more is no page and no days


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


def whole_number(text: str) -> int | None:
    """Of plain digits; null for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX else None


def go_back(place: str, **said: str) -> RedirectResponse:
    """To a path on this server, whatever the form said, with a word about what was done."""
    path, query = within(place), urlencode(said)
    return RedirectResponse(f"{path}{'&' if '?' in path else '?'}{query}" if query else path, 303)


def within(place: str) -> str:
    """The place where it is a path on this server, else the first page. Browsers leave out tabs and line breaks."""
    is_ours = place.startswith("/") and not place.startswith("//")
    return place if is_ours and "\\" not in place and place.isprintable() else "/"


def unsaid(place: str) -> str:
    """The same, without words that would stand on it in our name: for a place that a link of another site may name."""
    path, _, query = within(place).partition("?")
    kept = [(key, value) for key, value in parse_qsl(query) if key not in TOLD]
    return f"{path}?{urlencode(kept)}" if kept else path
