"""What one reading of block files leaves for the next: the checkpoint file.

    sha256 in hex, newline, JSON

The history found so far, the block it reaches, and a digest of what was read from each file. A file
whose size and time of change are the same is taken as unchanged; of any other the blocks read
before are read again and must have the same digest. Whoever can write files without leaving a
trace in their times is noticed by a new reading only.
"""

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from khazana.bitcoin.block import merkle_proof_holds
from khazana.bitcoin.blockfiles.directory import FileState, OpenFiles
from khazana.bitcoin.blockfiles.errors import BlocksRewritten
from khazana.bitcoin.blockfiles.index import BlockIndex, choose_copies
from khazana.bitcoin.blockfiles.walk import digest_of
from khazana.bitcoin.chain import BlockRef, ConfirmedTransaction
from khazana.bitcoin.reader import MalformedBytes
from khazana.bitcoin.transaction import Transaction
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Height

FORMAT = "khazana.blockfiles/1"
_DIGEST_HEX = 64


@dataclass(eq=False, kw_only=True)
class CheckpointUnusable(KhazanaError):
    """A checkpoint file is damaged, or belongs to other block files."""

    problem: str
    code = "checkpoint_unusable"
    words = "The checkpoint is not usable: {problem}. Delete it, and everything is read again."


class _File(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    size: int
    changed_ns: int
    blocks: int
    digest: str


class _Found(msgspec.Struct, forbid_unknown_fields=True):
    block: str
    position: int
    raw: str
    branch: list[str]


class Remembered(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A checkpoint: which scripts were looked for, up to which block, and what was found."""

    format: str
    genesis: str
    scripts: str
    full: bool
    height: int
    block: str
    files: list[_File]
    history: list[_Found]


@dataclass(frozen=True, kw_only=True)
class WalkedSoFar:
    """A history that was found, and how far the walk came.

    scripts: None when only their digest is known. chain: the blocks walked, by height.
    digests: by block number, of the blocks that this reading or the check of files read.
    files: digests of files as they were remembered, with the number of blocks in each.
    """

    scripts: frozenset[bytes] | None
    full: bool
    chain: "array[int]"
    history: tuple[ConfirmedTransaction, ...]
    digests: Mapping[int, bytes] = field(default_factory=dict)
    files: Mapping[str, tuple[int, bytes]] = field(default_factory=dict)
    scripts_digest: bytes = b""

    @property
    def last(self) -> Height:
        """The height up to which blocks were walked."""
        return Height(len(self.chain) - 1)

    def serves(self, scripts: frozenset[bytes], *, full: bool) -> bool:
        """Whether a question about these scripts may start from here."""
        if full and not self.full:
            return False
        if self.scripts is not None:
            return self.scripts == scripts
        return self.scripts_digest == digest_of_scripts(scripts)

    def within(self, chain: Sequence[int], index: BlockIndex) -> "WalkedSoFar":
        """The part that belongs to this chain: a reorganisation takes the rest away."""
        common = min(len(chain), len(self.chain))
        while common and chain[common - 1] != self.chain[common - 1]:
            common -= 1
        if common == len(self.chain):
            return self
        return WalkedSoFar(
            scripts=self.scripts,
            full=self.full,
            chain=self.chain[:common],
            history=tuple(c for c in self.history if c.block.height < common),
            digests=self.digests,
            # A file may hold as many blocks of the chain as before, and others.
            files={},
            scripts_digest=self.scripts_digest,
        )


def digest_of_scripts(scripts: frozenset[bytes]) -> bytes:
    """SHA-256 over the sorted scripts, each with its length before it."""
    sha256 = hashlib.sha256()
    for script in sorted(scripts):
        sha256.update(len(script).to_bytes(8, "big") + script)
    return sha256.digest()


def write_remembered(remembered: Remembered) -> bytes:
    """The checkpoint as a file."""
    body = msgspec.json.encode(remembered)
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def read_remembered(content: bytes) -> Remembered:
    """A checkpoint from a file, refused whole when a byte of it changed."""
    digest, newline, body = content.partition(b"\n")
    if not newline or len(digest) != _DIGEST_HEX:
        raise CheckpointUnusable(problem="it does not begin with a digest")
    if hashlib.sha256(body).hexdigest().encode() != digest:
        raise CheckpointUnusable(problem="its content is not what it was when it was written")
    try:
        remembered = msgspec.json.decode(body, type=Remembered)
    except msgspec.MsgspecError as error:
        raise CheckpointUnusable(problem=str(error)) from error
    if remembered.format != FORMAT:
        raise CheckpointUnusable(problem=f"its format is {remembered.format!r}, not {FORMAT!r}")
    return remembered


def remember(index: BlockIndex, so_far: WalkedSoFar, files: OpenFiles) -> Remembered:
    """Make a checkpoint of what was found."""
    scripts = so_far.scripts_digest if so_far.scripts is None else digest_of_scripts(so_far.scripts)
    last = so_far.chain[so_far.last]
    return Remembered(
        format=FORMAT,
        genesis=index.network.genesis,
        scripts=scripts.hex(),
        full=so_far.full,
        height=so_far.last,
        block=index.hash_of(last),
        files=[
            _file(index, file, numbers, so_far, files)
            for file, numbers in sorted(_by_file(index, so_far.chain).items())
        ],
        history=[
            _Found(
                block=found.block.hash,
                position=found.position,
                raw=found.transaction.serialize().hex(),
                branch=[node.hex() for node in found.branch_le],
            )
            for found in so_far.history
        ],
    )


def _file(
    index: BlockIndex, file: int, numbers: list[int], so_far: WalkedSoFar, files: OpenFiles
) -> _File:
    state = index.states[file]
    known = so_far.files.get(state.name)
    if known is not None and known[0] == len(numbers):
        digest = known[1]
    else:
        digest = _digest_of_file(index, numbers, so_far.digests, files)
    return _File(state.name, state.size, state.changed_ns, len(numbers), digest.hex())


def check_files(remembered: Remembered, index: BlockIndex, files: OpenFiles) -> WalkedSoFar:
    """Whether the files still hold what was read from them, and the history to go on from."""
    if remembered.genesis != index.network.genesis:
        raise CheckpointUnusable(problem=f"it is not about {index.network.name}")
    last = index.number_of(BlockHash(remembered.block))
    if last is None or index.height_of(last) != remembered.height:
        name = remembered.files[-1].name if remembered.files else "the folder"
        raise BlocksRewritten(
            source=str(index.directory.path),
            asked="to go on from a checkpoint",
            problem=f"block {remembered.block}, which it ends with, is in no file",
            file=str(index.directory.path / name),
        )
    chain = index.chain_to(last)
    choose_copies(index, chain, files)
    by_name = {
        index.directory.names[file]: (index.states[file], numbers)
        for file, numbers in _by_file(index, chain).items()
    }
    digests: dict[int, bytes] = {}
    for one in remembered.files:
        state, numbers = by_name.pop(one.name, (None, []))
        unchanged = state == FileState(one.name, one.size, one.changed_ns)
        if unchanged and len(numbers) == one.blocks:
            continue
        if _digest_of_file(index, numbers, digests, files).hex() != one.digest:
            raise _rewritten(index, one.name, "blocks read before are no longer what they were")
    for name in by_name:
        raise _rewritten(index, name, "it holds blocks that were read from another file before")
    return WalkedSoFar(
        scripts=None,
        scripts_digest=_bytes(remembered.scripts),
        full=remembered.full,
        chain=chain,
        history=tuple(_found(one, index, chain) for one in remembered.history),
        digests=digests,
        files={one.name: (one.blocks, _bytes(one.digest)) for one in remembered.files},
    )


def _digest_of_file(
    index: BlockIndex, numbers: list[int], known: Mapping[int, bytes], files: OpenFiles
) -> bytes:
    """SHA-256 over the digests of the blocks in a file, in the order they lie there."""
    sha256 = hashlib.sha256()
    for number in numbers:
        digest = known.get(number)
        if digest is None:
            place = index.place(number)
            digest = digest_of(files.file(place.file).read(place.offset, place.size))
            if isinstance(known, dict):
                known[number] = digest
        sha256.update(digest)
    return sha256.digest()


def _by_file(index: BlockIndex, chain: Sequence[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for number in chain:
        found.setdefault(index.place(number).file, []).append(number)
    for numbers in found.values():
        numbers.sort(key=lambda number: index.place(number).offset)
    return found


def _found(one: _Found, index: BlockIndex, chain: Sequence[int]) -> ConfirmedTransaction:
    """A remembered transaction, proved again by its branch."""
    number = index.number_of(BlockHash(one.block))
    height = None if number is None else index.height_of(number)
    if number is None or height is None or height >= len(chain) or chain[height] != number:
        raise CheckpointUnusable(problem=f"it names block {one.block}, which is not in its chain")
    try:
        transaction = Transaction.parse(_bytes(one.raw))
    except MalformedBytes as error:
        raise CheckpointUnusable(problem=str(error)) from error
    branch = tuple(_bytes(node) for node in one.branch)
    root = index.header(number).merkle_root_le
    if not merkle_proof_holds(transaction, position=one.position, branch_le=branch, root_le=root):
        raise CheckpointUnusable(
            problem=f"it says that block {one.block} holds {transaction.txid}, without proof"
        )
    return ConfirmedTransaction(
        transaction, BlockRef(height, BlockHash(one.block)), one.position, branch
    )


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise CheckpointUnusable(problem=f"{text[:20]!r} is not hex") from error


def _rewritten(index: BlockIndex, name: str, problem: str) -> BlocksRewritten:
    return BlocksRewritten(
        source=str(index.directory.path),
        asked="to go on from a checkpoint",
        problem=problem,
        file=str(index.directory.path / name),
    )
