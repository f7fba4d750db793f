"""Signatures become a witness: single keys, taproot key paths, and every miniscript and leaf."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from khazana.bitcoin.bip322.psbt import IN_FINAL_SCRIPTSIG, IN_FINAL_WITNESS, PsbtMap
from khazana.bitcoin.reader import MalformedBytes, Reader, compact_size
from khazana.bitcoin.satisfaction import Means, satisfied
from khazana.bitcoin.script import OP_PUSHDATA1, OP_PUSHDATA2
from khazana.custody.signing_scripts import SigningScripts


@dataclass(frozen=True, slots=True)
class Final:
    """What lets one input spend."""

    script_sig: bytes
    witness: tuple[bytes, ...]

    def to_map(self) -> PsbtMap:
        pairs: PsbtMap = {}
        if self.script_sig:
            pairs[bytes([IN_FINAL_SCRIPTSIG])] = self.script_sig
        if self.witness:
            pieces = [compact_size(len(self.witness))]
            for item in self.witness:
                pieces += [compact_size(len(item)), item]
            pairs[bytes([IN_FINAL_WITNESS])] = b"".join(pieces)
        return pairs

    @classmethod
    def of_map(cls, pairs: PsbtMap) -> Self:
        """From a finished input; one whose witness cannot be read has an empty one, which fails."""
        reader = Reader(pairs.get(bytes([IN_FINAL_WITNESS]), b"\x00"), "witness")
        try:
            witness = tuple(reader.sized() for _ in range(reader.count(1)))
        except MalformedBytes:
            witness = ()
        return cls(pairs.get(bytes([IN_FINAL_SCRIPTSIG]), b""), witness)


@dataclass(frozen=True, slots=True)
class Waits:
    """What a spend waits for, as its transaction says it: nSequence of each input, nLockTime."""

    sequence: int = 0
    lock_time: int = 0

    @property
    def version(self) -> int:
        """BIP-68: ages count from version 2 on."""
        return 2 if self.sequence else 0


def finalized(
    scripts: SigningScripts, signatures: Mapping[bytes, bytes], waits: Waits = Waits()
) -> Final | None:
    """The finished input; None while a signature or a lock is missing.

    signatures: good ones only, by public key: 33 bytes; taproot's output key, 32 bytes; or a
    leaf's key and the leaf's hash, 64 bytes.
    """
    if scripts.code is None:
        return _taproot(scripts, signatures, waits)
    if scripts.expression is None:
        public = scripts.keys[0][1]
        if public not in signatures:
            return None
        return _placed(scripts, (signatures[public], public))
    branch, index = scripts.place
    means = _means(signatures, waits)
    found = satisfied(scripts.expression, means, branch=branch, index=index, tapscript=False)
    return None if found is None else _placed(scripts, found.items)


def _taproot(
    scripts: SigningScripts, signatures: Mapping[bytes, bytes], waits: Waits
) -> Final | None:
    """The key path if it is signed; else the leaf with the smallest witness."""
    by_key = signatures.get(scripts.output[2:])
    if by_key is not None:
        return Final(b"", (by_key,))
    branch, index = scripts.place
    found: list[tuple[bytes, ...]] = []
    for leaf in scripts.tree:
        of_leaf = {key[:32]: sig for key, sig in signatures.items() if key[32:] == leaf.hash}
        stack = satisfied(
            leaf.expression, _means(of_leaf, waits), branch=branch, index=index, tapscript=True
        )
        if stack is not None:
            found.append((*stack.items, leaf.script, leaf.control))
    if not found:
        return None
    return Final(b"", min(found, key=lambda items: sum(map(len, items))))


def _means(signatures: Mapping[bytes, bytes], waits: Waits) -> Means:
    """Preimages of hashes are not asked for: a proof of control is about keys."""
    return Means(
        signatures, sequence=waits.sequence, lock_time=waits.lock_time, version=waits.version
    )


def _placed(scripts: SigningScripts, items: tuple[bytes, ...]) -> Final:
    """The items where the script looks for them: in the witness, or pushed before segwit."""
    if scripts.segwit:
        redeem = _push(scripts.redeem) if scripts.redeem is not None else b""
        return Final(redeem, items if scripts.witness is None else (*items, scripts.witness))
    pushed = items if scripts.redeem is None else (*items, scripts.redeem)
    return Final(b"".join(map(_push, pushed)), ())


def _push(data: bytes) -> bytes:
    size = len(data)
    if size < OP_PUSHDATA1:
        return bytes([size]) + data
    if size <= 0xFF:
        return bytes([OP_PUSHDATA1, size]) + data
    return bytes([OP_PUSHDATA2]) + size.to_bytes(2, "little") + data
