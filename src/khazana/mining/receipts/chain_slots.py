"""The slots that receipts claim to have worked on, looked up in a chain."""

from collections.abc import Iterable
from dataclasses import dataclass

from khazana.bitcoin.chain import BlockNotInBestChain, ChainView
from khazana.bitcoin.headers import MEDIAN_OF
from khazana.errors import KhazanaError
from khazana.mining.receipts.receipt import ReceiptsFile
from khazana.mining.receipts.terms import Slot, slots_of
from khazana.units import BlockHash, Height

MOST_BLOCKS = 70_000
"""Blocks of some sixteen months; receipts of more are to be checked in pieces."""


@dataclass(eq=False, kw_only=True)
class ReceiptsSpanTooMuch(KhazanaError):
    """Receipts from further apart than one reading of headers should cover."""

    code = "receipts_span_too_much"
    words = f"These receipts lie more than {MOST_BLOCKS} blocks apart: check them in pieces."


def slots_on_chain(chain: ChainView, files: Iterable[ReceiptsFile]) -> dict[bytes, Slot]:
    """The slots on all blocks between the oldest and the newest that the receipts build on.

    A block that is not in the best chain gives none: the receipts on it are named later (E22).
    """
    heights: list[int] = []
    for below in {receipt.header[4:36] for file in files for receipt in file.receipts}:
        try:
            heights.append(chain.block_of(BlockHash(below[::-1].hex())).height)
        except BlockNotInBestChain:
            continue
    if not heights:
        return {}
    if max(heights) - min(heights) > MOST_BLOCKS:
        raise ReceiptsSpanTooMuch()
    first = Height(max(0, min(heights) - MEDIAN_OF + 1))
    last = chain.block_at(Height(min(max(heights) + 1, chain.tip().height)))
    return slots_of(chain.headers(first, last), first=first, network=chain.network)
