"""A campaign's files signed and finished by a wallet program (BDK), passed from one to the next."""

import base64

import pytest

from khazana.bitcoin.bip322.verdict import State, Variant
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.transaction import OutPoint
from khazana.custody.campaign import CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import collect
from khazana.custody.message import control_message
from khazana.units import BlockHash, Height, Sats, Txid
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.quorums import NUMS, RECOVERY, TWO_OF_THREE, A, B, C, parsed

bdk = pytest.importorskip("bdkpython", reason="the office profile brings BDK")

BLOCK = BlockRef(Height(120), BlockHash("0b" * 32))
OPTIONS = {
    "trust_witness_utxo": True,
    "assume_height": None,
    "allow_all_sighashes": False,
    "sign_with_tap_internal_key": True,
    "allow_grinding": True,
}
KINDS = {
    "wpkh": (f"wpkh({A})", ["anna"]),
    "wsh": (TWO_OF_THREE, ["anna", "cia"]),
    "miniscript": (RECOVERY, ["bo", "cia"]),
    "tr key": (f"tr({A})", ["anna"]),
    "tr tree": (f"tr({NUMS},multi_a(2,{A},{B},{C}))", ["anna", "bo"]),
}


def planned(text, *, batch):
    engine, descriptor = best_engine(), parsed(text)
    scripts = engine.derive(descriptor, branch=0, start=0, stop=4)
    coins = [
        ClosingCoin("safe", OutPoint(Txid(f"{n:064x}"), 1), Sats(n * 10_000), script)
        for n, script in enumerate([scripts[0], scripts[3], scripts[0]], 1)
    ]
    message = control_message(
        office="office", network=REGTEST, test=True, root="ab" * 32, block=BLOCK
    )
    wallet = CampaignWallet("safe", descriptor, ((0, 4),), batch)
    return plan_campaign([wallet], Closing(BLOCK, coins), message=message, engine=engine)


def signed(text, name, psbt, *, finish=False):
    held = account(name)
    descriptor = bdk.Descriptor(
        text.replace(held.public, held.private).replace("<0;1>", "0"), bdk.NetworkKind.TEST
    )
    wallet = bdk.Wallet.create_single(
        descriptor, bdk.Network.REGTEST, bdk.Persister.new_in_memory()
    )
    wallet.reveal_addresses_to(bdk.KeychainKind.EXTERNAL, 4)
    part = bdk.Psbt(base64.b64encode(psbt).decode())
    wallet.sign(part, bdk.SignOptions(**OPTIONS, try_finalize=finish))
    return base64.b64decode(part.serialize())


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_each_device_signs_a_file_of_its_own(kind, batch):
    text, names = KINDS[kind]
    campaign = planned(text, batch=batch)
    back = [
        (f"{name}-{r.name}", signed(text, name, r.psbt)) for name in names for r in campaign.rounds
    ]
    done = collect(campaign, back)
    assert done.stray == ()
    assert done.complete, [state.words for state in done.rounds]


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_one_file_goes_from_device_to_device_and_comes_back_finished(kind, batch):
    text, names = KINDS[kind]
    campaign = planned(text, batch=batch)
    back = []
    for round_ in campaign.rounds:
        assert (round_.variant is Variant.PROOF_OF_FUNDS) is batch
        psbt = round_.psbt
        for name in names:
            psbt = signed(text, name, psbt, finish=name == names[-1])
        back.append((round_.name, psbt))
    done = collect(campaign, back)
    assert done.complete, [state.words for state in done.rounds]
    assert {state.verdict.state for state in done.rounds} == {State.VALID}
