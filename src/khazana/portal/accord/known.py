"""Which offices the operator of a portal knows. A name in a file is what anybody may write there.

An office is named by its fingerprint, or by the place of its office.json, which is read anew each
time: a partner that is founded later is known from then on.
"""

from collections.abc import Iterable
from pathlib import Path

from khazana.errors import KhazanaError
from khazana.portal.statement.publication import PublicationRefused
from khazana.statement.office_file import (
    MAX_OFFICE_BYTES,
    Pin,
    pin_by_file,
    pin_by_fingerprint,
)


def known_offices(named: Iterable[str]) -> dict[str, Pin]:
    """The offices by fingerprint; PublicationRefused for what is neither of the two.

    A file also says which keys its office has revoked, whatever an older copy says.

    >>> list(known_offices(["ab" * 32]))
    ['abababababababababababababababababababababababababababababababab']
    """
    found: dict[str, Pin] = {}
    for each in named:
        try:
            if not each.endswith(".json"):
                pin = pin_by_fingerprint(each)
                found.setdefault(pin.fingerprint, pin)
            elif Path(each).exists():
                pin = pin_by_file(_read(Path(each)))
                found[pin.fingerprint] = pin
        except (KhazanaError, OSError) as error:
            problem = f"it names no known office: {str(error).rstrip('.')}"
            raise PublicationRefused(path=each, problem=problem) from error
    return found


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_OFFICE_BYTES + 1)
