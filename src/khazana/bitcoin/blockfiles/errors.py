"""What can be wrong with a node's block files."""

from dataclasses import dataclass

from khazana.bitcoin.chain import ChainSourceError
from khazana.units import Height


@dataclass(eq=False, kw_only=True)
class BlockFilesUnusable(ChainSourceError):
    """The directory holds no block files that could be read."""

    code = "block_files_unusable"
    words = (
        "{source}: {problem}. Name the folder of a node that holds blk00000.dat, or the node's "
        "data directory."
    )


@dataclass(eq=False, kw_only=True)
class BlockFileDamaged(ChainSourceError):
    """A block's record is not what its header commits to, or cannot be read at all.

    file, offset: where the block begins, after magic and length.
    """

    file: str
    offset: int
    code = "block_file_damaged"
    words = (
        "{file} is damaged in the block that begins at byte {offset}: {problem}. Nothing was "
        "concluded from it; let the node check its files (-reindex), or use another node's."
    )


@dataclass(eq=False, kw_only=True)
class BlocksMissing(ChainSourceError):
    """Blocks that an answer needs are not in the files.

    first, last: their heights, None where the files do not tell. hint: places that are no blocks.
    """

    first: Height | None
    last: Height | None
    hint: str
    code = "blocks_missing"
    words = (
        "{source} cannot answer {asked}: {problem}.{hint} A pruned node deletes old blocks; use "
        "one that keeps them."
    )


@dataclass(eq=False, kw_only=True)
class BlocksRewritten(ChainSourceError):
    """A file no longer holds the blocks that an earlier audit read from it."""

    file: str
    code = "blocks_rewritten"
    words = (
        "{file} was rewritten since the checkpoint was made: {problem}. Find out why before you "
        "delete the checkpoint and read everything again."
    )
