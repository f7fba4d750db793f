"""`khazana custody prove` and `collect`: from a statement to PSBTs and back to proofs."""

from dataclasses import replace
from pathlib import Path

import pytest

from khazana.bitcoin.address import address_of
from khazana.bitcoin.hashes import hash160
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.script import p2wpkh
from khazana.cli.campaigns import campaign_of
from khazana.cli.commands import custody_campaign, custody_seal
from khazana.cli.commands import verify as verify_command
from khazana.cli.main import main
from khazana.custody.control_evidence import COMMITMENT_TYPE, CONTROL_TYPE
from khazana.custody.qr_parts import PSBT, split_qr
from khazana.reserve.reading import read_reserve_statement
from khazana.units import Height
from tests.cli.proved import DESCRIPTORS, SIGNERS, told
from tests.custody.signing import fingerprint, message_signature, signed, single_key_proof
from tests.reserve.simulator import World


@pytest.fixture
def office(tmp_path, monkeypatch):
    """A folder with the statement; the chain in memory answers in place of a node."""
    (tmp_path / "statement.json").write_bytes(told().world.signed(told().statement))
    monkeypatch.setattr(custody_campaign, "chain_of", lambda _: told().world.chain)
    monkeypatch.setattr(custody_seal, "chain_of", lambda _: told().world.chain)
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


# Cosigners who sign the message alone


def armoured(message: str, signature: str, address: str = "1BoatSLRHtKNngkdXEeobR76b53LETtpyT"):
    return (
        "-----BEGIN BITCOIN SIGNED MESSAGE-----\n"
        f"{message}\n-----BEGIN BITCOIN SIGNATURE-----\n{address}\n{signature}\n"
        "-----END BITCOIN SIGNATURE-----\n"
    )


def alone(office: Path, *names: str, text: str | None = None) -> list[Path]:
    """Files as a Coldcard writes them, of these cosigners."""
    text = text or (office / "out" / "message.txt").read_text("ascii")
    files = []
    for name in names:
        files.append(office / f"{name}.txt")
        files[-1].write_text(armoured(text, message_signature(name, text)))
    return files


def test_cosigners_sign_the_message_alone_where_told_and_verify_grades_it(office, capsys):
    assert prove(office) == 0
    shown = capsys.readouterr().out
    assert f"vault: {fingerprint('anna')} at m/48h/1h/0h/0/0" in shown
    assert "an output that names it in a move: 6a20" in shown
    files = alone(office, "cia", "anna", "dara", "esa")
    assert collect(office, files) == 0
    assert f"{fingerprint('anna')}, {fingerprint('cia')} signed the message alone" in (
        capsys.readouterr().out
    )
    assert verified(office) == 2
    assert verified(office, "--control-grade", "messages") == 0
    assert "cosigners' messages, script not spent" in capsys.readouterr().out


def test_psbts_and_messages_come_back_together(office):
    prove(office)
    psbts = [path for path in devices(office) if "vault" not in path.name]
    assert collect(office, [*psbts, *alone(office, "anna", "bo")]) == 0
    assert verified(office) == 2
    assert verified(office, "--control-grade", "messages") == 0


def test_proofs_and_messages_are_withheld_in_files_of_their_own(office):
    prove(office)
    psbts = [path for path in devices(office) if "vault" not in path.name]
    files = [*psbts, *alone(office, "anna", "bo")]
    assert collect(office, files, "--withhold", office / "proofs.json") == 0
    proofs, messages = office / "proofs.json", office / "proofs.2.json"
    assert verified(office, "--control", proofs) == 2
    words = ("--control-grade", "messages")
    assert verified(office, "--control", proofs, *words) == 2
    assert verified(office, "--control", proofs, "--control", messages, *words) == 0


def test_too_few_cosigners_are_named(office, capsys):
    prove(office)
    assert collect(office, alone(office, "bo", "dara", "esa")) == 1
    shown = capsys.readouterr().out
    assert "that is too few" in shown
    assert fingerprint("anna") in shown.split("that is too few")[1]
    assert not (office / "proved.json").exists()


def test_messages_of_strangers_and_about_other_things_are_named(office, capsys):
    prove(office)
    text = (office / "out" / "message.txt").read_text("ascii")
    other = alone(office, "anna", text=text.replace(told().statement.root, "cd" * 32))
    stranger = alone(office, "dara")
    stranger[0].write_text(armoured(text, message_signature("mallory", text)))
    damaged = alone(office, "bo")
    damaged[0].write_text(damaged[0].read_text().replace("-----END", "----END"))
    assert collect(office, [*other, *stranger, *damaged]) == 1
    shown = capsys.readouterr().out
    assert "anna.txt: it is about another message" in shown
    assert "dara.txt: its signature is by no key of these wallets" in shown
    assert "bo.txt: not a signed message that can be read" in shown


