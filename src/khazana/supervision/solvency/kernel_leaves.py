"""Compiled leaves: keys derived, balances split, every leaf put at its permuted place.

The rules are those of encoding.py, splitting.py and positions.py, which the tests compare it with.
"""

from typing import Any

import numpy as np
from numba import njit

from khazana.bitcoin.blockfiles.kernel_hash import compress_at, start_hash
from khazana.bitcoin.blockfiles.kernel_tables import load64, store64
from khazana.supervision.solvency.kernel_tree import number_at, put_number, put_state


@njit(nogil=True, cache=True)
def place_leaves(numbers: Any, leaves: Any, right_bits: Any, tables: Any, places: Any) -> None:
    """The positions of leaves by their numbers; tables: (round, input)."""
    mask = (np.int64(1) << right_bits) - 1
    for i in range(len(places)):
        at = np.int64(numbers[i])
        while True:
            left, right = at >> right_bits, at & mask
            for turn in range(0, tables.shape[0], 2):
                left ^= np.int64(tables[turn, right])
                right ^= np.int64(tables[turn + 1, left])
            at = (left << right_bits) | right
            if at < leaves:
                break
        places[i] = at


@njit(nogil=True, cache=True)
def sort_places(places: Any, bits: Any, slots: Any, offsets: Any, starts: Any) -> None:
    """Where each leaf goes when leaves are ordered by bucket, a bucket being 2^bits positions.

    slots: of each leaf. offsets: by slot, the position within the bucket. starts: zeros; by bucket
    its first slot, and the end.
    """
    for i in range(len(places)):
        starts[(places[i] >> bits) + 1] += 1
    for bucket in range(len(starts) - 1):
        starts[bucket + 1] += starts[bucket]
    at = starts.copy()
    mask = (np.int64(1) << bits) - 1
    for i in range(len(places)):
        bucket = places[i] >> bits
        slot = at[bucket]
        at[bucket] += 1
        slots[i] = slot
        offsets[slot] = places[i] & mask


@njit(nogil=True, cache=True)
def _high_product(a: Any, b: Any) -> Any:
    """floor(a × b / 2^64), of unsigned numbers."""
    low = np.uint64(0xFFFFFFFF)
    half = np.uint64(32)
    a0, a1, b0, b1 = a & low, a >> half, b & low, b >> half
    middle = a1 * b0 + ((a0 * b0) >> half)
    other = a0 * b1 + (middle & low)
    return a1 * b1 + (middle >> half) + (other >> half)


