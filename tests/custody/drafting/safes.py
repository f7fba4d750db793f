"""Wallets, coins on paper, and signers (BDK) for the tests of drafting."""

import base64
from fractions import Fraction

import pytest

from khazana.bitcoin.address import address_of
from khazana.bitcoin.chain import BlockRef, Coin
from khazana.bitcoin.descriptor_engines import best_engine
from khazana.bitcoin.network import REGTEST
from khazana.bitcoin.script import p2wpkh
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.custody.drafting.assemble import Ground
from khazana.custody.drafting.make import draft_payment
from khazana.custody.drafting.payments import payment
from khazana.custody.drafting.rules import DraftRules
from khazana.custody.drafting.wallet import Place, spending_wallet
from khazana.units import BlockHash, Height, Sats, Txid
from tests.bitcoin.descriptor_keys_for_tests import account
from tests.custody.quorums import NUMS, RECOVERY, TWO_OF_THREE, A, B, C, D, parsed

bdk = pytest.importorskip("bdkpython", reason="the office profile brings BDK")

ENGINE = best_engine()
TIP = BlockRef(Height(800), BlockHash("0c" * 32))
STOP = 12

# outline, who signs, in words: each of these spends at once
KINDS = {
    "pkh": (f"pkh({A})", ["anna"]),
    "wpkh": (f"wpkh({A})", ["anna"]),
    "sh-wpkh": (f"sh(wpkh({A}))", ["anna"]),
    "sh-multi": (f"sh(multi(2,{A},{B},{C}))", ["bo", "cia"]),
    "wsh": (TWO_OF_THREE, ["anna", "cia"]),
    "sh-wsh": (f"sh(wsh(sortedmulti(2,{A},{B},{C})))", ["bo", "cia"]),
    "recovery": (RECOVERY, ["bo", "cia"]),
    "thresh": (f"wsh(thresh(2,pk({A}),s:pk({B}),sln:older(144)))", ["anna", "bo"]),
    "andor": (f"wsh(andor(pk({A}),pk({B}),and_v(v:pkh({C}),older(10))))", ["anna", "bo"]),
    "tr-key": (f"tr({A})", ["anna"]),
    "tr-multi": (f"tr({NUMS},multi_a(2,{A},{B},{C}))", ["anna", "bo"]),
    "tr-tree": (
        f"tr({NUMS},{{multi_a(2,{A},{B},{C}),and_v(v:pk({D}),older(52560))}})",
        ["anna", "cia"],
    ),
    "tr-leaves": (f"tr({NUMS},{{and_v(v:pk({A}),pk({B})),{{pk({C}),pk({D})}}}})", ["cia"]),
}


def safe(text=TWO_OF_THREE, *, name="safe", stop=STOP, **more):
    descriptor = parsed(text)
    branches = tuple((branch, stop) for branch in range(descriptor.branches))
    return spending_wallet(name, descriptor, branches, ENGINE, **more)


def stranger(name):
    """A script that is nobody's here."""
    return p2wpkh(bytes.fromhex(account(name).wif.encode().hex())[:20])


def address(name):
    return address_of(stranger(name), REGTEST)


def to(name, amount, **more):
    return payment(address(name), Sats(amount), REGTEST, **more)


def funded(wallet, amounts, *, height=700, coinbase=False, branch=0):
    """Coins of the wallet at indexes 0, 1, ..., with the transactions that made them."""
    coins, previous = [], {}
    for index, amount in enumerate(amounts):
        script = wallet.script_at(Place(branch, index), ENGINE)
        source = OutPoint(Txid(f"{index + 1:064x}"), branch)
        made = Transaction(
            2,
            (TxIn(source, b"", 0xFFFFFFFF),),
            (TxOut(Sats(1_000), stranger("change")), TxOut(Sats(amount), script)),
            height,
        )
        previous[made.txid] = made
        block = BlockRef(Height(height), BlockHash("0b" * 32))
        coins.append(Coin(made.outpoint(1), Sats(amount), script, block, coinbase))
    return coins, previous


def rules(feerate=5, **more):
    return DraftRules(feerate=Fraction(feerate), **more)


def ground(wallet, feerate=5, *, previous=None, tip=TIP, way=None, **more):
    return Ground(
        wallet=wallet,
        engine=ENGINE,
        tip=tip,
        rules=rules(feerate, **more),
        previous=previous or {},
        way=way,
    )


def drafted(wallet, payments, coins, previous, *, feerate=5, change_index=0, tip=TIP, **more):
    """A payment with what the tests mostly leave alone."""
    extra = {key: more.pop(key) for key in ("cap_per_address", "long_term_feerate") if key in more}
    return draft_payment(
        wallet,
        payments,
        coins=coins,
        previous=previous,
        tip=tip,
        rules=rules(feerate, **extra),
        engine=ENGINE,
        change_index=change_index,
        **more,
    )


_OPTIONS = {
    "trust_witness_utxo": False,
    "assume_height": None,
    "allow_all_sighashes": False,
    "sign_with_tap_internal_key": True,
    "allow_grinding": True,
}


def signed(wallet, name, psbt, *, finish=False):
    """The PSBT as a wallet program gives it back that holds one person's keys of both branches."""
    held = account(name)
    text = wallet.descriptor.body.replace(held.public, held.private)
    part = bdk.Psbt(base64.b64encode(psbt).decode())
    for branch in ("0", "1"):
        descriptor = bdk.Descriptor(text.replace("<0;1>", branch), bdk.NetworkKind.TEST)
        signer = bdk.Wallet.create_single(
            descriptor, bdk.Network.REGTEST, bdk.Persister.new_in_memory()
        )
        signer.reveal_addresses_to(bdk.KeychainKind.EXTERNAL, STOP)
        signer.sign(part, bdk.SignOptions(**_OPTIONS, try_finalize=finish))
    return base64.b64decode(part.serialize())


def signed_by(wallet, names, psbt):
    """One file per person, as from devices far apart."""
    return [(f"{name}.psbt", signed(wallet, name, psbt)) for name in names]
