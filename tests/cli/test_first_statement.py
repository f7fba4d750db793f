"""An office's first statement by commands alone, and a stranger who verifies it."""

import json
from pathlib import Path

import pytest

from khazana.cli.keys import read_key
from khazana.cli.main import main
from khazana.statement.keys import public_bytes

pytest.importorskip("pbk", reason="the devnet extra is not installed")

from khazana.bitcoin.address import script_of
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import TxOut
from khazana.devnet.network import Devnet
from khazana.units import Sats
from tests.cli.serving import served

START = 1_760_000_000
DAY = 86_400
ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
OTHER = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"

OFFICE = """\
format = "khazana.office/1"

[office]
id = "small-office"
name = {{ en = "Small Office" }}
network = "regtest"
test = true
timezone = "Asia/Karachi"

[rules]
close = "median_time_past"
min_depth = 6
dust_threshold_sat = 1_000
match_window_days = 3
currency = "USD"
cost_method = "weighted_average"
unpaid_cost = "fair_value"
impairment = "never_reversed"

[files]
documents = ["documents.csv"]

[[entity]]
id = "treasury"
name = {{ en = "Treasury" }}
sector = "budgetary central government"

[[wallet]]
id = "cold"
entity = "treasury"
name = {{ en = "Cold storage" }}
declared = 1
addresses = ["{ADDRESS}", "{OTHER}"]

[[wallet.lane]]
lane = "owned"

[[perimeter]]
id = "public-sector"
name = {{ en = "Public sector" }}

[[perimeter.member]]
wallet = "cold"

{KEYS}
"""


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """120 daily blocks, one purchase, one receipt nobody explains."""
    devnet = Devnet(tmp_path_factory.mktemp("devnet") / "data")
    devnet.mine(110, time=START, spacing=DAY)
    bought = devnet.pay([TxOut(Sats(150_000_000), script_of(ADDRESS, REGTEST))])
    devnet.mine(time=START + 110 * DAY)
    devnet.pay([TxOut(Sats(5_000), script_of(OTHER, REGTEST))])
    devnet.mine(10, time=START + 111 * DAY, spacing=DAY)
    with served(devnet) as url:
        yield f"esplora:{url}", bought
    devnet.close()


def keys_section(publics: list[str]) -> str:
    keys = "\n".join(
        f'[[key]]\nid = "key-{n}"\npublic = "{public}"\n' for n, public in enumerate(publics)
    )
    names = ", ".join(f'"key-{n}"' for n in range(len(publics)))
    roles = "\n".join(
        f'[[role]]\nrole = "{role}"\nthreshold = 2\nkeys = [{names}]\n'
        for role in ("root", "statement")
    )
    return f"{keys}\n{roles}"


def write_office(folder: Path, publics: list[str], bought: str) -> Path:
    office = folder / "office.toml"
    office.write_text(OFFICE.format(ADDRESS=ADDRESS, OTHER=OTHER, KEYS=keys_section(publics)))
    (folder / "documents.csv").write_text(
        "id,reason,at,account,txid,amount_btc,counterparty,currency,paid,fees,"
        "file_sha256,attested_by\n"
        f"invoice-1,acquisition,2026-01-27T12:00:00Z,cold,{bought},1.5,Exchange A,USD,150000.00,"
        f"300.00,{'ab' * 32},Exchange A\n"
    )
    return office


@pytest.fixture(scope="module")
def published(chain, tmp_path_factory):
    """The files of an office that signed its first statement with two of three keys."""
    source, bought = chain
    folder = tmp_path_factory.mktemp("office")
    publics = []
    for n in range(3):
        assert main(["office", "keygen", "--out", str(folder / f"key-{n}.pem")]) == 0
        publics.append(public_bytes(read_key(folder / f"key-{n}.pem")).hex())
    office = write_office(folder, publics, bought)
    run(
        "office",
        "identity",
        "--office",
        office,
        "--out",
        folder / "office.json",
        "--key",
        folder / "key-0.pem",
        "--key",
        folder / "key-1.pem",
    )
    run(
        "statement",
        "make",
        "--office",
        office,
        "--chain",
        source,
        "--from",
        "0",
        "--to",
        "tip-5",
        "--identity",
        folder / "office.json",
        "--out",
        folder / "unsigned.json",
        "--documents-out",
        folder / "documents.json",
        "--salt-seed",
        "07" * 32,
    )
    signed = folder / "unsigned.json"
    for n in range(2):
        target = folder / f"signed-{n}.json"
        run(
            "statement",
            "sign",
            signed,
            "--identity",
            folder / "office.json",
            "--key",
            folder / f"key-{n}.pem",
            "--out",
            target,
        )
        signed = target
    signed.rename(folder / "statement.json")
    return source, folder


