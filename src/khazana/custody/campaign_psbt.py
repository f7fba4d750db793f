"""The PSBT of a round: what each device needs to find its key and show the message (BIP-174)."""

from collections.abc import Sequence
from dataclasses import dataclass

from khazana.bitcoin.bip322.psbt import (
    GLOBAL_MESSAGE,
    GLOBAL_UNSIGNED_TX,
    IN_NON_WITNESS_UTXO,
    IN_WITNESS_UTXO,
    PsbtMap,
)
from khazana.bitcoin.descriptor import Descriptor, KeyExpression
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.custody.policy import is_nobodys
from khazana.custody.psbt_files import written_psbt
from khazana.custody.signing_scripts import SigningScripts

IN_PARTIAL_SIG = 0x02
IN_SIGHASH_TYPE = 0x03
IN_REDEEM_SCRIPT = 0x04
IN_WITNESS_SCRIPT = 0x05
IN_BIP32_DERIVATION = 0x06
IN_TAP_KEY_SIG = 0x13
IN_TAP_SCRIPT_SIG = 0x14
IN_TAP_LEAF_SCRIPT = 0x15
IN_TAP_BIP32_DERIVATION = 0x16
IN_TAP_INTERNAL_KEY = 0x17
IN_TAP_MERKLE_ROOT = 0x18
_LEAF_VERSION = b"\xc0"


@dataclass(frozen=True, slots=True)
class RoundInput:
    """One input of a round. previous: the transaction it spends from, where it is known."""

    spent: TxOut
    scripts: SigningScripts
    branch: int
    index: int
    previous: Transaction | None = None


def round_psbt(
    unsigned: Transaction, inputs: Sequence[RoundInput], descriptor: Descriptor, message: bytes
) -> bytes:
    """A PSBT of version 0 without signatures; the message stands in field 0x09."""
    globals_ = {
        bytes([GLOBAL_UNSIGNED_TX]): unsigned.serialize(witness=False),
        bytes([GLOBAL_MESSAGE]): message,
    }
    return written_psbt([globals_, *(input_map(each, descriptor) for each in inputs), {}])


def input_map(each: RoundInput, descriptor: Descriptor) -> PsbtMap:
    """Everything known of an input before anybody signs."""
    scripts, pairs = each.scripts, utxo_map(each)
    if scripts.redeem is not None:
        pairs[bytes([IN_REDEEM_SCRIPT])] = scripts.redeem
    if scripts.witness is not None:
        pairs[bytes([IN_WITNESS_SCRIPT])] = scripts.witness
    if scripts.code is None:
        return {**pairs, **_tap_map(each, descriptor)}
    for key, (_, public) in zip(descriptor.keys, scripts.keys, strict=True):
        pairs[bytes([IN_BIP32_DERIVATION]) + public] = _origin(key, each.branch, each.index)
    return pairs


def _tap_map(each: RoundInput, descriptor: Descriptor) -> PsbtMap:
    """What BIP-371 adds: the internal key, each leaf, and which keys sign in which leaves."""
    scripts = each.scripts
    internal = scripts.keys[0][1][-32:]
    pairs: PsbtMap = {bytes([IN_TAP_INTERNAL_KEY]): internal}
    if scripts.root is not None:
        pairs[bytes([IN_TAP_MERKLE_ROOT])] = scripts.root
    for leaf in scripts.tree:
        pairs[bytes([IN_TAP_LEAF_SCRIPT]) + leaf.control] = leaf.script + _LEAF_VERSION
    inside: dict[bytes, list[bytes]] = {}
    for leaf in scripts.tree:
        for key in leaf.expression.keys():  # noqa: SIM118  it is no mapping
            public = key.public_key(each.branch, each.index)[-32:]
            inside.setdefault(public, []).append(leaf.hash)
    for key, (_, long) in zip(descriptor.keys, scripts.keys, strict=True):
        if is_nobodys(key):
            continue
        hashes = inside.get(long[-32:], [])
        pairs[bytes([IN_TAP_BIP32_DERIVATION]) + long[-32:]] = (
            compact_size(len(hashes))
            + b"".join(sorted(hashes))
            + _origin(key, each.branch, each.index)
        )
    return pairs


def utxo_map(each: RoundInput) -> PsbtMap:
    """What the input spends. Before segwit only the whole transaction says so safely."""
    pairs: PsbtMap = {}
    if each.previous is not None:
        pairs[bytes([IN_NON_WITNESS_UTXO])] = each.previous.serialize()
    if each.scripts.segwit:
        script = each.spent.script
        amount = each.spent.amount.to_bytes(8, "little")
        pairs[bytes([IN_WITNESS_UTXO])] = amount + compact_size(len(script)) + script
    return pairs


def _origin(key: KeyExpression, branch: int, index: int) -> bytes:
    """A key's way from its master key: fingerprint, then each step (BIP-174)."""
    steps = [*key.origin_path, *key.path_of(branch), *([index] if key.wildcard else [])]
    fingerprint = bytes.fromhex(key.fingerprint) if key.fingerprint else bytes(4)
    return fingerprint + b"".join(step.to_bytes(4, "little") for step in steps)
