"""A campaign in a real wallet program: Electrum opens it, reads it as we say it, and signs it.

What it cannot do is tested as well: it shows nothing of BIP-322, and knows no time locks.
"""

import json
from pathlib import Path

import pytest
import wallycore

from khazana.bitcoin.address import address_of
from khazana.bitcoin.base_encodings import base58check_decode, base58check_encode
from khazana.bitcoin.bip322.verdict import State, Variant
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import Descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import collect
from khazana.custody.exports.electrum import electrum_wallet
from khazana.custody.message import control_message
from khazana.custody.psbt_files import psbt_of_file, psbt_text
from khazana.units import BlockHash, Height, Sats, Txid
from tests.custody.electrum_program import Electrum, electrum_program
from tests.custody.signing import fingerprint, master, wallet

BLOCK = BlockRef(Height(120), BlockHash("0b" * 32))
MESSAGE = control_message(office="office", network=REGTEST, test=True, root="ab" * 32, block=BLOCK)
QUORUM = ("anna", "bo", "cia")
# How the file writes the key that a device would hold: SLIP-132's private version bytes.
KINDS = {
    "p2wsh": (wallet("wsh(sortedmulti(2,{},{},{}))", *QUORUM), QUORUM, 2, "02575048"),
    "p2wsh-p2sh": (wallet("sh(wsh(sortedmulti(2,{},{},{})))", *QUORUM), QUORUM, 2, "024285b5"),
    "p2sh": (wallet("sh(sortedmulti(2,{},{},{}))", *QUORUM), QUORUM, 2, "04358394"),
    "p2wpkh": (wallet("wpkh({})", "anna"), ("anna",), 1, "045f18bc"),
    "p2wpkh-p2sh": (wallet("sh(wpkh({}))", "anna"), ("anna",), 1, "044a4e28"),
    "p2pkh": (wallet("pkh({})", "anna"), ("anna",), 1, "04358394"),
}


@pytest.fixture(scope="module")
def electrum(tmp_path_factory) -> Electrum:
    return electrum_program(tmp_path_factory.mktemp("electrum"))


def campaign(descriptor: Descriptor, *, batch: bool = False) -> Campaign:
    engine = best_engine()
    receive = engine.derive(descriptor, branch=0, start=0, stop=5)
    change = engine.derive(descriptor, branch=1, start=0, stop=2)
    coins = [
        ClosingCoin("cold", OutPoint(Txid(f"{n:064x}"), n), Sats(n * 50_000), script)
        for n, script in enumerate([receive[0], receive[4], receive[0], change[1]], 1)
    ]
    return plan_campaign(
        [CampaignWallet("cold", descriptor, ((0, 5), (1, 2)), batch)],
        Closing(BLOCK, coins),
        message=MESSAGE,
        engine=engine,
    )


def written(folder: Path, planned: Campaign) -> list[Path]:
    files = [folder / f"{round_.name}.psbt" for round_ in planned.rounds]
    for file, round_ in zip(files, planned.rounds, strict=True):
        file.write_text(psbt_text(round_.psbt))
    return files


def watching(folder: Path, descriptor: Descriptor) -> Path:
    file = folder / "watching"
    file.write_text(electrum_wallet(descriptor))
    return file