def run(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


def verified(capsys, *words) -> tuple[int, dict]:
    status = main(["verify", *map(str, words), "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_key_file_is_for_its_owner_alone_and_never_overwritten(tmp_path, capsys):
    path = tmp_path / "key.pem"
    assert main(["office", "keygen", "--out", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    assert main(["office", "keygen", "--out", str(path)]) == 2
    assert "exists already; not overwritten" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_stranger_verifies_the_statement_and_knows_what_it_rests_on(published, capsys):
    source, folder = published
    status, report = verified(
        capsys,
        folder / "statement.json",
        "--chain",
        source,
        "--office",
        folder / "office.json",
        "--documents",
        folder / "documents.json",
        "--require",
        "full",
    )
    assert status == 0, report
    assert report["notice"] == "test network, invented figures"
    checks = {check["name"]: check for check in report["checks"]}
    assert checks["identity"]["verdict"] == "passed"
    assert checks["documents"]["verdict"] == "passed"
    assert checks["completeness"]["basis"].startswith("word of http://127.0.0.1")
    assert any("cannot be seen" in limit for limit in report["limits"])


def test_a_fingerprint_is_enough_to_pin_the_office(published, capsys):
    source, folder = published
    main(["office", "fingerprint", str(folder / "office.json")])
    fingerprint = capsys.readouterr().out.splitlines()[0]
    status, _ = verified(
        capsys, folder / "statement.json", "--chain", source, "--office", fingerprint
    )
    assert status == 0
    other = "00" * 32
    status, report = verified(
        capsys, folder / "statement.json", "--chain", source, "--office", other
    )
    assert status == 1
    assert [c["name"] for c in report["checks"] if c["verdict"] == "failed"] == ["identity"]


def test_without_a_pin_the_signer_is_unknown_and_the_figures_still_hold(published, capsys):
    source, folder = published
    status, report = verified(capsys, folder / "statement.json", "--chain", source)
    assert status == 0
    assert {c["name"]: c["verdict"] for c in report["checks"]}["identity"] == "not checkable"


def test_control_is_not_checkable_without_proofs(published, capsys):
    source, folder = published
    status, _ = verified(
        capsys, folder / "statement.json", "--chain", source, "--require", "control"
    )
    assert status == 2


def test_a_changed_byte_fails(published, tmp_path, capsys):
    source, folder = published
    raw = (folder / "statement.json").read_bytes()
    changed = tmp_path / "changed.json"
    changed.write_bytes(raw.replace(b'"closing":150005000', b'"closing":150005001', 1))
    assert changed.read_bytes() != raw
    status, report = verified(capsys, changed, "--chain", source)
    assert status == 1
    assert "root" in [c["name"] for c in report["checks"] if c["verdict"] == "failed"]


def test_the_same_seed_gives_the_same_file(published, tmp_path):
    source, folder = published
    again = tmp_path / "again.json"
    run(
        "statement",
        "make",
        "--office",
        folder / "office.toml",
        "--chain",
        source,
        "--from",
        "0",
        "--to",
        "tip-5",
        "--identity",
        folder / "office.json",
        "--salt-seed",
        "07" * 32,
        "--out",
        again,
    )
    assert again.read_bytes() == (folder / "unsigned.json").read_bytes()


def test_what_nothing_explains_is_said_on_the_screen(published, capsys):
    _, folder = published
    run("statement", "show", folder / "statement.json")
    shown = capsys.readouterr().out
    assert "test network, invented figures" in shown
    assert "unexplained" in shown
    assert "0.00005000 BTC" in shown
    assert "acquisition" in shown


def test_a_disclosure_verifies_at_its_level(published, tmp_path, capsys):
    source, folder = published
    public = tmp_path / "public.json"
    run(
        "statement",
        "disclose",
        folder / "statement.json",
        "--level",
        "addresses",
        "--out",
        public,
    )
    capsys.readouterr()
    status, report = verified(capsys, public, "--chain", source, "--office", folder / "office.json")
    assert status == 0, report
    totals = tmp_path / "totals.json"
    run("statement", "disclose", folder / "statement.json", "--level", "totals", "--out", totals)
    capsys.readouterr()
    assert verified(capsys, totals, "--chain", source, "--require", "totals")[0] == 0
    assert verified(capsys, totals, "--chain", source)[0] == 2


def test_the_journal_is_exported_for_bookkeepers(published, tmp_path):
    source, folder = published
    out = tmp_path / "journal.csv"
    run("ledger", "journal", folder / "statement.json", "--chain", source, "--out", out)
    assert "test network, invented figures" in out.read_text()
    beans = tmp_path / "journal.beancount"
    run(
        "ledger",
        "journal",
        folder / "statement.json",
        "--chain",
        source,
        "--format",
        "beancount",
        "--out",
        beans,
    )
    loader = pytest.importorskip("beancount.loader")
    _, errors, _ = loader.load_file(str(beans))
    assert errors == []


PRICES = """at,venue,rule,base,currency,price
2011-02-02T23:00:00Z,Test Venue,invented for tests,BTC,USD,60000.00
2026-01-27T00:00:00Z,Test Venue,invented for tests,BTC,USD,90000.00
"""


def test_a_valuation_with_costs_is_made_and_a_stranger_computes_it_again(
    published, tmp_path, capsys
):
    source, folder = published
    (tmp_path / "prices.csv").write_text(PRICES)
    made = [
        "statement", "value", folder / "statement.json", "--prices", tmp_path / "prices.csv",
        "--currency", "USD", "--documents", folder / "documents.json",
        "--office", folder / "office.toml", "--chain", source,
        "--out", tmp_path / "valuation.json",
    ]  # fmt: skip
    run(*made)
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "perimeter/public-sector: cost 150300.00" in shown.out
    asked = [
        folder / "statement.json", "--chain", source, "--valuation", tmp_path / "valuation.json",
        "--documents", folder / "documents.json", "--prices", tmp_path / "prices.csv",
    ]  # fmt: skip
    status, report = verified(capsys, *asked)
    checks = {check["name"]: check for check in report["checks"]}
    assert (status, checks["valuation"]["verdict"]) == (0, "passed"), report
    assert "which your own confirm" in checks["valuation"]["basis"]
    (tmp_path / "prices.csv").write_text(PRICES.replace("90000", "90001"))
    status, report = verified(capsys, *asked)
    assert status == 1
    assert [c["name"] for c in report["checks"] if c["verdict"] == "failed"] == ["valuation"]


def test_one_key_of_two_is_not_enough(published, capsys):
    source, folder = published
    status, report = verified(
        capsys, folder / "signed-0.json", "--chain", source, "--office", folder / "office.json"
    )
    assert status == 1
    assert [c["name"] for c in report["checks"] if c["verdict"] == "failed"] == ["signatures"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--from", "0", "--to", "99999"], "has no block at height 99999"),
        (["--from", "0", "--to", "never"], "names no block"),
        (["--from", "0", "--to", "tip-5", "--salt-seed", "07"], "--salt-seed has 64 hex digits"),
        (["--from", "0", "--to", "00" * 32], "not in the best chain"),
    ],
)
def test_a_period_that_cannot_be_is_refused_and_nothing_is_written(
    published, tmp_path, capsys, words, said
):
    source, folder = published
    out = tmp_path / "out.json"
    office = str(folder / "office.toml")
    status = main(
        ["statement", "make", "--office", office, "--chain", source, *words, "--out", str(out)]
    )
    assert status == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_every_command_on_a_test_network_says_so(published, tmp_path, capsys):
    source, folder = published
    statement, identity = folder / "statement.json", folder / "office.json"
    key, once, journal = folder / "key-2.pem", folder / "signed-0.json", tmp_path / "journal.csv"
    full, signed = tmp_path / "full.json", tmp_path / "signed.json"
    for words in (
        ["statement", "show", statement],
        ["statement", "disclose", statement, "--level", "full", "--out", full],
        ["statement", "sign", once, "--identity", identity, "--key", key, "--out", signed],
        ["office", "check", folder / "office.toml"],
        ["office", "fingerprint", identity],
        ["verify", statement, "--chain", source],
        ["ledger", "journal", statement, "--chain", source, "--out", journal],
    ):
        run(*words)
        assert "test network, invented figures" in capsys.readouterr().out, words


@pytest.mark.parametrize("option", ["--office", "--previous", "--documents", "--valuation"])
def test_of_several_files_the_one_that_cannot_be_used_is_named(published, tmp_path, capsys, option):
    source, folder = published
    wrong = tmp_path / "wrong.json"
    wrong.write_text("{}")
    words = ["verify", folder / "statement.json", "--chain", source, option, wrong]
    assert main([str(word) for word in words]) == 2
    assert capsys.readouterr().err.startswith(f"khazana: in {wrong}: ")
