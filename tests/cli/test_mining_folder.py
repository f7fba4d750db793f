"""A dishonest site with valid keys: it seals again what it changed, and one check names the lie.

The folder is whole each time, its seals are good, the statement names its files and is signed; what
differs is one thing that somebody else's paper, counter, coin or block tells otherwise.
"""

import hashlib
from datetime import UTC, datetime
from functools import cache

import msgspec
import pytest

from khazana.bitcoin.address import address_of
from khazana.bitcoin.network import REGTEST
from khazana.cli.commands import verify as verify_command
from khazana.cli.main import main
from khazana.mining.day_stamps import month_document
from khazana.mining.evidence.readings import read_readings, write_readings
from khazana.mining.evidence.seals import read_seals, write_seals
from khazana.mining.month_body import EvidenceBody
from khazana.statement.checks import Verdict
from khazana.statement.keys import key_id, public_bytes
from khazana.statement.timestamps.format import write_proof
from khazana.statement.timestamps.make import promised
from tests.cli.mining_story import BILLS, PART, SEALS, TARIFFS, Story, metered, read
from tests.mining.metering import GATEWAY, METERS, MINER, honest, seals_of
from tests.reserve.simulator import NOW, rerooted, script

CHECKS = (
    *("mining", "mining_energy", "mining_bills", "mining_check_meters", "mining_payouts"),
    *("mining_receipts", "mining_power", "mining_stamps"),
)


@cache
def story() -> tuple[Story, bytes]:
    """The honest story, and the stamp over its seals in a block of its chain."""
    told = Story()
    # The block after the period's last ones, in February.
    return told, told.stamp()


def judged(folder, *, edit=None, stated=None, again=None, **files):
    """The report on a statement that rests on the folder as it is changed.

    stated: fields of the site. again: what is changed in the body after the folder filled it in.
    edit: what is changed in the signed part.
    """
    told, stamp = story()
    files = {"stamps_2026__01_ots": stamp} | files
    given = read(told.write(folder, **files))
    (body,) = told.behind(given, **(stated or {}))
    if again is not None:
        body = again(body)
    statement = told.made(bodies=(body,))
    if edit is not None:
        statement = rerooted(statement, lambda parts: edit(parts[PART]["months"][0]))
    return told.check(statement, [given])


def month(body, **fields):
    changed = msgspec.structs.replace(body.months[0], **fields)
    return msgspec.structs.replace(body, months=[changed])


def the_failure(report, name, rule=None):
    """The one check that fails; every other one that mining makes passes."""
    assert report.failed == (name,), [
        (line.result.name, line.result.summary)
        for line in report.lines
        if line.result.verdict is Verdict.FAILED
    ]
    for other in CHECKS:
        if other != name:
            result = report.result(other)
            assert result.verdict is Verdict.PASSED, (other, result.summary)
    findings = report.result(name).findings
    if rule is not None:
        assert {f.rule for f in findings} == {rule}, findings
    return [f.text for f in findings]


def test_an_honest_folder_passes_every_check_and_each_says_what_it_cannot_show(tmp_path):
    report = judged(tmp_path)
    assert report.exit_status == 0, report.failed
    for name in CHECKS:
        result = report.result(name)
        assert result.verdict is Verdict.PASSED, (name, result.summary)
        assert result.limits, name
    power = report.result("mining_power").summary
    assert power == "2 sums of cost and load-shedding follow from their tables"
    assert "2 payouts of 1 months" in report.result("mining_payouts").summary
    assert "5 shares of 1 months" in report.result("mining_receipts").summary
    assert "2026-01 by block" in report.result("mining_stamps").summary


def test_what_the_folder_gives_stands_in_the_statement(tmp_path):
    told, stamp = story()
    given = read(told.write(tmp_path, stamps_2026__01_ots=stamp))
    (body,) = told.behind(given)
    (one,) = body.months
    # 240 h at 60, 240 h at 50 (marginal 54) and 264 h at 60 without a known cost; 10 MW.
    assert (one.power.paid, one.power.due) == ("422400", "892800")
    assert (one.power.subsidy, one.power.margin, one.power.subsidised_hours) == (
        *("9600", "14400"),
        240,
    )
    assert (one.power.judged_wh, one.power.unknown_wh) == (4_800_000_000, 2_640_000_000)
    assert (one.outages.seconds, one.outages.feeders) == (7200, 1)
    assert (one.check.low_wh, one.billed_wh) == (7_440_000_000, 7_440_000_000)
    assert one.pool.payouts == 2
    assert (one.receipts.shares, one.receipts.hashes) == (5, str(5 * 64))


