"""Mining in a statement: computed again by `verify`, and every lie about it found."""

import json
from functools import cache

import pytest

from khazana.cli.commands import verify as verify_command
from khazana.cli.main import main
from khazana.cli.mining_parts import series_for
from khazana.ledger.documents import Reason
from khazana.mining.figures import with_figures
from khazana.mining.parts import mining_part
from khazana.mining.sites_file import SitesRefused, read_sites
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import Report, Verdict
from khazana.statement.envelope import disclose
from tests.cli.mining_story import (
    FILES,
    PART,
    READINGS,
    YEAR_S,
    Story,
    expected_sat,
    read,
    site,
    sites,
)
from tests.reserve.simulator import NOW, rerooted, script


@cache
def story() -> Story:
    return Story()


@pytest.fixture
def folder(tmp_path):
    for name, raw in FILES.items():
        (tmp_path / name).write_bytes(raw)
    return tmp_path


def changed(change, metering=()) -> Report:
    def within(parts):
        change(parts[PART])

    return story().check(rerooted(story().made(), within), metering)


def month(**fields):
    return lambda body: body["months"][0].update(fields)


def test_an_honest_month_passes_and_says_what_rests_on_whose_word():
    report = story().check(story().made())
    assert report.exit_status == 0, report.to_json()
    result = report.result("mining")
    assert result.verdict is Verdict.PASSED
    assert result.summary.startswith("SIMULATED; 1 months of 1 sites computed again: ")
    assert "1 within, 0 below, 0 above the detection limit of at most 4.46 %" in result.summary
    assert "difficulty: SIMULATED (shipped difficulty epochs" in result.basis
    word, simulated, year, fees, sources = result.limits
    assert word.startswith("The energy of 1 of 1 months is the office's word")
    assert simulated.startswith("SIMULATED: mainnet's difficulty is replayed")
    assert "no shortfall beyond the limit. Seen nine times in ten: a diversion of" in year
    assert fees == "Fees over the subsidy are entered, not taken from real blocks: 0.01 (assumed)."
    assert "a shortfall smaller than a month's detection limit cannot be seen" in sources
    for name in ("mining_energy", "mining_check_meters"):
        assert report.result(name).verdict is Verdict.NOT_CHECKABLE


def test_with_the_metering_the_energy_rests_on_the_utilitys_word(folder):
    report = story().check(story().made(), [read(folder)])
    assert report.exit_status == 0, report.to_json()
    assert (
        "Counters are the utility's word: its gateway" in report.result("mining_energy").limits[0]
    )
    assert report.result("mining_check_meters").verdict is Verdict.PASSED


def test_a_diverted_share_above_the_limit_is_below_and_says_so():
    robbed = Story(diverted_percent=6)
    report = robbed.check(robbed.made(site(*robbed.arrivals)))
    # The statement tells it truly, so nothing fails: what fails is a verdict that hides it.
    assert report.result("mining").verdict is Verdict.PASSED
    assert "0 within, 1 below" in report.result("mining").summary

    def hide(parts):
        parts[PART]["months"][0]["verdict"] = "within"

    hidden = robbed.check(rerooted(robbed.made(site(*robbed.arrivals)), hide))
    assert hidden.failed == ("mining",)
    assert "verdict is stated as within; the rest gives below" in hidden.result("mining").summary


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"expected_sat": 1}, "expected_sat is stated as 1"),
        ({"low_sat": 1}, "low_sat is stated as 1"),
        ({"high_sat": 1}, "high_sat is stated as 1"),
        ({"detection_percent": "1"}, "detection_percent is stated as 1; the rest gives 4.46"),
        ({"verdict": "above"}, "verdict is stated as above"),
        ({"luck_percent": "0.3"}, "detection_percent is stated as 4.46"),
        ({"low_wh": 7_000_000_000}, "expected_sat is stated as"),
        ({"arrived_sat": 5}, "arrived_sat is stated as 5"),
        ({"arrivals": []}, "arrived_sat is stated as"),
        ({"verdict": "ok"}, "Invalid enum value 'ok'"),
        ({"luck_percent": "0.20"}, "Expected `str` matching regex"),
        ({"low_wh": 8_000_000_000}, "its energy is bounded from no side"),
        ({"until": "2025-01-01T00:00:00Z"}, "it ends before it begins"),
        ({"until": "2026-02-05T00:00:00Z"}, "it is longer than a month"),
        ({"month": "2026-02"}, "it is called 2026-02, and its middle lies in 2026-01"),
        ({"first": "2026-13-01T00:00:00Z"}, "does not match format"),
        ({"check": {"low_wh": 2, "high_wh": 1}}, "its check meter's energy is bounded"),
        ({"implied_j_per_th": "10"}, "implied_j_per_th is stated as 10"),
        ({"best_j_per_th": None}, "best_j_per_th is stated as None"),
        ({"questioned": True}, "questioned is stated as True; the rest gives False"),
    ],
)
def test_a_lie_about_a_month_fails_this_check_alone(fields, said):
    report = changed(month(**fields))
    assert report.failed == ("mining",)
    result = report.result("mining")
    assert any(said in f.text for f in result.findings), result.findings


