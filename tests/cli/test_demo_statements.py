"""The demo's chain of statements: linked, signed on their days, one corrected, all verifiable."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from khazana.cli.demo.chronicle import Chronicle
from khazana.cli.demo.company import REASON_FOR_CORRECTION, company_on, play_days
from khazana.cli.demo.directory import fresh_directory
from khazana.cli.demo.officers import officers_of
from khazana.cli.demo.progress_file import ProgressFile
from khazana.cli.demo.publish import Ask, Publisher
from khazana.cli.demo.timeline import CLOSING_DEPTH, OPENING
from khazana.devnet.network import Devnet
from khazana.statement.checks import TEST_NOTICE, Profile
from khazana.statement.envelope import write_statement
from khazana.statement.office_file import read_office
from khazana.units import SATS_PER_BTC
from tests.cli.played import DAYS, STATES, TIMELINE

PERIODS = TIMELINE.periods


@pytest.mark.parametrize("state", STATES)
def test_each_period_follows_the_one_before_and_was_signed_on_its_day(played, state):
    before = None
    for period in range(1, PERIODS + 1):
        statement = played.published(state, period)
        header = statement.header
        assert header.period.after.height == TIMELINE.close(period - 1)
        assert header.period.until.height == TIMELINE.close(period)
        assert header.tip.height == TIMELINE.signing(period)
        (listed,) = [p for p in played.listed(state) if p["root"] == statement.root]
        assert listed["published"] == f"{TIMELINE.instant(header.tip.height):%Y-%m-%dT%H:%M:%SZ}"
        assert header.previous == before
        assert header.supersedes is None
        before = listed["superseded_by"] or statement.root
    assert TIMELINE.close(0) == OPENING


def names_of(state: str) -> list[tuple[str, int]]:
    corrections = 1 if state == "pakistan" else 0
    return [(state, number) for number in range(1, PERIODS + 1 + corrections)]


@pytest.mark.parametrize(("state", "number"), [pair for s in STATES for pair in names_of(s)])
def test_every_publication_verifies_with_its_previous_one_and_all_its_files(played, state, number):
    listed = played.listed(state)[number - 1]
    stem = Path(listed["statement"]).stem
    report = played.judged(f"{state}/{listed['statement']}", state, Profile.FULL, with_files=stem)
    assert report.failed == ()
    assert report.exit_status == 0, report.to_json()
    assert report.result("valuation").verdict.value == "passed"
    if listed["previous"]:
        assert report.result("continuity").verdict.value == "passed"
    if listed["memorandum"]:
        assert report.result("conditions").verdict.value == "passed"
    if listed["mining"]:
        assert report.result("mining").verdict.value == "passed"


@pytest.mark.parametrize("state", STATES)
def test_the_index_names_files_that_are_there_and_say_the_same(played, state):
    folder = played.directory / state
    index = json.loads((folder / "publication.json").read_text("utf-8"))
    assert index["notice"] == TEST_NOTICE
    assert index["newest"] == index["publications"][-1]["number"]
    for listed in index["publications"]:
        statement = played.statement(f"{state}/{listed['statement']}")
        assert (listed["root"], listed["previous"], listed["supersedes"]) == (
            statement.root,
            statement.header.previous,
            statement.header.supersedes,
        )
        for name in ("public", "totals"):
            assert played.statement(f"{state}/{listed[name]}").root == statement.root
        for name in ("valuation", "records", "memorandum", "report"):
            assert listed[name] is None or (folder / listed[name]).is_file()
        assert listed["mining"] is None or (folder / listed["mining"]).is_dir()
        assert listed["closed"] in listed["statement"]
    on_disk = sorted(path.name for path in (folder / "statements").iterdir())
    assert on_disk == [Path(p["statement"]).name for p in index["publications"]]
    newest = (folder / index["publications"][-1]["statement"]).read_bytes()
    assert (folder / "statement.json").read_bytes() == newest


def test_a_corrected_statement_replaces_one_of_the_same_period_and_both_stay(played):
    wrong, right = [
        p for p in played.listed("pakistan") if p["until"] == TIMELINE.close(TIMELINE.corrected)
    ]
    assert wrong["superseded_by"] == right["root"]
    assert (right["supersedes"], right["previous"]) == (wrong["root"], wrong["previous"])
    assert right["reason"] == REASON_FOR_CORRECTION
    assert right["published"] > wrong["published"]
    before, after = (
        played.statement(f"pakistan/{p['statement']}").perimeters["strategic-reserve"].figures
        for p in (wrong, right)
    )
    assert (before.opening, before.closing) == (after.opening, after.closing)
    then, now = ({r.reason: r.amount for r in f.reasons} for f in (before, after))
    assert then["unexplained"] == now["acquisition"] == 8 * SATS_PER_BTC
    assert "unexplained" not in now
    assert "is superseded by" in played.output


def test_only_one_statement_was_ever_superseded(played):
    listed = [p for state in STATES for p in played.listed(state)]
    assert sum(p["supersedes"] is not None for p in listed) == 1
    assert sum(p["superseded_by"] is not None for p in listed) == 1


@pytest.mark.parametrize("state", STATES)
def test_the_newest_quarter_is_signed_by_the_coins_own_quorums(played, state):
    stem = Path(played.listed(state)[-1]["statement"]).stem
    report = played.judged(f"{state}/statement.json", state, Profile.CONTROL, with_files=stem)
    assert report.exit_status == 0, report.to_json()
    assert "100.0 %" in report.result("control").summary
    assert "coins signed the statement's root themselves" in played.output


def test_without_its_proofs_a_statement_does_not_satisfy_who_requires_control(played):
    told = played.statement("el-salvador/statement.json").envelope
    kept = tuple(i for i in told.evidence if not i.type.startswith("khazana.control"))
    path = played.directory / "el-salvador" / "bare.json"
    path.write_bytes(write_statement(replace(told, evidence=kept)))
    try:
        report = played.judged("el-salvador/bare.json", "el-salvador", Profile.CONTROL)
    finally:
        path.unlink()
    assert report.exit_status == 2
    assert report.failed == ()


@pytest.mark.parametrize("state", STATES)
def test_esplora_and_the_network_in_process_give_the_same_root(played, state):
    folder = played.directory / state
    newest = played.listed(state)[-1]
    statement, _ = Publisher(
        officers_of(state), read_office((folder / "office.json").read_bytes())
    ).statement(
        folder / "office.toml",
        played.chain,
        Ask(
            number=newest["number"],
            after=newest["after"],
            until=newest["until"],
            at=TIMELINE.instant(DAYS),
            previous=newest["previous"],
            memorandum=folder / newest["memorandum"],
            mining=folder / newest["mining"] / "mining.json" if newest["mining"] else None,
        ),
    )
    assert statement.root == newest["root"]


def test_the_same_days_give_the_same_chain_and_the_same_statements(played, tmp_path):
    with Devnet(tmp_path / "devnet") as devnet:
        company = company_on(devnet, TIMELINE)
        play_days(company, tmp_path, ProgressFile(tmp_path, TIMELINE))
        assert devnet.tip() == played.chain.tip()
    for state in STATES:
        again = sorted((tmp_path / state / "statements").iterdir())
        assert len(again) == len(played.listed(state)) - 1
        for path in again:
            assert (
                path.read_bytes()
                == (played.directory / state / "statements" / path.name).read_bytes()
            )


def test_no_published_file_says_where_it_was_made(played):
    place = str(played.directory).encode()
    for path in played.directory.rglob("*"):
        if path.is_file() and "devnet" not in path.parts:
            assert place not in path.read_bytes(), path


def test_statements_appear_while_the_days_are_played(tmp_path, monkeypatch):
    seen: list[tuple[int, int]] = []
    publish = Chronicle.publish

    def noted(self, period, chain, *, at, told=None):
        publish(self, period, chain, at=at)
        index = json.loads((self.folder / "publication.json").read_text("utf-8"))
        seen.append((chain.tip().height, len(index["publications"])))

    monkeypatch.setattr(Chronicle, "publish", noted)
    with Devnet(tmp_path / "devnet") as devnet:
        play_days(company_on(devnet, TIMELINE), tmp_path, ProgressFile(tmp_path, TIMELINE))
    assert seen[0] == (TIMELINE.close(1) + CLOSING_DEPTH - 1, 1)
    assert seen[-1] == (TIMELINE.signing(PERIODS - 1), PERIODS)  # Pakistan's correction included


def test_progress_says_the_day_the_stage_and_what_each_office_published(played, tmp_path):
    told = json.loads((played.directory / "progress.json").read_text("utf-8"))
    assert (told["day"], told["days"], told["stage"]) == (DAYS, DAYS, "ready")
    assert told["notice"] == TEST_NOTICE
    assert told["offices"]["pakistan"]["statements"] == PERIODS + 1
    assert told["offices"]["el-salvador"]["newest"] == played.listed("el-salvador")[-1]["statement"]
    file = ProgressFile(tmp_path, TIMELINE)
    file.begin({})
    first = json.loads((tmp_path / "progress.json").read_text("utf-8"))
    assert (first["day"], first["stage"], first["offices"]) == (0, "playing", {})


def test_progress_is_written_a_few_times_a_second_at_the_most(tmp_path, monkeypatch):
    clock = iter(1 + value / 10 for value in range(1_000))
    monkeypatch.setattr("khazana.cli.demo.progress_file.monotonic", lambda: next(clock))
    file, days = ProgressFile(tmp_path, TIMELINE), []
    for day in range(1, 41):
        file.day(day)
        days.append(json.loads((tmp_path / "progress.json").read_text("utf-8"))["day"])
    assert len(set(days)) < 20
    assert days[-1] > 30


def test_an_earlier_demos_progress_does_not_outlive_it(tmp_path):
    fresh_directory(tmp_path / "demo")
    (tmp_path / "demo" / "progress.json").write_text("{}")
    fresh_directory(tmp_path / "demo")
    assert not (tmp_path / "demo" / "progress.json").exists()


def test_dates_in_file_names_are_those_of_the_offices_zone(played):
    for state, behind in (("el-salvador", 6), ("pakistan", 5)):
        for listed in played.listed(state):
            median = TIMELINE.instant(listed["until"] - 5)
            assert datetime.fromisoformat(listed["closed"]).date() in (
                median.date(),
                (median - timedelta(hours=behind)).date(),
            )
