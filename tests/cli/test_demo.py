"""`khazana demo` from end to end, on a shorter chain."""

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from datetime import date
from importlib.util import find_spec

import httpx
import pytest

from khazana.cli.commands.demo import ONCE_VARIABLE
from khazana.cli.demo.directory import MARKER, NotADemoDirectory, fresh_directory
from khazana.cli.demo.portals import page_ports
from khazana.cli.demo.server import PortTaken, listening_socket
from khazana.cli.demo.timeline import FEWEST_DAYS, DemoDaysRefused, timeline_of
from khazana.cli.main import main
from khazana.devnet.directory import DevnetInUse
from khazana.reserve.valuation_document import read_valuation
from khazana.statement.checks import TEST_NOTICE, Profile
from tests.cli.played import DAYS, ENDS, NOW, STATES, words_of


def test_both_states_pass_and_the_drill_fails_one_check(played):
    assert played.status == 0, played.output
    assert played.output.count("every check that could be made passed") == (
        6 if find_spec("pyrage") is None else 7
    )
    assert "exactly one check failed, completeness" in played.output
    assert "claims 10.00000000 BTC at closing; the chain shows 8.49" in played.output
    assert played.output.count(TEST_NOTICE) > 6


def test_both_states_verify_each_other_and_contradict_the_drill_office(played):
    out = " ".join(played.output.split())
    for one, other in (("Pakistan", "El Salvador"), ("El Salvador", "Pakistan")):
        assert f"{one} copied {other}'s log, cosigned it, and verified" in out
        told = f"{one} contradicts, signed, entry 0 and 1 of the Drill Office: check completeness"
        assert told in out
    assert out.count(" contradicts, signed, ") == 2


def test_what_the_states_promised_each_other_is_computed_from_their_logs(played):
    out = " ".join(played.output.split())
    assert "pakistan-statements: fulfilled: 2 of 2 statement entries of pakistan verify" in out
    assert "sealed-wallet: fulfilled: 1 of 1 wallet-commitment entries" in out
    assert "correction: overdue, due 2025-12-22: 0 of 1 correction entries of pakistan" in out


def test_dates_of_wallets_rest_on_the_stamped_log(played):
    out = " ".join(played.output.split())
    assert out.count("Dates that rest on the log") == 2
    assert "treasury-second sealed at block 123: entry 0, shown by block 124" in out
    assert "on the office's word alone" not in out


def test_the_days_are_counted_and_the_commands_can_be_pasted(played):
    assert f"day {DAYS} of {DAYS}, {ENDS}" in played.output
    for state in STATES:
        assert f"khazana verify {played.directory / state / 'statement.json'}" in played.output
    assert f"khazana verify {played.directory / 'tampered.json'}" in played.output


@pytest.mark.parametrize("state", STATES)
def test_a_states_files_are_complete(played, state):
    folder = played.directory / state
    for name in (
        "office.toml", "office.json", "documents.csv", "statement.json", "documents.json",
        "statement-public.json", "statement-totals.json", "valuation.json", "memorandum.toml",
        "wallet-report.json", "publication.json", "journal.csv", "journal.beancount", "prices.csv",
        "keys/README.txt", "opening-cost.csv",
    ):  # fmt: skip
        assert (folder / name).is_file(), name
    assert main(["office", "check", str(folder / "office.toml")]) == 0


@pytest.mark.parametrize("state", STATES)
def test_every_holding_has_a_cost_that_follows_from_papers(played, state):
    for path in sorted((played.directory / state / "valuations").iterdir()):
        document = read_valuation(path.read_bytes())
        assert document.findings == [], path.name
        assert all(pool.complete for pool in document.cost.pools), path.name


def test_every_statement_says_that_it_is_a_test(played):
    names = [f"{state}/{p['statement']}" for state in STATES for p in played.listed(state)]
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


def test_it_serves_until_ctrl_c_and_says_so(tmp_path):
    words = [sys.executable, "-u", "-m", "khazana.cli.main"]
    words += [*words_of(tmp_path / "demo", days=FEWEST_DAYS), "--pages", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop(ONCE_VARIABLE, None)
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as demo:
        try:
            url, lines, pages = "", [], set()
            for line in demo.stdout or ():
                lines.append(line)
                if line.startswith("Esplora API on "):
                    url = line.split()[3]
                if line.startswith("Pages of "):
                    pages.add(line.split()[-1])
                if "until Ctrl-C" in line:
                    break
            assert url, "".join(lines)
            assert httpx.get(f"{url}/blocks/tip/height").text == str(FEWEST_DAYS)
            assert len(pages) == (0 if find_spec("django") is None else 2), "".join(lines)
            for page in pages:
                text = answered(page)
                assert TEST_NOTICE in text, text
            with pytest.raises(DevnetInUse):
                fresh_directory(tmp_path / "demo")
            demo.send_signal(signal.SIGINT)
            assert demo.wait(30) == 0
        finally:
            demo.kill()
    assert (tmp_path / "demo" / "pakistan" / "statement.json").is_file()


def answered(page: str) -> str:
    """A page that comes up while the demo plays, which may be over before it is up."""
    for attempt in range(60):
        try:
            english = {"Accept-Language": "en"}
            return httpx.get(page, headers=english, follow_redirects=True, timeout=60).text
        except httpx.ConnectError:
            if attempt == 59:
                raise
            time.sleep(0.5)
    raise AssertionError(page)


def test_the_ports_of_the_pages_follow_one_another_or_are_any_free_ones():
    ports = page_ports(0)
    assert set(ports) == set(STATES)
    assert len(set(ports.values())) == len(STATES)
    first = next(p for p in range(20_000, 30_000, 2) if free(p) and free(p + 1))
    assert page_ports(first) == {"pakistan": first, "el-salvador": first + 1}


def free(port: int) -> bool:
    try:
        listening_socket(port).close()
    except PortTaken:
        return False
    return True


def test_a_port_of_the_pages_that_is_taken_is_refused_before_any_work(
    tmp_path, capsys, monkeypatch
):
    pytest.importorskip("django")
    monkeypatch.delenv(ONCE_VARIABLE, raising=False)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        words = [*words_of(tmp_path / "demo"), "--pages", str(taken)]
        assert main(words) == 2
    assert "choose another with --pages" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


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


def test_without_the_extra_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    for module in ("khazana.cli.demo.play", "khazana.cli.demo.server"):
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["demo", "--dir", str(tmp_path / "demo")]) == 2
    assert "pip install 'khazana[devnet]'" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()