# A gateway that seals other counters than ran


def test_a_main_meter_that_runs_slow_is_told_by_the_bill_and_by_the_check_meter(tmp_path):
    readings, seals = metered(main_w=9_500_000)
    told, _ = story()
    report = judged(
        tmp_path, readings_csv=readings, seals_csv=seals, stamps_2026__01_ots=told.stamp(seals)
    )
    # Expectation and energy follow from the slow counter; what arrived is 5 % above it.
    assert set(report.failed) == {"mining_bills", "mining_check_meters"}
    assert "above" in report.result("mining").summary


def test_a_bill_forged_to_a_slow_main_meter_leaves_the_check_meter(tmp_path):
    readings, seals = metered(main_w=9_500_000)
    told, _ = story()
    report = judged(
        tmp_path,
        readings_csv=readings,
        seals_csv=seals,
        bills_csv=BILLS.replace(",7440000,", ",7068000,").encode(),
        stamps_2026__01_ots=told.stamp(seals),
    )
    (text,) = the_failure(report, "mining_check_meters", "E14")
    assert text.startswith("check-1 says 7440000000 Wh, the counter of main-1 7068000000 Wh")


def test_a_gateway_that_slows_both_meters_leaves_the_bill(tmp_path):
    readings, seals = metered(main_w=9_500_000, check_w=9_500_000)
    told, _ = story()
    report = judged(
        tmp_path, readings_csv=readings, seals_csv=seals, stamps_2026__01_ots=told.stamp(seals)
    )
    (text,) = the_failure(report, "mining_bills", "E13")
    assert text.startswith("bill-1 says 7440000000 Wh, the counter of main-1 7068000000 Wh")


def test_a_check_meter_left_out_of_the_statement_is_named(tmp_path):
    report = judged(tmp_path, again=lambda body: month(body, check=None))
    assert the_failure(report, "mining_check_meters", "E35") == [
        "it does not state its check meter check-1"
    ]


@pytest.mark.parametrize(
    ("name", "fields", "rule", "said"),
    [
        ("mining_bills", {"billed_wh": 7_440_000_001}, "E35", "the bills come to 7440000000"),
        ("mining_bills", {"bills": "ab" * 32}, "E35", "its bills are another file than"),
        (
            "mining_check_meters",
            {"check": {"low_wh": 7_440_000_000, "high_wh": 7_440_000_001}},
            "E35",
            "its check meter is stated as 7440000000 to 7440000001 Wh",
        ),
    ],
)
def test_a_bill_or_check_meter_stated_otherwise_fails_its_check_alone(
    tmp_path, name, fields, rule, said
):
    report = judged(tmp_path, edit=lambda part: part.update(fields))
    (text,) = the_failure(report, name, rule)
    assert said in text


def test_energy_stated_otherwise_with_figures_to_fit_fails_the_counters_alone(tmp_path):
    # The check meter is a tenth of a per cent off, which both classes allow.
    def less(body):
        return month(body, low_wh=7_439_000_000, high_wh=7_439_000_000)

    report = judged(tmp_path, again=less)
    texts = the_failure(report, "mining_energy", "E33")
    assert texts[0] == "low_wh is 7439000000; the counters give 7440000000"


def test_a_second_feeder_called_a_check_meter_is_told_by_its_bill(tmp_path):
    # Two feeders of the same load: the counters agree, and half of the energy would be gone.
    both = BILLS + BILLS.splitlines()[1].replace("bill-1,main-1", "bill-2,check-1") + "\n"
    report = judged(tmp_path, bills_csv=both.encode())
    (text,) = the_failure(report, "mining_bills", "E35")
    assert text == "meter check-1 is declared as a check meter, and its energy is billed"


