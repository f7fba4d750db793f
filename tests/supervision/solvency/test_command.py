"""From an extract to the regulator's signature, by the commands alone."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.main import main
from khazana.statement.dsse import read_envelope, valid_signers
from khazana.statement.keys import key_id, private_key_to_pem, public_bytes
from tests.supervision.solvency.test_extract import GOOD

KEYS = {
    name: Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32)
    for n, name in enumerate(("provider", "regulator"), 1)
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "extract.csv").write_text(GOOD)
    (tmp_path / "master").write_text("07" * 32)
    for name, key in KEYS.items():
        (tmp_path / name).write_bytes(private_key_to_pem(key))
    return tmp_path


def built(folder, *more, epoch=7, out="built"):
    return main(
        [
            "solvency",
            "build",
            str(folder / "extract.csv"),
            "--master",
            str(folder / "master"),
            "--provider",
            "Drill Exchange",
            "--licence",
            "DRILL-1",
            "--epoch",
            str(epoch),
            "--block-height",
            str(840_000 + epoch),
            "--block-hash",
            "00" * 32,
            "--network",
            "regtest",
            "--key",
            str(folder / "provider"),
            "--out",
            str(folder / out),
            *more,
        ]
    )


def checked(folder, *more, words="3520112345671"):
    return main(
        [
            "solvency",
            "check",
            str(folder / "slip"),
            "--statement",
            str(folder / "built" / "epoch.json"),
            "--level",
            str(folder / "built" / "level.bin"),
            "--words",
            words,
            *more,
        ]
    )


def proved(folder, *more):
    return main(
        [
            "solvency",
            "prove",
            "3520112345671",
            "--extract",
            str(folder / "extract.csv"),
            "--built",
            str(folder / "built"),
            "--out",
            str(folder / "slip"),
            *more,
        ]
    )


def recomputed(folder, *more, out="built"):
    return main(
        [
            "solvency",
            "recompute",
            str(folder / "extract.csv"),
            "--statement",
            str(folder / out / "epoch.json"),
            "--tree-key",
            str(folder / out / "tree-key.hex"),
            *more,
        ]
    )


def test_an_epoch_goes_from_csv_to_countersigned(folder, capsys):
    assert built(folder) == 0
    assert proved(folder) == 0
    signer = public_bytes(KEYS["provider"]).hex()
    assert checked(folder, "--balance", "10000000", "--signer", signer) == 0
    said = capsys.readouterr().out
    assert "your balance is in the total: 0.10000000 BTC" in said
    assert "test network, invented figures" in said
    key, out = str(folder / "regulator"), folder / "countersigned.json"
    assert recomputed(folder, "--key", key, "--out", str(out)) == 0
    envelope = read_envelope(json.loads(out.read_bytes()))
    public = public_bytes(KEYS["regulator"])
    assert valid_signers(envelope, {key_id(public): public}) == {key_id(public)}
    assert json.loads(envelope.payload)["trees"][0]["sum"] == 260_000_000


def test_somebody_elses_words_and_another_balance_are_rejected(folder, capsys):
    built(folder)
    proved(folder, "--to-root")
    assert checked(folder, words="somebody else") == 1
    assert "not_in_tree" in capsys.readouterr().out
    assert checked(folder, "--balance", "5") == 1
    assert "balance_differs" in capsys.readouterr().out


def test_another_signer_is_refused(folder, capsys):
    built(folder)
    proved(folder)
    assert checked(folder, "--signer", public_bytes(KEYS["regulator"]).hex()) == 2
    assert "did not sign" in capsys.readouterr().err


def test_a_customer_left_out_of_the_tree_is_found_by_the_regulator(folder, capsys):
    built(folder)
    path = folder / "extract.csv"
    path.write_text(GOOD.replace("a@b", "c@b"))
    key, out = str(folder / "regulator"), folder / "countersigned.json"
    assert recomputed(folder, "--key", key, "--out", str(out)) == 1
    assert "DIFFERS liabilities/BTC, root" in capsys.readouterr().out
    assert not out.exists()


def test_the_next_epoch_continues_the_last(folder, capsys):
    built(folder)
    before = ["--previous", str(folder / "built" / "epoch.json")]
    assert built(folder, *before, epoch=8, out="next") == 0
    assert recomputed(folder, *before, out="next") == 0
    assert built(folder, epoch=9, out="torn") == 0
    assert recomputed(folder, *before, out="torn") == 1
    said = capsys.readouterr().out
    assert "digest of the statement before" in said
    assert "root before" in said


def test_a_bad_extract_is_refused_with_its_row(folder, capsys):
    (folder / "extract.csv").write_text(GOOD.replace(",2.5", ",-2.5"))
    assert built(folder) == 2
    assert "line 4" in capsys.readouterr().err
    assert list((folder / "built").iterdir()) == []


def test_a_customer_without_a_row_is_named(folder, capsys):
    built(folder)
    assert (
        main(
            [
                "solvency",
                "prove",
                "nobody",
                "--extract",
                str(folder / "extract.csv"),
                "--built",
                str(folder / "built"),
                "--out",
                str(folder / "slip"),
            ]
        )
        == 2
    )
    assert "nobody" in capsys.readouterr().err
