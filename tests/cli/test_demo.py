"""`khazana demo` from end to end, on a shorter chain."""

import csv
import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.transaction import OutPoint
from khazana.cli.commands.demo import ONCE_VARIABLE
from khazana.cli.demo import el_salvador, pakistan
from khazana.cli.demo.directory import MARKER, NotADemoDirectory, fresh_directory
from khazana.cli.demo.figures import on_one_day
from khazana.cli.demo.officers import officers_of
from khazana.cli.demo.play import company_on, play_days
from khazana.cli.demo.publish import Publisher
from khazana.cli.demo.server import PortTaken, listening_socket
from khazana.cli.demo.timeline import (
    FEWEST_DAYS,
    OPENING,
    DemoDaysRefused,
    Timeline,
    timeline_of,
)
from khazana.cli.main import main
from khazana.devnet.directory import DevnetInUse
from khazana.devnet.network import Devnet
from khazana.devnet.view import DevnetView
from khazana.reserve.reading import ReserveStatement, read_reserve_statement
from khazana.reserve.verify import Request, verify
from khazana.statement.checks import TEST_NOTICE, Profile, Report
from khazana.statement.office_file import pin_by_file, read_office
from khazana.units import SATS_PER_BTC

DAYS = 200
ENDS = date(2025, 12, 31)
TIMELINE = Timeline(DAYS, ENDS)
STATES = ("el-salvador", "pakistan")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Played:
    """A demo that ran to its end: its directory, what it printed, its exit status."""

    directory: Path
    output: str
    status: int
    chain: ChainView

    def statement(self, name: str) -> ReserveStatement:
        return read_reserve_statement((self.directory / name).read_bytes())

    def judged(self, name: str, office: str, profile: Profile) -> Report:
        """What a stranger finds who reads the network in process."""
        office_json = (self.directory / office / "office.json").read_bytes()
        return verify(
            Request(
                raw=(self.directory / name).read_bytes(),
                chain=self.chain,
                engine=best_engine(),
                profile=profile,
                now=NOW,
                pin=pin_by_file(office_json),
            )
        )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    directory = tmp_path_factory.mktemp("demo") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ONCE_VARIABLE, "1")
        out = directory.with_name("output.txt")
        with out.open("w", encoding="utf-8") as file:
            patch.setattr(sys, "stdout", file)
            status = main(_words(directory))
    with Devnet(directory / "devnet") as devnet:
        yield Played(directory, out.read_text("utf-8"), status, DevnetView(devnet))


def _words(directory: Path, *, days: int = DAYS) -> list[str]:
    words = ["demo", "--dir", str(directory), "--days", str(days), "--ends", f"{ENDS}"]
    return [*words, "--port", "0"]


def test_both_states_pass_and_the_drill_fails_one_check(played):
    assert played.status == 0, played.output
    assert played.output.count("every check that could be made passed") == 2
    assert "exactly one check failed, completeness" in played.output
    assert "claims 10.00000000 BTC at closing; the chain shows 8.49" in played.output
    assert played.output.count(TEST_NOTICE) > 6


def test_the_days_are_counted_and_the_commands_can_be_pasted(played):
    assert f"day {DAYS} of {DAYS}, {ENDS}" in played.output
    for state in STATES:
        assert f"khazana verify {played.directory / state / 'statement.json'}" in played.output
    assert f"khazana verify {played.directory / 'tampered.json'}" in played.output


@pytest.mark.parametrize("state", STATES)
def test_a_states_files_are_complete(played, state):
    folder = played.directory / state
    for name in (
        "office.toml", "office.json", "documents.csv", "statement-1.json", "statement.json",
        "documents.json", "statement-public.json", "statement-totals.json", "journal.csv",
        "journal.beancount", "prices.csv", "first-year/office.toml", "keys/README.txt",
    ):  # fmt: skip
        assert (folder / name).is_file(), name
    assert main(["office", "check", str(folder / "office.toml")]) == 0