@pytest.mark.parametrize("prefix", ["smp", ""])
def test_a_bip_322_message_by_a_key_of_its_own_is_taken_also_without_its_prefix(office, prefix):
    prove(office)
    text = (office / "out" / "message.txt").read_text("ascii")
    key = DESCRIPTORS["till"].keys[0]
    address = address_of(p2wpkh(hash160(key.public_key(0, 0))), REGTEST)
    proof = prefix + single_key_proof("dara", text).removeprefix("smp")
    (office / "dara.txt").write_text(armoured(text, proof, address))
    files = [office / "dara.txt", *alone(office, "anna", "bo", "esa")]
    assert collect(office, files) == 0
    assert verified(office, "--control-grade", "messages") == 0


# Sealed proofs


def sealed(office: Path, key: str, name: str = "Audit Office") -> int:
    words = ["custody", "seal", office / "proved.json", office / "proofs.json", "--to", key]
    out = ("--sealed", office / "proofs.age", "--out", office / "sealed.json")
    return main([*map(str, words), "--for", name, *map(str, out)])


def opened(office: Path, identity: str) -> int:
    (office / "key.txt").write_text(identity)
    words = ["custody", "open", office / "sealed.json", office / "proofs.age"]
    out = ("--identity", office / "key.txt", "--out", office / "opened.json")
    return main([*map(str, words), *map(str, out)])


def verified_sealed(office: Path, *words: object) -> int:
    pin = ("--office", told().world.identity.fingerprint)
    return run("verify", office / "sealed.json", "--require", "control", *pin, *words)


@pytest.fixture
def auditor():
    pyrage = pytest.importorskip("pyrage", reason="the office profile brings age")
    return pyrage.x25519.Identity.generate()


@pytest.fixture
def withheld(office):
    prove(office)
    assert collect(office, devices(office), "--withhold", office / "proofs.json") == 0
    return office


def test_proofs_sealed_for_an_auditor_are_for_nobody_else(withheld, auditor, capsys):
    key = str(auditor.to_public())
    assert sealed(withheld, key) == 0
    assert told().scripts["vault"][0].hex().encode() not in (withheld / "proofs.age").read_bytes()
    capsys.readouterr()
    assert verified_sealed(withheld) == 2
    shown = "".join(capsys.readouterr().out.split())
    assert f"sealedforAuditOffice({key}),hash" in shown
    assert opened(withheld, str(auditor)) == 0
    assert (withheld / "opened.json").stat().st_mode & 0o077 == 0
    assert verified_sealed(withheld, "--control", withheld / "opened.json") == 0


def test_somebody_else_cannot_open_them(withheld, auditor, capsys):
    sealed(withheld, str(type(auditor).generate().to_public()))
    assert opened(withheld, str(auditor)) == 2
    assert "sealed for somebody else" in capsys.readouterr().err
    assert not (withheld / "opened.json").exists()


def test_an_altered_sealed_file_is_named(withheld, auditor, capsys):
    sealed(withheld, str(auditor.to_public()))
    raw = bytearray((withheld / "proofs.age").read_bytes())
    raw[-1] ^= 1
    (withheld / "proofs.age").write_bytes(raw)
    assert opened(withheld, str(auditor)) == 2
    assert "was changed" in capsys.readouterr().err


def test_another_file_sealed_for_the_same_reader_is_named(withheld, auditor, capsys):
    """Encrypted again by whoever has the proofs: the same content is not the same file."""
    from khazana.custody.sealing import seal

    key = str(auditor.to_public())
    sealed(withheld, key)
    proofs = (withheld / "proofs.json").read_bytes()
    (withheld / "proofs.age").write_bytes(seal(proofs, [key]))
    assert opened(withheld, str(auditor)) == 2
    assert "is not the one whose hash the statement states" in capsys.readouterr().err
    (withheld / "proofs.age").write_bytes(seal(proofs.replace(b"smp", b"pof", 1), [key]))
    assert opened(withheld, str(auditor)) == 2
    assert "its hash is none that the statement commits to" in capsys.readouterr().err


