"""Time locks: from which block on a transaction may be mined (nLockTime and BIP-68)."""

from collections.abc import Sequence

from khazana.bitcoin.transaction import Transaction
from khazana.devnet.index import ChainIndex
from khazana.units import Height

LOCKTIME_THRESHOLD = 500_000_000
"""Lock times below are heights, from here on seconds since 1970 (UTC)."""

_FINAL_SEQUENCE = 0xFFFF_FFFF
# BIP-68: 31 disabled | 22 unit is 512 s, else blocks | 15..0 how many
_LOCK_DISABLED = 1 << 31
_LOCK_IN_TIME = 1 << 22
_LOCK_MASK = 0xFFFF
_TIME_GRANULARITY = 9


def is_final(transaction: Transaction, *, height: Height, median_time: int) -> bool:
    """Whether nLockTime lets the transaction into the block at `height`.

    median_time: of the eleven blocks before that block (BIP-113), seconds since 1970 (UTC).
    """
    if transaction.lock_time == 0:
        return True
    limit = height if transaction.lock_time < LOCKTIME_THRESHOLD else median_time
    return transaction.lock_time < limit or all(
        i.sequence == _FINAL_SEQUENCE for i in transaction.inputs
    )


def sequence_locks_hold(
    transaction: Transaction, coin_heights: Sequence[Height], index: ChainIndex
) -> bool:
    """BIP-68: whether every input is old enough for the block after the index's tip.

    coin_heights: the height of each input's coin, in their order; for a coin that is not in a
    block yet, the next height.
    """
    if transaction.version & 0xFFFF_FFFF < 2:
        return True
    next_height = index.tip.height + 1
    for source, coin_height in zip(transaction.inputs, coin_heights, strict=True):
        if source.sequence & _LOCK_DISABLED:
            continue
        amount = source.sequence & _LOCK_MASK
        if source.sequence & _LOCK_IN_TIME:
            before = index.blocks[max(coin_height - 1, 0)].median_time
            if before + (amount << _TIME_GRANULARITY) > index.median_time:
                return False
        elif coin_height + amount > next_height:
            return False
    return True
