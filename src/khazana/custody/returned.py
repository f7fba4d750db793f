"""A PSBT that came back from a device: was it altered, and which of its signatures hold?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from khazana.bitcoin.bip322.psbt import IN_NON_WITNESS_UTXO, PsbtMap, read_psbt
from khazana.bitcoin.bip322.signatures import SignatureChecker, strict_ecdsa
from khazana.bitcoin.bip322.verdict import Reason, Refusal
from khazana.bitcoin.sighash import legacy_sighash, segwit_v0_sighash, taproot_sighash
from khazana.bitcoin.transaction import Transaction
from khazana.custody.campaign import Round
from khazana.custody.campaign_psbt import (
    IN_PARTIAL_SIG,
    IN_TAP_KEY_SIG,
    IN_TAP_SCRIPT_SIG,
    RoundInput,
    input_map,
)


@dataclass(frozen=True, slots=True)
class BadSignature:
    """A signature that does not hold. file: it came in. cosigner: fingerprint, or "".

    reason: BIP-322's rule by its code, such as high_s.
    """

    file: str
    cosigner: str
    reason: str
    words: str

    def __str__(self) -> str:
        who = f" of {self.cosigner}" if self.cosigner else ""
        return f"bad signature{who} in {self.file}: {self.words} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Returned:
    file: str
    maps: tuple[PsbtMap, ...]


def altered(round_: Round, message: bytes | None, maps: Sequence[PsbtMap]) -> str | None:
    """What was changed beside adding signatures; None if nothing was.

    A signer may leave out what it no longer needs and add fields of its own.
    """
    if message is not None and message != read_psbt(round_.psbt).message:
        return "its message (field 0x09) is another one"
    for position, (each, pairs) in enumerate(zip(round_.inputs, maps, strict=True)):
        planned = input_map(each, round_.wallet.descriptor)
        for key, value in pairs.items():
            if key in planned and planned[key] != value:
                return f"field {key[0]:#04x} of input {position} was changed"
            if key == bytes([IN_NON_WITNESS_UTXO]) and key not in planned:
                txid = Transaction.parse(value).txid
                if txid != round_.unsigned.inputs[position].outpoint.txid:
                    return f"input {position} carries a transaction that it does not spend"
    return None


def good_signatures(
    round_: Round, position: int, returned: Returned
) -> tuple[dict[bytes, bytes], list[BadSignature]]:
    """The signatures of one input that hold, as `finalized` takes them, and those that do not."""
    each, pairs = round_.inputs[position], returned.maps[position]
    owners = _owners(round_, each)
    good: dict[bytes, bytes] = {}
    bad: list[BadSignature] = []
    for key, signature in sorted(pairs.items()):
        signer = _signer(each, key)
        if signer is None:
            continue
        who = owners.get(signer)
        if who is None:
            words = f"input {position}: {signer.hex()[:16]}… is no key of this wallet"
            bad.append(BadSignature(returned.file, "", "foreign_key", words))
            continue
        checker = SignatureChecker(_digest(round_, position, signer))
        try:
            if not signature:
                holds = False
            elif each.scripts.code is None:
                holds = checker.schnorr(signature, signer[:32])
            else:
                holds = checker.ecdsa(strict_ecdsa(signature), signer)
        except Refusal as refusal:
            words = f"input {position}: {refusal.words}"
            bad.append(BadSignature(returned.file, who, refusal.reason.value, words))
            continue
        if holds:
            good[signer] = signature
        else:
            words = f"input {position}: it does not fit this message, wallet and key"
            bad.append(BadSignature(returned.file, who, Reason.NULLFAIL.value, words))
    return good, bad


def _signer(each: RoundInput, key: bytes) -> bytes | None:
    """Whose signature stands under a key of the map, as `finalized` names it; None for others."""
    if each.scripts.code is not None:
        return key[1:] if key[0] == IN_PARTIAL_SIG else None
    if key == bytes([IN_TAP_KEY_SIG]):
        return each.scripts.output[2:]
    return key[1:] if key[0] == IN_TAP_SCRIPT_SIG else None


def _owners(round_: Round, each: RoundInput) -> dict[bytes, str]:
    """The cosigner behind each signer, by fingerprint; taproot's also by leaf."""
    scripts, keys = each.scripts, round_.wallet.descriptor.keys
    named = [key.fingerprint or "" for key in keys]
    if scripts.code is not None:
        return {public: who for who, (_, public) in zip(named, scripts.keys, strict=True)}
    by_key = {public[-32:]: who for who, (_, public) in zip(named, scripts.keys, strict=True)}
    owners = {scripts.output[2:]: named[0]}
    for leaf in scripts.tree:
        for key in leaf.expression.keys():  # noqa: SIM118  it is no mapping
            public = key.public_key(each.branch, each.index)[-32:]
            owners[public + leaf.hash] = by_key[public]
    return owners


def _digest(round_: Round, position: int, signer: bytes) -> Callable[[int], bytes]:
    each, unsigned = round_.inputs[position], round_.unsigned
    code = each.scripts.code
    leaf = signer[32:] if code is None and len(signer) == 64 else None

    def digest(hash_type: int) -> bytes:
        if code is None:
            return taproot_sighash(
                unsigned, position, spent=round_.spent, hash_type=hash_type, leaf_hash=leaf
            )
        if each.scripts.segwit:
            amount = each.spent.amount
            return segwit_v0_sighash(
                unsigned, position, script_code=code, amount=amount, hash_type=hash_type
            )
        return legacy_sighash(unsigned, position, script_code=code, hash_type=hash_type)

    return digest
