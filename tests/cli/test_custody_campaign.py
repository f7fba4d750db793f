"""`khazana custody prove` and `collect`: from a statement to PSBTs and back to proofs."""

from pathlib import Path

import pytest

from khazana.cli.campaigns import campaign_of
from khazana.cli.commands import custody_campaign
from khazana.cli.commands import verify as verify_command
from khazana.cli.main import main
from khazana.custody.control_evidence import COMMITMENT_TYPE, CONTROL_TYPE
from khazana.reserve.reading import read_reserve_statement
from tests.cli.proved import SIGNERS, told
from tests.custody.signing import fingerprint, signed


@pytest.fixture
def office(tmp_path, monkeypatch):
    """A folder with the statement; the chain in memory answers in place of a node."""
    (tmp_path / "statement.json").write_bytes(told().world.signed(told().statement))
    monkeypatch.setattr(custody_campaign, "chain_of", lambda _: told().world.chain)
    monkeypatch.setattr(verify_command, "chain_of", lambda _: told().world.chain)
    return tmp_path


def run(*words: object) -> int:
    return main([*map(str, words), "--chain", "esplora:http://127.0.0.1:1"])


def prove(office: Path, *words: str) -> int:
    return run("custody", "prove", office / "statement.json", "--out-dir", office / "out", *words)


def devices(office: Path, *, batch: tuple[str, ...] = (), without: str = "") -> list[Path]:
    """What the devices make of the files in out/, which must be those of the campaign."""
    statement = read_reserve_statement((office / "statement.json").read_bytes())
    campaign = campaign_of(statement, told().world.chain, batch=batch)
    back = []
    for round_ in campaign.rounds:
        assert (office / "out" / f"{round_.name}.psbt").read_bytes() == round_.psbt
        for name in SIGNERS[round_.wallet.id]:
            if name != without:
                back.append(office / f"{round_.name}-{name}.psbt")
                back[-1].write_bytes(signed(round_, name))
    return back[::-1]


def collect(office: Path, files: list[Path], *words: object) -> int:
    out = ("--out", office / "proved.json")
    return run("custody", "collect", office / "statement.json", *files, *out, *words)


def verified(office: Path, *words: object) -> int:
    pin = ("--office", told().world.identity.fingerprint)
    return run("verify", office / "proved.json", "--require", "control", *pin, *words)


@pytest.mark.parametrize("batch", [(), ("vault",), ("vault", "till", "modern")])
def test_from_the_statement_to_proofs_that_a_stranger_verifies(office, capsys, batch):
    words = [word for name in batch for word in ("--batch", name)]
    assert prove(office, *words) == 0
    shown = capsys.readouterr().out
    assert f"statement: {told().statement.root}" in shown
    assert "would expose 3 public keys" in shown
    assert "exposes nothing new: the address itself is the key" in shown
    assert collect(office, devices(office, batch=batch)) == 0
    assert verified(office) == 0
    assert "4 of 4 addresses" in " ".join(capsys.readouterr().out.split())


def test_a_missing_cosigner_is_named_and_nothing_is_written(office, capsys):
    prove(office)
    assert collect(office, devices(office, without="cia")) == 1
    assert f"missing: {fingerprint('bo')}, {fingerprint('cia')}" in capsys.readouterr().out
    assert not (office / "proved.json").exists()
    assert collect(office, devices(office, without="cia"), "--partial") == 1
    assert verified(office) == 2


def test_withheld_proofs_stay_in_a_file_of_their_own(office):
    prove(office)
    assert collect(office, devices(office), "--withhold", office / "proofs.json") == 0
    statement = read_reserve_statement((office / "proved.json").read_bytes()).envelope
    assert COMMITMENT_TYPE in {item.type for item in statement.evidence}
    assert CONTROL_TYPE not in {item.type for item in statement.evidence}
    assert (office / "proofs.json").stat().st_mode & 0o077 == 0
    assert verified(office) == 2
    assert verified(office, "--control", office / "proofs.json") == 0


def test_a_disclosure_of_totals_shows_no_address_through_its_proofs(office):
    prove(office)
    collect(office, devices(office))
    shown = office / "shown.json"
    for level, hidden in (("totals", True), ("addresses", False)):
        words = ["statement", "disclose", office / "proved.json", "--level", level]
        assert main([*map(str, words), "--out", str(shown)]) == 0
        text = shown.read_text("utf-8")
        assert (told().scripts["vault"][0].hex() not in text) is hidden
        assert (COMMITMENT_TYPE in text) is hidden


def test_files_are_never_overwritten_and_unknown_wallets_are_refused(office, capsys):
    assert prove(office) == 0
    assert prove(office) == 2
    assert prove(office, "--wallet", "hidden") == 2
    assert "no descriptor of wallet hidden" in capsys.readouterr().err


def test_coins_of_wallets_that_were_left_out_are_listed(office, capsys):
    assert prove(office, "--wallet", "till") == 1
    shown = capsys.readouterr().out
    assert shown.count("not planned: ") == 4
