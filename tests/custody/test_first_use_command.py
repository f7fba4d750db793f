"""`khazana custody first-use` and `health`: from files to devices and back into the register."""

from datetime import UTC, date, datetime

import pytest

from khazana.bitcoin.address import address_of
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.secrets import SecretRefused
from khazana.cli.commands import custody_first_use
from khazana.cli.main import main
from khazana.custody.first_use_files import (
    FirstUsePlan,
    read_addresses,
    read_messages,
    read_plan,
    write_plan,
)
from khazana.custody.health import Health, health_of
from khazana.custody.register_dates import RegisterNotEditable, with_days
from khazana.custody.register_file import read_register
from khazana.ledger.problems import OfficeFileRefused
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.quorums import RECOVERY, TWO_OF_THREE, parsed, register_text
from tests.custody.test_exports import office as office_folder

TODAY = datetime(2026, 6, 1, 12, tzinfo=UTC)
PLAN = FirstUsePlan(
    wallet="cold",
    descriptor=parsed(TWO_OF_THREE),
    day=TODAY.date(),
    nonce="5b1cf00d99",
    branch=0,
    index=0,
)
office = office_folder
"""An office with the wallet cold, 2 of 3."""


@pytest.fixture
def made(office, monkeypatch, capsys):
    """The folder after `first-use make`, on a day that the tests know."""
    monkeypatch.setattr(custody_first_use, "now", lambda: TODAY)
    (office / "keys.toml").write_text(register_text())
    words = ["--office", office / "office.toml", "--wallet", "cold", "--keys", office / "keys.toml"]
    assert run("first-use", "make", *words, "--out-dir", office / "test") == 0
    capsys.readouterr()
    return office / "test"


def run(*words: object) -> int:
    return main(["custody", *map(str, words)])


def sign(made, *names):
    pytest.importorskip("bdkpython", reason="the office profile brings BDK")
    from tests.custody.test_first_use import signed as bdk_signed

    for name in names:
        file = made / f"{name}.psbt"
        file.write_bytes(bdk_signed(TWO_OF_THREE, [name], file.read_bytes()))


def fill_in(made, **wrong):
    """What the devices show; wrong: an address shown instead, by device."""
    lines = (made / "addresses.csv").read_text().splitlines()
    filled = [lines[0]]
    for line in lines[1:]:
        device, branch, index, _ = line.split(",")
        start = int(index)
        asked = {"branch": int(branch), "start": start, "stop": start + 1}
        (script,) = best_engine().derive(PLAN.descriptor, **asked)
        filled.append(line + wrong.get(device, address_of(script, REGTEST)))
    (made / "addresses.csv").write_text("\n".join(filled) + "\n")


def check(made, *words, keys=True):
    given = ["--addresses", made / "addresses.csv"]
    if keys:
        given += ["--keys", made.parent / "keys.toml"]
    return run("first-use", "check", made / "plan.toml", *words, *given)


def test_make_writes_a_file_for_each_device_and_a_table_to_fill_in(made):
    names = {file.name for file in made.iterdir()}
    assert names == {"plan.toml", "addresses.csv", "anna.psbt", "bo.psbt", "cia.psbt"}
    plan = read_plan("plan.toml", (made / "plan.toml").read_bytes())
    assert plan.day == TODAY.date()
    assert len(plan.nonce) == 32
    assert (made / "addresses.csv").read_text().splitlines()[:5] == [
        "shown_by,branch,index,address",
        "anna,0,0,",
        "anna,0,1,",
        "anna,0,2,",
        "anna,1,0,",
    ]


def test_a_wallet_that_passes_is_recorded_for_the_keys_that_signed(made, capsys):
    sign(made, "anna", "bo", "cia")
    fill_in(made)
    psbts = sorted(made.glob("*.psbt"))
    record = made / "new.toml"
    assert check(made, *psbts, "--record", record) == 0
    out = capsys.readouterr().out
    assert "Anna: signed the test of 2026-06-01" in out
    assert "every key signed and every device shows its addresses" in out
    assert "3 keys signed on 2026-06-01: written to" in out
    assert "test network, invented figures" in out
    before = (made.parent / "keys.toml").read_text()
    after = read_register("new", record.read_bytes())
    assert [key.last_proven for key in after.keys] == [date(2026, 6, 1)] * 3 + [date(2026, 5, 20)]
    assert (made.parent / "keys.toml").read_text() == before


def test_who_has_not_signed_and_who_shows_another_address_are_named(made, capsys):
    sign(made, "anna", "cia")
    other = address_of(
        best_engine().derive(parsed(RECOVERY), branch=0, start=0, stop=1)[0], REGTEST
    )
    fill_in(made, cia=other)
    record = made / "new.toml"
    files = [made / "anna.psbt", made / "bo.psbt", made / "cia.psbt"]
    assert check(made, *files, "--record", record) == 1
    out = capsys.readouterr().out
    assert "K8: Bo has not signed the test (wallet cold)" in out
    assert out.count("K9: it shows ") == 4
    assert "cia, branch 1, index 0" in out
    days = {key.id: key.last_proven for key in read_register("k", record.read_bytes()).keys}
    assert days["anna"] == days["cia"] == date(2026, 6, 1)
    assert days["bo"] == date(2026, 5, 20)


