"""Verdicts on a small office by commands alone: evaluated, stated, verified, and lied about."""

import json

import pytest

pytest.importorskip("pbk", reason="the devnet extra is not installed")

from khazana.bitcoin.address import script_of
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import TxOut
from khazana.cli.main import main
from khazana.devnet.network import Devnet
from khazana.units import Sats
from tests.cli.serving import served
from tests.cli.test_first_statement import ADDRESS, DAY, START, write_office
from tests.conditions.memoranda import RIGHT

# The devnet's first block of its own is of 9 October 2025, and one follows a day.
BASE = "2026-01-10"


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """The folder of an office that bought 1.5 BTC after the base, and where its chain is."""
    folder = tmp_path_factory.mktemp("conditions")
    devnet = Devnet(tmp_path_factory.mktemp("devnet") / "data")
    devnet.mine(110, time=START, spacing=DAY)
    bought = devnet.pay([TxOut(Sats(150_000_000), script_of(ADDRESS, REGTEST))])
    devnet.mine(20, time=START + 110 * DAY, spacing=DAY)
    write_office(folder, ["aa" * 32, "bb" * 32], bought)
    (folder / "drill.toml").write_text(RIGHT.replace("2026-01-01", BASE))
    (folder / "liabilities.csv").write_text(
        "perimeter,as_of,amount_sat,document,attested_by,entered\n"
        f"public-sector,{BASE},0,letter-1,Company,2026-01-11T00:00:00Z\n"
        "public-sector,120,0,letter-2,Company,2026-02-11T00:00:00Z\n"
    )
    with served(devnet) as url:
        yield folder, f"esplora:{url}"
    devnet.close()


def words(folder, chain) -> list[str]:
    return [
        "--office",
        str(folder / "office.toml"),
        "--chain",
        chain,
        "--from",
        BASE,
        "--to",
        "120",
    ]


def test_a_purchase_is_measured_and_contradicts(office, capsys):
    folder, chain = office
    given = ["conditions", "evaluate", str(folder / "drill.toml"), *words(folder, chain)]
    given += ["--liabilities", str(folder / "liabilities.csv"), "--json"]
    assert main(given) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["notices"] == ["test network, invented figures"]
    (breached,) = [e for e in document["evaluated"] if e["verdict"] == "breached"]
    assert (breached["condition"], breached["measured"]) == ("no-accumulation", "1.5")
    (test,) = document["accumulation"]
    assert test["verdict"] == "contradicted"
    assert test["arrivals"][0]["reason"] == "acquisition"
    assert main(given[:-1]) == 1
    out = capsys.readouterr().out
    assert "accumulation in public-sector" in out
    assert "cannot be seen" in out


def test_a_statement_carries_the_verdicts_and_verify_computes_them_again(office, capsys):
    folder, chain = office
    drill, made = str(folder / "drill.toml"), str(folder / "statement.json")
    given = ["statement", "make", *words(folder, chain), "--out", made, "--memorandum", drill]
    given += ["--liabilities", str(folder / "liabilities.csv")]
    assert main(given) == 0
    capsys.readouterr()
    verify = ["verify", made, "--chain", chain, "--require", "full", "--json"]
    assert main([*verify, "--memorandum", drill]) == 0
    report = json.loads(capsys.readouterr().out)
    (check,) = [c for c in report["checks"] if c["name"] == "conditions"]
    assert (check["verdict"], check["required"]) == ("passed", True)
    softer = folder / "softer.toml"
    softer.write_text((folder / "drill.toml").read_text().replace('"-12150"', '"-12160"'))
    assert main([*verify, "--memorandum", str(softer)]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [c["name"] for c in report["checks"] if c["verdict"] == "failed"] == ["conditions"]


def test_figures_without_a_memorandum_are_refused(office, capsys):
    folder, chain = office
    given = ["statement", "make", *words(folder, chain), "--out", str(folder / "x.json")]
    assert main([*given, "--liabilities", str(folder / "liabilities.csv")]) == 2
    assert "need --memorandum" in capsys.readouterr().err
    assert not (folder / "x.json").exists()