def test_a_site_whose_meters_are_there_and_whose_month_is_not_is_named(tmp_path):
    first = METERS.split("[[meter]]")[1].replace("main-1", "main-9").replace("site-1", "site-9")
    more = f"{METERS}[[meter]]{first}"
    report = judged(tmp_path, meters_toml=more.encode())
    (text,) = the_failure(report, "mining_energy", "E33")
    assert text == "meters of site-9 are declared, and no month of it rests on these files"


def test_a_gateway_key_that_the_reader_did_not_name_is_a_strangers(tmp_path):
    told, stamp = story()
    given = read(told.write(tmp_path, stamps_2026__01_ots=stamp))
    statement = told.made(bodies=told.behind(given))
    own = key_id(public_bytes(GATEWAY))
    assert told.check(statement, [given], gateways=[own]).exit_status == 0
    report = told.check(statement, [given], gateways=["ab" * 32])
    (text,) = the_failure(report, "mining_energy", "E9")
    assert text == f"days are sealed by key {own}, which is none that you named"
    # Without a pin the key is printed, so that it can be asked for.
    limits = told.check(statement, [given]).result("mining_energy").limits
    assert any(own in limit and "--gateway" in limit for limit in limits)


def test_energy_before_and_after_the_months_stated_is_told(tmp_path):
    told, _ = story()
    rows = [("main-1", v) for v in honest(35)] + [("check-1", v) for v in honest(35)]
    readings = write_readings(rows)
    seals = write_seals(seals_of(read_readings("readings.csv", readings)))
    stamp = told.stamp(seals)
    report = judged(tmp_path, readings_csv=readings, seals_csv=seals, stamps_2026__01_ots=stamp)
    assert report.failed == ()
    limits = report.result("mining_energy").limits
    assert "The same meters counted 960000000 Wh before and after the months stated." in limits


# A pool's statement, or the site's reading of it


def test_a_pool_statement_that_a_month_does_not_state_is_named(tmp_path):
    report = judged(tmp_path, again=lambda body: month(body, pool=None))
    texts = the_failure(report, "mining_payouts", "E36")
    assert texts == ["site-1, month 2026-01 does not state this payout's file"] * 2


def test_a_payout_after_the_closing_block_belongs_to_the_next_statement(tmp_path):
    told = Story()
    late = told.world.fund(script("mine"), 12345)
    told.world.mine()
    address = address_of(script("mine"), REGTEST)
    line = (
        f"pool-a,d7,site-1,2026-01-31T00:00:00Z,2026-02-01T00:00:00Z,{late},0,{address},"
        "0.00012345\n"
    )
    payouts = told.payouts() + line.encode()
    given = read(told.write(tmp_path, payouts_csv=payouts, stamps_2026__01_ots=told.stamp()))
    bodies = told.behind(given)
    assert bodies[0].months[0].pool.payouts == 3
    report = told.check(told.made(bodies=bodies), [given])
    assert report.failed == (), report.result("mining_payouts").findings


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("payouts", 3, "in 3 payouts; its statement has"),
        ("amount_sat", 1, "is said to have paid 1 sat"),
        ("file", "ab" * 32, "its pool's statement is another file than"),
    ],
)
def test_a_pool_statement_stated_otherwise_fails_its_check_alone(tmp_path, field, value, said):
    report = judged(tmp_path, edit=lambda part: part["pool"].update({field: value}))
    (text,) = the_failure(report, "mining_payouts", "E36")
    assert said in text


def test_a_payout_that_the_pool_never_made_is_named(tmp_path):
    told, _ = story()
    lines = told.payouts().splitlines(keepends=True)
    report = judged(tmp_path, payouts_csv=b"".join(lines[:2]))
    (text,) = the_failure(report, "mining_payouts", "E36")
    assert text.startswith("the pool's statement does not have")


