"""Chains of headers mined on paper: networks with the real rules and a target any laptop meets."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from khazana.bitcoin.block import Header
from khazana.bitcoin.network import Network
from khazana.bitcoin.work import meets_target
from khazana.units import BlockHash

EASY_BITS = 0x207FFFFF
START = 1_700_000_000


def mined(previous: BlockHash, *, time: int, bits: int) -> Header:
    """A header with proof of work; deterministic."""
    header = Header(4, previous, bytes(32), time, bits, 0)
    while not meets_target(header.hash_le, bits):
        header = replace(header, nonce=header.nonce + 1)
    return header


def easy(network: Network) -> Network:
    """The same rules with the easiest target, standing on a genesis block of its own."""
    genesis = mined(BlockHash("00" * 32), time=START, bits=EASY_BITS)
    return replace(network, name="paper", genesis=genesis.hash, pow_limit_bits=EASY_BITS)


def chain_of(
    times: Sequence[int], bits_at: Callable[[int], int] = lambda height: EASY_BITS
) -> list[Header]:
    """One header for each time, from the genesis block (whose time must be START) on."""
    headers: list[Header] = []
    previous = BlockHash("00" * 32)
    for height, time in enumerate(times):
        headers.append(mined(previous, time=time, bits=bits_at(height)))
        previous = headers[-1].hash
    return headers


def every(seconds: int, count: int) -> list[int]:
    """`count` times at an even pace."""
    return [START + seconds * number for number in range(count)]
