"""Taproot outputs with scripts: leaves, their tree and the tweaked key (BIP-341, 342, 379, 387)."""

from dataclasses import dataclass

import wallycore

from khazana.bitcoin.descriptor_grammar import Expression
from khazana.bitcoin.descriptor_keys import KeyExpression
from khazana.bitcoin.hashes import hash160, tagged_hash
from khazana.bitcoin.reader import compact_size
from khazana.bitcoin.script import OP_1, p2tr

_LEAF_VERSION = b"\xc0"
_OP = {
    "0": 0x00, "1": 0x51, "IF": 0x63, "NOTIF": 0x64, "ELSE": 0x67, "ENDIF": 0x68, "VERIFY": 0x69,
    "TOALTSTACK": 0x6B, "FROMALTSTACK": 0x6C, "IFDUP": 0x73, "DUP": 0x76, "SWAP": 0x7C,
    "SIZE": 0x82, "EQUAL": 0x87, "EQUALVERIFY": 0x88, "0NOTEQUAL": 0x92, "ADD": 0x93,
    "BOOLAND": 0x9A, "BOOLOR": 0x9B, "NUMEQUAL": 0x9C, "RIPEMD160": 0xA6, "SHA256": 0xA8,
    "HASH160": 0xA9, "HASH256": 0xAA, "CHECKSIG": 0xAC, "CHECKLOCKTIMEVERIFY": 0xB1,
    "CHECKSEQUENCEVERIFY": 0xB2, "CHECKSIGADD": 0xBA,
}  # fmt: skip
_MERGES_WITH_VERIFY = {bytes([_OP[name]]) for name in ("EQUAL", "NUMEQUAL", "CHECKSIG")}

# What stands for each fragment and wrapper in BIP-379; X, Y, Z are its arguments in order.
_FRAGMENTS = {
    "andor": "X NOTIF Z ELSE Y ENDIF", "and_v": "X Y", "and_b": "X Y BOOLAND",
    "and_n": "X NOTIF 0 ELSE Y ENDIF", "or_b": "X Y BOOLOR", "or_c": "X NOTIF Y ENDIF",
    "or_d": "X IFDUP NOTIF Y ENDIF", "or_i": "IF X ELSE Y ENDIF", "0": "0", "1": "1",
}  # fmt: skip
_WRAPPERS = {
    "a": "TOALTSTACK X FROMALTSTACK", "s": "SWAP X", "c": "X CHECKSIG", "d": "DUP IF X ENDIF",
    "j": "SIZE 0NOTEQUAL IF X ENDIF", "n": "X 0NOTEQUAL", "t": "X 1",
    "l": "IF 0 ELSE X ENDIF", "u": "IF X ELSE 0 ENDIF",
}  # fmt: skip

_Steps = list[bytes]
"""A script step by step: opcodes of one byte each, and pushes."""


def taproot_script(internal: KeyExpression, tree: Expression, *, branch: int, index: int) -> bytes:
    """The output script of tr(KEY,TREE) at one index of one branch."""
    key = b"\x02" + internal.public_key(branch, index)[-32:]
    root = _root(tree, branch, index)
    return p2tr(bytes(wallycore.ec_public_key_bip341_tweak(key, root, 0))[1:])


def leaf_script(leaf: Expression, *, branch: int, index: int) -> bytes:
    """The script of one leaf at one index of one branch."""
    return b"".join(_steps(leaf, branch, index))


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf of a taproot tree. path: the sibling hashes from the leaf up (BIP-341)."""

    expression: Expression
    script: bytes
    path: tuple[bytes, ...] = ()

    @property
    def hash(self) -> bytes:
        return tagged_hash("TapLeaf", _LEAF_VERSION + compact_size(len(self.script)) + self.script)


def merkle_root(tree: Expression, *, branch: int, index: int) -> bytes:
    """The root of a tree at one index of one branch."""
    return _root(tree, branch, index)


def leaves_of(tree: Expression, *, branch: int, index: int) -> tuple[Leaf, ...]:
    """Every leaf in the order written, with its way to the root."""
    if tree.name != "{}":
        return (Leaf(tree, leaf_script(tree, branch=branch, index=index)),)
    sides = [side for side in tree.arguments if isinstance(side, Expression)]
    roots = [_root(side, branch, index) for side in sides]
    return tuple(
        Leaf(leaf.expression, leaf.script, (*leaf.path, other))
        for side, other in zip(sides, reversed(roots), strict=True)
        for leaf in leaves_of(side, branch=branch, index=index)
    )


def control_block(internal: bytes, root: bytes, leaf: Leaf) -> bytes:
    """What a witness shows beside a leaf's script. internal: the x coordinate, 32 bytes."""
    tweaked = bytes(wallycore.ec_public_key_bip341_tweak(b"\x02" + internal, root, 0))
    parity = tweaked[0] & 1
    return bytes([_LEAF_VERSION[0] | parity]) + internal + b"".join(leaf.path)


