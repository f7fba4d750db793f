"""The test before first use as a PSBT: made for devices to sign, and its signatures checked.

It spends an output that cannot exist (BIP-322's `to_spend`), so nobody can use it to move a coin.
"""

from khazana.bitcoin.bip322.encoding import write_proof_of_funds
from khazana.bitcoin.bip322.psbt import (
    GLOBAL_MESSAGE,
    GLOBAL_UNSIGNED_TX,
    IN_NON_WITNESS_UTXO,
    IN_WITNESS_UTXO,
    PsbtMap,
    read_psbt,
)
from khazana.bitcoin.bip322.signatures import SignatureChecker, strict_ecdsa
from khazana.bitcoin.bip322.transactions import to_sign, to_spend
from khazana.bitcoin.bip322.verdict import Refusal
from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine, KeyExpression
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.sighash import legacy_sighash, segwit_v0_sighash, taproot_sighash
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.custody.first_use import SignedTest, signed_by_quorum
from khazana.custody.psbt_files import maps_of, written_psbt
from khazana.custody.signing_scripts import SigningScripts, signing_scripts

_IN_PARTIAL_SIG = 0x02
_IN_REDEEM_SCRIPT = 0x04
_IN_WITNESS_SCRIPT = 0x05
_IN_BIP32_DERIVATION = 0x06
_IN_TAP_KEY_SIG = 0x13
_IN_TAP_SCRIPT_SIG = 0x14
_IN_TAP_BIP32_DERIVATION = 0x16
_IN_TAP_INTERNAL_KEY = 0x17


def first_use_psbt(
    descriptor: Descriptor, engine: DescriptorEngine, *, branch: int, index: int, message: str
) -> bytes:
    """A PSBT for every cosigner to sign: BIP-322's `to_sign` for the wallet's own address.

    Trees of tr() are left out: their devices find the leaves themselves or sign the key path.
    """
    scripts = signing_scripts(descriptor, engine, branch=branch, index=index)
    posed = to_spend(message.encode(), scripts.output)
    unsigned = to_sign(posed)
    spent = posed.outputs[0]
    source: PsbtMap = {bytes([IN_NON_WITNESS_UTXO]): posed.serialize()}
    if scripts.segwit:
        amount = spent.amount.to_bytes(8, "little")
        source[bytes([IN_WITNESS_UTXO])] = amount + _sized(spent.script)
    if scripts.redeem is not None:
        source[bytes([_IN_REDEEM_SCRIPT])] = scripts.redeem
    if scripts.witness is not None:
        source[bytes([_IN_WITNESS_SCRIPT])] = scripts.witness
    for position, (key, (_, public)) in enumerate(zip(descriptor.keys, scripts.keys, strict=True)):
        if scripts.code is not None:
            source[bytes([_IN_BIP32_DERIVATION]) + public] = _origin(key, branch, index)
        elif position == 0:
            source[bytes([_IN_TAP_INTERNAL_KEY])] = public[-32:]
            no_leaf = b"\x00"
            source[bytes([_IN_TAP_BIP32_DERIVATION]) + public[-32:]] = no_leaf + _origin(
                key, branch, index
            )
    globals_ = {
        bytes([GLOBAL_UNSIGNED_TX]): unsigned.serialize(witness=False),
        bytes([GLOBAL_MESSAGE]): message.encode(),
    }
    return written_psbt([globals_, source, {}])