def test_every_statement_says_that_it_is_a_test(played):
    names = [f"{state}/{name}.json" for state in STATES for name in ("statement", "statement-1")]
    for name in (*names, "drill-office/statement.json", "tampered.json"):
        header = played.statement(name).header
        assert header.test is True
        assert header.network.name == "regtest"
        assert header.office.notice == TEST_NOTICE
        assert set(header.office.name) == {"en", "ur", "ar", "es"}


@pytest.mark.parametrize(
    ("name", "profile"),
    [("statement-public.json", Profile.ADDRESSES), ("statement-totals.json", Profile.TOTALS)],
)
@pytest.mark.parametrize("state", STATES)
def test_what_the_public_sees_passes_its_own_profile(played, state, name, profile):
    report = played.judged(f"{state}/{name}", state, profile)
    assert report.exit_status == 0, report.failed


def test_the_honest_drill_passes_and_the_tampered_one_lies_about_one_thing(played):
    honest = played.judged("drill-office/statement.json", "drill-office", Profile.FULL)
    assert honest.exit_status == 0
    tampered = played.judged("tampered.json", "drill-office", Profile.FULL)
    assert tampered.failed == ("completeness",)
    assert "has no entry" in tampered.result("completeness").findings[0].text


@pytest.mark.parametrize("state", STATES)
def test_esplora_and_the_network_in_process_give_the_same_bytes(played, state, tmp_path):
    office = read_office((played.directory / state / "office.json").read_bytes())
    Publisher(tmp_path, officers_of(state), office).publish(
        played.directory / state / "office.toml",
        played.chain,
        after=TIMELINE.first_close,
        until=TIMELINE.last_close,
        at=TIMELINE.instant(DAYS),
        name="statement.json",
        previous=played.statement(f"{state}/statement-1.json"),
    )
    published = (played.directory / state / "statement.json").read_bytes()
    assert (tmp_path / "statement.json").read_bytes() == published


def test_the_page_rises_by_109_while_the_public_sector_pays_only_fees(played):
    day = TIMELINE.first_signing + 9
    told = played.statement("el-salvador/statement.json")
    bars = on_one_day(told, day, page="fund", stock="public-sector")
    assert bars.received == 109 * SATS_PER_BTC
    assert -10_000 < bars.change < 0
    assert "the fund's wallet received 109.00000000 BTC" in played.output


def test_the_second_reserve_was_sealed_first_and_declared_later(played):
    before = played.statement("el-salvador/statement-1.json")
    after = played.statement("el-salvador/statement.json")
    assert "treasury-second" not in before.wallets
    assert len(before.sealed) == 1
    second = after.wallets["treasury-second"]
    assert after.sealed == ()
    assert second.seal is not None
    assert second.seal.commitment == before.sealed[0].commitment
    assert second.seal.block.height < before.header.period.after.height < second.declared.height
    figures = after.perimeters["public-sector"].figures
    assert figures.perimeter_change == 33 * SATS_PER_BTC


def test_the_splits_keep_every_coin_under_its_cap(played):
    first = played.statement("el-salvador/statement-1.json").coins["fund"].closing
    # Only the split has several outputs to the fund.
    parts = [c for c in first if sum(o.outpoint[:64] == c.outpoint[:64] for o in first) > 1]
    assert len(parts) == el_salvador.SPLIT_ADDRESSES
    for name, wallet, cap in (
        ("el-salvador", "fund", el_salvador.CAP),
        ("pakistan", "reserve-cold", pakistan.CAP),
    ):
        coins = played.statement(f"{name}/statement.json").coins[wallet].closing
        assert max(coin.amount for coin in coins) <= cap


def test_mined_coins_are_held_and_some_are_immature(played):
    figures = played.statement("el-salvador/statement.json").perimeters["public-sector"].figures
    assert 0 < figures.immature < figures.closing
    assert figures.coinbase > 0


