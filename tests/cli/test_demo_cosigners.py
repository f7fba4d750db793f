"""The demo's cosigners sign what a campaign sends out, from the files alone."""

import pytest

from khazana.bitcoin.bip322.psbt import read_psbt
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.descriptor import parse_descriptor
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import OutPoint
from khazana.cli.demo.cosigners import Cosigner
from khazana.cli.demo.signers import AccountKey, SingleKey, Taproot, TwoOfThree
from khazana.custody.campaign import Campaign, CampaignWallet, plan_campaign
from khazana.custody.closing import Closing, ClosingCoin
from khazana.custody.collect import collect
from khazana.custody.message import control_message
from khazana.units import BlockHash, Height, Sats, Txid

BLOCK = BlockRef(Height(120), BlockHash("0b" * 32))
OUTLINES = ("pkh({})", "sh(wpkh({}))", "sh(wsh(sortedmulti(2,{},{})))", "sh(sortedmulti(2,{},{}))")


def campaign(text: str, *, batch: bool = False) -> Campaign:
    engine, descriptor = best_engine(), parse_descriptor(text, REGTEST)
    scripts = engine.derive(descriptor, branch=0, start=0, stop=3)
    coins = [
        ClosingCoin("cold", OutPoint(Txid(f"{n:064x}"), 0), Sats(n * 1_000), script)
        for n, script in enumerate(scripts, 1)
    ]
    message = control_message(
        office="office", network=REGTEST, test=True, root="ab" * 32, block=BLOCK
    )
    wallet = CampaignWallet("cold", descriptor, ((0, 3),), batch)
    return plan_campaign([wallet], Closing(BLOCK, coins), message=message, engine=engine)


def signed(planned: Campaign, cosigners: list[Cosigner]) -> list[tuple[str, bytes]]:
    return [(f"{c.name}-{r.name}", c.sign(r.psbt)) for c in cosigners for r in planned.rounds]


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("kind", [SingleKey, TwoOfThree, Taproot])
def test_a_demo_wallet_proves_its_coins(kind, batch):
    signer = kind("treasury")
    planned = campaign(signer.descriptor, batch=batch)
    cosigners = [Cosigner(f"c{n}", account) for n, account in enumerate(signer.accounts)]
    done = collect(planned, signed(planned, cosigners[-2:]))
    assert done.stray == ()
    assert done.complete, [state.words for state in done.rounds]


@pytest.mark.parametrize("outline", OUTLINES)
def test_other_kinds_of_scripts_are_signed_too(outline):
    accounts = [AccountKey(f"other/{n}", (48, 1, 0)) for n in range(outline.count("{}"))]
    planned = campaign(outline.format(*(account.expression for account in accounts)))
    done = collect(planned, signed(planned, [Cosigner(str(n), a) for n, a in enumerate(accounts)]))
    assert done.complete, [state.words for state in done.rounds]


def test_a_stranger_adds_nothing():
    planned = campaign(TwoOfThree("treasury").descriptor)
    (other,) = SingleKey("elsewhere").accounts
    for round_ in planned.rounds:
        assert Cosigner("stranger", other).sign(round_.psbt) == round_.psbt


def test_a_file_that_names_our_fingerprint_with_another_key_gets_no_signature():
    """Whoever writes a fingerprint into a file does not get a signature for it."""
    (ours,) = SingleKey("treasury").accounts
    (theirs,) = SingleKey("elsewhere").accounts
    text = f"wpkh({theirs.expression.replace(theirs.fingerprint.hex(), ours.fingerprint.hex())})"
    planned = campaign(text)
    for round_ in planned.rounds:
        assert Cosigner("ours", ours).sign(round_.psbt) == round_.psbt


def test_a_path_outside_the_account_gets_no_signature():
    (account,) = SingleKey("treasury").accounts
    hardened = 0x8000_0000
    inside = [84 + hardened, 1 + hardened, hardened, 0, 5]
    assert account.at(inside) is not None
    for path in (inside[:-1], [*inside, 0], [48 + hardened, *inside[1:]], []):
        assert account.at(path) is None


def test_what_is_no_psbt_is_refused():
    (account,) = SingleKey("treasury").accounts
    for raw in (b"", b"psbt\xff", b"hello"):
        with pytest.raises(MalformedBytes):
            Cosigner("x", account).sign(raw)


def test_nothing_but_signatures_is_added():
    signer = TwoOfThree("treasury")
    (first, *_) = campaign(signer.descriptor, batch=True).rounds
    back = Cosigner("c0", signer.accounts[0]).sign(first.psbt)
    assert read_psbt(back).unsigned == read_psbt(first.psbt).unsigned
    assert read_psbt(back).message == read_psbt(first.psbt).message
    assert len(back) > len(first.psbt)
