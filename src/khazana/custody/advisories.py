"""Advisories about signing devices: which seeds they touch, by vendor, model and firmware."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources

from khazana.custody.register import RegisteredKey, SeedOrigin

Version = tuple[int, ...]

_VERSION = re.compile(r"v?(\d{1,4}(?:\.\d{1,4}){1,3})([A-Za-z]{0,4})")


@dataclass(frozen=True, slots=True)
class AffectedFirmware:
    """Firmware of these models from `first` (None: from the beginning) to before `fixed`.

    edge: whether it is about the vendor's experimental builds, which count versions of their own.
    """

    models: tuple[str, ...]
    first: Version | None
    fixed: Version
    edge: bool


@dataclass(frozen=True, kw_only=True)
class Advisory:
    """A published weakness of seeds that devices made. spares: origins of seeds it leaves alone."""

    id: str
    vendor: str
    published: date
    title: str
    address: str
    action: str
    spares: tuple[SeedOrigin, ...]
    affected: tuple[AffectedFirmware, ...]

    def touches(self, key: RegisteredKey) -> str | None:
        """Why this advisory concerns the key's seed, or None.

        What counts is the firmware when the seed was made. A firmware that cannot be read as a
        version counts as affected: nobody can show that it is not.
        """
        if key.vendor != self.vendor or key.seed in self.spares:
            return None
        concerning = [a for a in self.affected if key.model.lower() in map(str.lower, a.models)]
        if not concerning:
            return None
        read = read_version(key.firmware_at_creation)
        if read is None:
            return (
                f"the firmware at creation, {key.firmware_at_creation!r}, cannot be compared "
                "with the affected versions"
            )
        version, edge = read
        for affected in concerning:
            started = affected.first is None or affected.first <= version
            if affected.edge == edge and started and version < affected.fixed:
                fixed = ".".join(map(str, affected.fixed))
                return (
                    f"its seed was made on {key.model} firmware {key.firmware_at_creation}, "
                    f"before {fixed}{' (Edge)' if edge else ''}"
                )
        return None


def read_version(text: str) -> tuple[Version, bool] | None:
    """A firmware version and whether it is an Edge build (an X among the letters behind it).

    >>> read_version("1.5.0Q"), read_version("6.6.0QX"), read_version("new")
    (((1, 5, 0), False), ((6, 6, 0), True), None)
    """
    found = _VERSION.fullmatch(text.strip())
    if found is None:
        return None
    numbers = tuple(int(number) for number in found[1].split("."))
    return (*numbers, *([0] * (3 - len(numbers)))), "X" in found[2].upper()


@cache
def shipped_advisories() -> Sequence[Advisory]:
    """The advisories that come with the program (data/advisories.toml)."""
    file = resources.files("khazana.custody").joinpath("data", "advisories.toml")
    return tuple(
        Advisory(
            id=one["id"],
            vendor=one["vendor"],
            published=one["published"],
            title=one["title"],
            address=one["address"],
            action=one["action"],
            spares=tuple(SeedOrigin(origin) for origin in one["spares"]),
            affected=tuple(
                AffectedFirmware(
                    models=tuple(part["models"]),
                    first=_version(part["first"]) if "first" in part else None,
                    fixed=_version(part["fixed"]),
                    edge=part["edge"],
                )
                for part in one["affected"]
            ),
        )
        for one in tomllib.loads(file.read_text(encoding="utf-8"))["advisory"]
    )


def _version(text: str) -> Version:
    read = read_version(text)
    if read is None:
        raise ValueError(f"data/advisories.toml: {text!r} is no version")
    return read[0]