def test_a_payout_to_an_address_of_nobody_here_is_named(tmp_path):
    told, _ = story()
    lines = told.payouts().splitlines(keepends=True)
    thief = lines[1].replace(b"d0,", b"d9,")
    thief = thief.replace(thief.split(b",")[7], b"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
    thief = thief.replace(thief.split(b",")[5] + b",0", b",")
    report = judged(tmp_path, payouts_csv=b"".join([*lines, thief]), again=_two_payouts)
    (text,) = the_failure(report, "mining_payouts", "E17")
    assert "which is none of the programme's" in text


def _two_payouts(body):
    """The pool as it truly paid the reserve: the third line is the thief's."""
    pool = body.months[0].pool
    own = sum(arrival.amount_sat for arrival in body.months[0].arrivals)
    return month(body, pool=msgspec.structs.replace(pool, payouts=2, amount_sat=own))


# Receipts that prove less than is said


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("shares", 6, "6 shares of 320 hashes are stated; the receipts prove 5 of 320"),
        ("hashes", "321", "5 shares of 321 hashes are stated"),
    ],
)
def test_receipts_stated_otherwise_fail_their_check_alone(tmp_path, field, value, said):
    report = judged(tmp_path, edit=lambda part: part["receipts"].update({field: value}))
    (text,) = the_failure(report, "mining_receipts", "E37")
    assert text.startswith(said)


def test_receipts_that_pay_somebody_else_prove_nothing(tmp_path):
    told, _ = story()
    report = judged(tmp_path, receipts_january_kzr=told.receipts(target=script("thief")))
    texts = report.result("mining_receipts").findings
    assert report.failed == ("mining_receipts",)
    assert {f.rule for f in texts} == {"E26", "E37"}
    assert "prove 0 of 0" in texts[-1].text


def test_receipts_of_another_month_are_named(tmp_path):
    report = judged(tmp_path, again=_in_march)
    assert "mining_receipts" in report.failed
    found = report.result("mining_receipts").findings
    assert "5 receipts were made in another time" in [f.text for f in found]


def _in_march(body):
    first, until = "2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"
    return month(body, month="2026-03", first=first, until=until)


# Cost and load-shedding


@pytest.mark.parametrize(
    ("table", "field", "value", "rule"),
    [
        ("power", "subsidy", "0", "E38"),
        ("power", "subsidised_hours", 0, "E38"),
        ("power", "paid", "1", "E38"),
        ("power", "due", None, "E38"),
        ("power", "currency", "PKR", "E38"),
        ("power", "file", "ab" * 32, "E38"),
        ("outages", "seconds", 0, "E39"),
        ("outages", "feeders", 0, "E39"),
        ("outages", "file", "ab" * 32, "E39"),
    ],
)
def test_cost_and_load_shedding_stated_otherwise_fail_their_check_alone(
    tmp_path, table, field, value, rule
):
    report = judged(tmp_path, edit=lambda part: part[table].update({field: value}))
    (text,) = the_failure(report, "mining_power", rule)
    assert field in text or "another file" in text


def test_tariffs_that_leave_time_out_do_not_give_a_month(tmp_path):
    told, stamp = story()
    whole = read(told.write(tmp_path / "whole", stamps_2026__01_ots=stamp))
    (body,) = told.behind(whole)
    short = TARIFFS.splitlines(keepends=True)
    cut = "".join([*short[:2], *short[3:]]).encode()
    given = read(told.write(tmp_path / "cut", tariffs_csv=cut, stamps_2026__01_ots=stamp))
    power = msgspec.structs.replace(body.months[0].power, file=hashlib.sha256(cut).hexdigest())
    report = told.check(told.made(bodies=(month(body, power=power),)), [given])
    (text,) = the_failure(report, "mining_power", "E38")
    assert "line 3 begins 2026-01-21T00:00:00Z, not 2026-01-11T00:00:00Z" in text


@pytest.mark.parametrize(("table", "rule"), [("power", "E38"), ("outages", "E39")])
def test_cost_or_load_shedding_that_is_not_stated_is_named(tmp_path, table, rule):
    report = judged(tmp_path, again=lambda body: month(body, **{table: None}))
    (text,) = the_failure(report, "mining_power", rule)
    assert text.endswith("is there, and not stated")


@pytest.mark.parametrize(("table", "rule"), [("power", "E38"), ("outages", "E39")])
def test_a_sum_that_rests_on_nothing_though_its_table_is_there_is_named(tmp_path, table, rule):
    report = judged(tmp_path, edit=lambda part: part[table].update(file=None))
    (text,) = the_failure(report, "mining_power", rule)
    assert text.startswith("it does not rest on")