def test_an_empty_table_and_no_file_leave_everything_open(made, capsys):
    assert check(made) == 1
    out = capsys.readouterr().out
    assert out.count("has not signed the test") == 3
    assert out.count("it has shown no receive address") == 3


def test_files_that_are_something_else_are_named(made, capsys):
    (made / "notes.txt").write_text("hello")
    assert check(made, made / "notes.txt") == 1
    assert "K8: a signature of the test is wrong: notes.txt: " in capsys.readouterr().out


def test_a_message_of_a_device_that_knows_no_psbt_counts(made, capsys):
    pytest.importorskip("bdkpython", reason="the office profile brings BDK")
    from khazana.bitcoin.bip322.encoding import write_simple
    from khazana.custody.first_use_psbt import first_use_psbt
    from khazana.custody.psbt_files import maps_of
    from tests.custody import test_first_use as first_use
    from tests.custody.quorums import B

    plan = read_plan("plan.toml", (made / "plan.toml").read_bytes())
    text = f"wpkh({B})"
    asked = {"branch": 0, "index": 0, "message": plan.message}
    psbt = first_use.signed(text, ["bo"], first_use_psbt(parsed(text), best_engine(), **asked))
    ((public, signature),) = [
        (key[1:], value) for key, value in maps_of(psbt)[1][0].items() if key[0] == 2
    ]
    proof = write_simple([signature, public])
    table = made / "messages.csv"
    table.write_text(f"key,signature\n{account('bo').fingerprint},{proof}\nffffffff,{proof}\n")
    assert check(made, "--messages", table) == 1
    out = capsys.readouterr().out
    assert "Bo: signed the test" in out
    assert "ffffffff is the fingerprint of no key of this wallet" in out
    table.write_text(f"key,signature\n{account('anna').fingerprint},{proof}\n")
    assert check(made, "--messages", table) == 1
    assert "Anna: signed" not in capsys.readouterr().out


NO_ADDRESS = ("--addresses", "0")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["make", "--office", "OFFICE", "--wallet", "x", "--out-dir", "o"], "no wallet x by"),
        (
            [
                *[
                    "make",
                    "--office",
                    "OFFICE",
                    "--wallet",
                    "cold",
                    "--out-dir",
                    "o",
                    "--addresses",
                    "0",
                ]
            ],
            "--addresses is 1 to",
        ),
        (["check", "PLAN", "--record", "x"], "--record needs --keys"),
    ],
)
def test_wrong_arguments_are_named(made, words, said, capsys):
    places = {"OFFICE": str(made.parent / "office.toml"), "PLAN": str(made / "plan.toml")}
    assert run("first-use", *[places.get(word, word) for word in words]) == 2
    assert said in capsys.readouterr().err


def test_a_plan_is_never_overwritten(made, capsys):
    words = ["--office", made.parent / "office.toml", "--wallet", "cold", "--out-dir", made]
    before = (made / "plan.toml").read_bytes()
    assert run("first-use", "make", *words) == 2
    assert "exists already" in capsys.readouterr().err
    assert (made / "plan.toml").read_bytes() == before


# The files


def test_a_plan_is_read_as_it_was_written():
    assert read_plan("plan.toml", write_plan(PLAN).encode()) == PLAN


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("khazana.first-use/1", "khazana.first-use/2", "this program reads"),
        ('"regtest"', '"regtset"', 'did you mean "regtest"'),
        ("sortedmulti(2", "sortedmulti(4", "descriptor"),
        ("day = 2026-06-01", 'day = "2026-06-01"', "a day without quotes"),
        ("day = 2026-06-01", "day = 2026-06-01T00:00:00Z", "a day without quotes"),
        ("5b1cf00d99", "x y", "8 to 64 letters and digits"),
        ("branch = 0", "branch = 2", "has 2 branches"),
        ("index = 0", "index = -1", "not between"),
        ("index = 0", "indx = 0", "not a known key"),
        ("wallet =", "walet =", "is missing"),
    ],
)
def test_a_wrong_plan_is_refused_with_its_line(old, new, said):
    text = write_plan(PLAN)
    assert old in text
    with pytest.raises(OfficeFileRefused, match=r"line \d") as refused:
        read_plan("plan.toml", text.replace(old, new, 1).encode())
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("shown_by,branch,index\nanna,0,0\n", "this column is missing"),
        ("shown_by,branch,index,address\nanna,zero,0,x\n", "'zero' is no number"),
        ("shown_by,branch,index,address\nanna,0,4294967296,x\n", "is no number"),
        ("shown_by,branch,index,address\nanna,0,-1,x\n", "is no number"),
        ("shown_by,branch,index,address\n,0,0,x\n", "is empty"),
        ("shown_by,branch,index,address\nanna,0,0\n", "has 3 cells"),
        ("", "is missing"),
    ],
)
def test_a_wrong_table_of_addresses_is_refused_with_its_line(table, said):
    with pytest.raises(OfficeFileRefused, match=r"line \d") as refused:
        read_addresses("addresses.csv", table.encode())
    assert said in str(refused.value)


