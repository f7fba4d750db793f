"""What lets one input spend: witnesses from signatures, and how large they will be (rule D2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from khazana.bitcoin.descriptor import Descriptor, DescriptorEngine
from khazana.bitcoin.descriptor_grammar import Expression
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.satisfaction import Means, satisfied
from khazana.bitcoin.script import OP_PUSHDATA1, OP_PUSHDATA2
from khazana.bitcoin.taproot_tree import Leaf, control_block, leaves_of, merkle_root
from khazana.custody.drafting.wallet import Place
from khazana.custody.finalize import Final
from khazana.custody.policy import Lock, LockKind, is_nobodys, key_id, keys_in
from khazana.custody.signing_scripts import SigningScripts, signing_scripts
from khazana.custody.ways import Way

REPLACEABLE = 0xFFFF_FFFD
"""The highest sequence that signals replacement (BIP-125) and lets the lock time count."""

_TIME_BASED = 1 << 22
_ECDSA = bytes(72)
"""The longest low-S signature with its hash type; one that was ground is a byte shorter."""
_SCHNORR = bytes(64)


@dataclass(frozen=True)
class Spend:
    """Everything behind one address of a wallet.

    tree, root, internal: of a taproot output; internal is the key's x coordinate.
    """

    place: Place
    scripts: SigningScripts
    internal: bytes = b""
    tree: tuple[Leaf, ...] = ()
    root: bytes | None = None

    def control(self, leaf: Leaf) -> bytes:
        return control_block(self.internal, self.root or b"", leaf)


@dataclass(frozen=True)
class InputSignatures:
    """Signatures of one input. ecdsa: by public key. leaves: by x-only key and leaf hash."""

    ecdsa: Mapping[bytes, bytes] = field(default_factory=dict)
    key_path: bytes | None = None
    leaves: Mapping[tuple[bytes, bytes], bytes] = field(default_factory=dict)


def spend_of(descriptor: Descriptor, engine: DescriptorEngine, place: Place) -> Spend:
    """The scripts at a place, each checked against the output. Raises DescriptorNotDerivable."""
    scripts = signing_scripts(descriptor, engine, branch=place.branch, index=place.index)
    if scripts.code is not None or descriptor.tree is None:
        return Spend(place, scripts)
    internal = scripts.keys[0][1][-32:]
    trees = [part for part in descriptor.tree.arguments if isinstance(part, Expression)]
    if not trees:
        return Spend(place, scripts, internal)
    branch, index = place.branch, place.index
    return Spend(
        place,
        scripts,
        internal,
        leaves_of(trees[0], branch=branch, index=index),
        merkle_root(trees[0], branch=branch, index=index),
    )


def final_of(
    descriptor: Descriptor,
    spend: Spend,
    signatures: InputSignatures,
    *,
    sequence: int,
    lock_time: int,
    preimages: Mapping[bytes, bytes] | None = None,
) -> Final | None:
    """The smallest script signature and witness that these signatures make; None if none."""
    known = preimages or {}
    scripts, place = spend.scripts, spend.place
    tree = descriptor.tree
    if tree is None:
        return None
    if scripts.code is None:
        return _taproot(spend, signatures, known, sequence=sequence, lock_time=lock_time)
    inner = _innermost(tree)
    items: tuple[bytes, ...] | None = None
    if inner.name == "wpkh":
        public = scripts.keys[0][1]
        if public in signatures.ecdsa:
            items = (signatures.ecdsa[public], public)
    else:
        means = Means(signatures.ecdsa, known, sequence, lock_time)
        stack = satisfied(inner, means, branch=place.branch, index=place.index, tapscript=False)
        if stack is not None:
            items = stack.items
    if items is None:
        return None
    if scripts.segwit:
        redeem = b"" if scripts.redeem is None else push(scripts.redeem)
        return Final(redeem, items if scripts.witness is None else (*items, scripts.witness))
    pushed = items if scripts.redeem is None else (*items, scripts.redeem)
    return Final(b"".join(map(push, pushed)), ())


def placeholders(descriptor: Descriptor, spend: Spend, way: Way | None) -> InputSignatures:
    """Signatures of the largest size by every key that may sign. way: None: any way open now."""
    signers = None if way is None else {key_id(key) for key in keys_in(way.who)}
    mine = [
        (key, public)
        for key, (_, public) in zip(descriptor.keys, spend.scripts.keys, strict=True)
        if (signers is None or key_id(key) in signers) and not is_nobodys(key)
    ]
    if spend.scripts.code is not None:
        return InputSignatures({public: _ECDSA for _, public in mine})
    first = descriptor.keys[0]
    return InputSignatures(
        key_path=_SCHNORR if any(key is first for key, _ in mine) else None,
        leaves={(public[-32:], leaf.hash): _SCHNORR for _, public in mine for leaf in spend.tree},
    )


def sequence_of(way: Way | None) -> int:
    """The sequence of each input: signals replacement, and opens the way's relative locks."""
    blocks = [lock.value for lock in _locks(way, LockKind.BLOCKS)]
    seconds = [lock.value for lock in _locks(way, LockKind.SECONDS)]
    if blocks and seconds:
        raise ValueError("a way cannot wait in blocks and in time together (BIP-379)")
    if blocks:
        return max(blocks)
    return _TIME_BASED | max(seconds) // 512 if seconds else REPLACEABLE


