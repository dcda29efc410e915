"""A database's numbered migrations, as files beside its code: `0001_what.sql`, `0002_…`, each with its checksum."""

import hashlib
from importlib.resources import files

from msgspec import Struct

from trueup.model.errors import LedgerError


class Migration(Struct, frozen=True):
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def load_migrations(package: str) -> list[Migration]:
    """Those of this version, in order, without a gap."""
    found = sorted(files(package).joinpath("migrations").iterdir(), key=lambda one: one.name)
    migrations = [
        Migration(int(one.name[:4]), one.name.removesuffix(".sql"), one.read_text("utf-8"))
        for one in found
        if one.name.endswith(".sql")
    ]
    if [one.number for one in migrations] != list(range(1, len(migrations) + 1)):
        raise LedgerError("trueup's migrations are incomplete: install trueup again")
    return migrations
