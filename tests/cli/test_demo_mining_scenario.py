"""The demo's mining scenario: sites, hours, settlements and counters, before anything is paid."""

import csv
from collections import Counter as Tally
from datetime import UTC, date, datetime
from itertools import pairwise

import pytest

from khazana.cli.demo.mining.meters import Counter, Record
from khazana.cli.demo.mining.scenario import DAY_S, HOUR_S, PKT, sites, tight
from khazana.cli.demo.mining.settlements import PAID_AFTER, first_period, settlements
from khazana.cli.demo.timeline import FEWEST_DAYS, MOST_DAYS, Timeline
from khazana.mining.evidence.audit import audit_readings
from khazana.mining.evidence.metering import read_metering
from khazana.mining.evidence.reconcile import reconcile_check_meters
from tests.shared import shared_file

BEGINS = int(datetime(2025, 6, 1, tzinfo=UTC).timestamp())
MONTH = 30 * DAY_S


def test_twelve_sites_share_2000_megawatts():
    assert [site.name for site in sites()] == [f"Site {n}" for n in range(1, 13)]
    assert sum(site.allocation_mw for site in sites()) == 2_000
    assert all(len(site.available) == 12 for site in sites())


def test_the_table_is_the_scenario_of_the_facts_without_its_places():
    with shared_file("data/scenario_indus12_sites.csv").open(encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    for site, row in zip(sites(), rows, strict=True):
        assert (site.kind, site.allocation_mw) == (row["kind"], int(row["allocation_mw"]))
        assert (site.fuel_cost, site.pue) == (row["fuel_cost_pkr_kwh"], row["pue"])
        assert row["site"] not in repr(site)


def test_a_years_energy_is_near_that_of_the_scenario():
    with shared_file("data/scenario_indus12_hourly_SYNTHETIC.csv").open(encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    begins = int(datetime(2024, 7, 1, tzinfo=PKT).timestamp())
    columns = list(rows[0])[2:14]
    for site, column in zip(sites(), columns, strict=True):
        wanted = sum(float(row[column]) for row in rows)
        drawn = sum(site.watts(begins + hour * HOUR_S) for hour in range(8_760)) / 1e6
        assert drawn == pytest.approx(wanted, rel=0.15), site.id


def test_no_site_draws_power_while_the_grid_is_short():
    hours = [BEGINS + hour * HOUR_S for hour in range(24 * 61)]
    short = [at for at in hours if tight(datetime.fromtimestamp(at, PKT))]
    assert len(short) > 100
    assert all(site.watts(at) == 0 for at in short for site in sites())


def test_every_month_has_an_hour_in_which_feeders_are_off():
    begins = datetime(2025, 1, 1, tzinfo=PKT).timestamp()
    months = Tally(
        local.month
        for hour in range(8_760)
        if tight(local := datetime.fromtimestamp(begins + hour * HOUR_S, PKT))
    )
    assert set(months) == set(range(1, 13))


def test_no_site_draws_more_than_its_allocation():
    for site in sites():
        most = max(site.watts(BEGINS + hour * HOUR_S) for hour in range(24 * 30))
        assert most <= site.allocation_mw * 1_000_000


def test_meters_pass_the_audit_and_the_check_meters_agree():
    counters = [Counter(site, begins=BEGINS) for site in sites()]
    record = Record(counters, first=BEGINS)
    record.extend(BEGINS + MONTH)
    files = record.files()
    given = read_metering(
        meters=("meters.toml", files["meters.toml"]),
        readings=("readings.csv", files["readings.csv"]),
        seals=("seals.csv", files["seals.csv"]),
    )
    audit = audit_readings(given.readings, given.seals, given.meters)
    assert audit.findings == ()
    assert audit.sealed == audit.readings == 30 * 12 * 25
    for site in sites():
        compared, findings = reconcile_check_meters(
            site.id,
            given.readings.by_meter,
            given.meters,
            first=BEGINS,
            until=BEGINS + MONTH - DAY_S,
        )
        assert (len(compared), findings) == (1, ())


def test_sealing_in_pieces_gives_the_same_files_as_sealing_at_once():
    counters = [Counter(site, begins=BEGINS) for site in sites()[:2]]
    once, pieces = (Record(counters, first=BEGINS) for _ in range(2))
    once.extend(BEGINS + 5 * DAY_S)
    for days in (2, 1, 5):
        pieces.extend(BEGINS + days * DAY_S)
    assert pieces.files()["readings.csv"] == once.files()["readings.csv"]
    assert sorted(pieces.seals, key=str) == sorted(once.seals, key=str)


def test_counters_give_the_same_values_however_they_are_asked():
    one, other = (Counter(sites()[6], begins=BEGINS) for _ in range(2))
    late = one.register(BEGINS + MONTH)
    assert [v.register_wh for v in other.main_values(BEGINS, BEGINS + DAY_S)] == [
        v.register_wh for v in one.main_values(BEGINS, BEGINS + DAY_S)
    ]
    assert other.register(BEGINS + MONTH) == late
    with pytest.raises(ValueError, match="has no value"):
        one.register(BEGINS - HOUR_S)
    with pytest.raises(ValueError, match="has no value"):
        one.register(BEGINS + 1)


@pytest.mark.parametrize(
    "days", [*range(FEWEST_DAYS, FEWEST_DAYS + 30), 289, 290, 365, 730, MOST_DAYS]
)
@pytest.mark.parametrize("ends", [date(2025, 12, 31), date(2026, 3, 1), date(2026, 11, 22)])
def test_rows_follow_one_another_and_are_paid_in_their_own_period(days, ends):
    timeline = Timeline(days, ends)
    since = first_period(timeline)
    rows = settlements(timeline, since=since)
    assert all(before.until == after.first for before, after in pairwise(rows))
    for row in rows:
        assert timeline.close(row.period - 1) < row.paid <= timeline.close(row.period)
        assert row.paid == row.until + PAID_AFTER
        first, until = timeline.instant(row.first), timeline.instant(row.until)
        assert 0 < (until - first).days <= 31
        assert (first.year, first.month) == ((first + (until - first) / 2).year, first.month)
    assert {row.period for row in rows} == set(range(since, timeline.periods + 1))


def test_two_years_have_whole_months_in_the_last_of_them():
    timeline = Timeline(730, date(2026, 11, 22))
    rows = settlements(timeline, since=first_period(timeline))
    assert all(
        timeline.instant(row.first).day == timeline.instant(row.until).day == 1 for row in rows
    )
    assert len(rows) == 12