def lock_time_of(way: Way | None, *, height: int) -> int:
    """Rule D7: the tip's height, so that nobody gains by mining older blocks again; or a lock's."""
    times = [lock.value for lock in _locks(way, LockKind.TIME)]
    heights = [lock.value for lock in _locks(way, LockKind.HEIGHT)]
    return max(times) if times else max([height, *heights])


def input_weight(final: Final, *, segwit: bool) -> int:
    """Weight units of one input with what lets it spend (BIP-141)."""
    sig = len(final.script_sig)
    outside = 32 + 4 + len(compact_size(sig)) + sig + 4
    return 4 * outside + (witness_size(final.witness) if segwit else 0)


def witness_size(witness: tuple[bytes, ...]) -> int:
    items = sum(len(compact_size(len(item))) + len(item) for item in witness)
    return len(compact_size(len(witness))) + items


def push(data: bytes) -> bytes:
    """The shortest push of bytes that are no small number but may be none."""
    size = len(data)
    if size < OP_PUSHDATA1:
        return bytes([size]) + data
    if size <= 0xFF:
        return bytes([OP_PUSHDATA1, size]) + data
    return bytes([OP_PUSHDATA2]) + size.to_bytes(2, "little") + data


def _taproot(
    spend: Spend,
    signatures: InputSignatures,
    preimages: Mapping[bytes, bytes],
    *,
    sequence: int,
    lock_time: int,
) -> Final | None:
    found: list[tuple[bytes, ...]] = []
    if signatures.key_path is not None:
        found.append((signatures.key_path,))
    for leaf in spend.tree:
        own = {key: made for (key, of), made in signatures.leaves.items() if of == leaf.hash}
        stack = satisfied(
            leaf.expression,
            Means(own, preimages, sequence, lock_time),
            branch=spend.place.branch,
            index=spend.place.index,
            tapscript=True,
        )
        if stack is not None:
            found.append((*stack.items, leaf.script, spend.control(leaf)))
    return Final(b"", min(found, key=witness_size)) if found else None


def _innermost(tree: Expression) -> Expression:
    """What stands inside sh() and wsh()."""
    part = tree
    while part.name in ("sh", "wsh"):
        inner = part.arguments[0]
        if not isinstance(inner, Expression):
            raise ValueError(f"{part.name}() holds no script")
        part = inner
    return part


def _locks(way: Way | None, kind: LockKind) -> list[Lock]:
    return [lock for lock in (way.waits if way is not None else ()) if lock.kind is kind]
