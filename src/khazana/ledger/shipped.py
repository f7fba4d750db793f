"""Office files that come with the program: public claims, ready to be counted, never confirmed."""

from dataclasses import dataclass
from importlib import resources

from khazana.errors import KhazanaError
from khazana.ledger.office import OfficeFile
from khazana.ledger.office_file import read_office

SHIPPED_OFFICES = ("el_salvador_claimed",)
"""Each is a folder in data/, whose office.toml has a `notice` that every output repeats."""


@dataclass(eq=False, kw_only=True)
class NoSuchShippedOffice(KhazanaError):
    """The program comes with no office file of this name."""

    name: str
    names: str
    code = "no_such_shipped_office"
    words = "no office called {name!r} comes with the program; there are: {names}"


def shipped_office(name: str) -> OfficeFile:
    """An office file of the program by its name.

    >>> shipped_office("el_salvador_claimed").notice
    'claimed by a third party, not confirmed by the office'
    """
    if name not in SHIPPED_OFFICES:
        raise NoSuchShippedOffice(name=name, names=", ".join(SHIPPED_OFFICES))
    folder = resources.files("khazana.ledger").joinpath("data", name)

    def read(table: str) -> bytes | None:
        file = folder.joinpath(table)
        return file.read_bytes() if file.is_file() else None

    return read_office("office.toml", folder.joinpath("office.toml").read_bytes(), read)