def test_a_limit_declared_too_high_does_not_make_a_site_idle(tmp_path):
    loose = METERS.replace("most_kw = 12_000", "most_kw = 10_000_000").encode()
    told, stamp = story()
    given = read(told.write(tmp_path, meters_toml=loose, stamps_2026__01_ots=stamp))
    (body,) = told.behind(given)
    assert body.months[0].outages.seconds == 7200


def test_a_company_without_outages_in_the_table_is_told(tmp_path):
    report = judged(tmp_path, stated={"company": "Nord Electric"})
    assert report.failed == ()
    limits = report.result("mining_power").limits
    assert "The tables name no outage of Nord Electric: 0 hours there say nothing." in limits


# Stamps


def test_a_stamp_over_other_seals_is_named(tmp_path):
    told, _ = story()
    _, other = metered(main_w=9_000_000)
    report = judged(tmp_path, stamps_2026__01_ots=told.stamp(other))
    (text,) = the_failure(report, "mining_stamps", "E28")
    assert text == "it is not over the seals of 2026-01 that are given"


def test_a_month_sealed_again_months_later_is_told_by_its_stamp(tmp_path):
    told = Story()
    late = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
    told.world.chain.add_block(time=late)
    given = read(told.write(tmp_path, stamps_2026__01_ots=told.stamp()))
    (body,) = told.behind(given)
    report = told.check(told.made(bodies=(body,)), [given])
    (text,) = the_failure(report, "mining_stamps", "E29")
    assert "days after 2026-01: what was sealed may have been sealed then" in text


def test_a_stamp_that_waits_is_a_limit_and_no_proof(tmp_path):
    document = month_document(read_seals("seals.csv", SEALS), "2026-01")
    waiting = promised(hashlib.sha256(document).digest(), "https://calendar.example")
    report = judged(tmp_path, stamps_2026__01_ots=write_proof(waiting))
    result = report.result("mining_stamps")
    assert result.verdict is Verdict.PASSED
    assert "no month is confirmed by a block" in result.summary
    assert result.limits[0] == ("The seals of 2026-01 wait for a block (https://calendar.example).")


def test_a_stamp_of_hostile_bytes_is_refused_with_the_byte(tmp_path):
    report = judged(tmp_path, stamps_2026__01_ots=b"\x00OpenTimestamps, or not")
    (text,) = the_failure(report, "mining_stamps", "E28")
    assert "at byte 0" in text


# What nobody brought


@pytest.mark.parametrize(
    ("left_out", "name"),
    [
        ("bills_csv", "mining_bills"),
        ("payouts_csv", "mining_payouts"),
        ("receipts_january_kzr", "mining_receipts"),
        ("stamps_2026__01_ots", "mining_stamps"),
    ],
)
def test_what_a_part_names_and_nobody_brought_is_not_checkable(tmp_path, left_out, name):
    told, stamp = story()
    whole = read(told.write(tmp_path / "whole", stamps_2026__01_ots=stamp))
    (body,) = told.behind(whole)
    given = read(told.write(tmp_path / "less", **{"stamps_2026__01_ots": stamp, left_out: None}))
    report = told.check(told.made(bodies=(body,)), [given])
    assert report.failed == ()
    assert report.exit_status == 0
    result = report.result(name)
    assert result.verdict is Verdict.NOT_CHECKABLE
    assert "were not given (--metering FOLDER)" in result.summary


def test_a_folder_of_one_site_is_judged_and_the_others_are_told(tmp_path):
    told, stamp = story()
    given = read(told.write(tmp_path, stamps_2026__01_ots=stamp))
    (one,) = told.behind(given)
    other = msgspec.structs.replace(
        month(
            one,
            evidence=EvidenceBody(meters="ab" * 32, readings="cd" * 32, seals="ef" * 32),
            arrivals=[],
        ),
        site="site-2",
        name="Site 2",
    )
    report = told.check(told.made(bodies=(one, other)), [given])
    assert report.failed == ()
    assert report.exit_status == 0
    for name, what in (
        ("mining_bills", "bills"),
        ("mining_check_meters", "check meters' readings"),
        ("mining_payouts", "pools' statements"),
        ("mining_receipts", "share receipts"),
    ):
        said = f"The {what} of 1 of 2 months that name them were not given."
        assert said in report.result(name).limits, name
    limits = report.result("mining_energy").limits
    assert any(limit.startswith("The energy of 1 of 2 months is the office") for limit in limits)


