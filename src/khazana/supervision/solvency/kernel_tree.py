"""Compiled hashing of nodes, level by level, in the level-order file. Rules: encoding.py."""

from typing import Any

import numpy as np
from numba import njit

from khazana.bitcoin.blockfiles.kernel_hash import compress_at, start_hash
from khazana.bitcoin.blockfiles.kernel_tables import load64, store64

OK = 0
OUT_OF_RANGE = 1


@njit(nogil=True, cache=True, inline="always")
def turned(value: Any) -> Any:
    """Eight bytes in the other order."""
    value = ((value & np.uint64(0x00FF00FF00FF00FF)) << np.uint64(8)) | (
        (value >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    )
    value = ((value & np.uint64(0x0000FFFF0000FFFF)) << np.uint64(16)) | (
        (value >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    )
    return (value << np.uint64(32)) | (value >> np.uint64(32))


@njit(nogil=True, cache=True)
def put_number(data: Any, at: Any, value: Any) -> None:
    """A u64, big-endian."""
    store64(data, np.int64(at), turned(np.uint64(value)))


@njit(nogil=True, cache=True)
def number_at(data: Any, at: Any) -> Any:
    return turned(load64(data, np.int64(at)))


@njit(nogil=True, cache=True)
def put_state(state: Any, data: Any, at: Any) -> None:
    """The 32 bytes of a hash."""
    for i in range(4):
        word = (np.uint64(state[2 * i]) << np.uint64(32)) | np.uint64(state[2 * i + 1])
        put_number(data, at + 8 * i, word)


@njit(nogil=True, cache=True)
def pad_node(epoch: Any, level: Any, position: Any, out: Any, at: Any) -> None:
    """The pad of a level into 40 bytes of `out`."""
    state = np.empty(40, np.uint32)
    block = np.zeros(64, np.uint8)
    block[0] = 3
    put_number(block, 1, epoch)
    block[9] = level
    put_number(block, 10, position)
    block[18] = 0x80
    put_number(block, 56, 18 * 8)
    start_hash(state)
    compress_at(state, block, 0)
    put_state(state, out, at)
    put_number(out, at + 32, 0)


@njit(nogil=True, cache=True)
def fill_level(
    nodes: Any, below: Any, count: Any, above: Any, first: Any, last: Any, pad: Any, most: Any
) -> Any:
    """The nodes first to last - 1 of a level whose children lie below; OK or OUT_OF_RANGE.

    below, above: where the two levels begin in `nodes`, in bytes. count: nodes of the lower level.
    pad: 40 bytes that stand beside its last node when it is odd.
    """
    state = np.empty(40, np.uint32)
    message = np.zeros(128, np.uint8)
    message[0] = 1
    message[81] = 0x80
    put_number(message, 120, 81 * 8)
    for i in range(first, last):
        at = below + 80 * i
        for j in range(5):
            store64(message, np.int64(1 + 8 * j), load64(nodes, np.int64(at + 8 * j)))
        if 2 * i + 1 < count:
            for j in range(5):
                store64(message, np.int64(41 + 8 * j), load64(nodes, np.int64(at + 40 + 8 * j)))
        else:
            for j in range(5):
                store64(message, np.int64(41 + 8 * j), load64(pad, np.int64(8 * j)))
        left, right = number_at(message, 33), number_at(message, 73)
        if left > most or right > most or left > most - right:
            return OUT_OF_RANGE
        start_hash(state)
        compress_at(state, message, 0)
        compress_at(state, message, 64)
        put_state(state, nodes, above + 40 * i)
        put_number(nodes, above + 40 * i + 32, left + right)
    return OK


@njit(nogil=True, cache=True)
def put_in_order(mixed: Any, offsets: Any, nodes: Any) -> None:
    """Nodes in the order in which they came, each to its offset."""
    for i in range(len(offsets)):
        to = np.int64(40) * np.int64(offsets[i])
        for j in range(5):
            store64(nodes, np.int64(to + 8 * j), load64(mixed, np.int64(40 * i + 8 * j)))
