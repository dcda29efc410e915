"""What is too much, too long or too slow: cut off, while the runs go on."""

import contextlib
import resource
import socket

from tests.attack.conftest import Target
from tests.browser.conftest import OPERATOR
from tests.browser.test_http import ask
from tests.patience import PATIENCE_S, wait_until
from trueup.surfaces.web.access import LOGINS_PER_MINUTE_MAX

CONNECTIONS = 1_000


def test_a_thousand_connections_stop_nothing(target: Target) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * CONNECTIONS)), hard))
    host, port = target.address.removeprefix("http://").split(":")
    with contextlib.ExitStack() as held:
        for number in range(CONNECTIONS):
            one = held.enter_context(socket.create_connection((host, int(port)), timeout=PATIENCE_S))
            with contextlib.suppress(OSError):  # closed at once: there were too many
                one.sendall(
                    b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                    if number % 2
                    else b"POST /login HTTP/1.1\r\n"
                )
        before = target.last_run_at()
        wait_until(lambda: target.last_run_at() > before, lambda: "the runs have stopped")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    wait_until(lambda: answers(target), lambda: "they are gone, and it does not answer")


def answers(target: Target) -> bool:
    with contextlib.suppress(OSError):
        return ask(f"{target.address}/login")[0] == 200
    return False


def test_a_body_that_does_not_end_is_cut_off(target: Target) -> None:
    form = {"profile": "bot1", "why": "x" * 2_000_000}
    with contextlib.suppress(OSError):
        status, *_ = ask(f"{target.address}/act/pause", form, Cookie=target.cookie)
        assert status in (400, 403, 404, 413)


def test_headers_without_end_are_cut_off(target: Target) -> None:
    host, port = target.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as one:
        with contextlib.suppress(OSError):  # it hangs up while we still speak
            one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"a" * 1_000_000)
        answer = b""
        with contextlib.suppress(OSError):
            answer = one.recv(100)
        assert answer == b"" or answer.split()[1] in (b"400", b"431")


def test_a_body_that_dawdles_is_hung_up_on(target: Target) -> None:
    """A log-in, for which nobody must be known: its form is announced and never comes."""
    host, port = target.address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), PATIENCE_S) as one:
        one.sendall(b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\ntok")
        assert one.recv(100) == b""


def test_guesses_of_a_token_are_slowed_down_for_everybody(target: Target) -> None:
    """The last test of this target: for a minute nobody logs in, and who is in stays in."""

    def is_shut() -> bool:
        for number in range(LOGINS_PER_MINUTE_MAX):
            assert ask(f"{target.address}/login", {"token": f"guess-{number}-0123456789"})[0] == 403
        return ask(f"{target.address}/login", {"token": OPERATOR})[0] == 403

    wait_until(is_shut, lambda: "guesses go on for ever")
    assert ask(f"{target.address}/breaks", Cookie=target.cookie)[0] == 200
