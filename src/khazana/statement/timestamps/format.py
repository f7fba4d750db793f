"""Files of OpenTimestamps, read and written exactly: operations that lead from a digest to a block.

    file        = magic 31 | version 01 | 08 | digest 32 | timestamp
    timestamp   = { ff entry } entry                entries share the message they start from
    entry       = 00 tag 8 | length | payload       an attestation about the message
                | operation timestamp               what follows is about the operation's result
    operation   = f0 length bytes (append) | f1 length bytes (prepend)
                | f2 (reverse) | f3 (hexadecimal) | 03 (RIPEMD-160) | 08 (SHA-256)

Lengths and numbers are LEB128, seven bits a byte, the lowest first, in their shortest form.
Source: python-opentimestamps, core/timestamp.py, core/op.py and core/notary.py (LGPL-3.0; nothing
of it is copied). SHA-1 and Keccak are refused: the first can be made to collide, the second is not
in Python; no calendar makes them.

On test networks a block is attested under a tag of our own that names the network by its genesis
hash, so that no such proof can be read as one about mainnet.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from khazana.bitcoin.hashes import ripemd160
from khazana.bitcoin.reader import MalformedBytes

MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
VERSION = 1
MOST_STAMP_BYTES = 262_144
MOST_MESSAGE = 4096
"""Longest argument and result of an operation (python-opentimestamps, core/op.py)."""
MOST_PAYLOAD = 8192
MOST_URI = 1000
MOST_DEPTH = 256
DIGEST = 32
_MOST_HEIGHT = 0xFFFF_FFFF

PENDING_TAG = bytes.fromhex("83dfe30d2ef90c8e")
BITCOIN_TAG = bytes.fromhex("0588960d73d71901")
TEST_TAG = hashlib.sha256(b"khazana.timestamp-of-a-test-network/1").digest()[:8]
_FORK, _ATTESTATION = 0xFF, 0x00
_URI_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_/:")
"""What a calendar's address may hold, so that it can be printed anywhere."""


class Kind(Enum):
    """Operations by their byte."""

    APPEND = 0xF0
    PREPEND = 0xF1
    REVERSE = 0xF2
    HEXLIFY = 0xF3
    RIPEMD160 = 0x03
    SHA256 = 0x08


_WITH_ARGUMENT = (Kind.APPEND, Kind.PREPEND)


@dataclass(frozen=True, slots=True)
class Op:
    """A step from one message to the next."""

    kind: Kind
    argument: bytes = b""

    def __post_init__(self) -> None:
        if (self.kind in _WITH_ARGUMENT) != bool(self.argument):
            raise ValueError(f"{self.kind.name} with an argument of {len(self.argument)} bytes")
        if len(self.argument) > MOST_MESSAGE:
            raise ValueError(f"an argument of {len(self.argument)} bytes is too long")

    def of(self, message: bytes) -> bytes:
        """The result; ValueError when it is longer than any may be."""
        match self.kind:
            case Kind.APPEND:
                result = message + self.argument
            case Kind.PREPEND:
                result = self.argument + message
            case Kind.REVERSE:
                result = message[::-1]
            case Kind.HEXLIFY:
                result = message.hex().encode()
            case Kind.RIPEMD160:
                result = ripemd160(message)
            case _:
                result = hashlib.sha256(message).digest()
        if len(result) > MOST_MESSAGE:
            raise ValueError(f"a result of {len(result)} bytes; at most {MOST_MESSAGE} may be")
        return result


@dataclass(frozen=True, slots=True)
class Pending:
    """A calendar's promise. It proves nothing until it is replaced by a block."""

    uri: str

    def __post_init__(self) -> None:
        if not set(self.uri.encode()) <= _URI_BYTES or len(self.uri) > MOST_URI:
            raise ValueError("a calendar's address holds letters, digits and .-_/: only")


@dataclass(frozen=True, slots=True)
class BitcoinBlock:
    """The message is the Merkle root, as it stands in the header, of mainnet's block."""

    height: int


@dataclass(frozen=True, slots=True)
class TestBlock:
    """The same for a test network, named by the hash of its genesis block as displayed."""

    __test__ = False  # pytest takes every class called Test… for tests

    genesis: str
    height: int


@dataclass(frozen=True, slots=True)
class Unknown:
    """An attestation of a kind this program does not know; kept, never counted."""

    tag: bytes
    payload: bytes


