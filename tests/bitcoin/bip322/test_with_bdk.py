"""Proofs signed by a wallet program: BDK gets a PSBT of `to_sign` and knows nothing of BIP-322."""

import base64
from dataclasses import replace

import pytest

from khazana.bitcoin.bip322.coins import KnownCoins
from khazana.bitcoin.bip322.encoding import write_full, write_proof_of_funds, write_simple
from khazana.bitcoin.bip322.kernel_judge import kernel_consensus
from khazana.bitcoin.bip322.psbt import read_psbt
from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.bip322.verdict import Reason, State
from khazana.bitcoin.bip322.verify import verify
from khazana.bitcoin.transaction import OutPoint, Transaction, TxIn, TxOut
from khazana.units import Sats, Txid
from tests.bitcoin.bip322.funds import BLOCK
from tests.bitcoin.bip322.psbt_writer import output, psbt
from tests.bitcoin.bip322.signer import NUMS

bdk = pytest.importorskip("bdkpython", reason="BDK is absent")

MESSAGE = "root 5b1c…, ختم ہونے والا بلاک".encode()
AGE = 144


def keys(count: int) -> tuple[list[str], list[str]]:
    """Private and public key expressions."""
    secret, public = [], []
    for seed in range(count):
        mnemonic = bdk.Mnemonic.from_entropy(bytes([seed + 1]) * 16)
        key = bdk.DescriptorSecretKey(bdk.NetworkKind.TEST, mnemonic, None)
        key = key.derive(bdk.DerivationPath("m/48h/1h/0h/2h"))
        text = str(key).removesuffix("/*")
        secret.append(text + "/0/*")
        public.append(str(key.as_public()).removesuffix("/*") + "/0/*")
    return secret, public


SECRET, PUBLIC = keys(3)


def wallet(descriptor: str):
    """A wallet that knows one branch and the first addresses of it."""
    made = bdk.Wallet.create_single(
        bdk.Descriptor(descriptor, bdk.NetworkKind.TEST),
        bdk.Network.REGTEST,
        bdk.Persister.new_in_memory(),
    )
    made.reveal_addresses_to(bdk.KeychainKind.EXTERNAL, 5)
    return made


def script_at(made, index: int) -> bytes:
    address = made.peek_address(bdk.KeychainKind.EXTERNAL, index).address
    return bytes(address.script_pubkey().to_bytes())


OPTIONS = {
    "trust_witness_utxo": True,
    "assume_height": None,
    "allow_all_sighashes": False,
    "try_finalize": True,
    "sign_with_tap_internal_key": True,
    "allow_grinding": True,
}


def signed_by(
    signers: list[str], script: bytes, coins: dict[OutPoint, TxOut], *, sequence: int = 0
) -> bytes:
    """The PSBT after each signer had it, finalized by BDK."""
    posed = to_spend(MESSAGE, script)
    bare = to_sign(posed)
    inputs = (
        replace(bare.inputs[0], sequence=sequence),
        *(TxIn(outpoint, b"", sequence) for outpoint in coins),
    )
    unsigned = Transaction(2 if sequence else 0, inputs, bare.outputs, 0)
    spent = [posed.outputs[0], *coins.values()]
    raw = psbt(unsigned, [[(b"\x01", output(out))] for out in spent], message=MESSAGE)
    text = base64.b64encode(raw).decode()
    for descriptor in signers:
        passed = bdk.Psbt(text)
        wallet(descriptor).sign(passed, bdk.SignOptions(**{**OPTIONS, "try_finalize": False}))
        text = passed.serialize()
    last = bdk.Psbt(text)
    options = {**OPTIONS, "assume_height": 1_000} if sequence else OPTIONS
    wallet(signers[-1]).finalize_psbt(last, bdk.SignOptions(**options))
    return base64.b64decode(last.serialize())


def multisig(*signing: int, form: str = "wsh(sortedmulti(2,{}))") -> list[str]:
    """One descriptor per signer: its own private key among the others' public ones."""
    return [
        form.format(",".join(SECRET[i] if i == mine else PUBLIC[i] for i in range(3)))
        for mine in signing
    ]


KINDS = {
    "wpkh": [f"wpkh({SECRET[0]})"],
    "sh(wpkh)": [f"sh(wpkh({SECRET[0]}))"],
    "wsh": multisig(0, 2),
    "sh(wsh)": multisig(1, 2, form="sh(wsh(sortedmulti(2,{})))"),
    "tr key": [f"tr({SECRET[0]})"],
    "tr script": multisig(0, 1, form="tr(" + NUMS.hex() + ",multi_a(2,{}))"),
    "or_d primary": multisig(
        0,
        1,
        form="wsh(or_d(multi(2,{}),and_v(v:pkh("
        + PUBLIC[2].replace("/0/*", "/9/*")
        + "),older(144))))",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_wallets_signature_holds(kind):
    descriptors = KINDS[kind]
    script = script_at(wallet(descriptors[0]), 3)
    part = read_psbt(signed_by(descriptors, script, {})).inputs[0]
    answer = to_sign(to_spend(MESSAGE, script), part.witness or ())
    signed = replace(answer.inputs[0], script_sig=part.script_sig or b"")
    full = write_full(replace(answer, inputs=(signed,)).serialize())
    texts = [full] if part.script_sig else [full, write_simple(part.witness or ())]
    for text in texts:
        verdict = verify(text, script=script, message=MESSAGE, consensus=kernel_consensus())
        assert verdict.state is State.VALID, str(verdict)
        assert len(verdict.signers) == len(descriptors)
        assert not verify(text, script=script, message=MESSAGE + b".").holds


@pytest.mark.parametrize("kind", ["wpkh", "wsh", "sh(wsh)", "tr key", "tr script"])
def test_a_wallets_batch_holds(kind):
    descriptors = KINDS[kind]
    made = wallet(descriptors[0])
    coins = {
        OutPoint(Txid(f"{index + 1:02x}" * 32), index): TxOut(
            Sats(1_000 + index), script_at(made, index)
        )
        for index in range(4)
    }
    script = script_at(made, 5)
    text = write_proof_of_funds(signed_by(descriptors, script, coins))
    known = KnownCoins(BLOCK, coins)
    verdict = verify(
        text, script=script, message=MESSAGE, coins=known, consensus=kernel_consensus()
    )
    assert verdict.state is State.VALID, str(verdict)
    assert [len(i.signers) for i in verdict.inputs] == [len(descriptors)] * 5


def test_the_recovery_branch_holds_at_its_age():
    descriptor = (
        f"wsh(or_d(multi(2,{PUBLIC[0]},{PUBLIC[1]}),and_v(v:pkh({SECRET[2]}),older({AGE}))))"
    )
    script = script_at(wallet(descriptor), 1)
    raw = signed_by([descriptor], script, {}, sequence=AGE)
    text = write_proof_of_funds(raw)
    verdict = verify(text, script=script, message=MESSAGE, consensus=kernel_consensus())
    assert verdict.state is State.VALID_AT, str(verdict)
    assert (verdict.sequence, verdict.lock_time, len(verdict.signers)) == (AGE, 0, 1)


def test_one_cosigner_is_not_enough_and_the_missing_one_leaves_the_psbt_unfinished():
    descriptors = KINDS["wsh"][:1]
    script = script_at(wallet(descriptors[0]), 0)
    verdict = verify(
        write_proof_of_funds(signed_by(descriptors, script, {})), script=script, message=MESSAGE
    )
    assert verdict.reasons == (Reason.NOT_FINALIZED,)
