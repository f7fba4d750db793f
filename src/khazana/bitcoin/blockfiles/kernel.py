"""The compiled walk over block bytes: what may concern us, found at memory's pace.

Everything here is a filter: 64-bit fingerprints decide what *may* pay or spend, and the caller
compares the real bytes. A fingerprint can only let through too much, never too little.

Every length that a block announces is compared with the bytes left before it is used, so no byte
outside the record is ever touched. The rules are those of `Transaction.read` and `Block.parse`.
"""

from typing import Any

import numpy as np
from numba import njit

from khazana.bitcoin.blockfiles.kernel_hash import hash_twice
from khazana.bitcoin.blockfiles.kernel_tables import (
    LONG,
    coin_print,
    contains,
    insert,
    load64,
    script_print,
    store64,
    unmask,
)

OK = 0
BROKEN = 1
"""The bytes are no block: the plain parser says where and why."""
OTHER_HEADER = 2
"""The file no longer holds the block that the scan of headers found there."""
OTHER_ROOT = 3
"""The transactions are not those that the header commits to."""


@njit(nogil=True, cache=True)
def _size_at(data: Any, at: Any, end: Any) -> Any:
    """A CompactSize: its value and where it ends, -1 when it is cut short or not the shortest.

    The value may be larger than anything that fits: compare before use. Above 2^62 it is -1 too.
    """
    if at >= end:
        return np.int64(0), np.int64(-1)
    first = np.int64(data[at])
    if first < 0xFD:
        return first, at + 1
    if first == 0xFD:
        if at + 3 > end:
            return np.int64(0), np.int64(-1)
        value = np.int64(data[at + 1]) | np.int64(data[at + 2]) << 8
        return value, (at + 3 if value >= 0xFD else np.int64(-1))
    width = np.int64(4) if first == 0xFE else np.int64(8)
    if at + 1 + width > end:
        return np.int64(0), np.int64(-1)
    value = np.int64(0)
    for i in range(width):
        if i == 7 and data[at + 8] > 0x3F:
            return np.int64(0), np.int64(-1)
        value |= np.int64(data[at + 1 + i]) << (8 * i)
    smallest = np.int64(0x1_0000) if first == 0xFE else np.int64(0x1_0000_0000)
    return value, (at + 1 + width if value >= smallest else np.int64(-1))


@njit(nogil=True, cache=True)
def _walk_transaction(
    data: Any,
    at: Any,
    end: Any,
    scripts: Any,
    script_bits: Any,
    lengths: Any,
    spent: Any,
    count: Any,
    cut: Any,
) -> Any:
    """Step over one transaction.

    Gives where it ends (-1: broken), how many inputs `spent` holds now, how many outputs may be
    ours. cut: where inputs begin and outputs end, so what the txid covers is known.
    """
    broken = np.int64(-1)
    ours = np.int64(0)
    if end - at < 4:
        return broken, count, ours
    at += 4
    witness = False
    if at < end and data[at] == 0 and at + 1 < end and data[at + 1] != 0:
        if data[at + 1] != 1:
            return broken, count, ours
        witness = True
        at += 2
    cut[0] = at
    inputs, at = _size_at(data, at, end)
    if at < 0 or inputs > (end - at) // 41:
        return broken, count, ours
    for _ in range(inputs):
        if end - at < 36:
            return broken, count, ours
        vout = load64(data, at + 28) >> np.uint64(32)
        spent[count] = coin_print(data, at, vout)
        count += 1
        size, at = _size_at(data, at + 36, end)
        # The sequence, four bytes, follows.
        if at < 0 or size > end - at - 4:
            return broken, count, ours
        at += size + 4
    outputs, at = _size_at(data, at, end)
    if at < 0 or outputs > (end - at) // 9:
        return broken, count, ours
    for _ in range(outputs):
        if end - at < 8:
            return broken, count, ours
        size, at = _size_at(data, at + 8, end)
        if at < 0 or size > end - at:
            return broken, count, ours
        # Most lengths are nobody's: no hash is needed to say so.
        if lengths[min(size, LONG)] != 0 and contains(
            scripts, script_bits, script_print(data, at, size)
        ):
            ours += 1
        at += size
    cut[1] = at
    if witness:
        items_of_all = np.int64(0)
        for _ in range(inputs):
            items, at = _size_at(data, at, end)
            if at < 0 or items > end - at:
                return broken, count, ours
            items_of_all += items
            for _ in range(items):
                size, at = _size_at(data, at, end)
                if at < 0 or size > end - at:
                    return broken, count, ours
                at += size
        if items_of_all == 0:
            return broken, count, ours
    if end - at < 4:
        return broken, count, ours
    cut[2] = np.int64(witness)
    return at + 4, count, ours


