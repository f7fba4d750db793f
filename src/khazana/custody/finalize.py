"""Signatures become a witness: single keys, multisig and taproot key paths.

Other policies are finished by the wallet program that knows them; its finished PSBT is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from khazana.bitcoin.bip322.psbt import IN_FINAL_SCRIPTSIG, IN_FINAL_WITNESS, PsbtMap
from khazana.bitcoin.reader import MalformedBytes, Reader, compact_size
from khazana.bitcoin.script import OP_PUSHDATA1, OP_PUSHDATA2, ScriptKind, classify, instructions
from khazana.custody.signing_scripts import SigningScripts

_CHECKMULTISIG = 0xAE
_IFDUP = 0x73


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


def finalized(
    scripts: SigningScripts, signatures: Mapping[bytes, bytes]
) -> tuple[int | None, Final | None]:
    """How many must sign, and the finished input once they did.

    signatures: good ones only, by public key. None must sign where the policy is not plain.
    """
    if scripts.code is None:
        found = signatures.get(scripts.output[2:])
        return 1 if not scripts.leaves else None, None if found is None else Final(b"", (found,))
    if scripts.witness is None and classify(scripts.code).kind is ScriptKind.P2PKH:
        public = scripts.keys[0][1]
        if public not in signatures:
            return 1, None
        return 1, _placed(scripts, (signatures[public], public))
    plain = _quorum(scripts.code)
    if plain is None:
        return None, None
    required, keys = plain
    signed = [signatures[key] for key in keys if key in signatures]
    if len(signed) < required:
        return required, None
    # The empty item feeds OP_CHECKMULTISIG's extra pop (BIP-147).
    return required, _placed(scripts, (b"", *signed[:required]))


def _quorum(code: bytes) -> tuple[int, tuple[bytes, ...]] | None:
    """The multisig that a script is, or that or_d() tries first; None for other policies."""
    try:
        steps = list(instructions(code))
    except ValueError:
        return None
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if step.opcode == _CHECKMULTISIG:
            if following is not None and following.opcode != _IFDUP:
                return None
            found = classify(code[: step.end])
            return (found.required, found.keys) if found.keys else None
    return None


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