def test_clients_coins_stand_in_a_lane_of_their_own(played):
    public = played.statement("el-salvador/statement.json").perimeters["public-sector"]
    lanes = {lane.lane: lane.closing for lane in public.lanes}
    assert 0 < lanes["held_for_clients"] < lanes["owned"]
    assert {"client_deposit", "client_withdrawal"} <= {r.reason for r in public.figures.reasons}


def test_pakistans_books_show_every_kind_of_flow(played):
    public = played.statement("pakistan/statement.json").perimeters["public-sector"]
    amounts = {reason.reason: reason.amount for reason in public.figures.reasons}
    assert amounts["unexplained"] == pakistan.UNEXPLAINED
    assert amounts["dust"] == pakistan.DUST
    assert amounts["disbursement"] == -pakistan.DISBURSED
    assert amounts["seizure"] == pakistan.SEIZED[1]
    assert amounts["mined"] > 0
    purchases = (TIMELINE.on(percent) for percent in (44, 52, 60, 68, 76))
    count = sum(TIMELINE.first_close < day <= TIMELINE.last_close for day in purchases)
    bought = count * pakistan.PURCHASE + pakistan.BOUGHT_AT_CUSTODIAN
    assert amounts["acquisition"] == bought
    grades = public.figures.grades
    assert grades.c == pakistan.TO_CUSTODIAN + pakistan.BOUGHT_AT_CUSTODIAN
    assert grades.b == grades.d == 0


def test_a_court_turns_seized_coins_into_forfeited_ones(played):
    told = played.statement("pakistan/statement.json")
    lanes = {lane.lane: lane for lane in told.perimeters["public-sector"].lanes}
    assert lanes["seized"].opening == pakistan.SEIZED[0]
    assert lanes["seized"].closing == 0
    assert lanes["forfeited"].closing == sum(pakistan.SEIZED)
    changes = told.perimeters["strategic-reserve"].figures.perimeter_change
    assert changes == sum(pakistan.SEIZED)
    assert {entry.kind.value for entry in told.book} == {"reclassification", "perimeter_change"}


@pytest.mark.parametrize("office", [*STATES, "drill-office"])
def test_every_paper_has_the_hash_that_the_table_says(played, office):
    folder = played.directory / office
    rows = 0
    for table, name in (("documents.csv", "id"), ("attestations.csv", "document")):
        if not (folder / table).exists():
            continue
        with (folder / table).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                paper = (folder / "documents" / f"{row[name]}.txt").read_bytes()
                assert hashlib.sha256(paper).hexdigest() == row["file_sha256"]
                assert TEST_NOTICE.encode() in paper
                rows += 1
    assert rows > 2


def test_no_key_that_spends_is_written_and_statement_keys_are_for_their_owner(played):
    for path in played.directory.rglob("*"):
        if path.is_file() and "devnet" not in path.parts:
            content = path.read_bytes()
            assert b"tprv" not in content, path
            if path.suffix == ".pem":
                assert path.name.startswith("TEST-")
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
            else:
                assert b"PRIVATE KEY" not in content, path


def test_the_same_days_give_the_same_chain_and_the_same_first_statement(played, tmp_path):
    with Devnet(tmp_path / "devnet") as devnet:
        play_days(company_on(devnet, TIMELINE), tmp_path)
        assert devnet.tip() == played.chain.tip()
    for state in STATES:
        again = (tmp_path / state / "statement-1.json").read_bytes()
        assert again == (played.directory / state / "statement-1.json").read_bytes()


def test_the_first_year_was_signed_while_its_tip_was_young(played):
    header = played.statement("pakistan/statement-1.json").header
    assert header.tip.height == TIMELINE.first_signing
    assert header.period.after.height == OPENING
    follows = played.statement("pakistan/statement.json").header
    assert follows.previous == played.statement("pakistan/statement-1.json").root
    assert follows.period.after == header.period.until


def test_no_coin_of_the_chain_was_spent_twice(played):
    told = played.statement("el-salvador/statement.json")
    spent = [OutPoint(p.outpoint.txid, p.outpoint.vout) for e in told.entries for p in e.spent]
    assert len(spent) == len(set(spent))


