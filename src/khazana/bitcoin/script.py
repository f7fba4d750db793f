"""Output scripts: what kind each is, what it commits to, and how the standard ones are built."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

OP_0 = 0x00
OP_PUSHDATA1 = 0x4C
OP_PUSHDATA2 = 0x4D
OP_PUSHDATA4 = 0x4E
OP_1 = 0x51
OP_16 = 0x60
OP_RETURN = 0x6A
OP_DUP = 0x76
OP_EQUAL = 0x87
OP_EQUALVERIFY = 0x88
OP_HASH160 = 0xA9
OP_CODESEPARATOR = 0xAB
OP_CHECKSIG = 0xAC
OP_CHECKMULTISIG = 0xAE

MAX_MULTISIG_KEYS = 20
MAX_SCRIPT_SIZE = 10_000
"""Bytes; a longer output script can never be spent (Bitcoin Core, script/script.h)."""

_ANCHOR = bytes.fromhex("51024e73")
_KEY_SIZES = {0x02: 33, 0x03: 33, 0x04: 65, 0x06: 65, 0x07: 65}


class ScriptKind(Enum):
    P2PK = "p2pk"
    P2PKH = "p2pkh"
    P2SH = "p2sh"
    MULTISIG = "multisig"
    P2WPKH = "p2wpkh"
    P2WSH = "p2wsh"
    P2TR = "p2tr"
    ANCHOR = "anchor"
    """Pay-to-anchor: anyone may spend it."""
    WITNESS_UNKNOWN = "witness_unknown"
    """A witness version or length without rules yet: anyone may spend it until there are."""
    NULL_DATA = "null_data"
    """OP_RETURN and pushes: carries data, can never be spent."""
    NONSTANDARD = "nonstandard"


@dataclass(frozen=True, slots=True)
class OutputScript:
    """An output script by its kind, as Bitcoin Core's `Solver` sorts them.

    payload: the 20- or 32-byte hash or key of P2PKH, P2SH and witness programs, else empty.
    keys, required: the public keys of P2PK (one) and bare multisig, and how many must sign.
    witness_version: 0 to 16, None outside segregated witness.
    """

    kind: ScriptKind
    payload: bytes = b""
    keys: tuple[bytes, ...] = ()
    required: int = 0
    witness_version: int | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One step of a script: its opcode, the bytes it pushes (None if it pushes none), its place."""

    opcode: int
    pushed: bytes | None
    start: int
    end: int


def instructions(script: bytes) -> Iterator[Instruction]:
    """Step through a script; stops with ValueError where a push runs past the end."""
    position, size = 0, len(script)
    while position < size:
        start, opcode = position, script[position]
        position += 1
        if opcode > OP_PUSHDATA4:
            yield Instruction(opcode, None, start, position)
            continue
        length = opcode
        if opcode >= OP_PUSHDATA1:
            width = 1 << (opcode - OP_PUSHDATA1)
            length = int.from_bytes(script[position : position + width], "little")
            position += width
        if position + length > size:
            raise ValueError(f"a push at byte {start} of a script runs past its end")
        yield Instruction(opcode, script[position : position + length], start, position + length)
        position += length


def classify(script: bytes) -> OutputScript:
    """The kind of an output script and what it commits to.

    >>> classify(bytes.fromhex("6a0548656c6c6f")).kind
    <ScriptKind.NULL_DATA: 'null_data'>
    """
    size = len(script)
    if size == 23 and script[:2] == b"\xa9\x14" and script[22] == OP_EQUAL:
        return OutputScript(ScriptKind.P2SH, payload=script[2:22])
    witness = witness_program(script)
    if witness is not None:
        return _classify_witness(script, *witness)
    if script[:1] == bytes([OP_RETURN]):
        pushes = _is_push_only(script[1:])
        return OutputScript(ScriptKind.NULL_DATA if pushes else ScriptKind.NONSTANDARD)
    if size in (35, 67) and script[0] == size - 2 and script[-1] == OP_CHECKSIG:
        key = script[1:-1]
        if _KEY_SIZES.get(key[0]) == len(key):
            return OutputScript(ScriptKind.P2PK, keys=(key,), required=1)
    if size == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return OutputScript(ScriptKind.P2PKH, payload=script[3:23])
    multisig = _read_multisig(script)
    return multisig if multisig is not None else OutputScript(ScriptKind.NONSTANDARD)


def witness_program(script: bytes) -> tuple[int, bytes] | None:
    """Version and program of a segregated-witness output (BIP-141), None for any other script."""
    if not 4 <= len(script) <= 42 or script[1] != len(script) - 2:
        return None
    if script[0] == OP_0:
        return 0, script[2:]
    if OP_1 <= script[0] <= OP_16:
        return script[0] - OP_1 + 1, script[2:]
    return None


def is_unspendable(script: bytes) -> bool:
    """Whether no transaction can ever spend the output, so that nodes forget it at once."""
    return script[:1] == bytes([OP_RETURN]) or len(script) > MAX_SCRIPT_SIZE


def p2pk(key: bytes) -> bytes:
    """key: 33 or 65 bytes as serialised in SEC 1."""
    return _push(_checked_key(key)) + bytes([OP_CHECKSIG])


