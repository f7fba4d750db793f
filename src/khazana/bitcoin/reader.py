"""Bitcoin's wire format: little-endian integers, CompactSize lengths, bounded by the data."""

from dataclasses import dataclass

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class MalformedBytes(KhazanaError):
    """Bytes that claim to be a transaction, header or block are not."""

    what: str
    offset: int
    problem: str
    code = "malformed_bytes"
    words = "Not a valid {what}: {problem} at byte {offset}. Fetch it again or ask another source."


class Reader:
    """A cursor over bytes that refuses to read past the end and says where it stood."""

    __slots__ = ("data", "offset", "what")

    def __init__(self, data: bytes, what: str, offset: int = 0) -> None:
        self.data = data
        self.what = what
        self.offset = offset

    def take(self, count: int) -> bytes:
        end = self.offset + count
        if end > len(self.data):
            raise self.malformed(f"{count} bytes announced, {len(self.data) - self.offset} left")
        piece = self.data[self.offset : end]
        self.offset = end
        return piece

    def integer(self, width: int) -> int:
        """An unsigned little-endian integer of `width` bytes."""
        return int.from_bytes(self.take(width), "little")

    def signed(self, width: int) -> int:
        return int.from_bytes(self.take(width), "little", signed=True)

    def compact_size(self) -> int:
        """A length as Bitcoin writes it; the shortest form is required, as in Bitcoin Core."""
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        width, smallest = {0xFD: (2, 0xFD), 0xFE: (4, 0x1_0000), 0xFF: (8, 0x1_0000_0000)}[first]
        value = self.integer(width)
        if value < smallest:
            raise self.malformed(f"length {value} written in {width + 1} bytes")
        return value

    def count(self, smallest_item: int) -> int:
        """How many items follow, refused when they could not fit in the bytes that are left."""
        value = self.compact_size()
        if value * smallest_item > len(self.data) - self.offset:
            raise self.malformed(f"{value} items announced, too few bytes left")
        return value

    def sized(self) -> bytes:
        """A byte string with its length before it."""
        start = self.offset + 1
        # Nearly all are shorter than 253 bytes: a length of one byte, read without detours.
        if start <= len(self.data) and (length := self.data[start - 1]) < 0xFD:
            end = start + length
            if end <= len(self.data):
                self.offset = end
                return self.data[start:end]
        return self.take(self.compact_size())

    def finish(self) -> None:
        if self.offset != len(self.data):
            raise self.malformed(f"{len(self.data) - self.offset} bytes too many")

    def malformed(self, problem: str) -> MalformedBytes:
        return MalformedBytes(what=self.what, offset=self.offset, problem=problem)


def compact_size(value: int) -> bytes:
    """Write a length as Bitcoin does.

    >>> compact_size(252).hex(), compact_size(253).hex()
    ('fc', 'fdfd00')
    """
    if value < 0xFD:
        return value.to_bytes(1, "little")
    for prefix, width in ((0xFD, 2), (0xFE, 4), (0xFF, 8)):
        if value < 1 << (8 * width):
            return bytes([prefix]) + value.to_bytes(width, "little")
    raise ValueError(f"no CompactSize for {value}")
