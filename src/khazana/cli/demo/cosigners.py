"""A cosigner of the demo: signs its part of a PSBT from the file alone, as a device would.

THE KEYS BEHIND IT SPEND, on a network without value only (see `signers`). It reads what BIP-174 and
BIP-371 say a device is told, finds its keys by fingerprint and path, and adds signatures.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import wallycore

from khazana.bitcoin.bip322.psbt import MAGIC, PsbtMap, read_map, read_psbt
from khazana.bitcoin.hashes import hash160, tagged_hash
from khazana.bitcoin.reader import Reader, compact_size
from khazana.bitcoin.script import ScriptKind, classify, p2pkh
from khazana.bitcoin.sighash import (
    SIGHASH_ALL,
    legacy_sighash,
    segwit_v0_sighash,
    taproot_sighash,
)
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.cli.demo.signers import AccountKey

_PARTIAL_SIG, _REDEEM, _WITNESS, _DERIVATION = 0x02, 0x04, 0x05, 0x06
_TAP_KEY_SIG, _TAP_SCRIPT_SIG, _TAP_LEAF, _TAP_DERIVATION = 0x13, 0x14, 0x15, 0x16
_TAP_INTERNAL, _TAP_ROOT = 0x17, 0x18
_KEY_SIG = bytes([_TAP_KEY_SIG])


@dataclass(frozen=True)
class Cosigner:
    """One device. name: how the files it returns are called."""

    name: str
    account: AccountKey

    def sign(self, psbt: bytes) -> bytes:
        """The PSBT with this device's signatures on every input where one of its keys is asked.

        Everything else comes back as it went in. MalformedBytes if it is no PSBT of version 0.
        """
        parsed = read_psbt(psbt)
        unsigned, maps = parsed.unsigned, _maps(psbt)
        spent = [
            _spent(unsigned, position, each.spent, each.previous)
            for position, each in enumerate(parsed.inputs)
        ]
        for position in range(len(unsigned.inputs)):
            pairs = maps[1 + position]
            if classify(spent[position].script).kind is ScriptKind.P2TR:
                pairs.update(self._schnorr(unsigned, position, pairs, spent))
            else:
                pairs.update(self._ecdsa(unsigned, position, pairs, spent[position]))
        return MAGIC + b"".join(_written(pairs) for pairs in maps)

    def _ecdsa(
        self, unsigned: Transaction, position: int, pairs: PsbtMap, spent: TxOut
    ) -> Mapping[bytes, bytes]:
        redeem, witness = pairs.get(bytes([_REDEEM])), pairs.get(bytes([_WITNESS]))
        program = classify(redeem if redeem is not None else spent.script)
        segwit = program.kind in (ScriptKind.P2WPKH, ScriptKind.P2WSH)
        made: PsbtMap = {}
        for key, origin in list(pairs.items()):
            if key[0] != _DERIVATION or (found := self._secret(origin, key[1:])) is None:
                continue
            code = witness or redeem or spent.script
            if program.kind is ScriptKind.P2WPKH:
                code = p2pkh(hash160(key[1:]))
            digest = (
                segwit_v0_sighash(
                    unsigned,
                    position,
                    script_code=code,
                    amount=spent.amount,
                    hash_type=SIGHASH_ALL,
                )
                if segwit
                else legacy_sighash(unsigned, position, script_code=code, hash_type=SIGHASH_ALL)
            )
            flags = wallycore.EC_FLAG_ECDSA | wallycore.EC_FLAG_GRIND_R
            compact = wallycore.ec_sig_from_bytes(found, digest, flags)
            signature = bytes(wallycore.ec_sig_to_der(compact)) + bytes([SIGHASH_ALL])
            made[bytes([_PARTIAL_SIG]) + key[1:]] = signature
        return made

    def _schnorr(
        self, unsigned: Transaction, position: int, pairs: PsbtMap, spent: Sequence[TxOut]
    ) -> Mapping[bytes, bytes]:
        made: PsbtMap = {}
        internal, root = pairs.get(bytes([_TAP_INTERNAL])), pairs.get(bytes([_TAP_ROOT]))
        shown = set(_leaf_hashes(pairs))
        for key, value in list(pairs.items()):
            if key[0] != _TAP_DERIVATION:
                continue
            leaves, origin = _leaves_and_origin(value)
            secret = self._secret(origin, key[1:])
            if secret is None:
                continue
            if key[1:] == internal:
                tweaked = wallycore.ec_private_key_bip341_tweak(secret, root, 0)
                digest = taproot_sighash(unsigned, position, spent=spent)
                made[_KEY_SIG] = _schnorr_signature(tweaked, digest)
            for leaf in leaves:
                # A device signs for a leaf that it was shown, never for a bare hash.
                if leaf in shown:
                    digest = taproot_sighash(unsigned, position, spent=spent, leaf_hash=leaf)
                    name = bytes([_TAP_SCRIPT_SIG]) + key[1:] + leaf
                    made[name] = _schnorr_signature(secret, digest)
        return made

    def _secret(self, origin: bytes, public: bytes) -> bytes | None:
        """The secret of a key that this device can derive; None for everybody else's.

        origin: fingerprint, then each step in 4 bytes (BIP-174).
        """
        if origin[:4] != self.account.fingerprint:
            return None
        path = [int.from_bytes(origin[at : at + 4], "little") for at in range(4, len(origin), 4)]
        found = self.account.at(path)
        # A fingerprint is four bytes: the key itself must be the one asked for.
        return found[0] if found is not None and found[1][-len(public) :] == public else None


def _schnorr_signature(secret: bytes, digest: bytes) -> bytes:
    return bytes(wallycore.ec_sig_from_bytes(secret, digest, wallycore.EC_FLAG_SCHNORR))


def _spent(
    unsigned: Transaction, position: int, stated: TxOut | None, previous: Transaction | None
) -> TxOut:
    if stated is not None:
        return stated
    if previous is None:
        raise ValueError(f"input {position} does not say what it spends")
    return previous.outputs[unsigned.inputs[position].outpoint.vout]


def _leaf_hashes(pairs: PsbtMap) -> Iterator[bytes]:
    """The hashes of the leaves whose scripts the file shows (BIP-371, field 0x15)."""
    for key, value in pairs.items():
        if key[0] == _TAP_LEAF:
            script, version = value[:-1], value[-1:]
            yield tagged_hash("TapLeaf", version + compact_size(len(script)) + script)


def _leaves_and_origin(value: bytes) -> tuple[list[bytes], bytes]:
    reader = Reader(value, "PSBT taproot derivation")
    leaves = [reader.take(32) for _ in range(reader.count(32))]
    return leaves, value[reader.offset :]


def _maps(psbt: bytes) -> list[PsbtMap]:
    """All maps, the global one first."""
    reader = Reader(psbt, "PSBT")
    reader.offset = len(MAGIC)
    maps = []
    while reader.offset < len(psbt):
        maps.append(read_map(reader))
    return maps


def _written(pairs: PsbtMap) -> bytes:
    pieces = (compact_size(len(part)) + part for pair in sorted(pairs.items()) for part in pair)
    return b"".join(pieces) + b"\x00"
