"""The file of a tree: all nodes, level after level, leaves first, 40 bytes each."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from khazana.supervision.solvency.encoding import NODE_BYTES, Node, node_from, pad_of
from khazana.supervision.solvency.errors import TreeFileRefused
from khazana.supervision.solvency.plan import depth_of, nodes_at, published_level


def level_starts(leaves: int) -> list[int]:
    """Where each level begins, in bytes; one more entry for the end of the file."""
    starts = [0]
    for level in range(depth_of(leaves) + 1):
        starts.append(starts[-1] + NODE_BYTES * nodes_at(level, leaves=leaves))
    return starts


@dataclass(frozen=True)
class TreeFile:
    """A tree on disk, mapped into memory: a proof reads some thirty nodes of it."""

    nodes: mmap.mmap
    leaves: int
    epoch: int

    @cached_property
    def _starts(self) -> list[int]:
        return level_starts(self.leaves)

    def node(self, level: int, position: int) -> Node:
        """A node, or the pad beside the last one of its level."""
        if position >= nodes_at(level, leaves=self.leaves):
            return pad_of(epoch=self.epoch, level=level, position=position)
        at = self._starts[level] + NODE_BYTES * position
        return node_from(self.nodes[at : at + NODE_BYTES])

    @property
    def root(self) -> Node:
        return self.node(depth_of(self.leaves), 0)

    def siblings(self, position: int, height: int) -> tuple[Node, ...]:
        return tuple(self.node(level, (position >> level) ^ 1) for level in range(height))


def read_ends(path: Path, *, leaves: int) -> tuple[Node, bytes]:
    """The root, and the level that everybody is given, read without mapping the file."""
    starts = level_starts(leaves)
    level = published_level(leaves)
    with path.open("rb") as file:
        file.seek(starts[level])
        published = file.read(starts[level + 1] - starts[level])
        file.seek(starts[-2])
        return node_from(file.read(NODE_BYTES)), published


@contextmanager
def opened(path: Path, *, leaves: int, epoch: int) -> Iterator[TreeFile]:
    """The tree in a file, which must have exactly the size of a tree with so many leaves."""
    wanted = level_starts(leaves)[-1]
    with path.open("rb") as file:
        found = path.stat().st_size
        if found != wanted:
            raise TreeFileRefused(
                file=path.name, problem=f"{leaves} leaves take {wanted} bytes, it has {found}"
            )
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as nodes:
            yield TreeFile(nodes, leaves, epoch)