def signed_in_psbt(
    descriptor: Descriptor,
    engine: DescriptorEngine,
    psbt: bytes,
    *,
    branch: int,
    index: int,
    message: str,
) -> SignedTest:
    """Which cosigners signed the test in a PSBT that came back, each signature checked.

    MalformedBytes if it is no PSBT. A PSBT of another message or transaction proves nothing.
    """
    came = read_psbt(psbt)
    unsigned, maps = maps_of(psbt)
    scripts = signing_scripts(descriptor, engine, branch=branch, index=index)
    posed = to_spend(message.encode(), scripts.output)
    if not unsigned.inputs or unsigned.inputs[0].outpoint != posed.outpoint(0):
        return SignedTest(frozenset(), ("the PSBT is not the test of this wallet and message",))
    if len(unsigned.inputs) != 1 or unsigned.outputs != to_sign(posed).outputs:
        return SignedTest(frozenset(), ("the PSBT was altered: it is no longer the test",))
    if came.inputs[0].is_final:
        # Some devices finish what they can and drop the partial signatures.
        proof = write_proof_of_funds(psbt)
        return signed_by_quorum(
            descriptor, engine, proof, branch=branch, index=index, message=message
        )
    found = (
        _ecdsa(unsigned, maps[0], scripts, posed.outputs[0])
        if scripts.code is not None
        else _schnorr(unsigned, maps[0], scripts, posed.outputs[0])
    )
    signed, problems = set[str](), list[str]()
    by_public = {public[-32:]: key for key, public in scripts.keys}
    for public, problem in found:
        owner = by_public.get(public[-32:])
        if owner is None:
            problems.append(f"{public.hex()[:16]}… is no key of this wallet here")
        elif problem:
            problems.append(problem)
        else:
            signed.add(owner)
    return SignedTest(frozenset(signed), tuple(problems))


def _ecdsa(
    unsigned: Transaction, source: PsbtMap, scripts: SigningScripts, spent: TxOut
) -> list[tuple[bytes, str]]:
    """Each partial signature's public key, with what is wrong with it or nothing."""
    code = scripts.code or b""

    def digest(hash_type: int) -> bytes:
        if scripts.segwit:
            return segwit_v0_sighash(
                unsigned, 0, script_code=code, amount=spent.amount, hash_type=hash_type
            )
        return legacy_sighash(unsigned, 0, script_code=code, hash_type=hash_type)

    found = []
    for key, signature in sorted(source.items()):
        if key[0] != _IN_PARTIAL_SIG:
            continue
        public, checker = key[1:], SignatureChecker(digest)
        try:
            good = bool(signature) and checker.ecdsa(strict_ecdsa(signature), public)
            found.append((public, "" if good else _not_signed(public)))
        except Refusal as refusal:
            found.append((public, f"{_short(public)}: {refusal.words}"))
    return found


def _schnorr(
    unsigned: Transaction, source: PsbtMap, scripts: SigningScripts, spent: TxOut
) -> list[tuple[bytes, str]]:
    """The same for taproot: the key path's signature, and those of leaves of this wallet's tree."""
    found = []
    for key, signature in sorted(source.items()):
        leaf: bytes | None = None
        if key == bytes([_IN_TAP_KEY_SIG]):
            # The output key is the internal key's, tweaked: who signs for it holds that key.
            public, owner = scripts.output[2:], scripts.keys[0][1]
        elif key[0] == _IN_TAP_SCRIPT_SIG and len(key) == 65:
            public, leaf, owner = key[1:33], key[33:], key[1:33]
            if leaf not in scripts.leaves:
                found.append((owner, f"{_short(owner)} signed for a script not of this wallet"))
                continue
        else:
            continue

        def digest(hash_type: int, leaf: bytes | None = leaf) -> bytes:
            return taproot_sighash(unsigned, 0, spent=[spent], hash_type=hash_type, leaf_hash=leaf)

        try:
            good = SignatureChecker(digest).schnorr(signature, public)
            found.append((owner, "" if good else _not_signed(owner)))
        except Refusal as refusal:
            found.append((owner, f"{_short(owner)}: {refusal.words}"))
    return found


def _origin(key: KeyExpression, branch: int, index: int) -> bytes:
    """A key's way from its master key: fingerprint, then each step (BIP-174)."""
    steps = [*key.origin_path, *key.path_of(branch), *([index] if key.wildcard else [])]
    fingerprint = bytes.fromhex(key.fingerprint) if key.fingerprint else bytes(4)
    return fingerprint + b"".join(step.to_bytes(4, "little") for step in steps)


def _not_signed(public: bytes) -> str:
    return f"the signature of {_short(public)} does not fit this test"


def _short(public: bytes) -> str:
    return f"key {public.hex()[:16]}…"


def _sized(data: bytes) -> bytes:
    return compact_size(len(data)) + data
