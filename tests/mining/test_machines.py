"""Machines: nameplates that agree with themselves, and the best of a day."""

from datetime import date
from fractions import Fraction

import pytest

from khazana.mining.machines import (
    ASLEEP,
    COLUMNS,
    BadMachineTable,
    Cooling,
    Machine,
    PowerMode,
    best_at,
    in_mode,
    machines_at,
    read_machines,
    shipped_machines,
    worst_at,
)

HEAD = ",".join(COLUMNS)
GOOD = "Antminer S21,200,3500,17.5,air,2023-09-01,S"
SHIPPED = {machine.model: machine for machine in shipped_machines()}

FACTS = """
Antminer S23 Hyd 580 5510 9.5 water
Antminer S21 XP+ Hyd 500 5500 11 water
Antminer S21 XP Hyd 473 5676 12 water
Antminer S21e XP Hyd 860 11180 13 water
Antminer S21 XP 270 3645 13.5 air
Antminer S21 Pro 234 3510 15 air
Antminer S21+ Hyd 319 4785 15 water
Antminer S21 Hyd 335 5360 16 water
Antminer S21+ 216 3564 16.5 air
Antminer S21e Hyd 288 4896 17 water
Antminer S21 200 3500 17.5 air
Whatsminer M60S 186 3255 17.5 air
Antminer S21 Imm 301 5569 18.5 immersion
Antminer T21 190 3610 19 air
Antminer S19 XP 140 3010 21.5 air
Antminer S19k Pro 120 2760 23 air
Antminer S19j Pro 104 3068 29.5 air
Antminer S9 13.5 1323 98 air
"""


def read(*rows):
    return read_machines("\n".join([HEAD, *rows]), file="m.csv")


@pytest.mark.parametrize("line", FACTS.strip().splitlines())
def test_every_machine_of_the_facts_ships_with_its_figures(line):
    *name, hashrate, power, efficiency, cooling = line.split()
    machine = SHIPPED[" ".join(name)]
    assert machine.hashrate_th_s == Fraction(hashrate)
    assert machine.power_w == Fraction(power)
    assert machine.efficiency_j_per_th == Fraction(efficiency)
    assert machine.cooling is Cooling(cooling)


def test_power_is_hashrate_times_efficiency_in_every_row():
    assert len(SHIPPED) == 21
    for machine in SHIPPED.values():
        watts = machine.hashrate_th_s * machine.efficiency_j_per_th
        assert abs(watts - machine.power_w) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("day", "best", "worst"),
    [
        (date(2016, 6, 30), None, None),
        (date(2016, 7, 1), "Antminer S9", "Antminer S9"),
        (date(2021, 10, 1), "Antminer S19j Pro", "Antminer S17 Pro"),
        (date(2022, 7, 1), "Antminer S19 XP", "Antminer S17 Pro"),
        (date(2023, 9, 30), "Antminer S21", "Antminer S17 Pro"),
        (date(2024, 4, 9), "Antminer S21 Hyd", "Antminer S19"),
        (date(2026, 6, 1), "Antminer S23 Hyd", "Antminer S19k Pro"),
    ],
)
def test_the_machines_of_a_day(day, best, worst):
    found = best_at(SHIPPED.values(), day), worst_at(SHIPPED.values(), day)
    assert tuple(one and one.model for one in found) == (best, worst)


def test_a_machine_is_of_its_time_for_five_years():
    leap = Machine(
        model="x",
        hashrate_th_s=Fraction(1),
        power_w=Fraction(20),
        efficiency_j_per_th=Fraction(20),
        cooling=Cooling.AIR,
        available_from=date(2024, 2, 29),
    )
    assert machines_at([leap], date(2024, 2, 28)) == ()
    assert machines_at([leap], date(2029, 2, 28)) == (leap,)
    assert machines_at([leap], date(2029, 3, 1)) == ()


def test_a_slower_mode_saves_joules():
    eco = PowerMode(name="eco", power=Fraction(60, 100), hashrate=Fraction(75, 100))
    slow = in_mode(SHIPPED["Antminer S21"], eco)
    assert slow.efficiency_j_per_th == 14
    assert (slow.power_w, slow.hashrate_th_s) == (2100, 150)
    with pytest.raises(ValueError, match="no efficiency"):
        in_mode(SHIPPED["Antminer S21"], ASLEEP)


@pytest.mark.parametrize(
    ("power", "hashrate", "name", "problem"),
    [(-1, 0, "x", "not negative"), (0, 1, "x", "without power"), (1, 1, "", "a name")],
)
def test_a_mode_that_cannot_be_is_our_mistake(power, hashrate, name, problem):
    with pytest.raises(ValueError, match=problem):
        PowerMode(name=name, power=Fraction(power), hashrate=Fraction(hashrate))


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (GOOD.replace("3500", "3200"), "200 TH/s × 17.5 J/TH = 3500 W, not the 3200 W"),
        (GOOD.replace("17.5", "17.6"), "3520 W, not the 3500 W"),
        (GOOD.replace(",200,", ",0,"), "above zero"),
        (GOOD.replace(",200,", ",-200,"), "hashrate_th_s '-200' is not a plain number"),
        (GOOD.replace(",200,", ",2e2,"), "not a plain number"),
        (GOOD.replace(",200,", ",٢٠٠,"), "not a plain number"),
        (GOOD.replace("3500", ""), "power_w '' is not a plain number"),
        (GOOD.replace("air", "wind"), "cooling 'wind'"),
        (GOOD.replace("2023-09-01", "2023-09"), "not a day"),
        (GOOD.replace(",S", ",X"), "date_mark 'X'"),
        (GOOD.replace("Antminer S21", " "), "no name"),
        (GOOD + ",", "8 fields where 7"),
        (GOOD, "in the table already"),
    ],
)
def test_a_bad_row_refuses_the_table_with_its_line(row, problem):
    with pytest.raises(BadMachineTable) as refused:
        read(GOOD, row)
    (found,) = refused.value.problems
    assert found.line == 3
    assert problem in found.problem
    assert f"line 3: {found.problem}" in str(refused.value)


def test_all_bad_rows_are_named_at_once():
    bad = GOOD.replace("3500", "3600")
    with pytest.raises(BadMachineTable) as refused:
        read(bad, GOOD, *[bad] * 30)
    assert [one.line for one in refused.value.problems] == [2, *range(4, 34)]
    assert "and 11 more rows" in str(refused.value)


@pytest.mark.parametrize("text", ["", "model\n", HEAD])
def test_a_table_without_machines_is_refused(text):
    with pytest.raises(BadMachineTable, match="refused whole"):
        read_machines(text, file="m.csv")
