"""Which blocks the files hold, and how they stand on one another.

The files hold whatever the node received: blocks out of order, copies, branches that lost, even
branches that the node rejected. The tree of headers is rebuilt from all of them; which path through
it is *the* chain is said by the block that somebody names, or else by the most work.
"""

from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from khazana.bitcoin.block import HEADER_SIZE, Block, Header
from khazana.bitcoin.blockfiles.directory import BlockDirectory, FileState, OpenFile, OpenFiles
from khazana.bitcoin.blockfiles.errors import BlockFileDamaged
from khazana.bitcoin.blockfiles.records import Gap, Record, records_of
from khazana.bitcoin.hashes import from_displayed
from khazana.bitcoin.network import Network
from khazana.bitcoin.reader import MalformedBytes, Reader
from khazana.bitcoin.work import work_of
from khazana.units import BlockHash, Height

NO_PARENT = -1
UNCONNECTED = -1
_MOST_GAPS = 100
"""Places remembered for messages; a file may hold any number."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a block lies. file: its place in the directory's names. offset: of its header."""

    file: int
    offset: int
    size: int


class BlockIndex:
    """All blocks of a directory, numbered in the order they lie there.

    Compact arrays, since a full node holds a million: about 250 bytes for each block.
    """

    def __init__(self, directory: BlockDirectory, network: Network) -> None:
        self.directory = directory
        self.network = network
        self.states: list[FileState] = []
        self.scanned_to: list[int] = []
        self.gaps: list[tuple[str, Gap]] = []
        self.copies: dict[int, list[Place]] = {}
        self._file = array("I")
        self._offset = array("Q")
        self._size = array("I")
        self._headers = bytearray()
        self._number: dict[bytes, int] = {}
        self._parent = array("q")
        self._height = array("q")
        self._work: list[int] = []

    def __len__(self) -> int:
        return len(self._size)

    def number_of(self, block_hash: BlockHash) -> int | None:
        """A block's number, None when no file holds it."""
        try:
            return self._number.get(from_displayed(block_hash))
        except ValueError:
            return None

    def place(self, number: int) -> Place:
        return Place(self._file[number], self._offset[number], self._size[number])

    def size(self, number: int) -> int:
        """Bytes of a block."""
        return self._size[number]

    def use_copy(self, number: int, place: Place) -> None:
        """Read a block from another of its copies from now on."""
        self._file[number] = place.file
        self._offset[number] = place.offset
        self._size[number] = place.size

    def header_bytes(self, number: int) -> bytes:
        start = number * HEADER_SIZE
        return bytes(self._headers[start : start + HEADER_SIZE])

    def header(self, number: int) -> Header:
        return Header.parse(self.header_bytes(number))

    def hash_of(self, number: int) -> BlockHash:
        return self.header(number).hash

    def height_of(self, number: int) -> Height | None:
        """None for a block whose ancestry is not complete."""
        height = self._height[number]
        return None if height == UNCONNECTED else Height(height)

    def work(self, number: int) -> int:
        """All work up to and including a block whose ancestry is complete."""
        return self._work[number]

    def parent(self, number: int) -> int:
        """The number of the block before, NO_PARENT when no file holds it."""
        return self._parent[number]

    def best(self, containing: int | None = None) -> int | None:
        """The block with the most work whose whole ancestry is here, the first of equals.

        containing: only blocks that are this one or stand on it.
        """
        candidates: Sequence[int] | range = range(len(self))
        if containing is not None:
            candidates = self._standing_on(containing)
        found: int | None = None
        for number in candidates:
            if self._height[number] != UNCONNECTED and (
                found is None or self._work[number] > self._work[found]
            ):
                found = number
        return found

    def chain_to(self, number: int) -> "array[int]":
        """The numbers of a block and its ancestors, by height."""
        height = self._height[number]
        if height == UNCONNECTED:
            raise ValueError("the ancestry of that block is not complete")
        chain = array("q", bytes(8 * (height + 1)))
        for at in range(height, -1, -1):
            chain[at] = number
            number = self._parent[number]
        return chain

    def roots(self) -> Iterator[int]:
        """Blocks that stand on a block which no file holds."""
        genesis = from_displayed(self.network.genesis)
        first = self._number.get(genesis)
        return (
            number
            for number in range(len(self))
            if self._parent[number] == NO_PARENT and number != first
        )

    def _standing_on(self, number: int) -> list[int]:
        height = self._height[number]
        if height == UNCONNECTED:
            return []
        known = {number: True}
        for start in range(len(self)):
            path = []
            at = start
            while at not in known and self._height[at] > height:
                path.append(at)
                at = self._parent[at]
            stands = known.get(at, False)
            known.update(dict.fromkeys(path, stands))
        return [at for at, stands in known.items() if stands]

    def add(self, file: int, record: Record) -> None:
        known = self._number.get(record.hash_le)
        if known is not None:
            place = Place(file, record.offset, record.size)
            self.copies.setdefault(known, [self.place(known)]).append(place)
            return
        self._number[record.hash_le] = len(self)
        self._file.append(file)
        self._offset.append(record.offset)
        self._size.append(record.size)
        self._headers += record.header

    def connect(self) -> None:
        """Find every block's parent, height and work, once all are added."""
        count = len(self)
        genesis = self._number.get(from_displayed(self.network.genesis))
        self._parent = array("q", [NO_PARENT]) * count
        self._height = array("q", [UNCONNECTED]) * count
        self._work = [0] * count
        work_by_bits: dict[bytes, int] = {}
        for number in range(count):
            start = number * HEADER_SIZE
            previous = bytes(self._headers[start + 4 : start + 36])
            self._parent[number] = self._number.get(previous, NO_PARENT)
            bits = bytes(self._headers[start + 72 : start + 76])
            if bits not in work_by_bits:
                work_by_bits[bits] = work_of(int.from_bytes(bits, "little"))
            self._work[number] = work_by_bits[bits]
        seen = bytearray(count)
        for number in range(count):
            path = []
            at = number
            # A hash names its parent, so there are no circles.
            while at != NO_PARENT and not seen[at]:
                seen[at] = 1
                path.append(at)
                at = self._parent[at]
            for below in reversed(path):
                parent = self._parent[below]
                if below == genesis:
                    self._height[below] = 0
                elif parent != NO_PARENT and self._height[parent] != UNCONNECTED:
                    self._height[below] = self._height[parent] + 1
                    self._work[below] += self._work[parent]


