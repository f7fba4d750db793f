"""`khazana verify` and `khazana solvency statement` with a provider's files, good and bad."""

import json

import pytest

from khazana.cli.commands import verify as verify_command
from khazana.cli.coverage_papers import attested_in
from khazana.cli.files import FileRefused
from khazana.cli.main import main
from khazana.ledger.canonical import canonical_bytes
from khazana.statement.dsse import sign
from khazana.statement.envelope import write_statement
from khazana.statement.office_file import write_office
from khazana.supervision.solvency.epoch import PAYLOAD_TYPE, epoch_bytes
from tests.reserve.simulator import NOW, World, script
from tests.supervision.coverage.scene import REGULATOR, honest, recomputed

TABLE = "id,asset,kind,holder,amount,document,file_sha256\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    scene = honest()
    told = scene.told[2]
    envelope = sign(PAYLOAD_TYPE, epoch_bytes(told.epoch), scene.world.keys[0])
    for name, content in (
        ("coverage.json", scene.published()),
        ("last.json", write_statement(scene.told[1].statement)),
        ("unsigned.json", write_statement(told.statement)),
        ("office.json", write_office(scene.world.identity)),
        ("regulator.json", write_office(REGULATOR)),
        ("level.bin", told.level[1]),
        ("slip", told.slip.to_bytes()),
        ("epoch.json", json.dumps(envelope.to_json()).encode()),
        ("recomputed.json", json.dumps(recomputed(told.epoch).to_json()).encode()),
        ("other.json", json.dumps(recomputed(scene.told[1].epoch).to_json()).encode()),
    ):
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(verify_command, "chain_of", lambda _: scene.world.chain)
    monkeypatch.setattr("khazana.cli.coverage_verify.now", lambda: NOW)
    return tmp_path


def verify(*words: str) -> int:
    return main(["verify", *words, "--chain", "esplora:http://127.0.0.1:1"])


BROUGHT = (
    *("coverage.json", "--office", "office.json", "--regulator", "regulator.json"),
    *("--previous", "last.json", "--level", "level.bin", "--slip", "slip"),
    *("--epoch", "epoch.json", "--require", "full"),
)


def test_everything_a_stranger_can_bring_is_checked_by_one_command(folder, capsys):
    assert verify(*BROUGHT) == 0
    said = capsys.readouterr().out
    assert 'Result 0: every check that "full" requires passed' in said
    assert "test network, invented figures" in said
    assert verify(*BROUGHT, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["notice"] == "test network, invented figures"
    assert report["subject"].startswith("exchange, licence PROV-7, epoch 2")


def state(name: str, scripts: tuple[bytes, ...]) -> bytes:
    """A state's statement of these scripts on the provider's own chain."""
    world = World(name)
    world.chain = honest().world.chain
    world.wallet("treasury", entity="treasury")
    wallet = world.wallets[0]
    world.wallets[0] = type(wallet)(
        id=wallet.id, entity=wallet.entity, name=wallet.name, scripts=scripts,
        lanes=wallet.lanes, declared=wallet.declared,
    )  # fmt: skip
    world.perimeter("all", "treasury")
    chain = world.chain
    made = world.made(chain.block_at(1), honest().read(honest().told[2].statement).block)
    return world.signed(made.statement)


def test_a_states_statement_beside_shows_coins_that_both_count(folder, capsys):
    (folder / "state.json").write_bytes(state("state", (script("cold"),)))
    assert verify(*BROUGHT, "--beside", "state.json") == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "coverage_beside failed" in said
    assert "is counted by state too" in said
    (folder / "state.json").write_bytes(state("state", (script("somebody"),)))
    assert verify(*BROUGHT, "--beside", "state.json") == 0


def test_a_providers_coverage_beside_a_states_statement_shows_them_too(folder, capsys):
    for declared, verdict in (("cold", "failed"), ("somebody", "passed")):
        (folder / "state.json").write_bytes(state("state", (script(declared),)))
        verify("state.json", "--beside", "coverage.json")
        said = " ".join(capsys.readouterr().out.split())
        assert f"beside {verdict}" in said
        assert ("is counted by exchange too" in said) is (verdict == "failed")


def test_the_parts_of_a_file_beside_must_give_its_root(folder, capsys):
    (folder / "state.json").write_bytes(state("state", (script("somebody"),)))
    other = json.loads((folder / "coverage.json").read_bytes())
    for part in other["parts"]:
        if part["name"] == "wallet/cold":
            part["body"]["name"] = {"en": "Warm"}
    (folder / "coverage.json").write_bytes(canonical_bytes(other) + b"\n")
    assert verify("state.json", "--beside", "coverage.json") == 2
    assert "its parts give another root" in capsys.readouterr().err


def test_the_same_provider_beside_itself_is_not_comparable(folder, capsys):
    assert verify(*BROUGHT, "--beside", "last.json") == 2
    assert "same publisher" in " ".join(capsys.readouterr().out.split())


def test_arguments_of_the_other_kind_of_statement_are_refused(folder, capsys):
    assert verify("coverage.json", "--valuation", "x.json") == 2
    assert "this is a provider's coverage" in capsys.readouterr().err
    (folder / "state.json").write_bytes(state("state", (script("somebody"),)))
    assert verify("state.json", "--slip", "slip") == 2
    assert "which this is not" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("last.json", b"{}", "in last.json"),
        ("regulator.json", b"{}", "in regulator.json"),
        ("epoch.json", b"[]", "in epoch.json"),
    ],
)
def test_a_file_that_is_brought_and_malformed_is_refused_by_its_name(
    folder, capsys, file, content, said
):
    (folder / file).write_bytes(content)
    assert verify(*BROUGHT) == 2
    assert said in capsys.readouterr().err