@pytest.mark.parametrize(
    ("fields", "rule", "said"),
    [
        ({"j_per_th": {"value": "18", "source": "x"}}, "E31", "expected_sat"),
        ({"pue": {"value": "0", "source": "x"}}, "E30", "it is zero"),
        ({"budget": []}, "E31", "low_sat"),
        ({"accounts": ["fund"]}, "E32", "the account is none of the site's"),
        ({"accounts": ["mine", "ghost"]}, "E32", "the statement has no account ghost"),
        ({"simulated": False}, "E30", "only a simulated difficulty is shifted"),
        ({"site": "site-2"}, "E30", "its body is about site-2"),
        ({"extra": 1}, "E30", "Object contains unknown field `extra`"),
        ({"months": []}, "E30", "Expected `array` of length >= 1"),
        ({"years": []}, "E31", "the test of its months covers the years: 2026"),
        ({"rewards": "blocks"}, "E30", "a replayed difficulty has no blocks of its own"),
        ({"name": "Site 1\u001b[2K all well"}, "E30", "Expected `str` matching regex"),
        (
            {"budget": [{"name": "all", "percent": "50", "source": "x", "changing": False}]},
            "E30",
            "an error budget of 50 % or more says nothing",
        ),
        (
            {"difficulty": {"source": "a node", "shift_s": -YEAR_S, "divisor": 1000}},
            "E34",
            "its difficulty is said to be a node, not shipped difficulty epochs",
        ),
        (
            {"difficulty": {"source": "a", "shift_s": 10 * YEAR_S, "divisor": 1000}},
            "E34",
            "its difficulty cannot be had",
        ),
        (
            {"simulated": False, "difficulty": {"source": "x", "shift_s": 0, "divisor": 1}},
            "E34",
            "The difficulty of this network means nothing",
        ),
    ],
)
def test_a_lie_about_a_site_fails_this_check_alone(fields, rule, said):
    report = changed(lambda body: body.update(fields))
    assert report.failed == ("mining",)
    found = [(f.rule, f.text) for f in report.result("mining").findings]
    assert any(r == rule and said in text for r, text in found), found


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"level_percent": "1"}, "no alarm among 1 sites, limits 1 and no % is stated of 2026"),
        ({"sites": 40}, "no alarm among 40 sites"),
        (
            {"finding": "alarm", "alarm_month": "2026-01", "alarm_chart": "level"},
            "an alarm in 2026-01 (level, 1 sites) is stated",
        ),
    ],
)
def test_a_lie_about_the_test_over_all_sites_fails_this_check_alone(fields, said):
    report = changed(lambda body: body["years"][0].update(fields))
    assert report.failed == ("mining",)
    (finding,) = report.result("mining").findings
    assert finding.rule == "E31"
    assert finding.text.startswith(said)


