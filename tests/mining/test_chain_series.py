"""Difficulty from a chain's own headers: the epochs of a time, found by a handful of questions."""

import pytest

from khazana.bitcoin.block import Header
from khazana.bitcoin.chain import BlockRef
from khazana.bitcoin.network import MAINNET, RETARGET_INTERVAL
from khazana.bitcoin.simulated import SimulatedChain
from khazana.mining.chain_series import CHAIN_SOURCE, DifficultyMeansNothing, series_of_chain
from khazana.mining.difficulty import DifficultyNotKnown
from khazana.units import BlockHash, Height

EPOCH_S = 1_000_000
BITS = [0x1D00FFFF - n for n in range(40)]


class Epochs:
    """A chain whose epochs take a million seconds each; it counts how often it is asked."""

    network = MAINNET
    basis = "made"

    def __init__(self, blocks: int) -> None:
        self.blocks = blocks
        self.asked = 0

    def tip(self) -> BlockRef:
        return self.block_at(Height(self.blocks))

    def block_at(self, height: Height) -> BlockRef:
        return BlockRef(height, BlockHash(f"{height:064x}"))

    def headers(self, first, last):
        self.asked += 1
        if first != last.height:
            raise RuntimeError("one header was to be asked for")
        epoch, into = divmod(first, RETARGET_INTERVAL)
        time = epoch * EPOCH_S + into * EPOCH_S // RETARGET_INTERVAL
        return [Header(2, BlockHash("00" * 32), bytes(32), time, BITS[epoch], 0)]


def test_the_epochs_that_cover_a_time_are_found():
    chain = Epochs(30 * RETARGET_INTERVAL + 1000)
    series = series_of_chain(chain, first=10_500_000, until=12_400_000)
    assert [(e.first // RETARGET_INTERVAL, e.bits) for e in series.epochs] == [
        (10, BITS[10]),
        (11, BITS[11]),
        (12, BITS[12]),
        (13, BITS[13]),
    ]
    pieces = list(series.stretches(10_500_000, 12_400_000))
    assert [(p.seconds, p.bits) for p in pieces] == [
        (500_000, BITS[10]),
        (1_000_000, BITS[11]),
        (400_000, BITS[12]),
    ]
    assert series.source == CHAIN_SOURCE
    assert series.simulated is False
    assert chain.asked < 12


def test_an_epoch_that_is_not_over_reaches_to_the_newest_block():
    chain = Epochs(3 * RETARGET_INTERVAL + 1008)
    series = series_of_chain(chain, first=2_500_000, until=3_400_000)
    assert [p.bits for p in series.stretches(2_500_000, 3_400_000)] == [BITS[2], BITS[3]]
    with pytest.raises(DifficultyNotKnown):
        list(series_of_chain(chain, first=0, until=3_600_000).stretches(0, 3_600_000))


def test_a_network_that_does_not_retarget_has_no_such_series():
    with pytest.raises(DifficultyMeansNothing, match="mark the figures as simulated"):
        series_of_chain(SimulatedChain(), first=0, until=1)
