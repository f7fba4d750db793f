"""From an extract to the regulator's signature, by the commands alone."""

import json
import resource

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from khazana.cli.main import main
from khazana.statement.dsse import read_envelope, valid_signers
from khazana.statement.keys import key_id, private_key_to_pem, public_bytes
from khazana.supervision.solvency.slip import slip_bytes
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
            str(folder / "built" / "liabilities-BTC.level.bin"),
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
            "--tree-keys",
            str(folder / out / "tree-keys.txt"),
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
    assert not (folder / "built").exists()
    assert not [each for each in folder.iterdir() if each.name.startswith(".")]


def three_sections(folder):
    other = GOOD.replace("BTC,8", "USDT,6").replace("000000,", "0000,")
    debts = GOOD.replace("8,liabilities", "8,debts").replace("a@b.example", "debtor")
    (folder / "extract.csv").write_text(GOOD + other + debts)
    return ["--asset", "USDT,6,1000000000000000", "--leaves", "debts/BTC=50"]


def test_one_extract_makes_a_tree_for_each_asset_and_for_debts(folder, capsys):
    assert built(folder, *three_sections(folder)) == 0
    said = capsys.readouterr().out
    assert "debts/BTC: 2.60000000 BTC, 2 customers, 50 leaves" in said
    assert "liabilities/USDT: 2.600000 USDT, 2 customers, 4 leaves" in said
    names = {each.name for each in (folder / "built").iterdir()}
    trees = ("debts-BTC", "liabilities-BTC", "liabilities-USDT")
    files = {f"{tree}.{what}.bin" for tree in trees for what in ("tree", "level")}
    assert names == files | {"epoch.json", "tree-keys.txt"}
    assert (folder / "built" / "tree-keys.txt").stat().st_mode & 0o777 == 0o600
    key, out = str(folder / "regulator"), folder / "countersigned.json"
    assert recomputed(folder, "--key", key, "--out", str(out), "--checks", "29") == 0
    said = capsys.readouterr().out
    assert "3 trees built again" in said
    assert "0.1 % (0 customers): 2,995 checks find one with 95 %, 6,905 with 99.9 %" in said
    assert "29 checks find one of 9.8 %" in said
    trees = json.loads(read_envelope(json.loads(out.read_bytes())).payload)["trees"]
    assert [tree["name"] for tree in trees] == ["debts/BTC", "liabilities/BTC", "liabilities/USDT"]


def test_a_debt_kept_out_of_the_statement_is_found_by_the_regulator(folder, capsys):
    built(folder)
    debts = GOOD.replace("8,liabilities", "8,debts")
    (folder / "extract.csv").write_text(GOOD + debts)
    assert recomputed(folder) == 1
    assert "DIFFERS debts/BTC, tree: stated absent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("USDT,6", "DOGE,6", "line 6: the asset 'DOGE' is not among those named: BTC, USDT"),
        ("USDT,6", "USDT,8", "line 6: USDT has 6 decimals, not 8"),
        ("8,debts", "8,liabilities", "line 11: begins liabilities/BTC, which stands in line 1 too"),
        ("8,debts", "8,gifts", "line 11: 'gifts' is neither of liabilities and debts"),
        ("debtor,2.5", "debtor,-2.5", "line 14: the balance '-2.50000000' is negative"),
        ("#total,2.600000,2\n", "", "line 10: is not the last line"),
    ],
)
def test_a_bad_section_refuses_the_whole_extract(folder, capsys, old, new, told):
    more = three_sections(folder)
    path = folder / "extract.csv"
    path.write_text(path.read_text().replace(old, new))
    assert built(folder, *more) == 2
    assert told in capsys.readouterr().err
    assert not (folder / "built").exists()


def test_a_full_disk_leaves_nothing_behind(folder, capsys):
    """No file may have more than 100 bytes here; the trees need more."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, usual[1]))
    try:
        assert built(folder) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert "file too large" in capsys.readouterr().err
    assert not [each for each in folder.iterdir() if "built" in each.name]


def test_an_epoch_is_never_overwritten(folder, capsys):
    assert built(folder) == 0
    before = (folder / "built" / "epoch.json").read_bytes()
    assert built(folder, epoch=8) == 2
    assert "never overwritten" in capsys.readouterr().err
    assert (folder / "built" / "epoch.json").read_bytes() == before


@pytest.mark.parametrize(
    "more",
    [
        ["--asset", "USDT,6"],
        ["--asset", "BTC,8,5"],
        ["--asset", "usdt,6,5"],
        ["--leaves", "debts/BTC=5"],
        ["--leaves", "many"],
        ["--leaves", "0"],
        ["--shares", "0"],
        ["--most-per-leaf", "0"],
        ["--epoch", "-1"],
    ],
)
def test_wrong_words_are_refused_before_anything_is_made(folder, more):
    assert built(folder, *more) == 2
    assert not (folder / "built").exists()


def batch(folder, *more):
    places = ["--extract", str(folder / "extract.csv"), "--built", str(folder / "built")]
    return main(["solvency", "prove", *places, *more])


def test_all_customers_are_proved_in_a_folder_and_in_a_bundle(folder, capsys):
    (folder / "extract.csv").write_text(GOOD.replace("a@b.example", "../a"))
    assert built(folder) == 0
    assert batch(folder, "--all", "--out", str(folder / "slips")) == 0
    files = sorted((folder / "slips" / "liabilities-BTC").iterdir())
    assert [each.name for each in files] == ["..%2Fa.slip", "3520112345671.slip"]
    assert files[0].stat().st_mode & 0o777 == 0o600
    (folder / "slip").write_bytes(files[1].read_bytes())
    assert checked(folder) == 0
    (folder / "ids").write_text("../a\n")
    bundle = folder / "bundle.csv"
    assert batch(folder, "--list", str(folder / "ids"), "--bundle", str(bundle)) == 0
    lines = bundle.read_text().splitlines()
    assert lines[0].startswith("#khazana.slips/1,")
    customer, tree, text = lines[2].split(",")
    assert (customer, tree, len(lines)) == ("../a", "liabilities/BTC", 3)
    assert slip_bytes(text.encode()) == files[0].read_bytes()
    assert "2 slips" in capsys.readouterr().out


def test_a_customer_of_several_trees_gets_a_slip_of_each(folder):
    assert built(folder, *three_sections(folder)) == 0
    who = "3520112345671"
    assert batch(folder, who, "--out", str(folder / "slips")) == 0
    assert len(list((folder / "slips").glob(f"*/{who}.slip"))) == 3
    assert batch(folder, who, "--tree", "debts/BTC", "--out", str(folder / "slip")) == 0
    one = (folder / "slips" / "debts-BTC" / f"{who}.slip").read_bytes()
    assert (folder / "slip").read_bytes() == one


def test_a_list_with_somebody_unknown_makes_nothing(folder, capsys):
    built(folder)
    (folder / "ids").write_text("3520112345671\nnobody\n")
    for where in (["--out", str(folder / "slips")], ["--bundle", str(folder / "bundle")]):
        assert batch(folder, "--list", str(folder / "ids"), *where) == 2
        assert "nobody" in capsys.readouterr().err
    assert not (folder / "slips").exists()
    assert not (folder / "bundle").exists()
    assert batch(folder, "--all", "--tree", "gifts/BTC", "--out", str(folder / "slips")) == 2
    assert batch(folder, "--all", "nobody", "--out", str(folder / "slips")) == 2


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