def test_it_serves_until_ctrl_c_and_says_so(tmp_path):
    words = [sys.executable, "-u", "-m", "khazana.cli.main"]
    words += _words(tmp_path / "demo", days=FEWEST_DAYS)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop(ONCE_VARIABLE, None)
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as demo:
        try:
            url, lines = "", []
            for line in demo.stdout or ():
                lines.append(line)
                if line.startswith("Esplora API on "):
                    url = line.split()[3]
                if "until Ctrl-C" in line:
                    break
            assert url, "".join(lines)
            assert httpx.get(f"{url}/blocks/tip/height").text == str(FEWEST_DAYS)
            with pytest.raises(DevnetInUse):
                fresh_directory(tmp_path / "demo")
            demo.send_signal(signal.SIGINT)
            assert demo.wait(30) == 0
        finally:
            demo.kill()
    assert (tmp_path / "demo" / "pakistan" / "statement.json").is_file()


def test_a_directory_that_no_demo_made_is_left_alone(tmp_path):
    mine = tmp_path / "devnet"
    mine.mkdir()
    (mine / "thesis.txt").write_text("ten years of work")
    with pytest.raises(NotADemoDirectory, match="no marker"):
        fresh_directory(tmp_path)
    assert (mine / "thesis.txt").read_text() == "ten years of work"
    (tmp_path / MARKER).write_text("something else")
    with pytest.raises(NotADemoDirectory):
        fresh_directory(tmp_path)
    assert (mine / "thesis.txt").exists()


def test_a_file_is_no_directory(tmp_path):
    (tmp_path / "demo").write_text("")
    with pytest.raises(NotADemoDirectory, match="not a directory"):
        fresh_directory(tmp_path / "demo")


def test_an_earlier_demo_is_replaced_and_what_lies_beside_it_stays(tmp_path):
    fresh_directory(tmp_path / "demo")
    (tmp_path / "demo" / "pakistan").mkdir()
    (tmp_path / "demo" / "pakistan" / "old").write_text("old")
    (tmp_path / "demo" / "notes.txt").write_text("mine")
    fresh_directory(tmp_path / "demo")
    assert not (tmp_path / "demo" / "pakistan").exists()
    assert (tmp_path / "demo" / "notes.txt").read_text() == "mine"


def test_a_link_to_somewhere_else_is_removed_and_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept.txt").write_text("kept")
    fresh_directory(tmp_path / "demo")
    (tmp_path / "demo" / "pakistan").symlink_to(elsewhere)
    fresh_directory(tmp_path / "demo")
    assert (elsewhere / "kept.txt").read_text() == "kept"


def test_a_port_that_is_taken_is_refused_before_any_work(tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            listening_socket(port)
        assert main(["demo", "--dir", str(tmp_path / "demo"), "--port", str(port)]) == 2
    assert "choose another with --port" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("days", [0, -1, FEWEST_DAYS - 1, 100_000])
def test_too_few_or_too_many_days_are_refused(days):
    with pytest.raises(DemoDaysRefused, match=str(days)):
        timeline_of(days=days, ends=None, now=NOW)


def test_days_in_the_future_are_refused():
    with pytest.raises(DemoDaysRefused, match="future"):
        timeline_of(days=DAYS, ends=date(2026, 1, 2), now=NOW)
    assert timeline_of(days=DAYS, ends=None, now=NOW).ends == NOW.date()


@pytest.mark.parametrize("days", range(FEWEST_DAYS, FEWEST_DAYS + 40))
def test_the_story_is_in_order_however_short_it_is(days):
    timeline = Timeline(days, ENDS)
    assert OPENING < timeline.first_close < timeline.first_signing < timeline.last_close < days


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    for module in ("khazana.cli.demo.play", "khazana.cli.demo.server"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["demo", "--dir", str(tmp_path / "demo")]) == 2
    assert "pip install 'khazana[devnet]'" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
