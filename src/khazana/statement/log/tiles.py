"""Tiles (C2SP tlog-tiles): the tree's hashes and entries, 256 to a file.

    tile/<level>/<index>[.p/<width>]      `width` hashes of 32 bytes
    tile/entries/<index>[.p/<width>]      `width` times uint16 length (big-endian) ‖ entry

A hash at level n is the root over 256ⁿ entries. An index is written x001/x234/067.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from khazana.statement.log.errors import TileRefused
from khazana.statement.tree import EMPTY_ROOT, node_hash, root_of

WIDTH = 256
HASH_BYTES = 32
ENTRIES = -1
"""The level that stands for bundles of entries."""
MOST_LEVEL = 7
"""Eight levels of 256 hold 2^63 entries."""
MOST_ENTRY_BYTES = 4096
MOST_BUNDLE_BYTES = WIDTH * (2 + MOST_ENTRY_BYTES)

_PATH = re.compile(r"tile/(entries|[0-7])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """Which tile: its level (ENTRIES for a bundle), its place, how many hashes wide."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not ENTRIES <= self.level <= MOST_LEVEL or not 0 <= self.index < 10**21:
            raise ValueError(f"there is no tile {self.index} at level {self.level}")
        if not 1 <= self.width <= WIDTH:
            raise ValueError(f"a tile is 1 to {WIDTH} wide, not {self.width}")

    @property
    def path(self) -> str:
        """Where the tile lies below the log's address.

        >>> Tile(0, 1234067).path, Tile(ENTRIES, 5, 12).path
        ('tile/0/x001/x234/067', 'tile/entries/005.p/12')
        """
        groups, rest = [f"{self.index % 1000:03}"], self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        level = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{'/'.join(groups)}{partial}"


def read_path(path: str) -> Tile:
    """The tile that a path names, in its one spelling."""
    match = _PATH.fullmatch(path) if len(path) <= 64 and path.isascii() else None
    if match:
        level, index, width = match.groups()
        number = int(index.replace("/", "").replace("x", ""))
        if width is None or int(width) < WIDTH:
            tile = Tile(ENTRIES if level == "entries" else int(level), number, int(width or WIDTH))
            if tile.path == path:
                return tile
    raise TileRefused(path=path[:80], problem="it is not the path of a tile")


def read_hashes(tile: Tile, raw: bytes) -> tuple[bytes, ...]:
    """The hashes in a tile's file: exactly as many as it is wide."""
    if len(raw) != tile.width * HASH_BYTES:
        wanted = tile.width * HASH_BYTES
        raise TileRefused(path=tile.path, problem=f"it has {len(raw)} bytes, not {wanted}")
    return tuple(raw[at : at + HASH_BYTES] for at in range(0, len(raw), HASH_BYTES))


def read_bundle(tile: Tile, raw: bytes) -> tuple[bytes, ...]:
    """The entries in a bundle: exactly as many as it is wide, and not a byte more."""
    entries, at = [], 0
    for number in range(tile.width):
        size = int.from_bytes(raw[at : at + 2], "big")
        entry = raw[at + 2 : at + 2 + size]
        if size > MOST_ENTRY_BYTES or len(raw) < at + 2 or len(entry) != size:
            raise TileRefused(path=tile.path, problem=f"entry {number} is cut off or too large")
        entries.append(entry)
        at += 2 + size
    if at != len(raw):
        raise TileRefused(path=tile.path, problem=f"{len(raw) - at} bytes follow its last entry")
    return tuple(entries)


def bundle_bytes(entries: Sequence[bytes]) -> bytes:
    """The file that holds these entries."""
    if any(len(entry) > MOST_ENTRY_BYTES for entry in entries):
        raise ValueError(f"an entry has at most {MOST_ENTRY_BYTES} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def tile_at(size: int, *, level: int, index: int) -> Tile:
    """The tile as a log of `size` entries has it: full, or as wide as the log reaches."""
    hashes = size >> 8 * max(level, 0)
    width = min(WIDTH, hashes - index * WIDTH)
    if width < 1:
        raise ValueError(f"a log of {size} entries has no tile {index} at level {level}")
    return Tile(level, index, width)


def edge_tiles(size: int) -> Iterator[Tile]:
    """The partial tiles at the right edge of a log, from level 0 upwards."""
    for level in range(MOST_LEVEL + 1):
        hashes = size >> 8 * level
        if hashes % WIDTH:
            yield Tile(level, hashes // WIDTH, hashes % WIDTH)


def root_of_edge(edge: Sequence[Sequence[bytes]]) -> bytes:
    """The root of a log, from the hashes of its partial tiles, level by level upwards.

    Each level's hashes stand to the right of what the levels above hold.
    """
    root: bytes | None = None
    for hashes in edge:
        for peak in reversed(list(_peaks(hashes))):
            root = peak if root is None else node_hash(peak, root)
    return EMPTY_ROOT if root is None else root


def _peaks(hashes: Sequence[bytes]) -> Iterator[bytes]:
    at = 0
    for bit in reversed(range(8)):
        if len(hashes) & 1 << bit:
            yield root_of(hashes[at : at + (1 << bit)])
            at += 1 << bit


@dataclass(frozen=True)
class TiledTree:
    """The tree of `size` entries, asked through its tiles.

    hashes: the hashes of one tile. They may be foreign: what is made of them is a claim until it
    is verified against a signed root.
    """

    size: int
    hashes: Callable[[Tile], Sequence[bytes]]

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` entries."""
        size = self.size if size is None else size
        if not 0 <= size <= self.size:
            raise ValueError(f"a log of {self.size} entries has no earlier state of {size}")
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, *, size: int | None = None) -> tuple[bytes, ...]:
        """PATH(index, D[size]) of RFC 6962 section 2.1.1."""
        size = self.size if size is None else size
        if not 0 <= index < size <= self.size:
            raise ValueError(f"entry {index} is not in a log of {size} of {self.size} entries")
        path, start, end = [], 0, size
        while end - start > 1:
            middle = start + _split(end - start)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        return tuple(reversed(path))

    def consistency_proof(self, older: int, *, size: int | None = None) -> tuple[bytes, ...]:
        """PROOF(older, D[size]) of RFC 6962 section 2.1.2."""
        size = self.size if size is None else size
        if not 0 < older <= size <= self.size:
            raise ValueError(f"{older} entries are no earlier state of {size} of {self.size}")
        path, start, end = [], 0, size
        while older < end:
            middle = start + _split(end - start)
            if older <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(start, middle))
                start = middle
        if start:
            path.append(self._range(start, end))
        return tuple(reversed(path))

    def _range(self, start: int, end: int) -> bytes:
        """The root over entries start to end, a subtree of the RFC's."""
        count = end - start
        if count & (count - 1) == 0:
            return self._complete(start, count.bit_length() - 1)
        middle = start + _split(count)
        return node_hash(self._range(start, middle), self._range(middle, end))

    def _complete(self, start: int, height: int) -> bytes:
        level, inside = divmod(height, 8)
        first = start >> 8 * level
        tile = tile_at(self.size, level=level, index=first // WIDTH)
        at = first % WIDTH
        return root_of(self.hashes(tile)[at : at + (1 << inside)])


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)