def test_opened_proofs_that_were_changed_afterwards_are_refused_by_verify(withheld, auditor):
    sealed(withheld, str(auditor.to_public()))
    opened(withheld, str(auditor))
    text = (withheld / "opened.json").read_text()
    (withheld / "opened.json").write_text(text.replace("Khazana", "Khazanas", 1))
    assert verified_sealed(withheld, "--control", withheld / "opened.json") == 2


def test_only_what_the_statement_commits_to_is_sealed(withheld, auditor, capsys):
    (withheld / "proofs.json").write_bytes(b'{"type":"khazana.control/1"}\n')
    assert sealed(withheld, str(auditor.to_public())) == 2
    assert "its hash is none" in capsys.readouterr().err
    assert not (withheld / "proofs.age").exists()


def test_keys_and_names_pair_up(withheld, auditor, capsys):
    words = ["custody", "seal", withheld / "proved.json", withheld / "proofs.json"]
    more = ["--to", str(auditor.to_public()), "--for", "A", "--for", "B"]
    out = ["--sealed", withheld / "proofs.age", "--out", withheld / "sealed.json"]
    assert main([*map(str, words), *more, *map(str, out)]) == 2
    assert "do not pair up" in capsys.readouterr().err


# Moves


def test_moves_are_attached_only_if_the_chain_has_them(office, capsys):
    coin = told().coins[0].outpoint
    words = ["custody", "moved", office / "statement.json", "--out", office / "proved.json"]
    height = next(
        height
        for height in range(told().end.height)
        if any(t.txid == coin.txid for t in told().world.chain.blocks[height].transactions)
    )
    assert run(*words, f"{coin.txid}@{height}") == 0
    assert verified(office) == 1  # before the closing block
    assert run(*words, f"{coin.txid}@{height + 1}") == 2
    assert run(*words, "nonsense") == 2
    assert "TXID@HEIGHT" in capsys.readouterr().err


# Codes and recovery


def test_codes_go_out_and_scanned_codes_come_back(office, capsys):
    pytest.importorskip("segno", reason="the office profile brings segno")
    assert prove(office, "--qr") == 0
    names = {path.name for path in (office / "out").iterdir()}
    assert {"vault-1.psbt", "vault-1.qr.svg", "vault-1.qr-01.svg", "message.qr-01.svg"} <= names
    files = devices(office)
    for path in files[1:]:
        parts = split_qr(path.read_bytes(), file_type=PSBT)
        path.with_suffix(".txt").write_text("\n".join(parts[::-1]))
    missing = files[0].with_suffix(".txt")
    missing.write_text(split_qr(files[0].read_bytes(), file_type=PSBT, size=64)[0])
    texts = [path.with_suffix(".txt") for path in files]
    assert collect(office, texts) == 1
    assert f"{missing}: the scanned codes give no file: of " in capsys.readouterr().out
    assert collect(office, [files[0], *texts[1:]]) == 0
    assert verified(office) == 0


@pytest.mark.parametrize("words", ["vault:0", "vault:x", "vault:"])
def test_recovery_paths_are_named_by_wallet_and_number(office, words, capsys):
    assert prove(office, "--recovery", words) == 2
    assert "--recovery" in capsys.readouterr().err


def test_a_wallet_without_a_recovery_path_says_so(office, capsys):
    assert prove(office, "--recovery", "vault") == 2
    assert "wallet vault has 0 ways to spend that wait" in capsys.readouterr().err
    assert prove(office, "--recovery", "vault", "--recovery", "vault:1") == 2


# Beside another office's statement


def test_verify_compares_with_the_statements_that_a_reader_brings(office, capsys):
    prove(office)
    collect(office, devices(office))
    world = World("neighbour", chain=told().world.chain)
    world.wallet("chest", entity="bank")
    world.perimeter("all", "chest")
    start = world.chain.block_at(Height(1))
    (office / "fine.json").write_bytes(world.signed(world.made(start, told().end).statement))
    assert verified(office, "--beside", office / "fine.json") == 0
    assert "compared with neighbour at block" in " ".join(capsys.readouterr().out.split())
    script = told().scripts["till"][0]
    world.wallets[0] = replace(world.wallets[0], scripts=(script,))
    (office / "twice.json").write_bytes(world.signed(world.made(start, told().end).statement))
    both = ("--beside", office / "fine.json", "--beside", office / "twice.json")
    assert verified(office, *both) == 1
    shown = "".join(capsys.readouterr().out.split())
    coin = next(c.outpoint for c in told().coins if c.script == script)
    assert "beside" in shown
    assert str(coin) in shown
    assert script.hex() in shown
    assert verified(office, "--beside", office / "nowhere.json") == 2
