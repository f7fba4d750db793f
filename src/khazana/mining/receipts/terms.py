"""What a share must be to count: whom it pays, which block it builds on, how hard it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from khazana.bitcoin.block import Header
from khazana.bitcoin.headers import MEDIAN_OF, median_time_past
from khazana.bitcoin.network import Network
from khazana.bitcoin.work import block_subsidy
from khazana.units import Height, Sats

MOST_AHEAD_S = 7200
"""A node takes no block whose time is further ahead of its clock (Bitcoin Core, validation.cpp)."""


class Slot(NamedTuple):
    """What a block on top of a known block of the best chain has to be.

    height: of the block to come. bits: the compact target the rules ask of it.
    after: its time is later than this (median time past of the block below).
    until: its time is at most this: when the next block was there, and two hours of grace.
    subsidy: new bitcoin it may create.
    """

    height: Height
    bits: int
    after: int
    until: int
    subsidy: Sats


@dataclass(frozen=True, kw_only=True)
class ReceiptTerms:
    """The terms of a programme's share receipts.

    scripts: output scripts of the reserve. slots: by the raw hash of the block below.
    target: the share target agreed for the site. tag: bytes in the coinbase's script that name the
    site, so that no other site can claim the work.
    """

    site: str
    scripts: frozenset[bytes]
    slots: Mapping[bytes, Slot]
    target: int

    @property
    def tag(self) -> bytes:
        return site_tag(self.site)


def site_tag(site: str) -> bytes:
    """What a coinbase's script says about the site that works on it.

    >>> site_tag("site-1")
    b'/khazana:site-1/'
    """
    return b"/khazana:" + site.encode("ascii") + b"/"


def slots_of(headers: Sequence[Header], *, first: Height, network: Network) -> dict[bytes, Slot]:
    """The slots on top of consecutive headers of the best chain.

    first: height of the first header. The first ten only serve the median time past, unless they
    are the chain's first; on top of the last header no slot is made, for the header above it says
    which bits were due and when the block was there.
    """
    slots: dict[bytes, Slot] = {}
    begin = 0 if first == 0 else MEDIAN_OF - 1
    for position in range(begin, len(headers) - 1):
        height = Height(first + position + 1)
        following = headers[position + 1]
        slots[headers[position].hash_le] = Slot(
            height=height,
            bits=following.bits,
            after=median_time_past(headers[max(0, position - MEDIAN_OF + 1) : position + 1]),
            until=following.time + MOST_AHEAD_S,
            subsidy=block_subsidy(height, network),
        )
    return slots
