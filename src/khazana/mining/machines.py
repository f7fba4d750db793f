"""Mining machines: nameplates, power modes, and the best there was on a day."""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction
from functools import cache
from importlib import resources

from khazana.errors import KhazanaError

COLUMNS = [
    *("model", "hashrate_th_s", "power_w", "efficiency_j_per_th", "cooling", "available_from"),
    "date_mark",
]
HALF_A_WATT = Fraction(1, 2)
"""Nameplates are printed in whole watts."""
NAMEPLATE_TOLERANCE = Fraction(5, 100)
"""Machines may differ by this from their nameplate (d-central's list, CC BY 4.0, 2026-06)."""
YEARS_IN_USE = 5
"""How long a machine is taken to be worth its power after it came out: an assumption."""
MOST_ROWS = 10_000
MOST_NAMED = 20
"""Bad rows that a message names; all of them are in its facts."""
_PLAIN = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")


class Cooling(Enum):
    AIR = "air"
    WATER = "water"
    IMMERSION = "immersion"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with a row. line: in the file, counted from 1."""

    line: int
    problem: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.problem}"


@dataclass(eq=False, kw_only=True)
class BadMachineTable(KhazanaError):
    """A table of machines has rows that cannot be true; none of it is used."""

    file: str
    problems: tuple[RowProblem, ...]
    code = "bad_machine_table"
    words = "{file} is refused whole: {problems}. Correct these rows."

    def __str__(self) -> str:
        named = "; ".join(map(str, self.problems[:MOST_NAMED]))
        if more := len(self.problems) - MOST_NAMED:
            named += f"; and {more} more rows" if more > 0 else ""
        return self.words.format(file=self.file, problems=named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A model's nameplate. Its three figures agree: W = TH/s × J/TH, to half a watt.

    available_from: nobody had one before. date_mark: S stated in a source, R to be verified.
    """

    model: str
    hashrate_th_s: Fraction
    power_w: Fraction
    efficiency_j_per_th: Fraction
    cooling: Cooling
    available_from: date
    date_mark: str = "S"

    def __post_init__(self) -> None:
        if min(self.hashrate_th_s, self.power_w, self.efficiency_j_per_th) <= 0:
            raise ValueError("hashrate, power and efficiency are above zero")
        means = self.hashrate_th_s * self.efficiency_j_per_th
        if abs(means - self.power_w) > HALF_A_WATT:
            raise ValueError(
                f"{_text(self.hashrate_th_s)} TH/s × {_text(self.efficiency_j_per_th)} J/TH = "
                f"{_text(means)} W, not the {_text(self.power_w)} W that stand in the row"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerMode:
    """A setting in which a machine runs, as a share of its nameplate.

    power: 0 is asleep. hashrate falls less than power: slower chips need fewer joules.
    """

    name: str
    power: Fraction
    hashrate: Fraction

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a power mode needs a name")
        if self.power < 0 or self.hashrate < 0:
            raise ValueError(f"mode {self.name}: power and hashrate are not negative")
        if self.hashrate and not self.power:
            raise ValueError(f"mode {self.name}: hashes without power")


NAMEPLATE = PowerMode(name="nameplate", power=Fraction(1), hashrate=Fraction(1))
ASLEEP = PowerMode(name="asleep", power=Fraction(0), hashrate=Fraction(0))


def in_mode(machine: Machine, mode: PowerMode) -> Machine:
    """The machine as it runs in a mode, with the efficiency that follows."""
    if not mode.hashrate:
        raise ValueError(f"a machine that is {mode.name} has no efficiency")
    hashrate = machine.hashrate_th_s * mode.hashrate
    power = machine.power_w * mode.power
    return Machine(
        model=f"{machine.model} ({mode.name})",
        hashrate_th_s=hashrate,
        power_w=power,
        efficiency_j_per_th=power / hashrate,
        cooling=machine.cooling,
        available_from=machine.available_from,
        date_mark=machine.date_mark,
    )


def machines_at(machines: Iterable[Machine], day: date) -> tuple[Machine, ...]:
    """Rule MI5: machines of the time: already out, and for no more than five years."""
    return tuple(
        one
        for one in machines
        if one.available_from <= day < _years_later(one.available_from, YEARS_IN_USE)
    )


def best_at(machines: Iterable[Machine], day: date) -> Machine | None:
    """The most efficient nameplate that could be had on a day; None before the first."""
    out = [one for one in machines if one.available_from <= day]
    return min(out, key=lambda one: (one.efficiency_j_per_th, one.model), default=None)


def worst_at(machines: Iterable[Machine], day: date) -> Machine | None:
    """The least efficient machine of the time; None when there is none."""
    found = machines_at(machines, day)
    return max(found, key=lambda one: (one.efficiency_j_per_th, one.model), default=None)


@cache
def shipped_machines() -> tuple[Machine, ...]:
    """The models that come with this package (data/machines.csv), in order of the file."""
    name = "machines.csv"
    raw = resources.files("khazana.mining").joinpath("data", name).read_text(encoding="utf-8")
    return read_machines(raw, file=name)


def read_machines(text: str, *, file: str) -> tuple[Machine, ...]:
    """Read a table of machines; every bad row is named, and one is enough to refuse the table."""
    rows = list(csv.reader(text.splitlines()))
    if not rows or rows[0] != COLUMNS:
        problem = f"the columns are not {','.join(COLUMNS)}"
        raise BadMachineTable(file=file, problems=(RowProblem(1, problem),))
    if len(rows) - 1 > MOST_ROWS:
        problem = f"there are more than {MOST_ROWS} machines"
        raise BadMachineTable(file=file, problems=(RowProblem(MOST_ROWS + 2, problem),))
    machines: list[Machine] = []
    problems: list[RowProblem] = []
    for line, row in enumerate(rows[1:], start=2):
        try:
            machine = _machine(row)
            if machine.model in {one.model for one in machines}:
                raise ValueError(f"{machine.model} is in the table already")
            machines.append(machine)
        except ValueError as wrong:
            problems.append(RowProblem(line, str(wrong)))
    if not problems and not machines:
        problems.append(RowProblem(2, "there is no machine"))
    if problems:
        raise BadMachineTable(file=file, problems=tuple(problems))
    return tuple(machines)


def _machine(row: Sequence[str]) -> Machine:
    if len(row) != len(COLUMNS):
        raise ValueError(f"{len(row)} fields where {len(COLUMNS)} belong")
    model, hashrate, power, efficiency, cooling, since, mark = row
    if not model or model != model.strip():
        raise ValueError(f"{model!r} is no name of a model")
    if cooling not in (one.value for one in Cooling):
        raise ValueError(f"cooling {cooling!r} is not air, water or immersion")
    if mark not in ("S", "R"):
        raise ValueError(f"date_mark {mark!r} is neither S nor R")
    try:
        available = date.fromisoformat(since)
    except ValueError:
        raise ValueError(f"available_from {since!r} is not a day such as 2024-06-01") from None
    return Machine(
        model=model,
        hashrate_th_s=_number("hashrate_th_s", hashrate),
        power_w=_number("power_w", power),
        efficiency_j_per_th=_number("efficiency_j_per_th", efficiency),
        cooling=Cooling(cooling),
        available_from=available,
        date_mark=mark,
    )


def _number(column: str, text: str) -> Fraction:
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"{column} {text!r} is not a plain number above zero")
    return Fraction(text)


def _text(value: Fraction) -> str:
    return f"{float(value):.10g}"


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return date(day.year + years, 3, 1)
