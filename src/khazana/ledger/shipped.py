"""Office files that come with the program: public claims, ready to be counted, never confirmed."""

from importlib import resources

from khazana.ledger.office import OfficeFile
from khazana.ledger.office_file import read_office

SHIPPED_OFFICES = ("el_salvador_claimed",)
"""Each is a folder in data/, whose office.toml has a `notice` that every output repeats."""


def shipped_office(name: str) -> OfficeFile:
    """An office file of the program by its name.

    >>> shipped_office("el_salvador_claimed").notice
    'claimed by a third party, not confirmed by the office'
    """
    if name not in SHIPPED_OFFICES:
        raise ValueError(f"no shipped office is called {name!r}; there are {SHIPPED_OFFICES}")
    folder = resources.files("khazana.ledger").joinpath("data", name)

    def read(table: str) -> bytes | None:
        file = folder.joinpath(table)
        return file.read_bytes() if file.is_file() else None

    return read_office("office.toml", folder.joinpath("office.toml").read_bytes(), read)
