"""Agreements that come with the program: ready texts in our own words, with their sources."""

from importlib import resources

from khazana.accord.agreement.model import Agreement
from khazana.accord.agreement.read import read_agreement

SHIPPED_AGREEMENTS = ("letter_of_intent", "company_letter", "stablecoin_memorandum")


def shipped_agreement_bytes(name: str) -> bytes:
    """The file of a shipped agreement; ValueError when there is none of that name."""
    if name not in SHIPPED_AGREEMENTS:
        raise ValueError(f"no shipped agreement is called {name!r}; there are {SHIPPED_AGREEMENTS}")
    folder = resources.files("khazana.accord.agreement").joinpath("data")
    return folder.joinpath(f"{name}.toml").read_bytes()


def shipped_agreement(name: str) -> Agreement:
    """An agreement of the program by its name.

    >>> [field.field.value for field in shipped_agreement("letter_of_intent").articles][:2]
    ['education', 'mining']
    """
    return read_agreement(f"{name}.toml", shipped_agreement_bytes(name))
