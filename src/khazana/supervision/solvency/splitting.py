"""How a balance becomes several leaves, so that a neighbour's proof shows no whole balance."""

from collections.abc import Iterator

from khazana.supervision.solvency.encoding import nonce_of
from khazana.supervision.solvency.plan import Splitting


def shares_of(balance: int, splitting: Splitting) -> int:
    """How many leaves a balance has."""
    return max(splitting.shares, -(-balance // splitting.most_per_leaf))


def split(
    balance: int, splitting: Splitting, *, key: bytes, epoch: int
) -> Iterator[tuple[bytes, int]]:
    """The nonce and the amount of each leaf of a balance; the amounts add up to it.

    With R left over and m leaves still to come after this one, a leaf gets a + floor(u × (b - a +
    1) / 2^64), with a = max(0, R - m × most per leaf), b = min(R, most per leaf) and u the first
    eight bytes of its nonce; the last leaf gets what is left.
    """
    count = shares_of(balance, splitting)
    left = balance
    for number in range(count):
        nonce = nonce_of(key=key, epoch=epoch, split=number)
        after = count - 1 - number
        least = max(0, left - after * splitting.most_per_leaf)
        largest = min(left, splitting.most_per_leaf)
        drawn = int.from_bytes(nonce[:8], "big")
        amount = least + (drawn * (largest - least + 1) >> 64)
        yield nonce, amount
        left -= amount
