"""freqtrade's REST server, as far as a repair needs it: its configuration, one trade, one reload.

Every request has a time-out and a bound; a password goes over plain HTTP only to this machine. No answer is quoted.
"""

import base64
import http.client
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from trueup.model.errors import AuthError, ConfigError, VenueUnavailable

TIMEOUT_S = 30.0  # a reload asks the exchange for the pair's orders
BODY_BYTES_MAX = 1 << 22
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class FreqtradeApi:
    """One bot's server. Credentials by freqtrade's names: `username`, `password`."""

    def __init__(self, url: str, credentials: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError("options.api: expected a URL such as http://127.0.0.1:8080")
        if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ConfigError(
                "options.api: a password does not go over plain HTTP to another machine; use https"
            )
        missing = [one for one in ("username", "password") if one not in credentials]
        if missing:
            raise AuthError(f"freqtrade's API needs the credential {missing[0]}")
        self._parts = parts
        pair = f"{credentials['username']}:{credentials['password']}"
        self._authorization = "Basic " + base64.b64encode(pair.encode()).decode()

    def show_config(self) -> dict[str, Any]:
        return self._call("GET", "/api/v1/show_config")

    def trade(self, number: int) -> dict[str, Any]:
        return self._call("GET", f"/api/v1/trade/{number}")

    def reload(self, number: int) -> dict[str, Any]:
        """freqtrade reads the pair's orders since the trade opened, and recalculates the trade."""
        return self._call("POST", f"/api/v1/trades/{number}/reload")

    def _call(self, method: str, path: str) -> dict[str, Any]:
        """Raises VenueUnavailable, AuthError: a lost answer to a reload says nothing of whether it happened."""
        connection = self._connection()
        try:
            headers = {"Authorization": self._authorization}
            connection.request(method, self._parts.path.rstrip("/") + path, headers=headers)
            response = connection.getresponse()
            body = response.read(BODY_BYTES_MAX)
        except (OSError, http.client.HTTPException) as error:
            raise VenueUnavailable(f"freqtrade's API did not answer: {type(error).__name__}") from error
        finally:
            connection.close()
        if response.status in (401, 403):
            raise AuthError("freqtrade's API refused the user name or password")
        if response.status != http.client.OK:
            raise VenueUnavailable(f"freqtrade's API answered {response.status} to {method} {path}")
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise VenueUnavailable("freqtrade's API did not answer with JSON") from error

    def _connection(self) -> http.client.HTTPConnection:
        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, self._parts.port, timeout=TIMEOUT_S, context=context)
        return http.client.HTTPConnection(host, self._parts.port, timeout=TIMEOUT_S)