def test_tariffs_and_outages_that_nobody_brought_are_not_checkable(tmp_path):
    told, stamp = story()
    whole = read(told.write(tmp_path / "whole", stamps_2026__01_ots=stamp))
    (body,) = told.behind(whole)
    less = {"stamps_2026__01_ots": stamp, "tariffs_csv": None, "outages_csv": None}
    given = read(told.write(tmp_path / "less", **less))
    report = told.check(told.made(bodies=(body,)), [given])
    assert report.result("mining_power").verdict is Verdict.NOT_CHECKABLE
    assert report.exit_status == 0


def test_without_a_folder_nothing_behind_a_month_is_checkable_and_nothing_is_required(tmp_path):
    told, stamp = story()
    given = read(told.write(tmp_path, stamps_2026__01_ots=stamp))
    report = told.check(told.made(bodies=told.behind(given)))
    assert report.exit_status == 0
    for name in CHECKS[1:]:
        assert report.result(name).verdict is Verdict.NOT_CHECKABLE, name


@pytest.mark.parametrize("words", [["--gateway", "ab" * 32], ["--gateway", "xyz"]])
def test_a_gateway_goes_with_a_folder_and_is_a_keys_id(tmp_path, capsys, words):
    file = tmp_path / "statement.json"
    file.write_bytes(b"{}")
    assert main(["verify", str(file), "--chain", "core:x", *words]) == 2
    assert "--gateway is the 64 hex digits of a key's id" in capsys.readouterr().err


def test_the_command_takes_the_whole_folder(tmp_path, monkeypatch, capsys):
    told, stamp = story()
    folder = told.write(tmp_path / "folder", stamps_2026__01_ots=stamp)
    bodies = told.behind(read(folder))
    file = tmp_path / "statement.json"
    file.write_bytes(told.world.signed(told.made(bodies=bodies)))
    monkeypatch.setattr(verify_command, "chain_of", lambda args: told.world.chain)
    monkeypatch.setattr(verify_command, "now", lambda: NOW)
    assert main(["verify", str(file), "--chain", "core:x", "--metering", str(folder)]) == 0
    said = capsys.readouterr().out
    for name in CHECKS:
        assert name in said
    assert "SIMULATED" in said
    assert "Seen nine times in ten" in said


def test_a_pools_payouts_said_to_be_own_blocks_fail_the_check_of_blocks_alone(tmp_path):
    # Few blocks are mostly luck: as a site that mines alone it could hide nearly everything.
    told, stamp = story()
    given = read(told.write(tmp_path, stamps_2026__01_ots=stamp))
    (body,) = told.behind(given)
    report = told.check(told.made(bodies=(month(body, payout="solo"),)), [given])
    assert the_failure(report, "mining_blocks", "E18") == ["it is no coinbase"] * 2


def test_a_site_that_makes_meters_bills_and_seals_itself_is_told_by_the_utilitys_key(
    tmp_path,
):
    # Ten per cent of the energy is kept out of every file, and sealed by a key of the site's own.
    told, _ = story()
    own = METERS.replace(public_bytes(GATEWAY).hex(), public_bytes(MINER).hex()).encode()
    rows = [(name, v) for name in ("main-1", "check-1") for v in honest(31, mean_w=9_000_000)]
    readings = write_readings(rows)
    seals = write_seals(seals_of(read_readings("readings.csv", readings), MINER))
    given = read(
        told.write(
            tmp_path,
            meters_toml=own,
            readings_csv=readings,
            seals_csv=seals,
            bills_csv=BILLS.replace(",7440000,", ",6696000,").encode(),
            stamps_2026__01_ots=told.stamp(seals),
        )
    )
    statement = told.made(bodies=told.behind(given))
    # Nothing inside the folder contradicts it: who does not know the utility's key sees a key.
    blind = told.check(statement, [given])
    assert blind.failed == ()
    stranger = key_id(public_bytes(MINER))
    assert any(stranger in limit for limit in blind.result("mining_energy").limits)
    report = told.check(statement, [given], gateways=[key_id(public_bytes(GATEWAY))])
    (text,) = the_failure(report, "mining_energy", "E9")
    assert text == f"days are sealed by key {stranger}, which is none that you named"
