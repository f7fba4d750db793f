"""Which block a snapshot is taken at: drawn by the hash of a later block that nobody can choose.

Announced beforehand are a height and a window. When the block at that height is found, its hash
draws one of the `window` blocks before it:

    height = announced - 1 - (hash as a number) mod window

The block drawn has passed by then: a loan of one day for a known date does not help, coins have to
be there during the whole window.
"""

from dataclasses import dataclass

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.supervision.coverage.parts import MOST_WINDOW
from khazana.units import Height


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Announced before the window begins. announced: whose hash draws; window: among how many."""

    announced: int
    window: int

    def __post_init__(self) -> None:
        if not 1 <= self.window <= MOST_WINDOW:
            raise ValueError(f"a window has 1 to {MOST_WINDOW} blocks, not {self.window}")
        if self.announced <= self.window:
            raise ValueError(f"there are no {self.window} blocks before block {self.announced}")

    def height(self, block_hash: str) -> int:
        """The height that this hash of the announced block draws.

        >>> Draw(announced=100, window=10).height("00" * 31 + "17")
        96
        """
        return self.announced - 1 - int(block_hash, 16) % self.window


def draw_block(chain: ChainView, draw: Draw) -> BlockRef:
    """The block drawn; HeightBeyondTip while the announced one is not found."""
    drawing = chain.block_at(Height(draw.announced))
    return chain.block_at(Height(draw.height(drawing.hash)))
