"""Serves the dashboard: what the configuration allows, at one address.

Decides that pages beyond this machine need a token (or a proxy that knows its users), and that a token is long enough.
"""

import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec.structs import replace
from starlette.routing import Route

from trueup.engine.run.account import ManagedAccount
from trueup.model.errors import ConfigError
from trueup.ports.ledger import Ledger
from trueup.service.config import SecretSource
from trueup.service.load_config import LoadedConfig
from trueup.service.secrets import read_secret
from trueup.surfaces.web.access import LOOPBACK, TOKEN_CHARS_MIN, AccessSettings
from trueup.surfaces.web.app import make_dashboard
from trueup.surfaces.web.status_app import parse_address, serving


@contextlib.asynccontextmanager
async def dashboard(
    loaded: LoadedConfig,
    ledger: Ledger,
    accounts: Sequence[ManagedAccount],
    address: str,
    *,
    routes: Sequence[Route] = (),
    environ: Mapping[str, str] | None = None,
    demo_token: str | None = None,
) -> AsyncIterator[str]:
    """Answers meanwhile; yields the address as it is. Raises ConfigError, AuthError.

    `demo_token`: an operator's, where anyone on this machine may look.
    """
    settings = access_settings(loaded, address, os.environ if environ is None else environ)
    if demo_token is not None:
        settings = replace(settings, operator_token=demo_token, anyone_looks=True)
    app = make_dashboard(ledger, accounts, loaded.config.service.objective_s, settings, routes=routes)
    async with serving(app, address) as bound:
        yield bound


def access_settings(loaded: LoadedConfig, address: str, environ: Mapping[str, str]) -> AccessSettings:
    """What `[web]` says, checked against the address. Raises ConfigError, AuthError."""
    web, (host, _) = loaded.config.web, parse_address(address)
    settings = AccessSettings(
        reader_token=_token("reader_token", web.reader_token, loaded, environ),
        operator_token=_token("operator_token", web.operator_token, loaded, environ),
        hosts=(*LOOPBACK, host, *web.hosts),
        proxy_header=web.proxy_header,
        proxy_address=web.proxy_address,
    )
    if (web.proxy_header is None) != (web.proxy_address is None):
        raise ConfigError(
            "web: proxy_header and proxy_address go together, so that nobody else can name a user"
        )
    if host not in LOOPBACK and settings.is_open:
        raise ConfigError(
            f"web: {host} can be reached from other machines: set [web] reader_token and operator_token"
            ' (such as { env = "TRUEUP_OPERATOR_TOKEN" }), or listen on 127.0.0.1'
        )
    return settings


def _token(
    name: str, source: SecretSource | None, loaded: LoadedConfig, environ: Mapping[str, str]
) -> str | None:
    if source is None:
        return None
    token = read_secret(f"web.{name}", source, loaded.folder, environ)
    if len(token) < TOKEN_CHARS_MIN:
        raise ConfigError(
            f"web.{name}: shorter than {TOKEN_CHARS_MIN} characters; `openssl rand -hex 24` makes one"
        )
    return token
