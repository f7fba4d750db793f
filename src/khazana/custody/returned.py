"""A PSBT that came back from a device: was it altered, and which of its signatures hold?"""

from collections.abc import Sequence
from dataclasses import dataclass

from khazana.bitcoin.bip322.psbt import IN_NON_WITNESS_UTXO, PsbtMap, read_psbt
from khazana.bitcoin.bip322.signatures import SignatureChecker, strict_ecdsa
from khazana.bitcoin.bip322.verdict import Reason, Refusal
from khazana.bitcoin.sighash import legacy_sighash, segwit_v0_sighash, taproot_sighash
from khazana.bitcoin.transaction import Transaction
from khazana.custody.campaign import Round
from khazana.custody.campaign_psbt import IN_PARTIAL_SIG, IN_TAP_KEY_SIG, input_map


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
    """The signatures of one input that hold, by public key, and those that do not."""
    each, pairs = round_.inputs[position], returned.maps[position]
    scripts, unsigned = each.scripts, round_.unsigned
    code = scripts.code

    def digest(hash_type: int) -> bytes:
        if code is None:
            return taproot_sighash(unsigned, position, spent=round_.spent, hash_type=hash_type)
        if scripts.segwit:
            amount = each.spent.amount
            return segwit_v0_sighash(
                unsigned, position, script_code=code, amount=amount, hash_type=hash_type
            )
        return legacy_sighash(unsigned, position, script_code=code, hash_type=hash_type)

    good: dict[bytes, bytes] = {}
    bad: list[BadSignature] = []
    fingerprints = [key.fingerprint or "" for key in round_.wallet.descriptor.keys]
    owners = {public: who for who, (_, public) in zip(fingerprints, scripts.keys, strict=True)}
    for key, signature in sorted(pairs.items()):
        kind = key[0]
        if code is None and key == bytes([IN_TAP_KEY_SIG]):
            public, who = scripts.output[2:], fingerprints[0]
        elif code is not None and kind == IN_PARTIAL_SIG:
            public, who = key[1:], owners.get(key[1:], "")
            if public not in owners:
                words = f"input {position}: {public.hex()[:16]}… is no key of this wallet"
                bad.append(BadSignature(returned.file, "", "foreign_key", words))
                continue
        else:
            continue
        checker = SignatureChecker(digest)
        try:
            if not signature:
                holds = False
            elif code is None:
                holds = checker.schnorr(signature, public)
            else:
                holds = checker.ecdsa(strict_ecdsa(signature), public)
        except Refusal as refusal:
            words = f"input {position}: {refusal.words}"
            bad.append(BadSignature(returned.file, who, refusal.reason.value, words))
            continue
        if holds:
            good[public] = signature
        else:
            words = f"input {position}: it does not fit this message, wallet and key"
            bad.append(BadSignature(returned.file, who, Reason.NULLFAIL.value, words))
    return good, bad
