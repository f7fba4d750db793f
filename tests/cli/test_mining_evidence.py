"""`khazana mining` on evidence: what is handed over is checked, and each wrong is located."""

import json

import pytest

from khazana.bitcoin.address import address_of
from khazana.bitcoin.block import Block, Header
from khazana.bitcoin.chain import BlockNotInBestChain, BlockRef
from khazana.bitcoin.network import MAINNET, REGTEST
from khazana.bitcoin.simulated import SimulatedChain
from khazana.cli.commands import mining_evidence
from khazana.cli.main import main
from khazana.mining.evidence.readings import write_readings
from khazana.mining.evidence.seals import write_seals
from khazana.mining.receipts.chain_slots import slots_on_chain
from khazana.mining.receipts.receipt import read_receipts, write_receipts
from khazana.units import Height
from tests.mining.metering import METERS, file_of, honest, seals_of
from tests.mining.shares import FIRST, RESERVE, TARGET, headers, shares, slots, template
from tests.mining.test_pools import ADDRESS, HEAD, TWIN, line
from tests.mining.test_pools import FIRST as PAID

BILL = (
    "document,meter,from,until,energy_kwh\ninv-1,main-1,2026-01-01T00:00:00Z,2026-01-02T00:00:00Z,"
)


class RealHeaders:
    """The 128 real headers as a chain that knows nothing else."""

    network = MAINNET
    basis = "128 headers"

    def __init__(self) -> None:
        self.found: list[Header] = headers()
        self.heights = {h.hash: Height(FIRST + n) for n, h in enumerate(self.found)}

    def tip(self) -> BlockRef:
        return self.block_at(Height(FIRST + 127))

    def block_at(self, height: Height) -> BlockRef:
        return BlockRef(height, self.found[height - FIRST].hash)

    def block_of(self, block_hash):
        if block_hash not in self.heights:
            raise BlockNotInBestChain(block=block_hash, source="128 headers")
        return BlockRef(self.heights[block_hash], block_hash)

    def headers(self, first, last):
        return self.found[max(0, first - FIRST) : last.height - FIRST + 1]


@pytest.fixture
def site(tmp_path):
    values = honest()
    (tmp_path / "meters.toml").write_text(METERS)
    (tmp_path / "r.csv").write_bytes(write_readings(("main-1", v) for v in values))
    (tmp_path / "seals.csv").write_bytes(write_seals(seals_of(file_of(values))))
    (tmp_path / "bills.csv").write_text(BILL + "240000\n")
    return tmp_path


def readings(site, *more):
    files = ["--meters", str(site / "meters.toml"), "--seals", str(site / "seals.csv")]
    return main(["mining", "readings", "check", str(site / "r.csv"), *files, *more])


def test_honest_readings_pass(site, capsys):
    assert readings(site, "--bills", str(site / "bills.csv")) == 0
    said = capsys.readouterr().out
    assert "145 readings of 1 meters, 145 in days whose seal holds, 0 not" in said
    assert "1 bills held against the counters" in said
    assert said.endswith("nothing found wrong\n")


def test_each_wrong_is_printed_with_its_rule_and_place(site, capsys):
    raw = (site / "r.csv").read_bytes().splitlines(keepends=True)
    (site / "r.csv").write_bytes(b"".join([*raw[:10], *raw[12:]]))
    (site / "bills.csv").write_text(BILL + "250000\n")
    assert readings(site, "--bills", str(site / "bills.csv"), "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert [f["rule"] for f in report["findings"]] == ["E3", "E11", "E11", "E11", "E11", "E13"]
    assert report["findings"][0]["where"].endswith("r.csv, line 11, meter main-1")
    assert readings(site) == 1
    assert "5 findings" in capsys.readouterr().out


def test_malformed_readings_are_refused_whole(site, capsys):
    (site / "r.csv").write_text("meter,seq\n")
    assert readings(site) == 2
    assert "line 1, (header)" in capsys.readouterr().err


def test_payouts_are_held_to_the_chain(tmp_path, capsys, monkeypatch):
    chain = SimulatedChain()
    chain.add_block([PAID, TWIN])
    monkeypatch.setattr(mining_evidence, "chain_of", lambda args: chain)
    file = tmp_path / "payouts.csv"
    file.write_text(HEAD + line(txid=PAID.txid, vout=0))
    command = ["mining", "payouts", "check", str(file), "--chain", "x", "--address", ADDRESS]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.startswith("test network, invented figures\n1 payouts, 1 of them shown")
    file.write_text(HEAD + line(txid=PAID.txid, vout=0) + line("d2", "site-2"))
    assert main([*command, "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["notice"] == "test network, invented figures"
    assert report["arrivals"][0]["amount_sat"] == 1_000_000
    assert [f["rule"] for f in report["findings"]] == ["E16"]


def receipts(tmp_path, made, *more, target=f"{TARGET:x}"):
    file = tmp_path / "r.khr"
    file.write_bytes(write_receipts("site-1", TARGET, made))
    address = address_of(RESERVE, MAINNET)
    words = ["--chain", "x", "--address", address, "--target", target]
    return main(["mining", "receipts", "check", str(file), *words, *more])


def test_receipts_are_counted_and_a_bad_one_is_located(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(mining_evidence, "chain_of", lambda args: RealHeaders())
    assert receipts(tmp_path, shares(10)) == 0
    said = capsys.readouterr().out
    assert "10 receipts, 10 count (128 headers)" in said
    assert "site-1, epoch 330 (blocks 665301 to 665301): 10 shares, 6.4000e+02 hashes" in said
    one, two = shares(2)
    assert receipts(tmp_path, [one, two, one], "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["receipts"], report["counted"]) == (3, 2)
    assert [f["rule"] for f in report["findings"]] == ["E27"]
    assert report["work"][0]["hashes"] == "128"
    assert receipts(tmp_path, shares(1, template(below=bytes(32)))) == 1
    assert "E22" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["0", "x", "-1", "1" * 65, ""])
def test_a_target_that_is_none_is_refused(target, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(mining_evidence, "chain_of", lambda args: RealHeaders())
    assert receipts(tmp_path, [], f"--target={target}") == 2
    assert "hex digits" in capsys.readouterr().err


def test_a_file_of_receipts_is_shown_unchecked(tmp_path, capsys):
    file = tmp_path / "r.khr"
    file.write_bytes(write_receipts("site-1", TARGET, shares(2)))
    assert main(["mining", "receipts", "show", str(file)]) == 0
    assert "2 receipts, nothing of them checked" in capsys.readouterr().out


def test_slots_looked_up_in_a_chain_are_those_of_its_headers():
    made = shares(1) + shares(1, template(position=30))
    file = read_receipts("r", write_receipts("site-1", TARGET, made))
    found = slots_on_chain(RealHeaders(), [file])
    every = slots()
    assert len(found) == 11
    assert all(every[below] == slot for below, slot in found.items())
    assert slots_on_chain(RealHeaders(), []) == {}


def test_slots_from_the_first_blocks_of_a_chain():
    chain = SimulatedChain()
    tip = chain.add_blocks(3)
    raw = chain.blocks[1].header
    assert isinstance(chain.blocks[1], Block)
    receipt = shares(1)[0]
    on_first = receipt._replace(header=receipt.header[:4] + raw.hash_le + receipt.header[36:])
    file = read_receipts("r", write_receipts("site-1", TARGET, [on_first]))
    found = slots_on_chain(chain, [file])
    assert found[raw.hash_le].height == 2
    assert tip.height == 3
    assert chain.network == REGTEST