@njit(nogil=True, cache=True)
def shares(amount: Any, least: Any, cap: Any) -> Any:
    """How many leaves a balance has."""
    return max(least, amount // cap + (1 if amount % cap else 0))


@njit(nogil=True, cache=True)
def count_leaves(amounts: Any, least: Any, cap: Any) -> Any:
    """Leaves and total of some balances; the total is -1 when it passes 2^62."""
    leaves = np.int64(0)
    total = np.int64(0)
    for row in range(len(amounts)):
        leaves += shares(amounts[row], least, cap)
        if total >= 0:
            total += amounts[row]
            if total > np.int64(1) << 62:
                total = np.int64(-1)
    return leaves, total


@njit(nogil=True, cache=True)
def _hex(data: Any, at: Any, out: Any, to: Any) -> None:
    for i in range(32):
        high, low = np.int64(data[at + 2 * i]), np.int64(data[at + 2 * i + 1])
        high = high - 0x30 if high < 0x3A else high - 0x57
        low = low - 0x30 if low < 0x3A else low - 0x57
        out[to + i] = high << 4 | low


@njit(nogil=True, cache=True)
def message_of(size: Any, total: Any) -> Any:
    """A block with the padding of a message of `size` bytes in it, `total` in all."""
    block = np.zeros(64, np.uint8)
    block[size] = 0x80
    put_number(block, 56, total * 8)
    return block


@njit(nogil=True, cache=True)
def derive_keys(
    data: Any,
    starts: Any,
    sizes: Any,
    owns: Any,
    inner: Any,
    outer: Any,
    keys: Any,
    secrets: Any,
) -> None:
    """The 32 bytes of each customer's key, one after another; and of the secrets, if there is room.

    inner, outer: HMAC's chaining values after the tree key's pads.
    """
    state = np.empty(40, np.uint32)
    own = np.zeros(64, np.uint8)
    said = np.zeros(64, np.uint8)
    tag = message_of(32, 96)
    keyed = np.zeros(128, np.uint8)
    keyed[0] = 4
    keyed[65] = 0x80
    put_number(keyed, 120, 65 * 8)
    for row in range(len(keys) // 32):
        start, size = starts[row], np.int64(sizes[row])
        for i in range(8):
            store64(said, np.int64(8 * i), np.uint64(0))
        for i in range(size):
            said[i] = data[start + i]
        said[size] = 0x80
        put_number(said, 56, (64 + size) * 8)
        for i in range(8):
            state[i] = inner[i]
        compress_at(state, said, 0)
        put_state(state, tag, 0)
        for i in range(8):
            state[i] = outer[i]
        compress_at(state, tag, 0)
        put_state(state, keyed, 1)
        if len(secrets):
            put_state(state, secrets, 32 * row)
        if owns[row] >= 0:
            _hex(data, owns[row], keyed, 33)
        else:
            for i in range(8):
                store64(own, np.int64(8 * i), np.uint64(0))
            own[0] = 5
            for i in range(size):
                own[1 + i] = data[start + i]
            own[1 + size] = 0x80
            put_number(own, 56, (1 + size) * 8)
            start_hash(state)
            compress_at(state, own, 0)
            put_state(state, keyed, 33)
        start_hash(state)
        compress_at(state, keyed, 0)
        compress_at(state, keyed, 64)
        put_state(state, keys, 32 * row)


@njit(nogil=True, cache=True)
def put_leaves(
    keys: Any,
    amounts: Any,
    epoch: Any,
    least: Any,
    cap: Any,
    places: Any,
    slots: Any,
    nodes: Any,
) -> None:
    """Hash the leaves of some customers, each into its slot of `nodes`.

    places, slots: of each leaf, in the order of customers and shares.
    """
    state = np.empty(40, np.uint32)
    nonce = message_of(45, 45)
    leaf = message_of(49, 49)
    number = np.int64(0)
    for row in range(len(amounts)):
        left = np.int64(amounts[row])
        count = shares(left, least, cap)
        for share in range(count):
            amount = draw_share(state, nonce, leaf, keys, row, epoch, share, left, count, cap)
            _put(state, leaf, amount, places[number], nodes, slots[number])
            left -= amount
            number += 1


@njit(nogil=True, cache=True)
def draw_share(
    state: Any,
    nonce: Any,
    leaf: Any,
    keys: Any,
    row: Any,
    epoch: Any,
    share: Any,
    left: Any,
    count: Any,
    cap: Any,
) -> Any:
    """The amount of a customer's share; its nonce is put into the leaf's message.

    nonce, leaf: messages of 64 bytes, with their padding. left: what earlier shares left over.
    """
    if share == 0:
        nonce[0] = 2
        put_number(nonce, 33, epoch)
        for i in range(4):
            store64(nonce, np.int64(1 + 8 * i), load64(keys, np.int64(32 * row + 8 * i)))
    _draw(state, nonce, share, leaf)
    after = count - 1 - share
    # Divided first: the product of a large cap and many shares would not fit.
    low = left - after * cap if after <= left // cap else np.int64(0)
    high = min(left, cap)
    drawn = _high_product(number_at(leaf, 1), np.uint64(high - low + 1))
    return low + np.int64(drawn)


@njit(nogil=True, cache=True)
def _draw(state: Any, nonce: Any, split: Any, leaf: Any) -> None:
    """The nonce of a share, into the leaf's message."""
    nonce[41] = split >> 24
    nonce[42] = (split >> 16) & 0xFF
    nonce[43] = (split >> 8) & 0xFF
    nonce[44] = split & 0xFF
    start_hash(state)
    compress_at(state, nonce, 0)
    put_state(state, leaf, 1)


@njit(nogil=True, cache=True)
def _put(state: Any, leaf: Any, amount: Any, place: Any, nodes: Any, slot: Any) -> None:
    put_number(leaf, 33, amount)
    put_number(leaf, 41, place)
    start_hash(state)
    compress_at(state, leaf, 0)
    put_state(state, nodes, 40 * slot)
    put_number(nodes, 40 * slot + 32, amount)


@njit(nogil=True, cache=True)
def put_dummies(key: Any, first: Any, epoch: Any, places: Any, slots: Any, nodes: Any) -> None:
    """Hash the dummies from number `first` on, each into its slot of `nodes`."""
    state = np.empty(40, np.uint32)
    nonce = message_of(45, 45)
    nonce[0] = 2
    for i in range(4):
        store64(nonce, np.int64(1 + 8 * i), load64(key, np.int64(8 * i)))
    put_number(nonce, 33, epoch)
    leaf = message_of(49, 49)
    for i in range(len(places)):
        _draw(state, nonce, first + i, leaf)
        _put(state, leaf, np.int64(0), places[i], nodes, slots[i])


@njit(nogil=True, cache=True)
def chained(block: Any) -> Any:
    """SHA-256's chaining value after one block."""
    state = np.empty(40, np.uint32)
    start_hash(state)
    compress_at(state, block, 0)
    return state


@njit(nogil=True, cache=True)
def repeat_compression(block: Any, times: Any) -> Any:
    """So many compressions of one block: what the hashing alone costs."""
    state = np.empty(40, np.uint32)
    start_hash(state)
    for _ in range(times):
        compress_at(state, block, 0)
    return state[0]
