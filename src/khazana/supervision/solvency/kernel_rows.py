"""Compiled reading of an extract's rows: sound ones are taken apart, at any other it stops."""

from typing import Any

import numpy as np
from numba import njit

from khazana.bitcoin.blockfiles.kernel_tables import script_print

MOST_ID = 48
MOST_DIGITS = 19


@njit(nogil=True, cache=True)
def read_rows(
    data: Any, scale: Any, most: Any, starts: Any, sizes: Any, amounts: Any, owns: Any
) -> Any:
    """Rows of `data`, which ends with a line's end; how many, and where reading stopped.

    It stops at the end, at a line that begins with '#', or at a row that `extract.customer_of`
    must judge. starts, sizes: where each id lies. owns: where the contribution's hex lies, or -1.
    """
    at = np.int64(0)
    end = np.int64(len(data))
    rows = np.int64(0)
    while at < end:
        line = at
        while at < end and data[at] > 0x20 and data[at] < 0x7F and data[at] != 0x2C:
            if data[at] == 0x22:
                return rows, line
            at += 1
        size = at - line
        if data[line] == 0x23 or size < 1 or size > MOST_ID or at >= end or data[at] != 0x2C:
            return rows, line
        at += 1
        first = at
        amount = np.int64(0)
        decimals = np.int64(-1)
        digits = np.int64(0)
        while at < end and data[at] != 0x2C:
            byte = np.int64(data[at])
            if byte == 0x2E:
                if decimals >= 0 or digits == 0:
                    return rows, line
                decimals = np.int64(0)
            else:
                if byte < 0x30 or byte > 0x39 or amount > most or digits >= MOST_DIGITS:
                    return rows, line
                if decimals >= 0:
                    decimals += 1
                elif digits == 1 and data[first] == 0x30:
                    return rows, line
                amount = amount * 10 + byte - 0x30
                digits += 1
            at += 1
        if digits == 0 or amount > most or at >= end:
            return rows, line
        if (scale == 0 and decimals != -1) or (scale > 0 and decimals != scale):
            return rows, line
        at += 1
        own = np.int64(-1)
        if at < end and data[at] != 0x0A and data[at] != 0x0D:
            own = at
            if at + 64 >= end:
                return rows, line
            for i in range(64):
                byte = np.int64(data[at + i])
                if not (0x30 <= byte <= 0x39 or 0x61 <= byte <= 0x66):
                    return rows, line
            at += 64
        if at < end and data[at] == 0x0D:
            at += 1
        if at >= end or data[at] != 0x0A:
            return rows, line
        at += 1
        starts[rows] = line
        sizes[rows] = size
        amounts[rows] = amount
        owns[rows] = own
        rows += 1
    return rows, at


@njit(nogil=True, cache=True)
def print_ids(data: Any, starts: Any, sizes: Any, found: Any) -> None:
    """A fingerprint of each id: equal ids have equal ones."""
    for row in range(len(found)):
        found[row] = script_print(data, starts[row], sizes[row])


@njit(nogil=True, cache=True)
def group_prints(prints: Any, bits: Any, ordered: Any, starts: Any) -> None:
    """The fingerprints ordered by their first bits; starts: of each group, and the end."""
    shift = np.uint64(64 - bits)
    for i in range(len(prints)):
        starts[np.int64(prints[i] >> shift) + 1] += 1
    for group in range(len(starts) - 1):
        starts[group + 1] += starts[group]
    at = starts.copy()
    for i in range(len(prints)):
        into = np.int64(prints[i] >> shift)
        ordered[at[into]] = prints[i]
        at[into] += 1


@njit(nogil=True, cache=True)
def equal_prints(prints: Any, table: Any, found: Any) -> Any:
    """Put into `found` every fingerprint that was there before; how many. None of them is zero.

    table: zeros, a power of two of them, at least twice as many as fingerprints.
    """
    mask = np.int64(len(table) - 1)
    count = np.int64(0)
    for i in range(len(prints)):
        value = prints[i]
        at = np.int64(value) & mask
        while table[at] != np.uint64(0) and table[at] != value:
            at = (at + 1) & mask
        if table[at] == value:
            found[count] = value
            count += 1
        table[at] = value
    return count
