"""Tariffs and outages against counters: what follows, and what is refused with its place."""

from fractions import Fraction

import pytest

from khazana.mining.evidence.problems import EvidenceRefused
from khazana.mining.evidence.tariffs import (
    OUTAGE_COLUMNS,
    TARIFF_COLUMNS,
    TariffsDoNotFit,
    power_sums,
    read_outages,
    read_tariffs,
    shed,
)
from tests.mining.metering import DAY, START, STEP, file_of, honest

HEAD = ",".join(TARIFF_COLUMNS) + "\n"
OFF_HEAD = ",".join(OUTAGE_COLUMNS) + "\n"
ROWS = file_of(honest(3)).by_meter["main-1"]


def tariffs(*lines: str):
    return read_tariffs("tariffs.csv", (HEAD + "".join(f"{x}\n" for x in lines)).encode())


def row(first: str, until: str, *, prices: str = "60,54,120", site: str = "site-1") -> str:
    return f"{site},2026-01-{first}:00Z,2026-01-{until}:00Z,USD,{prices},order 7"


def sums(*lines: str, first: int = START, until: int = START + DAY, meters=(ROWS,)):
    return power_sums("site-1", tariffs(*lines), meters, first=first, until=until)


def test_each_hour_is_judged_alone_and_hours_do_not_net_out():
    # 10 MW: twelve hours at 4 below cost, twelve at 6 above.
    found = sums(row("01T00:00", "01T12:00", prices="50,54,120"), row("01T12:00", "02T00:00"))
    assert found.paid == 120 * 50 + 120 * 60
    assert found.reading.subsidy == 120 * 4
    assert found.reading.margin == 120 * 6
    assert found.due == 240 * 120
    assert found.seconds == 12 * 3600


def test_a_cost_that_nobody_published_is_unknown_and_not_zero():
    found = sums(row("01T00:00", "02T00:00", prices="60,,"))
    assert found.due is None
    assert found.reading.unknown_mwh == 240
    assert found.reading.subsidy == 0
    assert found.seconds == 0


def test_several_meters_are_added_up_and_other_sites_rows_do_not_count():
    lines = (row("01T00:00", "02T00:00"), row("01T00:00", "02T00:00", site="site-2"))
    assert sums(*lines, meters=(ROWS, ROWS)).paid == 2 * sums(*lines).paid


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "they end 2026-01-01T00:00:00Z, before 2026-01-02T00:00:00Z"),
        ([row("01T01:00", "02T00:00")], "line 2 begins 2026-01-01T01:00:00Z, not 2026-01-01T00"),
        ([row("01T00:00", "01T23:00")], "they end 2026-01-01T23:00:00Z"),
        ([row("01T00:00", "02T01:00")], "they end 2026-01-02T01:00:00Z"),
        (
            [row("01T00:00", "01T10:10"), row("01T10:10", "02T00:00")],
            "line 2: no reading stands at 2026-01-01T10:10:00Z",
        ),
        (
            [row("01T00:00", "01T12:00"), row("01T12:00", "02T00:00").replace("USD", "PKR")],
            "two currencies",
        ),
    ],
)
def test_rows_that_do_not_give_the_month_are_refused_with_their_line(lines, said):
    with pytest.raises(TariffsDoNotFit, match=r"The tariffs of site-1 do not give its month") as no:
        sums(*lines)
    assert said in str(no.value)


def test_a_counter_that_fell_gives_no_cost():
    values = honest(3)
    values[20] = values[20]._replace(register_wh=0)
    rows = file_of(values).by_meter["main-1"]
    with pytest.raises(TariffsDoNotFit, match="the counter fell before 2026-01-01T10:00:00Z"):
        sums(row("01T00:00", "01T10:00"), row("01T10:00", "02T00:00"), meters=(rows,))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (row("01T00:00", "01T00:00"), "line 2, until: is not after the beginning"),
        (row("01T00:00", "02T00:00", prices="-1,2,3"), "line 2, tariff: '-1': a price is not neg"),
        (row("01T00:00", "02T00:00", prices="1,2,1e3"), "line 2, full_cost: '1e3'"),
        (row("01T00:00", "02T00:00", prices=",2,3"), "line 2, tariff: is empty"),
        (row("01T00:00", "02T00:00").replace("USD", "usd"), "line 2, currency: 'usd' is not"),
        (row("01T00:00", "02T00:00").replace("order 7", ""), "line 2, source: is empty"),
        (row("01T00:00", "02T00:00").replace("site-1", "a b"), "line 2, site: 'a b'"),
    ],
)
def test_a_malformed_tariff_is_refused_with_line_and_column(line, said):
    with pytest.raises(EvidenceRefused) as refused:
        tariffs(line)
    assert f"tariffs.csv, {said}" in str(refused.value)


def test_tariffs_that_overlap_are_refused():
    with pytest.raises(EvidenceRefused, match="overlaps line 2, which lasts longer"):
        tariffs(row("01T00:00", "02T00:00"), row("01T12:00", "02T12:00"))


def outages(*lines: str):
    return read_outages("outages.csv", (OFF_HEAD + "".join(f"{x}\n" for x in lines)).encode())


def off(feeder: str, first: str, until: str, company: str = "North") -> str:
    return f"{feeder},{company},2026-01-{first}:00Z,2026-01-{until}:00Z,bulletin"


def hours(*lines: str, rows=ROWS, first: int = START, until: int = START + 3 * DAY) -> Fraction:
    return shed("site-1", "North", outages(*lines), [rows], first=first, until=until).hours


def test_time_with_feeders_off_counts_once_and_only_of_the_own_company():
    assert hours(off("f1", "01T10:00", "01T12:00"), off("f2", "01T11:00", "01T13:00")) == 3
    assert hours(off("f1", "01T10:00", "01T12:00", "South")) == 0
    assert hours() == 0


def test_an_outage_is_cut_to_the_month():
    assert hours(off("f1", "01T10:00", "03T10:00"), until=START + DAY) == 14


def test_a_site_that_is_switched_off_does_not_mine_and_its_fans_do_not_count():
    values = []
    register = 5_000_000_000
    for value in honest(3):
        values.append(value._replace(register_wh=register))
        idle = START + DAY <= value.at < START + 2 * DAY
        register += 20_000 if idle else 5_000_000
    rows = file_of(values).by_meter["main-1"]
    assert hours(off("f1", "02T00:00", "03T00:00"), rows=rows) == 0
    assert hours(off("f1", "01T22:00", "02T02:00"), rows=rows) == 2


def test_between_two_readings_all_the_time_counts():
    kept = [v for v in honest(3) if v.at % DAY == 0]
    rows = file_of(kept).by_meter["main-1"]
    assert hours(off("f1", "02T03:00", "02T04:00"), rows=rows) == 1
    assert STEP == 1800


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (off("f1", "01T10:00", "01T10:00"), "line 2, until: is not after the beginning"),
        (off("f 1", "01T10:00", "01T11:00"), "line 2, feeder: 'f 1'"),
        (off("f1", "01T10:00", "01T11:00", ""), "line 2, company: is empty"),
    ],
)
def test_a_malformed_outage_is_refused_with_line_and_column(line, said):
    with pytest.raises(EvidenceRefused) as refused:
        outages(line)
    assert f"outages.csv, {said}" in str(refused.value)
