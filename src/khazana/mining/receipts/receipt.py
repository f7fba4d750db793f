"""A share receipt: a header, the coinbase that pays the reserve, and the branch between them.

    receipt  = header 80 | length n CompactSize | coinbase n | depth d 1 | branch 32 × d
    file     = "KZRCPT1" 0x0A | site length 1 | site | share target 32 (little-endian) | receipts

The coinbase stands without witness, as its txid hashes it. It is the first transaction of its
block, so the branch needs no position: every sibling stands on the right. With a coinbase of 201
bytes and twelve hashes a receipt has 667 bytes.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from khazana.bitcoin.block import HEADER_SIZE, Header
from khazana.bitcoin.reader import MalformedBytes, Reader, compact_size
from khazana.bitcoin.transaction import Transaction
from khazana.ledger.tables import IDENTIFIER

MAGIC = b"KZRCPT1\n"
MOST_DEPTH = 16
"""A block has fewer than 2^16 transactions: 4 million weight units, 60 bytes each."""
MOST_COINBASE = 100_000
_HASH = 32


class Receipt(NamedTuple):
    """A receipt's raw bytes, cut apart. offset: where it stands in its file."""

    header: bytes
    coinbase: bytes
    branch: tuple[bytes, ...]
    offset: int = 0

    def serialize(self) -> bytes:
        return b"".join(
            [
                self.header,
                compact_size(len(self.coinbase)),
                self.coinbase,
                bytes([len(self.branch)]),
                *self.branch,
            ]
        )

    @property
    def parsed_header(self) -> Header:
        return Header.parse(self.header)

    @property
    def transaction(self) -> Transaction:
        """The coinbase; MalformedBytes when it is no transaction."""
        return Transaction.parse(self.coinbase, witness=False)


@dataclass(frozen=True, kw_only=True)
class ReceiptsFile:
    """The receipts of one site under one share target.

    target: the largest hash that counts; it is stated before the work is done, so that luck
    cannot choose it afterwards. raw: the file. cuts: where each receipt begins, where its
    coinbase does, and where its branch does: a million receipts are not kept twice.
    """

    file: str
    site: str
    target: int
    raw: bytes = b""
    cuts: Sequence[int] = ()

    def __post_init__(self) -> None:
        if not IDENTIFIER.fullmatch(self.site):
            raise ValueError(f"{self.site!r} is no name of a site")
        if not 0 < self.target < 1 << 256:
            raise ValueError("a target lies between 1 and 2**256 - 1")

    def __len__(self) -> int:
        return len(self.cuts) // 3

    @property
    def receipts(self) -> Iterator[Receipt]:
        """The receipts in the order of the file."""
        raw, cuts = self.raw, iter(self.cuts)
        for start, coinbase, branch in zip(cuts, cuts, cuts, strict=True):
            end = branch + 1 + _HASH * raw[branch]
            siblings = tuple([raw[at : at + _HASH] for at in range(branch + 1, end, _HASH)])
            header = raw[start : start + HEADER_SIZE]
            yield Receipt(header, raw[coinbase:branch], siblings, start)


def work_of_target(target: int) -> int:
    """Hashes that a share under this target takes on average: ⌊2²⁵⁶ / (target + 1)⌋.

    >>> work_of_target((1 << 224) - 1)
    4294967296
    """
    return (1 << 256) // (target + 1)


def target_of_difficulty(difficulty: int) -> int:
    """The share target of a whole difficulty: the target of 1d00ffff over it, rounded down."""
    return (0xFFFF << 208) // difficulty


def write_receipts(site: str, target: int, receipts: Iterable[Receipt]) -> bytes:
    """A file of receipts."""
    ReceiptsFile(file="", site=site, target=target, cuts=())
    name = site.encode("ascii")
    head = [MAGIC, bytes([len(name)]), name, target.to_bytes(_HASH, "little")]
    return b"".join([*head, *(receipt.serialize() for receipt in receipts)])


def read_receipts(file: str, raw: bytes) -> ReceiptsFile:
    """The receipts in a file; MalformedBytes names the byte where it is not one.

    What a well-formed receipt proves is another question: see `audit_receipts`.
    """
    what = f"file of share receipts ({file})"
    reader = Reader(raw, what)
    if raw[: len(MAGIC)] != MAGIC:
        raise MalformedBytes(what=what, offset=0, problem=f"it does not begin with {MAGIC!r}")
    reader.take(len(MAGIC))
    name = reader.take(reader.take(1)[0])
    if not name.isascii() or not IDENTIFIER.fullmatch(name.decode("ascii")):
        raise reader.malformed("the site's name is not 1 to 64 letters, digits, '.', '_' or '-'")
    target = int.from_bytes(reader.take(_HASH), "little")
    if target == 0:
        raise reader.malformed("the share target is zero")
    cuts, offset, end = array("Q"), reader.offset, len(raw)
    while offset < end:
        start, at = offset, offset + HEADER_SIZE
        length = raw[at] if at < end else 0
        at += 1
        if length >= 0xFD:  # rare: a coinbase of 253 bytes or more
            reader.offset = at - 1
            length = reader.compact_size()
            at = reader.offset
            if length > MOST_COINBASE:
                raise reader.malformed(f"a coinbase of {length} bytes")
        after = at + length
        if after >= end:
            raise MalformedBytes(what=what, offset=start, problem="a receipt is cut off")
        depth = raw[after]
        offset = after + 1 + _HASH * depth
        if depth > MOST_DEPTH:
            problem = f"a branch of {depth} hashes; no block is deeper than {MOST_DEPTH}"
            raise MalformedBytes(what=what, offset=after, problem=problem)
        if offset > end:
            raise MalformedBytes(what=what, offset=start, problem="a receipt is cut off")
        cuts.extend((start, at, after))
    return ReceiptsFile(file=file, site=name.decode("ascii"), target=target, raw=raw, cuts=cuts)