def p2pkh(key_hash: bytes) -> bytes:
    """key_hash: HASH160 of the public key."""
    return b"\x76\xa9\x14" + _sized(key_hash, 20, "key hash") + b"\x88\xac"


def p2sh(script_hash: bytes) -> bytes:
    """script_hash: HASH160 of the redeem script."""
    return b"\xa9\x14" + _sized(script_hash, 20, "script hash") + b"\x87"


def p2wpkh(key_hash: bytes) -> bytes:
    """key_hash: HASH160 of the compressed public key."""
    return b"\x00\x14" + _sized(key_hash, 20, "key hash")


def p2wsh(script_hash: bytes) -> bytes:
    """script_hash: SHA-256 of the witness script."""
    return b"\x00\x20" + _sized(script_hash, 32, "script hash")


def p2tr(output_key: bytes) -> bytes:
    """output_key: the x coordinate of the tweaked key (BIP-341)."""
    return b"\x51\x20" + _sized(output_key, 32, "output key")


def multisig(keys: Sequence[bytes], *, required: int) -> bytes:
    """Bare multisig in the order of `keys`; consensus lets at most 20 keys stand in it."""
    if not 1 <= required <= len(keys) <= MAX_MULTISIG_KEYS:
        raise ValueError(f"no multisig of {required} among {len(keys)} keys")
    pushes = b"".join(_push(_checked_key(key)) for key in keys)
    return b"".join([_number(required), pushes, _number(len(keys)), bytes([OP_CHECKMULTISIG])])


def witness_script(version: int, program: bytes) -> bytes:
    """The output script of a witness program; version 0 has 20 or 32 bytes (BIP-141)."""
    if not 0 <= version <= 16 or not 2 <= len(program) <= 40:
        raise ValueError(f"no witness program of version {version} with {len(program)} bytes")
    if version == 0 and len(program) not in (20, 32):
        raise ValueError(f"a version 0 witness program has 20 or 32 bytes, not {len(program)}")
    return bytes([OP_1 + version - 1 if version else OP_0, len(program)]) + program


def null_data(data: bytes) -> bytes:
    """OP_RETURN with one push of `data`."""
    return bytes([OP_RETURN]) + _push(data)


def _classify_witness(script: bytes, version: int, program: bytes) -> OutputScript:
    if version == 0:
        kind = {20: ScriptKind.P2WPKH, 32: ScriptKind.P2WSH}.get(len(program))
        if kind is None:  # can never be spent: version 0 has no other lengths
            return OutputScript(ScriptKind.NONSTANDARD)
    elif version == 1 and len(program) == 32:
        kind = ScriptKind.P2TR
    else:
        kind = ScriptKind.ANCHOR if script == _ANCHOR else ScriptKind.WITNESS_UNKNOWN
    return OutputScript(kind, payload=program, witness_version=version)


def _read_multisig(script: bytes) -> OutputScript | None:
    if len(script) < 3 or script[-1] != OP_CHECKMULTISIG:
        return None
    try:
        steps = list(instructions(script))
    except ValueError:
        return None
    if len(steps) < 4 or steps[-1].opcode != OP_CHECKMULTISIG:
        return None
    required, total = _small_number(steps[0]), _small_number(steps[-2])
    keys = tuple(step.pushed or b"" for step in steps[1:-2])
    if required is None or total != len(keys) or required > total:
        return None
    if any(not key or _KEY_SIZES.get(key[0]) != len(key) for key in keys):
        return None
    return OutputScript(ScriptKind.MULTISIG, keys=keys, required=required)


def _small_number(step: Instruction) -> int | None:
    """1 to 16 as an opcode, 17 to 20 as the shortest push: the numbers a multisig may hold."""
    if OP_1 <= step.opcode <= OP_16:
        return step.opcode - OP_1 + 1
    if step.opcode == 1 and step.pushed and 16 < step.pushed[0] <= MAX_MULTISIG_KEYS:
        return step.pushed[0]
    return None


def _number(value: int) -> bytes:
    return bytes([OP_1 + value - 1]) if value <= 16 else bytes([1, value])


def _is_push_only(script: bytes) -> bool:
    try:
        return all(step.opcode <= OP_16 for step in instructions(script))
    except ValueError:
        return False


def _push(data: bytes) -> bytes:
    """The shortest push of bytes that are not a small number."""
    size = len(data)
    if size < OP_PUSHDATA1:
        return bytes([size]) + data
    if size <= 0xFF:
        return bytes([OP_PUSHDATA1, size]) + data
    if size <= 0xFFFF:
        return bytes([OP_PUSHDATA2]) + size.to_bytes(2, "little") + data
    return bytes([OP_PUSHDATA4]) + size.to_bytes(4, "little") + data


def _sized(data: bytes, size: int, what: str) -> bytes:
    if len(data) != size:
        raise ValueError(f"a {what} here has {size} bytes, not {len(data)}")
    return data


def _checked_key(key: bytes) -> bytes:
    if not key or _KEY_SIZES.get(key[0]) != len(key):
        raise ValueError(f"not a serialised public key: {key.hex()}")
    return key