def _root(tree: Expression, branch: int, index: int) -> bytes:
    if tree.name != "{}":
        script = leaf_script(tree, branch=branch, index=index)
        return tagged_hash("TapLeaf", _LEAF_VERSION + compact_size(len(script)) + script)
    sides = [_root(side, branch, index) for side in tree.arguments if isinstance(side, Expression)]
    # The sides are hashed in sorted order, so that a proof needs no left and right (BIP-341).
    return tagged_hash("TapBranch", b"".join(sorted(sides)))


def _steps(part: Expression, branch: int, index: int) -> _Steps:
    steps = _bare(part, branch, index)
    for wrapper in reversed(part.wrappers):
        steps = _verified(steps) if wrapper == "v" else _filled(_WRAPPERS[wrapper], [steps])
    return steps


def _bare(part: Expression, branch: int, index: int) -> _Steps:
    inner = [_steps(a, branch, index) for a in part.arguments if isinstance(a, Expression)]
    keys = [
        a.public_key(branch, index)[-32:] for a in part.arguments if isinstance(a, KeyExpression)
    ]
    first = part.arguments[0] if part.arguments else None
    number = _number(first) if isinstance(first, int) else b""
    match part.name:
        case "pk" | "pk_k":
            return [_push(keys[0]), *([_op("CHECKSIG")] if part.name == "pk" else [])]
        case "pkh" | "pk_h":
            steps = [_op("DUP"), _op("HASH160"), _push(hash160(keys[0])), _op("EQUALVERIFY")]
            return [*steps, *([_op("CHECKSIG")] if part.name == "pkh" else [])]
        case "older":
            return [number, _op("CHECKSEQUENCEVERIFY")]
        case "after":
            return [number, _op("CHECKLOCKTIMEVERIFY")]
        case "sha256" | "hash256" | "ripemd160" | "hash160" if isinstance(first, bytes):
            size = [_op("SIZE"), _number(32), _op("EQUALVERIFY")]
            return [*size, _op(part.name.upper()), _push(first), _op("EQUAL")]
        case "thresh":
            added = [[*steps, _op("ADD")] for steps in inner[1:]]
            return [*inner[0], *(s for steps in added for s in steps), number, _op("EQUAL")]
        case "multi_a" | "sortedmulti_a":
            ordered = sorted(keys) if part.name == "sortedmulti_a" else keys
            checked = [[_push(key), _op("CHECKSIGADD")] for key in ordered[1:]]
            start = [_push(ordered[0]), _op("CHECKSIG")]
            return [*start, *(s for steps in checked for s in steps), number, _op("NUMEQUAL")]
    return _filled(_FRAGMENTS[part.name], inner)


def _filled(template: str, inner: list[_Steps]) -> _Steps:
    steps: _Steps = []
    for word in template.split():
        steps += inner["XYZ".index(word)] if word in ("X", "Y", "Z") else [_op(word)]
    return steps


def _verified(steps: _Steps) -> _Steps:
    if steps[-1] in _MERGES_WITH_VERIFY:
        return [*steps[:-1], bytes([steps[-1][0] + 1])]  # the VERIFY form is the next opcode
    return [*steps, _op("VERIFY")]


def _op(name: str) -> bytes:
    return bytes([_OP[name]])


def _push(data: bytes) -> bytes:
    """A push of at most 75 bytes."""
    return bytes([len(data)]) + data


def _number(value: int) -> bytes:
    """A positive number as a script pushes it: an opcode up to 16, then the fewest bytes."""
    if value <= 16:
        return bytes([OP_1 + value - 1])
    # The topmost bit is the sign, so a number that fills its bytes takes one more.
    return _push(value.to_bytes(value.bit_length() // 8 + 1, "little"))