def test_a_diverted_month_raises_the_alarm_and_hiding_it_fails():
    robbed = Story(diverted_percent=6)
    made = robbed.made(site(*robbed.arrivals))
    report = robbed.check(made)
    assert "the test over all sites alarms for site-1 in 2026-01" in report.result("mining").summary

    def hide(parts):
        year = parts[PART]["years"][0]
        year.update(finding="ok", alarm_month=None, alarm_chart=None)

    hidden = robbed.check(rerooted(made, hide))
    assert hidden.failed == ("mining",)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"j_per_th": {"value": "40", "source": "x"}},
            "Question: site-1 states 40 J/TH; the",
        ),
        ({"pue": {"value": "1.5", "source": "x"}}, "Question: site-1 states a PUE of 1.5; more"),
    ],
)
def test_an_efficiency_that_hides_half_of_it_is_asked_about(fields, said):
    # Nothing fails: figures follow from what is stated. The question is printed every time.
    told = story()
    report = told.check(told.made(site(*told.arrivals, **fields)))
    assert report.failed == ()
    assert any(limit.startswith(said) for limit in report.result("mining").limits)
    assert "1 above" in report.result("mining").summary


def test_a_month_left_out_between_two_is_refused_where_it_is_missing():
    one = site()
    later = {**one["months"][0], "month": "2026-03"}
    later |= {"first": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}
    one["months"].append(later)
    with pytest.raises(SitesRefused) as refused:
        read_sites("mining.json", sites(one))
    said = "the time from 2026-02-01T00:00:00Z to 2026-03-01T00:00:00Z is left out"
    assert said in str(refused.value)
    assert "months[1]" in str(refused.value)


def test_two_halves_of_a_month_do_not_both_bear_its_name():
    one = site()
    half = {**one["months"][0], "first": "2026-01-16T00:00:00Z"}
    one["months"][0] = {**one["months"][0], "until": "2026-01-16T00:00:00Z"}
    one["months"].append(half)
    with pytest.raises(SitesRefused, match="2026-01 stands here twice"):
        read_sites("mining.json", sites(one))


@pytest.mark.parametrize(
    ("billed", "told"), [(7_440_000_900, False), (7_440_001_001, True), (7_000_000_000, True)]
)
def test_a_bill_that_differs_from_the_counters_is_told(billed, told):
    report = changed(month(billed_wh=billed))
    assert report.failed == ()
    said = "the bill differs from the counters in 2026-01" in report.result("mining").summary
    assert said is told


@pytest.mark.parametrize(("percent", "verdict"), [(0, "within"), (2, "within"), (3, "below")])
def test_a_month_is_below_when_it_misses_the_budget_and_four_deviations(percent, verdict):
    # Budget 1.7 %, luck 0.2 %: the line is at 2.5 %, the detection limit at 3.4 + 1.06 %.
    amount = expected_sat() * (100 - percent) // 100
    (body,) = read_sites(
        "m", sites(site({"txid": "11" * 32, "account": "mine", "amount_sat": amount}))
    )
    (filled,) = with_figures(body, series_for(None, body)).months
    assert (filled.verdict, filled.detection_percent) == (verdict, "4.46")


def test_a_payout_that_two_sites_count_is_named():
    first, second = story().arrivals
    twice = story().made(site(first, second), site(second, site="site-2", name="Site 2"))
    report = story().check(twice)
    assert report.failed == ("mining",)
    texts = [f"{f.text} ({f.where})" for f in report.result("mining").findings]
    assert texts == [
        f"{second['amount_sat']} sat to mine in transaction {second['txid']} is counted already "
        "for site site-1, month 2026-01 (site site-2, month 2026-01)"
    ]


def test_a_payout_that_no_site_counts_and_one_that_never_came_are_named():
    first, second = story().arrivals
    report = story().check(story().made(site(first)))
    (finding,) = report.result("mining").findings
    assert finding.text.startswith("no site counts")
    ghost = second | {"amount_sat": second["amount_sat"] + 1}
    report = story().check(story().made(site(first, ghost)))
    texts = [f.text for f in report.result("mining").findings]
    assert texts[0].startswith(f"the books have no mined {ghost['amount_sat']} sat")
    assert texts[1].startswith(f"no site counts {second['amount_sat']} sat")


def test_bitcoin_booked_as_mined_where_no_site_mines_is_told():
    told = Story()
    world = told.world
    txid = world.fund(script("fund"), 777)
    told.end = world.mine()
    world.mine(8)
    world.document("stray", Reason.MINED, "fund", 777, txid)
    report = told.check(told.made(site(*told.arrivals)))
    assert report.failed == ()
    said = (
        "777 sat are booked as mined in accounts of no site (fund): no energy is stated for them."
    )
    assert any(limit.startswith(said) for limit in report.result("mining").limits)