def read_index(
    directory: BlockDirectory,
    network: Network,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> BlockIndex:
    """Find every block in the files of a directory: headers only, bodies are stepped over.

    progress: called with the number of files read and of all.
    """
    index = BlockIndex(directory, network)
    for number in range(len(directory.names)):
        _read_file(index, number)
        progress(number + 1, len(directory.names))
    index.connect()
    return index


def has_changed(index: BlockIndex) -> bool:
    """Whether the node has written since the files were read.

    It appends to its newest file, and then begins the next: only these are looked at.
    """
    newest = index.directory.names[-1]
    following = f"blk{int(newest[3:-4]) + 1:05}.dat"
    if (index.directory.path / following).exists():
        return True
    try:
        return index.directory.state(newest) != index.states[-1]
    except BlockFileDamaged:
        return True  # it is gone


def extend_index(index: BlockIndex) -> bool:
    """Add what the node appended; the blocks known keep their numbers.

    False when files went away or shrank: then everything is to be read again.
    """
    directory = BlockDirectory.open(index.directory.path)
    before = index.directory.names
    if directory.names[: len(before)] != before or directory.key != index.directory.key:
        return False
    if any(
        directory.state(name).size < scanned
        for name, scanned in zip(before, index.scanned_to, strict=True)
    ):
        return False
    index.directory = directory
    for number, name in enumerate(directory.names):
        if number >= len(before) or directory.state(name) != index.states[number]:
            _read_file(index, number)
    index.connect()
    return True


def _read_file(index: BlockIndex, number: int) -> None:
    """Add the blocks of one file, from where the last reading stopped."""
    name = index.directory.names[number]
    # Taken before reading: a change in between shows as a change later.
    state = index.directory.state(name)
    if number == len(index.states):
        index.states.append(state)
        index.scanned_to.append(0)
    index.states[number] = state
    with OpenFile(index.directory, name) as file:
        index.scanned_to[number] = _read_records(index, number, file)


def _read_records(index: BlockIndex, number: int, file: OpenFile) -> int:
    """Add the blocks of an open file; where the last of them ends."""

    def remember(gap: Gap) -> None:
        if len(index.gaps) < _MOST_GAPS:
            index.gaps.append((file.name, gap))

    newest: Record | None = None
    start = done = index.scanned_to[number]
    for record in records_of(file, network=index.network, start=start, on_gap=remember):
        if newest is not None:
            index.add(number, newest)
            done = newest.offset + newest.size
        newest = record
    if newest is None:
        return done
    # A running node may be in the middle of its newest record: the length stands, the block does
    # not yet. Only a file that is still written to ends in free space or is the last.
    end = newest.offset + newest.size
    is_open_ended = end < file.size or number == len(index.directory.names) - 1
    if is_open_ended and not _is_whole(file.read(newest.offset, newest.size)):
        remember(Gap(newest.offset, end, "the newest block is not written to its end"))
        return done
    index.add(number, newest)
    return end


def _is_whole(raw: bytes) -> bool:
    try:
        return Block.parse(raw).merkle_root_holds()
    except MalformedBytes:
        return False


def choose_copies(index: BlockIndex, chain: Sequence[int], files: OpenFiles) -> None:
    """Where a block of the chain is on the disk more than once, take a copy that is sound.

    A crash can leave a torn copy behind. Copies are equal as a rule, and then any will do.
    """
    if not index.copies:
        return
    wanted = set(chain)
    for number, places in index.copies.items():
        if number not in wanted:
            continue
        contents = [files.file(place.file).read(place.offset, place.size) for place in places]
        if all(content == contents[0] for content in contents):
            continue
        for place, content in zip(places, contents, strict=True):
            if _is_whole(content):
                index.use_copy(number, place)
                break
        else:
            raise damaged(index, number, "it is there several times, and no copy is sound")


def damaged(index: BlockIndex, number: int, problem: str) -> BlockFileDamaged:
    """The error that names where a block lies."""
    place = index.place(number)
    return BlockFileDamaged(
        source=str(index.directory.path),
        asked=f"for block {index.hash_of(number)}",
        problem=problem,
        file=str(index.directory.path / index.directory.names[place.file]),
        offset=place.offset,
    )


def claimed_height(raw: bytes) -> Height | None:
    """The height that a block's coinbase states (BIP-34), if it states one.

    Only for messages: blocks before the rule state none, or anything.
    """
    try:
        reader = Reader(raw, "block", HEADER_SIZE)
        reader.compact_size()
        reader.take(4)
        if reader.data[reader.offset : reader.offset + 2] == b"\x00\x01":
            reader.take(2)
        reader.compact_size()
        reader.take(36)
        script = reader.sized()
    except MalformedBytes:
        return None
    if not script:
        return None
    if 0x51 <= script[0] <= 0x60:
        return Height(script[0] - 0x50)
    size = script[0]
    if not 1 <= size <= 4 or len(script) <= size:
        return None
    height = int.from_bytes(script[1 : 1 + size], "little", signed=True)
    return Height(height) if height >= 0 else None