@njit(nogil=True, cache=True)
def _identify(
    data: Any, start: Any, end: Any, cut: Any, message: Any, state: Any, ids: Any, row: Any
) -> None:
    """The txid of a transaction into `ids[row]`: without marker, flag and witnesses."""
    if cut[2] != 0:
        for i in range(4):
            message[i] = data[start + i]
        size = np.int64(4)
        _copy(data, cut[0], cut[1], message, size)
        size += cut[1] - cut[0]
        for i in range(4):
            message[size + i] = data[end - 4 + i]
        size += 4
    else:
        _copy(data, start, end, message, np.int64(0))
        size = end - start
    hash_twice(message, size, state, ids, row)


@njit(nogil=True, cache=True)
def _copy(data: Any, start: Any, end: Any, into: Any, at: Any) -> None:
    while start + 8 <= end:
        store64(into, at, load64(data, start))
        start += 8
        at += 8
    while start < end:
        into[at] = data[start]
        start += 1
        at += 1


@njit(nogil=True, cache=True)
def merkle_levels(ids: Any, count: Any, message: Any, state: Any) -> Any:
    """Build the Merkle tree above the first `count` rows of `ids`, in the rows that follow.

    Gives the row of the root, -1 where two neighbours are equal (CVE-2012-2459). A level of odd
    length has its last node twice when its parents are hashed; the copy is not stored.
    ids: room for 2 * count + 32 rows.
    """
    first = np.int64(0)
    size = np.int64(count)
    while size > 1:
        following = first + size
        for i in range(0, size, 2):
            left = first + i
            right = left + 1 if i + 1 < size else left
            if right != left:
                same = True
                for j in range(32):
                    if ids[left, j] != ids[right, j]:
                        same = False
                        break
                if same:
                    return np.int64(-1)
            for j in range(32):
                message[j] = ids[left, j]
                message[32 + j] = ids[right, j]
            hash_twice(message, np.int64(64), state, ids, following + i // 2)
        first = following
        size = (size + 1) // 2
    return first


@njit(nogil=True, cache=True)
def _root_holds(data: Any, start: Any, ids: Any, count: Any, message: Any, state: Any) -> Any:
    if count == 0:
        return False
    root = merkle_levels(ids, count, message, state)
    if root < 0:
        return False
    same = True
    for j in range(32):
        same &= ids[root, j] == data[start + 36 + j]
    return same


@njit(nogil=True, cache=True)
def walk_blocks(
    data: Any,
    starts: Any,
    ends: Any,
    keys: Any,
    masked: Any,
    headers: Any,
    scripts: Any,
    script_bits: Any,
    lengths: Any,
    spent: Any,
    full: Any,
    message: Any,
    ids: Any,
    bounds: Any,
    ours: Any,
) -> Any:
    """Walk the blocks data[starts[i]:ends[i]]; their fingerprints, and what may pay us.

    Gives a status and the block it belongs to. bounds[i]: how many inputs the blocks before i
    have, an input's fingerprint being spent[bounds[i]:bounds[i + 1]]. ours[i]: outputs of block i
    that may be ours. full: check every Merkle root. masked: the bytes are obfuscated, with
    keys[i] as it applies at the start of block i; they are plain afterwards.
    """
    state = np.empty(40, np.uint32)
    cut = np.zeros(3, np.int64)
    count = np.int64(0)
    bounds[0] = 0
    for block in range(len(starts)):
        start, end = starts[block], ends[block]
        if masked:
            unmask(data, start, end, keys[block])
        if end - start < 80:
            return BROKEN, block
        for i in range(80):
            if data[start + i] != headers[block, i]:
                return OTHER_HEADER, block
        transactions, at = _size_at(data, start + 80, end)
        if at < 0 or transactions > (end - at) // 10:
            return BROKEN, block
        found = np.int64(0)
        for number in range(transactions):
            begin = at
            at, count, hits = _walk_transaction(
                data, at, end, scripts, script_bits, lengths, spent, count, cut
            )
            if at < 0:
                return BROKEN, block
            found += hits
            if full:
                _identify(data, begin, at, cut, message, state, ids, number)
        if at != end:
            return BROKEN, block
        if full and not _root_holds(data, start, ids, transactions, message, state):
            return OTHER_ROOT, block
        bounds[block + 1] = count
        ours[block] = found
    return OK, len(starts)


@njit(nogil=True, cache=True)
def next_touched(spent: Any, bounds: Any, ours: Any, coins: Any, coin_bits: Any, block: Any) -> Any:
    """The first block from `block` on that may pay us or spend one of our coins."""
    while block < len(ours):
        if ours[block] != 0:
            return block
        for i in range(bounds[block], bounds[block + 1]):
            if contains(coins, coin_bits, spent[i]):
                return block
        block += 1
    return block


@njit(nogil=True, cache=True)
def look_closer(
    data: Any,
    scripts: Any,
    script_bits: Any,
    lengths: Any,
    coins: Any,
    coin_bits: Any,
    spent: Any,
    message: Any,
    ids: Any,
    places: Any,
    touched: Any,
) -> Any:
    """Go through one block that may concern us, transaction by transaction.

    Gives a status, the number of transactions, and the row of the Merkle root in `ids`, which
    holds the whole tree. places[i], places[i + 1]: where transaction i lies. touched[i]: whether
    it may pay us or spend a coin of ours, those made earlier in this very block included: their
    outpoints go into `coins`, which must have the room.
    """
    state = np.empty(40, np.uint32)
    cut = np.zeros(3, np.int64)
    nothing = np.int64(0)
    end = np.int64(len(data))
    transactions, at = _size_at(data, np.int64(80), end)
    if at < 0 or transactions > (end - at) // 10:
        return BROKEN, nothing, nothing
    for number in range(transactions):
        begin = at
        places[number] = at
        at, count, hits = _walk_transaction(
            data, at, end, scripts, script_bits, lengths, spent, np.int64(0), cut
        )
        if at < 0:
            return BROKEN, nothing, nothing
        _identify(data, begin, at, cut, message, state, ids, number)
        touched[number] = hits != 0
        for i in range(count):
            if contains(coins, coin_bits, spent[i]):
                touched[number] = True
                break
        if hits != 0:
            _remember_outputs(
                data, cut, ids, number, scripts, script_bits, lengths, coins, coin_bits
            )
    places[transactions] = at
    if at != end:
        return BROKEN, nothing, nothing
    if transactions == 0:
        return OTHER_ROOT, nothing, nothing
    root = merkle_levels(ids, transactions, message, state)
    if root < 0:
        return OTHER_ROOT, nothing, nothing
    for j in range(32):
        if ids[root, j] != data[36 + j]:
            return OTHER_ROOT, nothing, nothing
    return OK, transactions, root


@njit(nogil=True, cache=True)
def _remember_outputs(
    data: Any,
    cut: Any,
    ids: Any,
    number: Any,
    scripts: Any,
    script_bits: Any,
    lengths: Any,
    coins: Any,
    coin_bits: Any,
) -> None:
    """Put the outpoints of one transaction's outputs that may be ours into the table.

    The transaction was walked before: its lengths hold.
    """
    inputs, at = _size_at(data, cut[0], cut[1])
    for _ in range(inputs):
        size, at = _size_at(data, at + 36, cut[1])
        at += size + 4
    outputs, at = _size_at(data, at, cut[1])
    txid = ids[number]
    for vout in range(outputs):
        size, at = _size_at(data, at + 8, cut[1])
        if lengths[min(size, LONG)] != 0 and contains(
            scripts, script_bits, script_print(data, at, size)
        ):
            insert(coins, coin_bits, coin_print(txid, np.int64(0), np.uint64(vout)))
        at += size
