"""Proofs of control of a provider's coins: asked for, collected, verified, and lied about."""

from dataclasses import replace
from functools import cache

import pytest

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.cli.commands import solvency_statement
from khazana.cli.commands import verify as verify_command
from khazana.cli.coverage_control import campaign_of_coverage
from khazana.cli.main import main
from khazana.ledger.accounts import Lane, LaneSpan, Wallet
from khazana.ledger.office import BranchRange, DescriptorSource, Office
from khazana.statement.envelope import write_statement
from khazana.supervision.coverage.reading import read_coverage
from khazana.units import Height
from tests.cli.proved import DESCRIPTORS, SIGNERS
from tests.custody.signing import signed
from tests.reserve.simulator import BTC, World, rerooted
from tests.supervision.coverage.scene import Scene


class Described(World):
    """A provider that states its wallets by descriptors."""

    def office(self) -> Office:
        sources = {
            name: DescriptorSource(d.text, (BranchRange(0, 3),), 0)
            for name, d in DESCRIPTORS.items()
        }
        return replace(super().office(), sources=sources)


class Keyed(Scene):
    """Wallets whose devices are known: 8 BTC in the vault, 4 in the till."""

    def __post_init__(self) -> None:
        world = self.world = Described("exchange")
        genesis = world.chain.block_at(Height(0))
        derived = {
            n: best_engine().derive(d, branch=0, start=0, stop=3) for n, d in DESCRIPTORS.items()
        }
        for name, scripts in derived.items():
            lanes = (LaneSpan(Lane.OWNED, None),)
            world.wallets.append(
                Wallet(name, "exchange", {"en": name}, tuple(scripts), lanes, genesis)
            )
        world.mine(3)
        world.fund(derived["vault"][0], 8 * BTC)
        world.fund(derived["till"][1], 4 * BTC)
        world.mine(30)


@cache
def keyed() -> Keyed:
    scene = Keyed()
    scene.publish(1, attested=[])
    return scene


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "made.json").write_bytes(write_statement(keyed().told[1].statement))
    for command in (solvency_statement, verify_command):
        monkeypatch.setattr(command, "chain_of", lambda _: keyed().world.chain)
    return tmp_path


def run(*words: object) -> int:
    return main([*map(str, words), "--chain", "esplora:http://127.0.0.1:1"])


def devices(folder, statement, *, without: str = "") -> list[object]:
    """What the devices make of the files in out/."""
    found = []
    for each in campaign_of_coverage(read_coverage(statement), keyed().world.chain).rounds:
        assert (folder / "out" / f"{each.name}.psbt").read_bytes() == each.psbt
        for name in SIGNERS[each.wallet.id]:
            if name != without:
                found.append(folder / f"{each.name}-{name}.psbt")
                found[-1].write_bytes(signed(each, name))
    return found


def proved(folder, name: str = "made.json") -> int:
    path = folder / name
    assert run("solvency", "statement", "prove", path, "--out-dir", folder / "out") == 0
    back = devices(folder, path.read_bytes())
    made = folder / "proved.json"
    return run("solvency", "statement", "collect", path, *back, "--out", made)


def verified(path, *words: object) -> int:
    return run("verify", path, "--require", "control", *words)


def test_from_the_statement_to_proofs_that_a_stranger_verifies(folder, capsys):
    assert verified(folder / "made.json") == 2
    assert proved(folder) == 0
    capsys.readouterr()
    assert verified(folder / "proved.json") == 0
    said = capsys.readouterr().out
    assert "test network, invented figures" in said
    assert "2 of 2 addresses" in " ".join(said.split())


def test_descriptors_are_withheld_from_the_public_and_proofs_stay(folder):
    proved(folder)
    out = folder / "public.json"
    words = ["solvency", "statement", "disclose", str(folder / "proved.json"), "--out", str(out)]
    assert main(words) == 0
    assert b"wsh(" not in out.read_bytes()
    assert verified(out) == 0
    assert main([*words, "--without-wallets"]) == 0
    assert keyed().world.wallets[0].scripts[0].hex() not in out.read_text("utf-8")
    assert verified(out) == 2


def test_a_missing_cosigner_leaves_nothing_written(folder, capsys):
    path = folder / "made.json"
    run("solvency", "statement", "prove", path, "--out-dir", folder / "out")
    back = devices(folder, path.read_bytes(), without="cia")
    out = folder / "proved.json"
    assert run("solvency", "statement", "collect", path, *back, "--out", out) == 1
    assert "missing" in capsys.readouterr().out
    assert not out.exists()


def test_proofs_of_another_statement_do_not_count(folder, capsys):
    """The proofs of an honest statement, copied to one that states another licence."""
    proved(folder)
    evidence = read_coverage((folder / "proved.json").read_bytes()).envelope.evidence

    def change(parts):
        parts["header"]["office"]["name"]["en"] = "Another name"

    other = rerooted(keyed().told[1].statement, change)
    moved = tuple(
        replace(item, subject_root=other.root, fields={**item.fields, "subject_root": other.root})
        for item in evidence
    )
    lie = folder / "lie.json"
    lie.write_bytes(write_statement(replace(other, evidence=moved)))
    capsys.readouterr()
    assert verified(lie) == 1
    said = capsys.readouterr().out
    assert "wrong root" in said


def test_coins_of_somebody_else_stay_unproved_however_they_are_listed(folder, capsys):
    """A wallet whose keys are not the provider's: its coins are there, its proof is not."""
    proved(folder)
    made = read_coverage((folder / "proved.json").read_bytes()).envelope
    till = keyed().world.wallets[1].scripts[1].hex()
    (item,) = made.evidence
    fewer = [proof for proof in item.fields["proofs"] if proof["script"] != till]
    assert len(fewer) == 1
    lie = replace(item, fields={**item.fields, "proofs": fewer})
    path = folder / "lie.json"
    path.write_bytes(write_statement(replace(made, evidence=(lie,))))
    capsys.readouterr()
    assert verified(path) == 2
    assert "1 of 2 addresses" in " ".join(capsys.readouterr().out.split())
    forged = {**item.fields["proofs"][0], "script": till}
    forged.pop("address", None)
    lie = replace(item, fields={**item.fields, "proofs": [*fewer, forged]})
    path.write_bytes(write_statement(replace(made, evidence=(lie,))))
    assert verified(path) == 1
