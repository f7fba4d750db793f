"""Mining in the demo: an honest year in Pakistan's statements, with everything behind it."""

from pathlib import Path

import pytest

from khazana.cli.demo.mining.diversion import DIVERTED_PERCENT
from khazana.cli.demo.mining.earning import DIVISOR, earned
from khazana.cli.demo.mining.meters import Counter
from khazana.cli.demo.mining.scenario import sites
from khazana.cli.demo.mining.settlements import first_period, settlements
from khazana.cli.demo.mining.shares import SHARE_TARGET, SHARING
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
                assert 4 < float(month.detection_percent) < (25 if month.receipts else 12)
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
    for kind in ("receipts", "stamps"):
        copied = {path.name for path in (folder / "mining" / kind).iterdir()}
        assert copied == {name.name for name in names if name.parts[0] == kind} != set()
    for name in names:
        assert (folder / "mining" / name).read_bytes() == (newest / name).read_bytes()


METERED = ("mining_energy", "mining_bills", "mining_check_meters", "mining_payouts", "mining_power")
SHARED = (*METERED, "mining_receipts", "mining_stamps")


def test_with_its_folder_every_check_of_mining_passes_and_without_it_says_what_is_missing(played):
    stem = Path(played.listed("pakistan")[-1]["statement"]).stem
    given = played.judged("pakistan/statement.json", "pakistan", Profile.FULL, with_files=stem)
    bare = played.judged("pakistan/statement.json", "pakistan", Profile.FULL)
    for check in SHARED:
        assert given.result(check).verdict.value == "passed"
        assert bare.result(check).verdict.value == "not checkable"
    assert bare.result("mining").verdict.value == "passed"
    assert bare.exit_status == 0


def test_cost_carbon_and_load_shedding_are_stated_with_their_sources(played):
    for bodies in published(played, "pakistan"):
        for body in bodies:
            assert body.company is not None
            assert body.tco2_per_mwh is not None
            assert body.power_mw is not None
            for month in body.months:
                assert month.power is not None
                assert (month.power.currency, month.power.subsidy) == ("PKR", "0")
                assert "invented" in month.power.source
                assert month.outages is not None
                assert month.outages.seconds == 0
                assert month.check is not None


def test_no_year_of_an_honest_site_raises_an_alarm_and_the_drills_does(played):
    for bodies in published(played, "pakistan"):
        assert {year.finding for body in bodies for year in body.years} <= {"ok"}
    (body,) = bodies_of(played.statement("drill-office/statement.json"))
    (year,) = body.years
    (below,) = [month for month in body.months if month.verdict == "below"]
    assert (year.finding, year.alarm_month) == ("alarm", below.month)


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


def test_only_the_fictional_offices_site_misses_a_month_and_its_statement_says_so(played):
    (body,) = bodies_of(played.statement("drill-office/statement.json"))
    below = [month for month in body.months if month.verdict == "below"]
    assert len(below) == 1
    longest = max(body.months, key=lambda month: month.high_wh)
    assert below == [longest]
    assert below[0].arrived_sat < below[0].expected_sat * 90 // 100
    honest = played.judged("drill-office/statement.json", "drill-office", Profile.FULL)
    assert honest.result("mining").verdict.value == "passed"
    assert "1 below" in honest.result("mining").summary
    assert f"{body.name}, {below[0].month}: " in played.output


def test_what_the_site_lost_went_to_an_address_that_nobody_declared(played):
    (body,) = bodies_of(played.statement("drill-office/statement.json"))
    (month,) = [month for month in body.months if month.verdict == "below"]
    (arrival,) = month.arrivals
    tip = played.chain.tip()
    told = played.statement("drill-office/statement.json")
    own = {bytes.fromhex(script) for script in told.scripts[arrival.account].scripts}
    (paid,) = [c for c in played.chain.history(own, None, tip) if c.txid == arrival.txid]
    outputs = paid.transaction.outputs
    assert outputs[0].script in own
    assert outputs[1].script not in own
    lost = outputs[1].amount * 100 // (outputs[0].amount + outputs[1].amount)
    assert DIVERTED_PERCENT - 1 <= lost <= DIVERTED_PERCENT


def test_an_office_that_hides_it_by_less_energy_fails_the_one_check_by_site_and_month(played):
    folder = played.directory / "drill-office" / "mining"
    told = played.statement("tampered-mining.json")
    (body,) = bodies_of(told)
    assert {month.verdict for month in body.months} == {"within"}
    report = played.judged("tampered-mining.json", "drill-office", Profile.FULL, metering=folder)
    assert report.failed == ("mining_energy",)
    finding = report.result("mining_energy").findings[0]
    (honest,) = bodies_of(played.statement("drill-office/statement.json"))
    (below,) = [month for month in honest.months if month.verdict == "below"]
    assert "the counters give" in finding.text
    assert finding.where == f"part x-mining/drill-site, month {below.month}"
    assert "exactly one check failed, mining_energy" in played.output
    # Without the counters the lie is the office's word against nobody's.
    assert played.judged("tampered-mining.json", "drill-office", Profile.FULL).failed == ()


def test_the_honest_drill_passes_with_its_counters(played):
    folder = played.directory / "drill-office" / "mining"
    name = "drill-office/statement.json"
    assert played.judged(name, "drill-office", Profile.FULL, metering=folder).exit_status == 0


def test_one_site_shows_shares_that_could_only_pay_its_wallet(played, capsys):
    bodies = bodies_of(played.statement("pakistan/statement.json"))
    sharing = [body for body in bodies if any(month.receipts for month in body.months)]
    assert [body.site for body in sharing] == [SHARING]
    for month in sharing[0].months:
        assert month.payout == "pplns"
        assert month.receipts is not None
        assert month.receipts.shares > 0
    folder = played.directory / "pakistan" / "mining"
    (address,) = {
        line.split(",")[7]
        for line in (folder / "payouts.csv").read_text("ascii").splitlines()
        if line.split(",")[2] == SHARING
    }
    words = ["mining", "receipts", "check", *map(str, sorted((folder / "receipts").iterdir()))]
    words += ["--chain", f"blocks:{played.directory / 'devnet' / 'blocks'}"]
    assert main([*words, "--address", address, "--target", f"{SHARE_TARGET:x}"]) == 0
    shown = capsys.readouterr().out
    assert "nothing found wrong" in shown
    assert TEST_NOTICE in shown
    # To anybody else's address the same work proves nothing.
    other = next(
        line.split(",")[7]
        for line in (folder / "payouts.csv").read_text("ascii").splitlines()[1:]
        if line.split(",")[2] != SHARING
    )
    assert main([*words, "--address", other, "--target", f"{SHARE_TARGET:x}"]) == 1
    assert "E26" in capsys.readouterr().out