def device(folder: Path, kind: str, name: str) -> Path:
    """A wallet file of one cosigner: the exported one, with this test's key put in."""
    descriptor, names, _, version = KINDS[kind]
    content = json.loads(electrum_wallet(descriptor))
    key = wallycore.bip32_key_from_parent_path_str(master(name), "m/48h/1h/0h", 0, 0)
    secret = base58check_decode(
        wallycore.bip32_key_to_base58(key, wallycore.BIP32_FLAG_KEY_PRIVATE)
    )
    place = "keystore" if len(names) == 1 else f"x{names.index(name) + 1}/"
    content[place]["xprv"] = base58check_encode(bytes.fromhex(version) + secret[4:])
    file = folder / f"device-{name}"
    file.write_text(json.dumps(content))
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_it_watches_the_same_addresses(electrum, kind, tmp_path):
    descriptor = KINDS[kind][0]
    said = electrum.reads(watching(tmp_path, descriptor))
    for branch, shown in enumerate((said["receiving"], said["change"])):
        scripts = best_engine().derive(descriptor, branch=branch, start=0, stop=6)
        assert shown == [address_of(script, REGTEST) for script in scripts]
    assert said["watching"]
    assert said["kind"] == ("standard" if len(KINDS[kind][1]) == 1 else "2of3")


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_it_reads_inputs_scripts_and_quorum_as_we_say_them(electrum, kind, batch, tmp_path):
    descriptor, names, required, _ = KINDS[kind]
    planned = campaign(descriptor, batch=batch)
    files = written(tmp_path, planned)
    found = electrum.reads(watching(tmp_path, descriptor), *files)["files"]
    for round_, read in zip(planned.rounds, found, strict=True):
        if kind in ("p2wsh", "p2wpkh"):  # of others it counts the redeem script in
            assert read["txid"] == round_.unsigned.txid
        assert (read["version"], read["lock_time"]) == (0, 0)
        # The message of BIP-322 is a field it does not know: carried along, not shown.
        assert read["unknown"] == {"09": MESSAGE.text.encode().hex()}
        assert read["outputs"] == [[0, "6a"]]
        assert read["signed"] == [0, required * len(round_.inputs)]
        assert all(read["mine"])
        for each, spent, said in zip(
            round_.inputs, round_.unsigned.inputs, read["inputs"], strict=True
        ):
            assert said["coin"] == str(spent.outpoint)
            assert said["sequence"] == 0
            assert said["amount"] == each.spent.amount
            assert said["address"] == address_of(each.spent.script, REGTEST)
            assert said["kind"] == kind
            assert said["required"] == required
            assert set(said["keys"]) == {public.hex() for _, public in each.scripts.keys}
            if each.scripts.witness is not None:
                assert said["witness_script"] == each.scripts.witness.hex()
            path = [48 + (1 << 31), 1 + (1 << 31), 1 << 31, each.branch, each.index]
            assert sorted(said["paths"].values()) == sorted(
                [fingerprint(name), path] for name in names
            )


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_it_signs_and_what_comes_back_is_a_proof(electrum, kind, batch, tmp_path):
    descriptor, names, required, _ = KINDS[kind]
    planned = campaign(descriptor, batch=batch)
    back = []
    for name in names[-required:]:
        said = electrum.signs(device(tmp_path, kind, name), *written(tmp_path, planned))
        back += [(f"{name}-{n}", text.encode()) for n, text in enumerate(said)]
    done = collect(planned, back)
    assert done.stray == ()
    assert done.complete, [state.words for state in done.rounds]
    assert {state.verdict.state for state in done.rounds} == {State.VALID}
    batched = batch and kind not in ("p2sh", "p2pkh")
    assert {r.variant for r in planned.rounds} <= (
        {Variant.PROOF_OF_FUNDS} if batched else {Variant.SIMPLE, Variant.FULL}
    )


def test_one_file_goes_from_hand_to_hand_and_comes_back_as_a_finished_transaction(
    electrum, tmp_path
):
    """Electrum writes no PSBT any more once it has all signatures: hex of the transaction."""
    planned = campaign(KINDS["p2wsh"][0], batch=True)
    (round_,) = planned.rounds
    text = psbt_text(round_.psbt).strip()
    for name in ("bo", "anna"):
        text = electrum.run(device(tmp_path, "p2wsh", name), "signtransaction", text).strip()
    assert bytes.fromhex(text)
    done = collect(planned, [("finished.txt", text.encode())])
    assert done.stray == ()
    assert done.complete
    spoiled = text[:-200] + ("0" if text[-200] != "0" else "1") + text[-199:]
    assert not collect(planned, [("spoiled.txt", spoiled.encode())]).complete


def test_a_device_of_another_wallet_adds_nothing(electrum, tmp_path):
    planned = campaign(KINDS["p2wsh"][0])
    text = psbt_text(planned.rounds[0].psbt).strip()
    said = electrum.run(device(tmp_path, "p2wpkh", "anna"), "signtransaction", text)
    done = collect(planned, [("x", said.encode())])
    assert done.rounds[0].signed == ()
    assert done.rounds[0].proof is None


@pytest.mark.parametrize("cut", [120, 200, 301])
def test_hex_that_is_no_whole_transaction_is_refused(cut):
    raw = campaign(KINDS["p2wsh"][0]).rounds[0].unsigned.serialize().hex() * 3
    with pytest.raises(MalformedBytes):
        psbt_of_file(raw[: cut & ~1].encode())
