"""How people name a block: a height, a hash, tip, tip-N, or the day that it closes."""

import re
from dataclasses import dataclass
from datetime import date, tzinfo

from khazana.bitcoin.chain import BlockRef, ChainView
from khazana.bitcoin.days import closing_block
from khazana.errors import KhazanaError
from khazana.units import BlockHash, Height

_HASH = re.compile("[0-9a-fA-F]{64}")
_HEIGHT = re.compile("[0-9]{1,9}")
_BEHIND_TIP = re.compile("tip(?:-([0-9]{1,9}))?")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(eq=False, kw_only=True)
class NotABlockName(KhazanaError):
    """Words that name no block."""

    text: str
    problem: str
    code = "not_a_block_name"
    words = (
        "{text!r} names no block: {problem}. Write a height (880000), a hash of 64 hex digits, "
        "tip, tip-6, or a day (2026-06-30)."
    )


def block_named(chain: ChainView, text: str, *, zone: tzinfo) -> BlockRef:
    """The block of the best chain that `text` names.

    zone: whose days are meant; a day stands for the last block whose median time past is in it.
    """
    name = text.strip()
    if _HASH.fullmatch(name):
        return chain.block_of(BlockHash(name.lower()))
    if _HEIGHT.fullmatch(name):
        return chain.block_at(Height(int(name)))
    if match := _BEHIND_TIP.fullmatch(name):
        return _behind_tip(chain, name, int(match[1] or 0))
    if _DAY.fullmatch(name):
        try:
            day = date.fromisoformat(name)
        except ValueError as error:
            raise NotABlockName(text=name, problem=f"no such day ({error})") from error
        return closing_block(chain, day, zone)
    raise NotABlockName(text=name[:80], problem="it has none of the known forms")


def _behind_tip(chain: ChainView, name: str, behind: int) -> BlockRef:
    tip = chain.tip()
    if behind > tip.height:
        raise NotABlockName(text=name, problem=f"the newest block is {tip}")
    block = chain.block_at(Height(tip.height - behind))
    # The tip again: between the two questions another branch may have become the best.
    chain.block_of(tip.hash)
    return block
