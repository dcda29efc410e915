"""Where a request did not arrive: what is said of it in words, certain that nothing was sent, without the address."""

import asyncio
import ssl
from unittest.mock import Mock

import aiohttp
import pytest

from trueup.model.errors import ConfigError, TrueupError
from trueup.ports.notifier import NotTold
from trueup.webhooks.post import Poster, check_url


def said(error: Exception) -> str:
    """What becomes of a request whose connection fails so."""

    async def post() -> str:
        poster = Poster(5)
        poster._session = Mock(closed=False, post=Mock(side_effect=error))
        with pytest.raises(TrueupError) as raised:
            await poster.post("https://secret.example/token", b"{}", {})
        assert isinstance(raised.value, NotTold)
        return str(raised.value)

    return asyncio.run(post())


def of_connecting(kind: type[aiohttp.ClientConnectorError], error: OSError) -> Exception:
    key = Mock(host="secret.example", port=443, ssl=True)
    return kind(key, error)


def test_what_failed_is_said_without_the_address() -> None:
    refused = OSError(111, "Connect call failed ('10.0.0.5', 443)")
    assert said(of_connecting(aiohttp.ClientConnectorError, refused)) == "cannot connect: connection refused"
    unknown = OSError(None, "Name or service not known")
    assert said(of_connecting(aiohttp.ClientConnectorDNSError, unknown)) == "cannot connect: no such host"
    plain = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")
    assert (
        said(of_connecting(aiohttp.ClientConnectorSSLError, plain))
        == "cannot connect: the server speaks no TLS"
    )
    certificate = ssl.SSLCertVerificationError(1, "x")
    certificate.verify_message = "self-signed certificate"
    assert (
        said(aiohttp.ClientConnectorCertificateError(Mock(), certificate))
        == "cannot connect: the server's certificate is not trusted: self-signed certificate"
    )
    assert "secret" not in said(aiohttp.InvalidURL("https://secret.example:99999"))


@pytest.mark.parametrize(
    "url",
    ["", "ftp://example.org", "https://", "https://example.org:99999/", "https://example.org:x/", "http://[::1/",
     "http://" + "a" * 64 + ".example/", "http://example.org:0/"],
)  # fmt: skip
def test_what_is_no_address_of_a_server_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^alerts.ping: expected an address such as https://example.org/path$"
    ):
        check_url(url, "alerts.ping")


@pytest.mark.parametrize(
    "url",
    ["https://example.org/x?y=z", "http://[::1]:8080/", "http://127.0.0.1:9", "https://münchen.example/"],
)
def test_an_address_of_a_server_is_taken(url: str) -> None:
    assert check_url(url, "alerts.ping") == url