def test_energy_that_the_counters_do_not_show_is_named(folder):
    given = [read(folder)]

    def more(body):
        body["months"][0].update(low_wh=7_439_999_999)

    report = changed(more, given)
    texts = [f.text for f in report.result("mining_energy").findings if f.rule == "E33"]
    assert texts == ["low_wh is 7439999999; the counters give 7440000000"]
    report = changed(month(meters=["check-1"]), given)
    found = report.result("mining_energy").findings
    assert any("declared are main-1" in f.text for f in found)


def test_other_files_than_those_named_show_nothing(folder):
    (folder / "readings.csv").write_bytes(READINGS.replace(b",5000000000,", b",5000000001,"))
    report = story().check(story().made(), [read(folder)])
    assert report.failed == ("mining_energy",)
    texts = [f.text for f in report.result("mining_energy").findings]
    assert any(t.startswith("2026-01-01: the root is sealed as") for t in texts)
    assert texts[-1] == "no month of the statement rests on these files, by their SHA-256"


def test_a_statement_without_mining_has_no_such_check_unless_metering_is_given(folder):
    world = story().world
    plain = world.made(story().opening, story().end).statement
    assert "mining" not in {line.result.name for line in story().check(plain).lines}
    report = story().check(plain, [read(folder)])
    assert report.failed == ("mining_energy",)


def test_withheld_mining_is_not_checkable():
    shown = disclose(story().made(), lambda name: not name.startswith("x-mining"))
    report = story().check(shown)
    assert report.result("mining").verdict is Verdict.NOT_CHECKABLE


def test_solo_luck_follows_from_the_blocks_expected():
    body = site()
    body["months"][0] |= {"payout": "solo", "luck_percent": "0"}
    (read,) = read_sites("m", sites(body))
    filled = with_figures(read, series_for(None, read))
    # 7.44 GWh at 17.5 J/TH and PUE 1.05 find some three blocks: 1/√3 is 58 %.
    assert 50 < float(filled.months[0].luck_percent) < 70
    assert float(filled.months[0].detection_percent) > 150
    assert mining_part(filled)[1]["months"][0]["verdict"] == "within"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.update(format="x"), "at format: this program reads"),
        (lambda d: d.update(more=1), "nothing else"),
        (lambda d: d.update(sites=[1]), "sites[0]: a site has a list of `months`"),
        (lambda d: d["sites"][0]["months"].append(1), "months[1]: a month is an object"),
        (
            lambda d: d["sites"][0]["months"][0].update(expected_sat=1),
            "expected_sat is computed; leave it out",
        ),
        (lambda d: d["sites"][0]["months"][0].update(low_wh=-1), "months[0].low_wh: Expected"),
        (lambda d: d["sites"][0].pop("pue"), "missing required field `pue`"),
        (lambda d: d["sites"][0]["difficulty"].update(source="x"), "source is filled in"),
        (lambda d: d["sites"].append(d["sites"][0]), "site site-1 stands here twice"),
        (lambda d: d["sites"][0].update(site="a b"), "is no part name"),
        (lambda d: d["sites"][0].update(years=[]), "they are computed; leave them out"),
        (lambda d: d["sites"][0].pop("budget"), "missing required field `budget`"),
    ],
)
def test_a_malformed_file_of_sites_is_refused_with_its_place(change, said):
    document = json.loads(sites(site()))
    change(document)
    with pytest.raises(SitesRefused) as refused:
        read_sites("mining.json", json.dumps(document).encode())
    assert "mining.json, at " in str(refused.value)
    assert said in str(refused.value)


def test_verify_takes_a_folder_of_metering(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(verify_command, "chain_of", lambda args: story().world.chain)
    monkeypatch.setattr(verify_command, "now", lambda: NOW)
    file = tmp_path / "statement.json"
    file.write_bytes(story().world.signed(story().made()))
    arguments = ["verify", str(file), "--chain", "core:x", "--metering", str(folder)]
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    found = {check["name"]: check for check in report["checks"]}
    for name in ("mining", "mining_energy", "mining_check_meters"):
        assert found[name]["verdict"] == "passed"
        assert found[name]["required"] is True
    assert read_reserve_statement(file.read_bytes()).header.parts["x-mining"] == 1
