"""The difficulty of a time, read from a chain's own headers."""

from dataclasses import dataclass

from khazana.bitcoin.chain import ChainView
from khazana.bitcoin.network import RETARGET_INTERVAL
from khazana.errors import KhazanaError
from khazana.mining.difficulty import DifficultyEpoch, DifficultySeries
from khazana.units import Height

CHAIN_SOURCE = "the chain's headers"


class _Headers:
    """The first header of each epoch, asked for once."""

    def __init__(self, chain: ChainView) -> None:
        self.chain = chain
        self.known: dict[int, tuple[int, int]] = {}

    def epoch(self, number: int) -> tuple[int, int]:
        """(time, bits) of the first block of an epoch."""
        if number not in self.known:
            height = Height(number * RETARGET_INTERVAL)
            (header,) = self.chain.headers(height, self.chain.block_at(height))
            self.known[number] = header.time, header.bits
        return self.known[number]


@dataclass(eq=False, kw_only=True)
class DifficultyMeansNothing(KhazanaError):
    """A network whose difficulty never follows the work done on it."""

    code = "difficulty_means_nothing"
    words = (
        "The difficulty of this network means nothing: it does not follow the work. Replay "
        "mainnet's and mark the figures as simulated."
    )


def series_of_chain(chain: ChainView, *, first: int, until: int) -> DifficultySeries:
    """The epochs that cover [first, until) (seconds UTC), with the times of their first headers.

    The epoch that is not over ends, for this, with the newest block. DifficultyNotKnown, once the
    series is asked, for times that the chain has not reached.
    """
    if not chain.network.retargets:
        raise DifficultyMeansNothing()
    headers, tip = _Headers(chain), chain.tip()
    newest = tip.height // RETARGET_INTERVAL
    low, high = 0, newest
    while low < high:  # the last epoch that begins at or before `first`
        middle = (low + high + 1) // 2
        if headers.epoch(middle)[0] <= first:
            low = middle
        else:
            high = middle - 1
    epochs: list[DifficultyEpoch] = []
    number = low
    while number <= newest and (not epochs or (epochs[-1].starts_at or 0) < until):
        time, bits = headers.epoch(number)
        epochs.append(DifficultyEpoch(Height(number * RETARGET_INTERVAL), bits, time))
        number += 1
    if (epochs[-1].starts_at or 0) < until:
        (header,) = chain.headers(tip.height, tip)
        begin = epochs[-1].starts_at or 0
        end = max(header.time, begin + 1)
        epochs.append(DifficultyEpoch(Height(number * RETARGET_INTERVAL), epochs[-1].bits, end))
    return DifficultySeries(chain.network, tuple(epochs), CHAIN_SOURCE)
