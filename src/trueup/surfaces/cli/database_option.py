"""`--postgres URL`: which database a command writes into a configuration. A password never stands in the file."""

from trueup.model.errors import InputError


def checked_server(url: str) -> str:
    """The URL as it was given. Raises InputError where it names no PostgreSQL, or a password."""
    from trueup.service.config import has_password

    if not url.startswith(("postgresql://", "postgres://")):
        raise InputError("expected postgresql://USER@HOST/NAME", "--postgres")
    if has_password(url):
        raise InputError("leave the password out: it never stands in the file", "--postgres")
    return url
