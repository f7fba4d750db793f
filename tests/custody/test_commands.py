import pytest

from khazana.cli.main import main
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.quorums import RECOVERY, TWO_OF_THREE, parsed, register_text
from tests.custody.test_imports import COLDCARD, SPECTER
from tests.custody.test_labels import TXID, VECTORS

REGTEST = ["--network", "regtest"]


@pytest.fixture
def keys(tmp_path):
    file = tmp_path / "keys.toml"
    file.write_text(register_text())
    return file


def test_describe_says_who_may_spend(keys, capsys):
    words = ["custody", "describe", "--descriptor", RECOVERY, *REGTEST]
    assert main([*words, "--keys", str(keys)]) == 0
    assert capsys.readouterr().out == (
        "descriptor 1: any 2 of Anna, Bo, Cia; or Dara after about 1 year (52,560 blocks)\n"
    )
    assert main(words) == 0
    assert f"key 1 ({account('anna').fingerprint})" in capsys.readouterr().out


def test_describe_without_a_wallet_says_what_is_missing(capsys):
    assert main(["custody", "describe"]) == 2
    assert "--office or --descriptor" in capsys.readouterr().err


def test_keys_without_findings_ends_with_0(keys, capsys):
    words = ["custody", "keys", str(keys), "--descriptor", TWO_OF_THREE, *REGTEST]
    assert main([*words, "--on", "2026-06-01"]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [
        "descriptor 1: any 2 of Anna, Bo, Cia",
        "0 findings on 2026-06-01",
    ]


def test_keys_with_findings_ends_with_1(keys, capsys):
    words = ["custody", "keys", str(keys), "--descriptor", TWO_OF_THREE, *REGTEST]
    assert main([*words, "--on", "2027-06-01"]) == 1
    out = capsys.readouterr().out
    assert out.count("  K7: it last proved that it signs on 2026-05-20, 377 days ago") == 3
    assert out.endswith("3 findings on 2027-06-01\n")
    assert main([*words, "--on", "2027-06-01", "--health-days", "400"]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "yesterday"], "--on takes a day"),
        (["--health-days", "0"], "at least 1"),
        (["--descriptor", "wpkh(", *REGTEST], "refused at character"),
    ],
)
def test_keys_names_wrong_arguments(keys, words, said, capsys):
    assert main(["custody", "keys", str(keys), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_register_of_another_network_is_not_compared(keys, capsys):
    text = f"wpkh({account('anna', mainnet=True).public}/<0;1>/*)"
    assert main(["custody", "keys", str(keys), "--descriptor", text]) == 2
    assert "another network" in capsys.readouterr().err


def test_labels_are_checked_and_merged(tmp_path, capsys):
    ours, theirs, out = (tmp_path / name for name in ("ours", "theirs", "out"))
    ours.write_text(VECTORS)
    theirs.write_text(f'{{"type": "tx", "ref": "{TXID}", "label": "x"}}\n{{"type": "spscan"}}\n')
    assert main(["custody", "labels", str(ours)]) == 0
    assert capsys.readouterr().out == "7 labels, read without a problem\n"
    assert main(["custody", "labels", str(ours), "--merge", str(theirs), "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"8 labels written to {out}\n"
    assert captured.err == "1 records of unknown types were passed over\n"
    assert main(["custody", "labels", str(out), "--merge", str(out)]) == 0
    assert capsys.readouterr().out == out.read_text()


def test_labels_in_conflict_end_with_1(tmp_path, capsys):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for file, text in ((ours, "rent"), (theirs, "gift")):
        file.write_text(f'{{"type": "tx", "ref": "{TXID}", "label": "{text}"}}\n')
    assert main(["custody", "labels", str(ours), "--merge", str(theirs)]) == 1
    captured = capsys.readouterr()
    assert '"rent"' in captured.out
    assert "K13: ours says 'rent', theirs 'gift'" in captured.err


@pytest.mark.parametrize("export", [COLDCARD, SPECTER], ids=["coldcard", "specter"])
def test_import_prints_what_the_office_states(export, tmp_path, capsys):
    file = tmp_path / "export"
    file.write_text(export)
    assert main(["custody", "import", str(file), *REGTEST]) == 0
    out = capsys.readouterr().out
    assert f'descriptor = "{parsed(TWO_OF_THREE).text}"' in out
    assert "# First address, to compare with every device: bcrt1q" in out
    assert "gap = 20" in out


def test_import_of_a_wrong_file_names_its_line(tmp_path, capsys):
    file = tmp_path / "export"
    file.write_text(COLDCARD.replace("2 of 3", "2 of 4"))
    assert main(["custody", "import", str(file), *REGTEST]) == 2
    assert "line 4: the policy has 4 keys, the file 3" in capsys.readouterr().err
