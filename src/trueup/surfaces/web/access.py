"""Who may see the pages and who may act: decided for every request before a page is asked for.

Rules: only names of this server are answered (a rebound name is refused); a request that changes something must come
from these pages themselves, by its origin, by the browser's own word and by a token that only these pages hold; without
a token configured the pages are read-only and on this machine only. Sessions are signed, not stored: a restart of the
process ends them all, a log-out its own.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct
from starlette.requests import Request

from trueup.surfaces.web.bounded import host_name

SESSION_COOKIE = "trueup_session"
SESSION_S = 12 * 3600
LOGINS_PER_MINUTE_MAX = 10  # wrong tokens, of all clients together: a token is long, and guessing is no hurry
TOKEN_CHARS_MIN = 16
LOOPBACK = ("127.0.0.1", "localhost", "::1")
SAFE_METHODS = ("GET", "HEAD")


class Role(StrEnum):
    READER = "reader"
    OPERATOR = "operator"


class Visitor(Struct, frozen=True, kw_only=True):
    """Who asks. `session` null: nobody logged in, for no token is configured."""

    name: str
    role: Role
    session: str | None = None

    @property
    def may_act(self) -> bool:
        return self.role is Role.OPERATOR and self.session is not None


class AccessSettings(Struct, frozen=True, kw_only=True):
    """`reader_token`, `operator_token`: null = nobody logs in with it. `hosts`: names that this server answers to.

    `anyone_looks`: reading asks for no token, on this machine (the demo).
    `proxy_header`: the header in which a proxy at `proxy_address` names the user it has authenticated.
    """

    reader_token: str | None = None
    operator_token: str | None = None
    hosts: tuple[str, ...] = LOOPBACK
    proxy_header: str | None = None
    proxy_address: str | None = None
    anyone_looks: bool = False

    def __repr__(self) -> str:
        return "AccessSettings(tokens hidden)"

    @property
    def is_open(self) -> bool:
        """Whether anyone on this machine may read."""
        return self.anyone_looks or not (self.has_tokens or self.proxy_header)

    @property
    def has_tokens(self) -> bool:
        return self.reader_token is not None or self.operator_token is not None


class Access:
    """Judges requests. `clock_s`: seconds, for sessions and the pace of logins."""

    def __init__(self, settings: AccessSettings, clock_s: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._hosts = frozenset(host_name(one) or one.lower() for one in settings.hosts)
        self._clock_s = clock_s
        self._key = secrets.token_bytes(32)
        self._failed: list[float] = []
        self._ended: dict[str, int] = {}  # logged out of; until when each would be good

    @property
    def has_tokens(self) -> bool:
        """Whether there is a way to log in."""
        return self._settings.has_tokens

    def refusal(self, request: Request) -> str | None:
        """Why the request is not even looked at; null where it may be."""
        if host_name(request.headers.get("host", "")) not in self._hosts:
            return "this server does not answer to that name: `[web] hosts` in its trueup.toml says to which it does"
        if request.method in SAFE_METHODS:
            return None
        site = request.headers.get("sec-fetch-site", "same-origin")
        if site not in ("same-origin", "none"):
            return "a page of another site may not change anything here"
        origin = request.headers.get("origin")
        if origin is not None and origin != f"{scheme_of(request)}://{request.headers.get('host', '')}":
            return "a page of another origin may not change anything here"
        return None

    def visitor(self, request: Request) -> Visitor | None:
        """Who asks; null where they must log in first."""
        settings = self._settings
        if settings.proxy_header is not None:
            names = request.headers.getlist(settings.proxy_header)
            client = request.client.host if request.client is not None else ""
            if len(names) == 1 and names[0] and client == settings.proxy_address:
                return Visitor(name=names[0], role=Role.OPERATOR, session=f"proxy:{names[0]}")
        session = self._session(request.cookies.get(SESSION_COOKIE, ""))
        if session is not None:
            return session
        return Visitor(name="anyone here", role=Role.READER) if settings.is_open else None

    def log_in(self, token: str, name: str) -> str | None:
        """A cookie's value for the right token; null for a wrong one, or while too many were wrong."""
        now = self._clock_s()
        self._failed = [at for at in self._failed if now - at < 60]
        if len(self._failed) >= LOGINS_PER_MINUTE_MAX:
            return None
        for role, known in (
            (Role.OPERATOR, self._settings.operator_token),
            (Role.READER, self._settings.reader_token),
        ):
            if known is not None and hmac.compare_digest(token.encode(), known.encode()):
                return self._signed(role, name.strip()[:60] or role.value, now + SESSION_S)
        self._failed.append(now)
        return None

    def log_out(self, visitor: Visitor) -> None:
        """The session is over, for whoever else has its cookie, too."""
        if visitor.session is None or visitor.session.startswith("proxy:"):
            return
        now = self._clock_s()
        self._ended = {claim: until for claim, until in self._ended.items() if until >= now}
        self._ended[visitor.session] = _until(visitor.session)

    def form_token(self, visitor: Visitor) -> str:
        """What a form of this visitor's pages carries."""
        return self._mac(f"form:{visitor.session}")

    def is_form_of(self, visitor: Visitor, token: str) -> bool:
        return visitor.session is not None and hmac.compare_digest(
            self.form_token(visitor).encode(), token.encode()
        )

    def _signed(self, role: Role, name: str, until: float) -> str:
        claim = f"{role}.{name.encode().hex()}.{int(until)}.{secrets.token_hex(8)}"
        return f"{claim}.{self._mac(claim)}"

    def _session(self, cookie: str) -> Visitor | None:
        claim, _, mac = cookie.rpartition(".")
        if not claim or not hmac.compare_digest(self._mac(claim).encode(), mac.encode()):
            return None
        role, name, _, _ = claim.split(".")  # signed by us: its form is ours
        if _until(claim) < self._clock_s() or claim in self._ended:
            return None
        return Visitor(name=bytes.fromhex(name).decode(), role=Role(role), session=claim)

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def scheme_of(request: Request) -> str:
    """What the browser spoke. A proxy in front says so in a header, which no page of another site can send with a form;
    it decides which of our own two origins is ours, and nothing else."""
    return "https" if request.headers.get("x-forwarded-proto") == "https" else request.url.scheme


def _until(claim: str) -> int:
    return int(claim.split(".")[2])


HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # `no-referrer` makes browsers send `Origin: null` with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
