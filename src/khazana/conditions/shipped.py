"""Memoranda that come with the program: public facts in our own words, each with its mark."""

from importlib import resources

from khazana.conditions.memorandum import Memorandum
from khazana.conditions.memorandum_file import read_memorandum

SHIPPED_MEMORANDA = ("el_salvador_2025", "pakistan_2024_27")


def shipped_bytes(name: str) -> bytes:
    """The file of a shipped memorandum; ValueError when there is none of that name."""
    if name not in SHIPPED_MEMORANDA:
        raise ValueError(f"no shipped memorandum is called {name!r}; there are {SHIPPED_MEMORANDA}")
    folder = resources.files("khazana.conditions").joinpath("data")
    return folder.joinpath(f"{name}.toml").read_bytes()


def shipped_memorandum(name: str) -> Memorandum:
    """A memorandum of the program by its name.

    >>> shipped_memorandum("pakistan_2024_27").country
    'PAK'
    """
    return read_memorandum(f"{name}.toml", shipped_bytes(name))