@pytest.mark.parametrize("table", ["key\nx\n", "key,signature\nx,\n", "key,signature,key\na,b,c\n"])
def test_a_wrong_table_of_messages_is_refused(table):
    with pytest.raises(OfficeFileRefused):
        read_messages("messages.csv", table.encode())


def test_seed_words_in_any_of_these_files_are_refused():
    words = "abandon " * 12
    with pytest.raises(SecretRefused):
        read_plan("p", (write_plan(PLAN) + f"# {words}\n").encode())
    with pytest.raises(SecretRefused):
        read_addresses("a", f"shown_by,branch,index,address\nanna,0,0,{words}\n".encode())
    with pytest.raises(SecretRefused):
        read_messages("m", f"key,signature\nanna,{words}\n".encode())


# The register's dates


def test_only_the_dates_change_whatever_stands_around_them():
    text = register_text(bo={"last_proven": "2026-05-20   # at the drill"})
    raw = ("# ours\r\n" + text.replace("\n", "\r\n")).encode()
    register = read_register("keys.toml", raw)
    made = with_days(register, raw, {"bo": date(2026, 6, 1), "anna": date(2026, 5, 1)})
    assert made == raw.replace(b"2026-05-20   # at", b"2026-06-01   # at")


def test_a_key_that_never_signed_gets_a_line_of_its_own():
    raw = register_text(cia={"last_proven": ""}).encode()
    register = read_register("keys.toml", raw)
    made = with_days(register, raw, {key.id: date(2026, 6, 1) for key in register.keys})
    assert {key.last_proven for key in read_register("k", made).keys} == {date(2026, 6, 1)}
    assert made.count(b"\n") == raw.count(b"\n") + 1


def test_a_register_in_one_line_is_left_alone():
    fields = register_text().split("[[key]]\n")[1].strip().replace("\n", ", ")
    text = (
        'format = "khazana.keys/1"\nregister = {id = "treasury", network = "regtest"}\n'
        f"key = [{{{fields}}}]\n"
    )
    register = read_register("keys.toml", text.encode())
    with pytest.raises(RegisterNotEditable, match="line 3"):
        with_days(register, text.encode(), {"anna": date(2026, 6, 1)})


def test_nobody_signed_before_a_key_was_created():
    raw = register_text(anna={"last_proven": ""}).encode()
    register = read_register("keys.toml", raw)
    with pytest.raises(ValueError, match="before it was created"):
        with_days(register, raw, {"anna": date(2026, 1, 9)})


# Health


def states(at, **changes):
    register = read_register("keys.toml", register_text(**changes).encode())
    return {one.key.id: one.health for one in health_of(register, at=at)}


def test_reminders_come_a_month_before_and_overdue_is_said_the_day_after():
    # Proven on 20 May; 180 days later is 16 November.
    assert set(states(date(2026, 10, 16)).values()) == {Health.FINE}
    assert set(states(date(2026, 10, 17)).values()) == {Health.DUE_SOON}
    assert set(states(date(2026, 11, 16)).values()) == {Health.DUE_SOON}
    assert set(states(date(2026, 11, 17)).values()) == {Health.OVERDUE}
    changed = states(date(2026, 6, 1), anna={"last_proven": ""}, bo={"retired": "2026-06-01"})
    assert (changed["anna"], changed["bo"]) == (Health.NEVER, Health.RETIRED)
    assert next(iter(changed)) == "anna"


def health(folder, *words, text=None):
    (folder / "keys.toml").write_text(text or register_text())
    return run("health", folder / "keys.toml", *words)


def test_health_ends_with_0_while_keys_are_only_due_soon(office, capsys):
    words = ["--office", office / "office.toml", "--at", "2026-10-20"]
    assert health(office, *words) == 0
    out = capsys.readouterr().out
    assert out.count("due soon; last signed on 2026-05-20, to sign by 2026-11-16") == 4
    assert "0 keys must sign now, 0 findings on 2026-10-20" in out


def test_health_ends_with_1_when_a_key_is_overdue_or_an_advisory_touches_it(office, capsys):
    assert health(office, "--at", "2026-11-17") == 1
    assert "4 keys must sign now" in capsys.readouterr().out
    assert health(office, "--at", "2026-11-17", "--days", "365") == 0
    old = register_text(anna={"firmware_at_creation": '"5.4.0"'})
    assert health(office, "--at", "2026-06-01", text=old) == 1
    assert "K6: " in capsys.readouterr().out
    one = register_text(
        bo={"vendor": '"coldcard"', "model": '"Q"', "firmware_at_creation": '"9.9"'}
    )
    assert health(office, "--at", "2026-06-01", text=one) == 0
    words = ("--at", "2026-06-01", "--office", office / "office.toml")
    assert health(office, *words, text=one) == 1
    assert "K5: the keys under one vendor, coldcard, suffice" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--at", "today"], ["--days", "0"], ["--remind", "-1"]])
def test_health_names_wrong_arguments(office, words, capsys):
    assert health(office, *words) == 2
    assert "custody health" in capsys.readouterr().err
