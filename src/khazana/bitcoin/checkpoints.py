"""Checkpoints: what every difficulty epoch asked for, and the block each one stands on."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

from khazana.bitcoin.network import MAINNET, RETARGET_INTERVAL, Network
from khazana.bitcoin.work import RETARGET_LIMIT, BadCompactTarget, bits_of, target_of, work_of
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Height

_COLUMNS = ["epoch", "first_height", "bits_hex", "last_hash_of_previous_epoch"]
_HEX = frozenset("0123456789abcdef")


@dataclass(eq=False, kw_only=True)
class BadCheckpoints(KhazanaError):
    """A table of checkpoints contradicts itself or the network's rules."""

    file: str
    line: int
    problem: str
    code = "bad_checkpoints"
    words = "{file}, line {line}: {problem}. Install the package again."


@dataclass(frozen=True, slots=True)
class Epoch:
    """2,016 blocks of one difficulty.

    first: height of its first block. bits: the compact target of all its blocks.
    previous: the hash of the block before it, None for the first epoch.
    """

    first: Height
    bits: int
    previous: BlockHash | None


@dataclass(frozen=True)
class Checkpoints:
    """The known epochs of a network without a gap from the genesis block; there may be none."""

    network: Network
    epochs: tuple[Epoch, ...] = ()

    def __post_init__(self) -> None:
        for number, epoch in enumerate(self.epochs):
            if epoch.first != number * RETARGET_INTERVAL:
                raise ValueError(f"epoch {number} cannot start at height {epoch.first}")

    def epoch_at(self, height: Height) -> Epoch | None:
        """The epoch that contains a height, if it is known."""
        number = height // RETARGET_INTERVAL
        return self.epochs[number] if number < len(self.epochs) else None

    def hash_at(self, height: Height) -> BlockHash | None:
        """The hash of the block at a height, where it is known: the last block of an epoch."""
        if height == 0:
            return self.network.genesis
        following = self.epoch_at(Height(height + 1))
        return following.previous if following and following.first == height + 1 else None

    @property
    def newest(self) -> Height:
        """The height of the newest block whose hash is known; the genesis block is 0."""
        return Height(max(0, self.epochs[-1].first - 1)) if self.epochs else Height(0)

    def work_at(self, height: Height) -> int | None:
        """All work up to and including a height (a node's `chainwork`), where the table reaches.

        Every block of an epoch has the same bits, so no header is needed.
        """
        if self.epoch_at(height) is None:
            return None
        return sum(
            work_of(epoch.bits) * min(RETARGET_INTERVAL, height + 1 - epoch.first)
            for epoch in self.epochs
            if epoch.first <= height
        )

    def easiest_target_at(self, height: Height) -> int:
        """The largest target a block may have if each unknown epoch was a factor of 4 easier."""
        easiest = target_of(self.network.pow_limit_bits)
        if not self.epochs:
            return easiest
        unknown = max(0, height // RETARGET_INTERVAL - (len(self.epochs) - 1))
        # A shift, because a factor of 4 per epoch is two bits.
        return min(easiest, target_of(self.epochs[-1].bits) << 2 * unknown)


@cache
def shipped_checkpoints(network: Network) -> Checkpoints:
    """The checkpoints that come with this package: mainnet's; no other network has any.

    Source: data/mainnet_checkpoints.source.toml.
    """
    if network != MAINNET:
        return Checkpoints(network)
    name = "mainnet_checkpoints.csv"
    table = resources.files("khazana.bitcoin").joinpath("data", name)
    return read_checkpoints(table.read_text(encoding="ascii"), network=network, file=name)


def read_checkpoints(text: str, *, network: Network, file: str) -> Checkpoints:
    """Read a table of epochs and check it against the rules of proof of work.

    Bits must be canonical and within a factor of 4 of the epoch before; a hash must be proof of
    the work of the epoch it closes.
    """
    rows = list(csv.reader(text.splitlines()))
    if not rows or rows[0] != _COLUMNS:
        raise BadCheckpoints(file=file, line=1, problem=f"the columns are not {','.join(_COLUMNS)}")
    epochs: list[Epoch] = []
    for line, row in enumerate(rows[1:], start=2):
        try:
            epochs.append(_read_epoch(row, number=len(epochs)))
        except (ValueError, BadCompactTarget) as bad:
            raise BadCheckpoints(file=file, line=line, problem=str(bad)) from None
    if not epochs:
        raise BadCheckpoints(file=file, line=2, problem="there is no epoch")
    if epochs[0].bits != network.pow_limit_bits:
        raise BadCheckpoints(file=file, line=2, problem="the first epoch has not the genesis bits")
    for line, (before, after) in enumerate(pairwise(epochs), start=3):
        problem = _contradiction(before, after, network)
        if problem is not None:
            raise BadCheckpoints(file=file, line=line, problem=problem)
    return Checkpoints(network, tuple(epochs))


def _read_epoch(row: list[str], *, number: int) -> Epoch:
    if len(row) != len(_COLUMNS):
        raise ValueError(f"{len(row)} fields where {len(_COLUMNS)} belong")
    name, first, bits_hex, previous = row
    if name != str(number) or first != str(number * RETARGET_INTERVAL):
        raise ValueError(f"epoch {number} from height {number * RETARGET_INTERVAL} belongs here")
    if len(bits_hex) != 8 or not _HEX.issuperset(bits_hex):
        raise ValueError(f"bits_hex {bits_hex!r} is not 8 hex digits")
    bits = int(bits_hex, 16)
    if bits_of(target_of(bits)) != bits:
        raise ValueError(f"bits {bits_hex} are not canonical")
    if number == 0:
        if previous:
            raise ValueError("no block stands before the first epoch")
        return Epoch(Height(0), bits, None)
    if len(previous) != 64 or not _HEX.issuperset(previous):
        raise ValueError(f"hash {previous!r} is not 64 hex digits")
    return Epoch(Height(number * RETARGET_INTERVAL), bits, BlockHash(previous))


def _contradiction(before: Epoch, after: Epoch, network: Network) -> str | None:
    old, new = target_of(before.bits), target_of(after.bits)
    if new > target_of(network.pow_limit_bits):
        return f"bits {after.bits:08x} are easier than the network allows"
    if new > old * RETARGET_LIMIT or after.bits < bits_of(old // RETARGET_LIMIT):
        # Compact bits are cut off, so the lower bound is compared in the form that is cut off.
        return f"bits {after.bits:08x} are more than a factor of 4 from {before.bits:08x}"
    if after.previous is not None and int(after.previous, 16) > old:
        return f"hash {after.previous} is no proof of the work of bits {before.bits:08x}"
    return None
