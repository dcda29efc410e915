"""What stops the code. What an operator must see is data (a break with its reason), never one of these."""

RESTORE = "damaged: restore a backup, see docs/how-to/operate.md"  # what to do about a LedgerDamaged


MESSAGE_CHARS_MAX = (
    2000  # of an error about a document: what it quotes is somebody else's, and may be megabytes
)
PATH_CHARS_MAX = 300


def brief_text(text: str, chars_max: int) -> str:
    """The text, or its beginning and how long it was."""
    return text if len(text) <= chars_max else f"{text[:chars_max]}… ({len(text)} characters)"


class TrueupError(Exception):
    """Base of every error that trueup raises on purpose. The message says what to do next."""

    exit_code = 1


class ConfigError(TrueupError):
    """The configuration is missing, contradictory or unsafe."""

    exit_code = 10


class ConfigMissing(ConfigError):
    """There is no configuration file where one was looked for."""


class ExtraMissing(ConfigError):
    """What is configured needs a package that was not installed. `extra`: the extra of trueup that brings it."""

    def __init__(self, needs: str, extra: str) -> None:
        super().__init__(f"{needs}: pip install 'trueup[{extra}]'")
        self.extra = extra


class InputError(TrueupError):
    """A document or argument given by the user is not usable; `path` names the place (`$.local.orders[3].qty`)."""

    exit_code = 64

    def __init__(self, message: str, path: str = "$") -> None:
        super().__init__(message)
        self.message = brief_text(message, MESSAGE_CHARS_MAX)
        self.path = brief_text(path, PATH_CHARS_MAX)

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class VenueError(TrueupError):
    """The venue did not give a usable answer. It proves nothing about what exists there."""

    exit_code = 13


class VenueUnavailable(VenueError):
    """Time-out, refused connection, 5xx, maintenance, or a body that is not the documented one."""


class RateLimited(VenueError):
    """The venue (or our own budget for the account) refuses more calls for now."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AuthError(VenueError):
    """Credentials are missing, wrong, revoked, or belong to another account."""

    exit_code = 12


class LedgerError(TrueupError):
    """The database could not be read or written as a whole; nothing was half-written."""


class FenceLost(LedgerError):
    """The account's lease is no longer ours: the transaction was rolled back and nobody was told."""

    exit_code = 11


class LedgerDamaged(LedgerError):
    """What is stored cannot be read as what it was written as: a backup has to be restored."""


class RestartNeeded(LedgerError):
    """The database is not the one this process opened (removed, replaced, of a newer schema): the process must end."""


class Conflict(LedgerError):
    """A row moved, or an id exists already: the caller judged a version that is gone."""


class ClockSkewed(TrueupError):
    """Our clock and the venue's are too far apart: what would be stored now would carry a wrong time."""


class InvariantError(TrueupError):
    """Money does not add up. Never caught inside a run: the transaction is rolled back."""
