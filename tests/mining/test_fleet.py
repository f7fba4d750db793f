"""Power to hashes: the formula, the reference fleet, heat and age."""

import csv
from datetime import date
from fractions import Fraction

import pytest

from khazana.mining.fleet import (
    Batch,
    Site,
    age_share,
    fleet_for,
    hashes_of_energy,
    heat_share,
    implied_j_per_th,
    running,
    site_hashes,
)
from khazana.mining.machines import Cooling, shipped_machines
from tests.shared import shared_file

MACHINES = {one.model: one for one in shipped_machines()}
S21 = MACHINES["Antminer S21"]
DAY = date(2026, 6, 1)


def site(*batches, **changed):
    values = {"pue": Fraction(105, 100), "uptime": Fraction(1)} | changed
    return Site(id="Site 1", batches=batches, **values)


def batch(machine=S21, **changed):
    values = {"count": 100, "installed": date(2025, 6, 1), "loss_per_year": Fraction(0)} | changed
    return Batch(machine=machine, **values)


def test_the_reference_fleet_has_the_machines_and_the_hashrate_of_the_facts():
    rows = csv.DictReader(shared_file("data/scenario_indus12_fleet.csv").read_text().splitlines())
    shares = [(MACHINES[r["model"]], Fraction(r["share_of_it_mw"])) for r in rows]
    fleet = fleet_for(Fraction(2_000), shares=shares, pue=Fraction(105, 100), day=DAY)
    assert [one.count for one in fleet] == [209_027, 217_687, 138_026]
    found = running(site(*fleet), DAY)
    assert round(float(found.hashrate_th_s) / 1e6, 1) == 116.5
    assert float(found.grid_mw) == pytest.approx(2_000, rel=1e-5)


def test_hashes_and_efficiency_undo_each_other():
    hashes = hashes_of_energy(
        Fraction(1_000), j_per_th=Fraction(35, 2), pue=Fraction(105, 100), line_loss=Fraction(1, 50)
    )
    back = implied_j_per_th(
        Fraction(1_000), hashes=hashes, pue=Fraction(105, 100), line_loss=Fraction(1, 50)
    )
    assert back == Fraction(35, 2)
    # 1 MWh at 1 J/TH and no losses: 3.6e9 J make 3.6e9 TH.
    assert (
        hashes_of_energy(Fraction(1), j_per_th=Fraction(1), pue=Fraction(1))
        == 3_600_000_000 * 10**12
    )


def test_heat_throttles_air_and_stops_it_but_not_water():
    kept = [heat_share(Cooling.AIR, intake_c=Fraction(c)) for c in (40, 41, 46, 47, 60)]
    assert kept == [1, Fraction(44, 49), Fraction(44, 49), 0, 0]
    assert heat_share(Cooling.WATER, intake_c=Fraction(60)) == 1
    hot = running(site(batch()), DAY, intake_c=Fraction(47))
    assert (hot.hashrate_th_s, hot.grid_mw) == (0, 0)
    with pytest.raises(ValueError, match="stands still"):
        _ = hot.j_per_th


def test_age_takes_hashrate_and_leaves_power():
    old = batch(installed=date(2024, 1, 1), loss_per_year=Fraction(2, 100))
    young, later = running(site(old), date(2024, 1, 1)), running(site(old), date(2026, 1, 1))
    assert later.machine_mw == young.machine_mw
    assert float(later.hashrate_th_s / young.hashrate_th_s) == pytest.approx(0.98**2, rel=1e-4)
    assert later.j_per_th > young.j_per_th
    assert age_share(old, date(2024, 1, 1)) == 1


def test_uptime_lowers_power_and_hashes_alike():
    whole, part = site(batch()), site(batch(), uptime=Fraction(9, 10))
    assert running(part, DAY).j_per_th == running(whole, DAY).j_per_th == Fraction(35, 2)
    assert running(part, DAY).grid_mw == running(whole, DAY).grid_mw * Fraction(9, 10)
    assert site_hashes(part, Fraction(5), DAY) == site_hashes(whole, Fraction(5), DAY)


def test_machines_count_from_the_day_they_are_installed():
    two = site(batch(), batch(installed=date(2026, 6, 2)))
    assert running(two, DAY).hashrate_th_s * 2 == running(two, date(2026, 6, 2)).hashrate_th_s


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: batch(count=0), "is none"),
        (lambda: batch(loss_per_year=Fraction(1)), "yearly loss"),
        (lambda: batch(installed=date(2020, 1, 1)), "came out on 2023-09-01"),
        (lambda: site(pue=Fraction(99, 100)), "PUE 99/100"),
        (lambda: site(line_loss=Fraction(1)), "line loss"),
        (lambda: site(uptime=Fraction(0)), "uptime"),
        (lambda: age_share(batch(), date(2020, 1, 1)), "before the batch"),
        (
            lambda: fleet_for(
                Fraction(1), shares=[(S21, Fraction(1, 2))], pue=Fraction(1), day=DAY
            ),
            "sum to 1",
        ),
        (lambda: hashes_of_energy(Fraction(-1), j_per_th=Fraction(1), pue=Fraction(1)), "negative"),
        (lambda: implied_j_per_th(Fraction(1), hashes=Fraction(0), pue=Fraction(1)), "no hashes"),
    ],
)
def test_what_cannot_be_is_our_mistake(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()
