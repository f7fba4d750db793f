"""Compiled slips: many customers' proofs copied out of a tree's file. The bytes: slip.py."""

from typing import Any

import numpy as np
from numba import njit

from khazana.bitcoin.blockfiles.kernel_tables import load64, store64
from khazana.supervision.solvency.kernel_leaves import draw_share, message_of
from khazana.supervision.solvency.kernel_tree import pad_node, put_number

HEAD_BYTES = 80


@njit(nogil=True, cache=True)
def leaf_numbers(firsts: Any, counts: Any, numbers: Any) -> None:
    """The numbers of the leaves of some customers, of whom each has `counts` from `firsts` on."""
    at = np.int64(0)
    for row in range(len(firsts)):
        for share in range(counts[row]):
            numbers[at] = firsts[row] + share
            at += 1


@njit(nogil=True, cache=True)
def put_slips(
    head: Any,
    secrets: Any,
    keys: Any,
    amounts: Any,
    counts: Any,
    places: Any,
    cap: Any,
    epoch: Any,
    height: Any,
    leaves: Any,
    starts: Any,
    nodes: Any,
    out: Any,
) -> None:
    """The slips of some customers, one after another.

    head: the first 80 bytes of every slip; secret and count are filled in. counts: leaves of each.
    places: of their leaves. starts: of each level in `nodes`, in bytes.
    """
    state = np.empty(40, np.uint32)
    nonce = message_of(45, 45)
    leaf = message_of(49, 49)
    at = np.int64(0)
    number = np.int64(0)
    for row in range(len(amounts)):
        out[at : at + HEAD_BYTES] = head
        for i in range(4):
            store64(out, np.int64(at + 46 + 8 * i), load64(secrets, np.int64(32 * row + 8 * i)))
        out[at + 78] = counts[row] >> 8
        out[at + 79] = counts[row] & 0xFF
        at += HEAD_BYTES
        left = np.int64(amounts[row])
        for share in range(counts[row]):
            amount = draw_share(state, nonce, leaf, keys, row, epoch, share, left, counts[row], cap)
            left -= amount
            place = places[number]
            number += 1
            put_number(out, at, amount)
            put_number(out, at + 8, place)
            at += 16
            count = np.int64(leaves)
            for level in range(height):
                beside = place ^ 1
                if beside < count:
                    first = starts[level] + 40 * beside
                    for i in range(5):
                        store64(out, np.int64(at + 8 * i), load64(nodes, np.int64(first + 8 * i)))
                else:
                    pad_node(epoch, level, beside, out, at)
                at += 40
                place >>= 1
                count = (count + 1) >> 1
