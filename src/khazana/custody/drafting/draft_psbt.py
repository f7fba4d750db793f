"""The PSBT of a draft: all that devices need to find their keys and to know their own change.

BIP-174 (version 0) with BIP-371's taproot fields. Own code, because every field that goes out is
one that `differences` must later recognise; another program reads it in the tests.
"""

from collections.abc import Mapping, Sequence

from khazana.bitcoin.base_encodings import base58check_decode
from khazana.bitcoin.bip322.psbt import GLOBAL_UNSIGNED_TX, PsbtMap
from khazana.bitcoin.descriptor import Descriptor, KeyExpression
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.script import ScriptKind, classify
from khazana.bitcoin.taproot_tree import Leaf
from khazana.bitcoin.transaction import Transaction, TxOut
from khazana.custody.campaign_psbt import (
    IN_TAP_BIP32_DERIVATION,
    IN_TAP_INTERNAL_KEY,
    RoundInput,
    input_map,
)
from khazana.custody.drafting.errors import PreviousTransactionMissing
from khazana.custody.drafting.spending import Spend
from khazana.custody.policy import is_nobodys
from khazana.custody.psbt_files import written_psbt
from khazana.units import Txid

GLOBAL_XPUB = 0x01
IN_TAP_LEAF_SCRIPT = 0x15
IN_TAP_MERKLE_ROOT = 0x18
OUT_REDEEM_SCRIPT = 0x00
OUT_WITNESS_SCRIPT = 0x01
OUT_BIP32_DERIVATION = 0x02
OUT_TAP_INTERNAL_KEY = 0x05
OUT_TAP_TREE = 0x06
OUT_TAP_BIP32_DERIVATION = 0x07

_LEAF_VERSION = b"\xc0"
_XPUB_SIZE = 78


def draft_psbt(
    unsigned: Transaction,
    descriptor: Descriptor,
    *,
    spends: Sequence[Spend],
    spent: Sequence[TxOut],
    previous: Mapping[Txid, Transaction],
    own: Mapping[int, Spend],
) -> bytes:
    """The bytes for the devices. spends, spent: by input. own: the wallet's outputs, by vout."""
    globals_ = {
        bytes([GLOBAL_UNSIGNED_TX]): unsigned.serialize(witness=False),
        **_extended_keys(descriptor),
    }
    inputs = [
        draft_input_map(descriptor, spend, output, _previous(unsigned, position, output, previous))
        for position, (spend, output) in enumerate(zip(spends, spent, strict=True))
    ]
    outputs = [
        _output_map(descriptor, own[vout]) if vout in own else {}
        for vout in range(len(unsigned.outputs))
    ]
    return written_psbt([globals_, *inputs, *outputs])


def draft_input_map(
    descriptor: Descriptor, spend: Spend, spent: TxOut, previous: Transaction | None
) -> PsbtMap:
    """Everything known of an input before anybody signs."""
    place = spend.place
    pairs = input_map(
        RoundInput(spent, spend.scripts, place.branch, place.index, previous), descriptor
    )
    if spend.scripts.code is None:
        pairs = {key: value for key, value in pairs.items() if key[0] != IN_TAP_BIP32_DERIVATION}
        pairs[bytes([IN_TAP_INTERNAL_KEY])] = spend.internal
        pairs.update(_taproot_keys(descriptor, spend, IN_TAP_BIP32_DERIVATION))
        if spend.root is not None:
            pairs[bytes([IN_TAP_MERKLE_ROOT])] = spend.root
        for leaf in spend.tree:
            key = bytes([IN_TAP_LEAF_SCRIPT]) + spend.control(leaf)
            pairs[key] = leaf.script + _LEAF_VERSION
    return pairs


def _output_map(descriptor: Descriptor, spend: Spend) -> PsbtMap:
    """How a device recognises an output as the wallet's own."""
    scripts, place = spend.scripts, spend.place
    if scripts.code is None:
        pairs: PsbtMap = {bytes([OUT_TAP_INTERNAL_KEY]): spend.internal}
        if spend.tree:
            pairs[bytes([OUT_TAP_TREE])] = b"".join(map(_tree_entry, spend.tree))
        return pairs | _taproot_keys(descriptor, spend, OUT_TAP_BIP32_DERIVATION)
    pairs = {}
    if scripts.redeem is not None:
        pairs[bytes([OUT_REDEEM_SCRIPT])] = scripts.redeem
    if scripts.witness is not None:
        pairs[bytes([OUT_WITNESS_SCRIPT])] = scripts.witness
    for key, (_, public) in zip(descriptor.keys, scripts.keys, strict=True):
        pairs[bytes([OUT_BIP32_DERIVATION]) + public] = _origin(key, place.branch, place.index)
    return pairs


def _taproot_keys(descriptor: Descriptor, spend: Spend, kind: int) -> PsbtMap:
    """Each key's leaves and its way from the master key; a key that nobody holds needs none."""
    pairs: PsbtMap = {}
    place = spend.place
    for key, (_, public) in zip(descriptor.keys, spend.scripts.keys, strict=True):
        if is_nobodys(key):
            continue
        leaves = sorted(leaf.hash for leaf in spend.tree if public[-32:] in leaf.script)
        hashes = compact_size(len(leaves)) + b"".join(leaves)
        pairs[bytes([kind]) + public[-32:]] = hashes + _origin(key, place.branch, place.index)
    return pairs


def _tree_entry(leaf: Leaf) -> bytes:
    """BIP-371: depth, leaf version, script; leaves in depth-first order."""
    depth = bytes([len(leaf.path)])
    return depth + _LEAF_VERSION + compact_size(len(leaf.script)) + leaf.script


def _previous(
    unsigned: Transaction, position: int, spent: TxOut, previous: Mapping[Txid, Transaction]
) -> Transaction | None:
    """The transaction behind an input: taproot signatures cover amounts, all others need it."""
    outpoint = unsigned.inputs[position].outpoint
    found = previous.get(outpoint.txid)
    if classify(spent.script).kind is ScriptKind.P2TR:
        return None
    if (
        found is None
        or found.txid != outpoint.txid
        or outpoint.vout >= len(found.outputs)
        or found.outputs[outpoint.vout] != spent
    ):
        raise PreviousTransactionMissing(outpoint=str(outpoint))
    return found


def _extended_keys(descriptor: Descriptor) -> PsbtMap:
    """PSBT_GLOBAL_XPUB: the cosigners' account keys, by which devices know the wallet."""
    pairs: PsbtMap = {}
    for key in descriptor.keys:
        if not key.extended or key.fingerprint is None:
            continue
        raw = base58check_decode(key.key)
        # A key whose depth does not fit its stated origin would be refused by readers.
        if len(raw) == _XPUB_SIZE and raw[4] == len(key.origin_path):
            path = b"".join(step.to_bytes(4, "little") for step in key.origin_path)
            pairs[bytes([GLOBAL_XPUB]) + raw] = bytes.fromhex(key.fingerprint) + path
    return pairs


def _origin(key: KeyExpression, branch: int, index: int) -> bytes:
    """A key's way from its master key: fingerprint, then each step (BIP-174)."""
    steps = [*key.origin_path, *key.path_of(branch), *([index] if key.wildcard else [])]
    fingerprint = bytes.fromhex(key.fingerprint) if key.fingerprint else bytes(4)
    return fingerprint + b"".join(step.to_bytes(4, "little") for step in steps)
