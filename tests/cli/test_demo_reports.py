"""The demo's wallet reports: every address at the year's dates, nil returns signed by bodies."""

from datetime import date
from pathlib import Path

import pytest

from khazana.cli.demo.bodies import BODIES, NIL
from khazana.cli.offices import office_file, resolved
from khazana.ledger.office import Storage
from khazana.reserve.wallet_report.check import check_wallet_report
from khazana.reserve.wallet_report.document import (
    WalletReportFile,
    read_wallet_report,
    write_wallet_report,
)
from khazana.reserve.wallet_report.signing import SignedBy, role_of, signatures_of
from khazana.statement.checks import TEST_NOTICE, Verdict
from khazana.statement.office_file import read_office
from tests.cli.played import NOW, STATES, TIMELINE

BEGAN = {"el-salvador": TIMELINE.approved, "pakistan": 1}
NAMES = ("dates", "amounts", "complete", "signed", "nil_returns")


def report_of(played, state: str, listed) -> WalletReportFile:
    return read_wallet_report((played.directory / state / listed["report"]).read_bytes())


def reports(played, state: str):
    """Each publication that has a report, and the report."""
    return [(p, report_of(played, state, p)) for p in played.listed(state) if p["report"]]


def identity_of(played, state: str):
    return read_office((played.directory / state / "office.json").read_bytes())


@pytest.mark.parametrize("state", STATES)
def test_a_report_goes_with_each_statement_since_the_arrangement(played, state):
    began = TIMELINE.close(BEGAN[state])
    made = reports(played, state)
    corrections = [p["number"] for p in played.listed(state) if p["supersedes"]]
    due = [p for p in played.listed(state) if p["until"] > began and not p["supersedes"]]
    assert [p["number"] for p, _ in made] == [p["number"] for p in due]
    assert len(corrections) == (1 if state == "pakistan" else 0)
    for listed, file in made:
        assert file.report.dates[0].block.height == began
        assert file.report.dates[-1].block.height == listed["until"]
        assert file.report.dates[-1].day == listed["closed"]
        assert Path(listed["report"]).stem == Path(listed["statement"]).stem
        assert file.report.test
        assert TEST_NOTICE in (file.report.arrangement or "")
    newest = (played.directory / state / "wallet-report.json").read_bytes()
    assert newest == write_wallet_report(made[-1][1])


@pytest.mark.parametrize("state", STATES)
def test_the_newest_report_passes_every_check_and_is_made_again_from_the_office_file(played, state):
    _, file = reports(played, state)[-1]
    folder = played.directory / state
    results = check_wallet_report(
        file,
        chain=played.chain,
        described=resolved(office_file(str(folder / "office.toml")), played.chain),
        identity=identity_of(played, state),
        now=NOW,
    )
    found = {each.name: each.verdict for each in results}
    assert found == {f"report_{name}": Verdict.PASSED for name in NAMES}


@pytest.mark.parametrize("state", STATES)
def test_every_earlier_report_holds_against_the_chain_and_its_signatures(played, state):
    for _, file in reports(played, state)[:-1]:
        results = check_wallet_report(
            file,
            chain=played.chain,
            described=None,
            identity=identity_of(played, state),
            now=NOW,
        )
        found = {each.name: each.verdict for each in results if each.name != "report_complete"}
        assert set(found.values()) == {Verdict.PASSED}, results


@pytest.mark.parametrize("state", STATES)
def test_it_names_the_statements_that_close_at_its_dates_as_they_stand_today(played, state):
    _, file = reports(played, state)[-1]
    standing = {p["closed"]: p["root"] for p in played.listed(state) if not p["superseded_by"]}
    named = {each.day: each.root for each in file.report.statements}
    assert named == {each.day: standing[each.day] for each in file.report.dates}


@pytest.mark.parametrize("state", STATES)
def test_every_body_signed_and_those_without_a_coin_said_nil(played, state):
    _, file = reports(played, state)[-1]
    judged = list(signatures_of(file, identity_of(played, state), now=NOW))
    assert all(isinstance(each, SignedBy) and each.complete for each in judged)
    bodies = [entity.id for entity in BODIES[state]]
    assert [each.role for each in judged] == [role_of(None), *map(role_of, bodies)]
    nil = [entity.id for entity in file.report.entities if entity.nil]
    assert nil == list(NIL[state])
    assert "Nil returns, each signed by the body itself:" in " ".join(played.output.split())


@pytest.mark.parametrize("state", STATES)
def test_a_nil_return_that_its_body_did_not_sign_fails(played, state):
    _, file = reports(played, state)[-1]
    less = WalletReportFile(format=file.format, report=file.report, signatures=file.signatures[:-1])
    assert BODIES[state][-1].id in NIL[state]
    results = check_wallet_report(
        less, chain=None, described=None, identity=identity_of(played, state), now=NOW
    )
    found = {each.name: each for each in results}
    assert found["report_nil_returns"].verdict is Verdict.FAILED
    assert f"entity {BODIES[state][-1].id}" in str(found["report_nil_returns"].findings[0])
    assert found["report_signed"].verdict is Verdict.PASSED


@pytest.mark.parametrize("state", STATES)
def test_cold_and_hot_wallets_stand_apart_and_a_year_has_four_closings(played, state):
    office = office_file(str(played.directory / state / "office.toml"))
    storage = {line.id: line.storage for line in office.wallets}
    assert set(storage.values()) == {Storage.COLD, Storage.HOT}
    for _, file in reports(played, state):
        assert len(file.report.dates) <= 5
        days = [date.fromisoformat(each.day) for each in file.report.dates]
        assert days == sorted(set(days))
        for entity in file.report.entities:
            for wallet in entity.wallets:
                assert wallet.storage == storage[wallet.id].value
