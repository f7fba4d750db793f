"""Wallets handed to other programs: what is written is read back as the same wallet, or refused."""

import json

import pytest

from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.cli.main import main
from khazana.custody.exports.coldcard import coldcard_file
from khazana.custody.exports.electrum import electrum_wallet
from khazana.custody.exports.errors import NotExportable
from khazana.custody.imports.read import read_export
from tests.custody.quorums import RECOVERY, TAPROOT, TWO_OF_THREE, A, B, C, key, parsed
from tests.custody.test_no_secrets import OFFICE


@pytest.mark.parametrize("outline", ["wsh({})", "sh(wsh({}))", "sh({})"])
def test_a_coldcard_file_is_read_back_as_the_same_wallet(outline):
    descriptor = parsed(outline.format(f"sortedmulti(2,{A},{B},{C})"))
    text = coldcard_file(descriptor, name="Kalt ۱ storage of the treasury")
    assert text.startswith("Name: Kalt  storage of the\nPolicy: 2 of 3\n")
    engine = best_engine()
    back = read_export("file", text.encode(), REGTEST, engine).descriptor
    for branch in (0, 1):
        asked = {"branch": branch, "start": 0, "stop": 3}
        assert engine.derive(back, **asked) == engine.derive(descriptor, **asked)
    assert [key.origin_path for key in back.keys] == [key.origin_path for key in descriptor.keys]


def test_an_electrum_file_names_the_quorum_and_where_its_keys_come_from():
    content = json.loads(electrum_wallet(parsed(TWO_OF_THREE)))
    assert content["wallet_type"] == "2of3"
    assert content["x1/"]["xpub"].startswith("Vpub")
    assert content["x1/"]["derivation"] == "m/48'/1'/0'"
    assert content["x1/"]["root_fingerprint"] == parsed(TWO_OF_THREE).keys[0].fingerprint
    assert all(content[f"x{n}/"]["xprv"] is None for n in (1, 2, 3))
    main_net = json.loads(
        electrum_wallet(parsed(f"wpkh({key('anna', mainnet=True)})", mainnet=True))
    )
    assert main_net["keystore"]["xpub"].startswith("zpub")


BARE = A.partition("]")[2]
REFUSED = {
    "time lock": (RECOVERY, "neither one key nor a quorum with sorted keys"),
    "taproot": (TAPROOT, "neither one key nor a quorum with sorted keys"),
    "unsorted": (f"wsh(multi(2,{A},{B}))", "sorted keys"),
    "one branch": (f"wpkh({A.replace('<0;1>', '0')})", "do not end in /<0;1>/*"),
    "other branches": (f"wpkh({A.replace('<0;1>', '<2;3>')})", "do not end in"),
    "longer path": (f"wpkh({A.replace('<0;1>', '7/<0;1>')})", "do not end in"),
    "no origin": (f"wpkh({BARE})", "no origin"),
    "addresses": ("raw(0014751e76e8199196d454941c45d1b3a323f1433bd6)", "neither"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("write", [electrum_wallet, lambda d: coldcard_file(d, name="x")])
def test_what_the_program_would_get_wrong_is_refused(kind, write):
    text, said = REFUSED[kind]
    with pytest.raises(NotExportable, match=said.replace("*", r"\*")):
        write(parsed(text))


def test_one_key_is_no_multisig():
    with pytest.raises(NotExportable, match="one key is no multisig"):
        coldcard_file(parsed(f"wpkh({A})"), name="x")


@pytest.fixture
def office(tmp_path):
    lane = '[[wallet.lane]]\nlane = "owned"\n'
    ranges = "declared = 1\nrange = [{branch = 0, stop = 3}, {branch = 1, stop = 3}]\ngap = 0\n"
    rules = (
        '[rules]\nclose = "median_time_past"\nmin_depth = 6\ndust_threshold_sat = 0\n'
        'match_window_days = 3\ncurrency = "USD"\ncost_method = "fifo"\n'
        'unpaid_cost = "zero"\nimpairment = "never_reversed"\n'
        '[[entity]]\nid = "office"\nname = {en = "O"}\nsector = "x"\n'
    )
    text = OFFICE.replace("[[wallet]]", rules + "[[wallet]]") + ranges + lane
    (tmp_path / "office.toml").write_text(text)
    return tmp_path


def export(office, program, wallet="cold"):
    words = ["--office", str(office / "office.toml"), "--wallet", wallet, "--for", program]
    return main(["custody", "export", *words, "--out", str(office / program)])


@pytest.mark.parametrize("program", ["electrum", "coldcard", "descriptor"])
def test_the_command_writes_a_file_once_and_gives_an_address_to_compare(office, program, capsys):
    assert export(office, program) == 0
    assert "first address, to compare there: bcrt1q" in capsys.readouterr().out
    assert "prv" not in (office / program).read_text().replace("xprv", "")
    assert export(office, program) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_command_refuses_a_wallet_that_is_not_there(office, capsys):
    assert export(office, "electrum", "warm") == 2
    assert "no wallet warm by descriptor" in capsys.readouterr().err