def test_a_recomputation_of_another_epoch_is_not_attached(folder, capsys):
    words = ["solvency", "statement", "countersign", "unsigned.json"]
    assert main([*words, "other.json", "--out", "x.json"]) == 2
    assert "it is of the epoch statement" in capsys.readouterr().err
    assert not (folder / "x.json").exists()
    assert main([*words, "recomputed.json", "--out", "x.json"]) == 0


def test_show_says_what_is_covered(folder, capsys):
    assert main(["solvency", "statement", "show", "coverage.json"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("test network, invented figures")
    assert "BTC: covered at block" in said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "line 1 is not"),
        (TABLE + "a,BTC,bank,Bank 1,1,d\n", "line 2: 6 columns"),
        (TABLE + "a,EUR,bank,Bank 1,1,d,\n", "line 2: nothing says how many decimals"),
        (TABLE + "a,PKR,shop,Bank 1,1,d,\n", "neither bank nor custodian"),
        (TABLE + "a,PKR,bank,Bank 1,1.234,d,\n", "more than 2 decimals"),
        (TABLE + "a,PKR,bank,Bank 1,-1,d,\n", "is no amount"),
        (TABLE + "a,PKR,bank,Bank 1,1,d,\na,PKR,bank,Bank 2,1,d,\n", "line 3: 'a' is no id"),
        (TABLE + "a,PKR,bank,Bank 1,1,d,AB\n", "64 hex digits"),
        (TABLE + "a,PKR,bank,,1,d,\n", "have names"),
    ],
)
def test_a_wrong_row_refuses_the_table_of_papers(folder, rows, said):
    path = folder / "attested.csv"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(FileRefused) as refused:
        attested_in(path, scales={"PKR": 2, "BTC": 8})
    assert said in str(refused.value)


def test_papers_are_read_in_the_smallest_unit(folder):
    path = folder / "attested.csv"
    path.write_text(TABLE + f"a,PKR,bank,Bank 1,15.20,letter,{'ab' * 32}\n", encoding="utf-8")
    (line,) = attested_in(path, scales={"PKR": 2})
    assert (line.amount, line.holder, line.file_sha256) == (1520, "Bank 1", "ab" * 32)


@pytest.mark.parametrize(
    "words",
    [
        ("--announced", "5", "--window", "5"),
        ("--announced", "500", "--window", "0"),
        ("--announced", "500", "--window", "100000"),
    ],
)
def test_a_draw_that_cannot_be_is_a_wrong_argument(folder, capsys, words):
    status = main(["solvency", "snapshot", *words, "--chain", "esplora:http://127.0.0.1:1"])
    assert status == 2
    assert "block" in capsys.readouterr().err


def test_a_customer_checks_a_slip_against_the_coverage_statement_itself(folder, capsys):
    words = [
        *("solvency", "check", "slip", "--statement", "coverage.json", "--level", "level.bin"),
        *("--words", "words 1", "--balance", "300000000"),
    ]
    assert main(words) == 0
    assert "your balance is in the total: 3.00000000 BTC" in capsys.readouterr().out
    assert main([*words, "--signer", "ab" * 32]) == 2
    assert "verify --office" in capsys.readouterr().err
    raw = (folder / "coverage.json").read_bytes()
    (folder / "coverage.json").write_bytes(raw.replace(b'"root":"', b'"root":"0', 1))
    assert main(words) == 2


def test_a_statement_whose_root_is_another_gives_no_epoch_to_check_slips_by(folder, capsys):
    raw = json.loads((folder / "unsigned.json").read_bytes())
    raw["root"] = "0" * 64
    content = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (folder / "coverage.json").write_text(content + "\n", encoding="utf-8")
    words = ["solvency", "check", "slip", "--statement", "coverage.json", "--words", "words 1"]
    assert main(words) == 2
    assert "do not give its root" in capsys.readouterr().err
