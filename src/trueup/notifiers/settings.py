"""What a notifier reads of its configuration; what it does not know is refused with what it does."""

from trueup.model.errors import ConfigError
from trueup.ports.notifier import NotifierSettings


def only(settings: NotifierSettings, *, options: tuple[str, ...], credentials: tuple[str, ...]) -> None:
    """Raises ConfigError for an option or a credential that the notifier does not have."""
    for kind, given, known in (
        ("options", settings.options, options),
        ("credentials", settings.credentials, credentials),
    ):
        unknown = sorted(given.keys() - set(known))
        if unknown:
            raise ConfigError(
                f"alerts.to.{settings.name}.{kind}.{unknown[0]}: there is no such key;"
                f" known are: {', '.join(known) or 'none'}"
            )


def read(settings: NotifierSettings, name: str, default: str | None = None) -> str:
    """A credential, else an option, else the default. Raises ConfigError, which never holds a secret."""
    value = settings.credentials.get(name) or settings.options.get(name) or default
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(
            f"alerts.to.{settings.name}: it needs {name}, such as"
            f" credentials = {{ {name} = {{ env = 'NAME' }} }}"
        )
    return value.strip()