Attestation = Pending | BitcoinBlock | TestBlock | Unknown
Entry = Attestation | tuple[Op, "Timestamp"]


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What is said about a message, in the order of the file."""

    message: bytes
    entries: tuple[Entry, ...]

    def attested(self) -> Iterator[tuple[bytes, Attestation]]:
        """Every attestation with the message it is about."""
        for entry in self.entries:
            if isinstance(entry, tuple):
                yield from entry[1].attested()
            else:
                yield self.message, entry


@dataclass(frozen=True, slots=True)
class Proof:
    """A file: the timestamp of the SHA-256 of something."""

    stamp: Timestamp

    @property
    def digest(self) -> bytes:
        return self.stamp.message


def read_proof(raw: bytes, *, what: str = "time stamp") -> Proof:
    """The proof in a file; `MalformedBytes` names the byte where it is not one."""
    if len(raw) > MOST_STAMP_BYTES:
        raise MalformedBytes(what=what, offset=MOST_STAMP_BYTES, problem="it is too long")
    reader = _Reader(raw, what)
    if reader.take(len(MAGIC)) != MAGIC:
        reader.offset = 0
        raise reader.wrong("it does not begin as files of OpenTimestamps do")
    if (version := reader.number()) != VERSION:
        raise reader.wrong(f"version {version} is not known")
    if (kind := reader.take(1)[0]) != Kind.SHA256.value:
        raise reader.wrong(f"the file was hashed by {kind:#04x}, not by SHA-256")
    stamp = _timestamp(reader, reader.take(DIGEST), MOST_DEPTH)
    if reader.offset != len(raw):
        raise reader.wrong(f"{len(raw) - reader.offset} bytes too many")
    return Proof(stamp)


def write_proof(proof: Proof) -> bytes:
    """The file of a proof; `read_proof` gives it back, byte for byte."""
    if len(proof.digest) != DIGEST:
        raise ValueError(f"a digest of {len(proof.digest)} bytes")
    head = MAGIC + bytes([VERSION, Kind.SHA256.value]) + proof.digest
    return head + b"".join(_pieces(proof.stamp))


class _Reader:
    """A cursor that refuses what is cut off, too long or not in its shortest form."""

    def __init__(self, raw: bytes, what: str) -> None:
        self.raw, self.what, self.offset = raw, what, 0

    def wrong(self, problem: str) -> MalformedBytes:
        return MalformedBytes(what=self.what, offset=self.offset, problem=problem)

    def take(self, count: int) -> bytes:
        piece = self.raw[self.offset : self.offset + count]
        if len(piece) < count:
            raise self.wrong(f"{count} bytes announced, {len(piece)} left")
        self.offset += count
        return piece

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if not byte & 0x80:
                break
            shift += 7
            if shift > 63:
                raise self.wrong("a number of more than 64 bits")
        if shift and not byte:
            raise self.wrong(f"{value} is not written in its shortest form")
        return value

    def sized(self, most: int) -> bytes:
        length = self.number()
        if length > most:
            raise self.wrong(f"{length} bytes announced, at most {most} may be")
        return self.take(length)


def _timestamp(reader: _Reader, message: bytes, depth: int) -> Timestamp:
    if not depth:
        raise reader.wrong(f"more than {MOST_DEPTH} operations lie in a row")
    entries: list[Entry] = []
    while True:
        byte = reader.take(1)[0]
        more = byte == _FORK
        if more:
            byte = reader.take(1)[0]
        if byte == _ATTESTATION:
            entries.append(_attestation(reader))
        else:
            op = _op(reader, byte)
            try:
                result = op.of(message)
            except ValueError as error:
                raise reader.wrong(str(error)) from error
            entries.append((op, _timestamp(reader, result, depth - 1)))
        if not more:
            return Timestamp(message, tuple(entries))


def _op(reader: _Reader, byte: int) -> Op:
    try:
        kind = Kind(byte)
    except ValueError as error:
        raise reader.wrong(f"operation {byte:#04x} is not known, or not safe") from error
    if kind not in _WITH_ARGUMENT:
        return Op(kind)
    argument = reader.sized(MOST_MESSAGE)
    if not argument:
        raise reader.wrong("an operation joins nothing to the message")
    return Op(kind, argument)


def _attestation(reader: _Reader) -> Attestation:
    tag = reader.take(len(PENDING_TAG))
    start = reader.offset
    payload = reader.sized(MOST_PAYLOAD)
    inner = _Reader(reader.raw[: reader.offset], reader.what)
    inner.offset = reader.offset - len(payload)
    found: Attestation
    if tag == PENDING_TAG:
        uri = inner.sized(MOST_URI)
        if not set(uri) <= _URI_BYTES:
            raise inner.wrong("a calendar's address holds other bytes than it may")
        found = Pending(uri.decode("ascii"))
    elif tag == BITCOIN_TAG:
        found = BitcoinBlock(_height(inner))
    elif tag == TEST_TAG:
        genesis = inner.take(DIGEST)[::-1].hex()
        found = TestBlock(genesis, _height(inner))
    else:
        return Unknown(tag, payload)
    if inner.offset != reader.offset:
        inner.offset = start
        raise inner.wrong("an attestation holds more than it should")
    return found


def _height(reader: _Reader) -> int:
    if (height := reader.number()) > _MOST_HEIGHT:
        raise reader.wrong(f"no block has height {height}")
    return height


def _pieces(stamp: Timestamp) -> Iterator[bytes]:
    if not stamp.entries:
        raise ValueError("a timestamp without an attestation proves nothing")
    for number, entry in enumerate(stamp.entries, start=1):
        if number < len(stamp.entries):
            yield bytes([_FORK])
        if isinstance(entry, tuple):
            op, after = entry
            yield bytes([op.kind.value])
            if op.kind in _WITH_ARGUMENT:
                yield _sized(op.argument)
            yield from _pieces(after)
        else:
            yield bytes([_ATTESTATION]) + _written(entry)


def _written(one: Attestation) -> bytes:
    match one:
        case Pending():
            return PENDING_TAG + _sized(_sized(one.uri.encode("ascii")))
        case BitcoinBlock():
            return BITCOIN_TAG + _sized(number_bytes(one.height))
        case TestBlock():
            raw = bytes.fromhex(one.genesis)[::-1]
            return TEST_TAG + _sized(raw + number_bytes(one.height))
        case Unknown():
            return one.tag + _sized(one.payload)


def _sized(raw: bytes) -> bytes:
    return number_bytes(len(raw)) + raw


def number_bytes(value: int) -> bytes:
    """A number as LEB128.

    >>> number_bytes(358391).hex()
    'f7ef15'
    """
    if not 0 <= value < 1 << 64:
        raise ValueError(f"{value} is no number of a time stamp")
    written = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        written.append(low | (0x80 if value else 0))
        if not value:
            return bytes(written)
