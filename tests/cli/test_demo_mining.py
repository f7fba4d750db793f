"""Mining in the demo: an honest year in Pakistan's statements, with everything behind it."""

import pytest

from khazana.cli.demo.mining.earning import DIVISOR, earned
from khazana.cli.demo.mining.meters import Counter
from khazana.cli.demo.mining.scenario import sites
from khazana.cli.demo.mining.settlements import first_period, settlements
from khazana.cli.main import main
from khazana.mining.parts import MiningBody, mining_bodies
from khazana.statement.checks import TEST_NOTICE, Profile
from tests.cli.played import STATES, TIMELINE

ROWS = settlements(TIMELINE, since=first_period(TIMELINE))
LAST = TIMELINE.periods


def bodies_of(statement) -> tuple[MiningBody, ...]:
    return mining_bodies(statement.envelope.parts)


def published(played, office: str) -> list[tuple[MiningBody, ...]]:
    """The sites in each statement that stands today."""
    return [
        bodies_of(played.statement(f"{office}/{listed['statement']}"))
        for listed in played.listed(office)
        if listed["superseded_by"] is None
    ]


def test_every_statement_tells_about_twelve_sites_and_no_row_is_left_out(played):
    for period, bodies in enumerate(published(played, "pakistan"), start=1):
        rows = [row for row in ROWS if row.period == period]
        assert [body.name for body in bodies] == [f"Site {n}" for n in range(1, 13)]
        for body in bodies:
            assert len(body.months) == len(rows) > 0


def test_every_month_of_every_site_is_within_and_its_limit_stands_beside_it(played):
    for bodies in published(played, "pakistan"):
        for body in bodies:
            assert body.simulated
            assert body.difficulty.divisor == DIVISOR
            for month in body.months:
                assert month.verdict == "within"
                assert 4 < float(month.detection_percent) < 12
                assert month.evidence is not None


def test_a_site_without_power_is_paid_nothing_and_every_other_one_is(played):
    idle = 0
    for bodies in published(played, "pakistan"):
        for body in bodies:
            for month in body.months:
                assert bool(month.arrivals) == bool(month.high_wh)
                idle += not month.high_wh
    assert idle > 0  # hydro in autumn


def test_payouts_are_booked_as_mined_in_the_sites_own_wallets(played):
    for listed in played.listed("pakistan"):
        statement = played.statement(f"pakistan/{listed['statement']}")
        booked = {
            (txid, line.wallet): line.amount
            for txid, explained in statement.explanations.items()
            for line in explained.lines
            if line.reason == "mined"
        }
        claimed = {
            (arrival.txid, arrival.account): arrival.amount_sat
            for body in bodies_of(statement)
            for month in body.months
            for arrival in month.arrivals
        }
        assert claimed == booked


def test_a_pool_pays_whole_satoshis_far_above_dust_even_for_a_day():
    begins = 1_764_547_200  # 2025-12-01
    for site in sites():
        counter = Counter(site, begins=begins)
        day = begins, begins + 86_400
        if counter.energy_wh(*day):
            assert earned(site, counter, day, shift_s=0) > 5_000


def test_el_salvador_mines_nothing_under_its_arrangement(played):
    assert bodies_of(played.statement("el-salvador/statement.json")) == ()


@pytest.mark.parametrize("state", STATES)
def test_the_index_names_the_folder_behind_the_mining(played, state):
    for listed in played.listed(state):
        assert (listed["mining"] is None) == (state == "el-salvador")


def test_the_newest_metering_lies_under_a_fixed_name(played):
    folder = played.directory / "pakistan"
    newest = folder / played.listed("pakistan")[-1]["mining"]
    names = {p.relative_to(newest) for p in newest.rglob("*") if p.is_file()}
    assert {f"{n}" for n in names} >= {
        *("meters.toml", "readings.csv", "seals.csv", "mining.json"),
        *("bills.csv", "payouts.csv", "tariffs.csv", "outages.csv"),
    }
    for name in names:
        assert (folder / "mining" / name).read_bytes() == (newest / name).read_bytes()


def test_without_the_metering_the_energy_is_said_to_be_the_offices_word(played):
    report = played.judged("pakistan/statement.json", "pakistan", Profile.FULL)
    mining = report.result("mining")
    assert mining.verdict.value == "passed"
    assert any("office's word" in limit for limit in mining.limits)


def test_bills_readings_and_the_pools_statement_pass_their_own_commands(played, capsys):
    folder = played.directory / "pakistan" / "mining"
    readings = ["mining", "readings", "check", str(folder / "readings.csv")]
    readings += ["--meters", str(folder / "meters.toml"), "--seals", str(folder / "seals.csv")]
    assert main([*readings, "--bills", str(folder / "bills.csv")]) == 0
    assert "nothing found wrong" in capsys.readouterr().out
    pool = (folder / "payouts.csv").read_text("ascii").splitlines()[1:]
    addresses = [word for line in pool for word in ("--address", line.split(",")[7])]
    blocks = f"blocks:{played.directory / 'devnet' / 'blocks'}"
    payouts = ["mining", "payouts", "check", str(folder / "payouts.csv"), "--chain", blocks]
    assert main([*payouts, *addresses]) == 0
    assert TEST_NOTICE in capsys.readouterr().out


def test_the_metering_folder_stays_small(played):
    folder = played.directory / "pakistan" / "mining"
    assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) < 5_000_000
