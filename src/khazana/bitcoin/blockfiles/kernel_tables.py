"""Fingerprints of scripts and coins, and the tables that compiled code keeps them in.

A fingerprint can only let through too much, never too little: who asks compares the real bytes.
"""

from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

_K1 = np.uint64(0x9E3779B97F4A7C15)
_K2 = np.uint64(0xC2B2AE3D27D4EB4F)
LONG = np.int64(0xFFFF)
"""Scripts of this length and longer share one entry in a table of lengths."""


@intrinsic
def load64(typing: Any, array: Any, offset: Any) -> Any:
    """Eight bytes of a uint8 array as one number, at any offset. The caller checks the bounds."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        word = context.get_value_type(types.uint64)
        pointer = builder.bitcast(builder.gep(data, [args[1]]), word.as_pointer())
        loaded = builder.load(pointer)
        loaded.align = 1
        return loaded

    return types.uint64(array, types.int64), codegen


@intrinsic
def store64(typing: Any, array: Any, offset: Any, value: Any) -> Any:
    """Write eight bytes into a uint8 array at any offset. The caller checks the bounds."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        word = context.get_value_type(types.uint64)
        pointer = builder.bitcast(builder.gep(data, [args[1]]), word.as_pointer())
        stored = builder.store(args[2], pointer)
        stored.align = 1
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), codegen


@njit(nogil=True, cache=True)
def _mixed(value: Any) -> Any:
    value = (value ^ (value >> np.uint64(32))) * _K1
    return value ^ (value >> np.uint64(29))


@njit(nogil=True, cache=True)
def script_print(data: Any, start: Any, size: Any) -> Any:
    """64 bits that tell scripts apart; never zero, which marks a free slot."""
    value = np.uint64(size) * _K2
    at = start
    end = start + size
    while at + 8 <= end:
        value = (value ^ load64(data, at)) * _K1
        value ^= value >> np.uint64(32)
        at += 8
    if at < end:
        rest = np.uint64(0)
        for i in range(at, end):
            rest = (rest << np.uint64(8)) | np.uint64(data[i])
        value = (value ^ rest) * _K1
        value ^= value >> np.uint64(32)
    value = _mixed(value)
    return value if value != np.uint64(0) else np.uint64(1)


@njit(nogil=True, cache=True)
def coin_print(data: Any, start: Any, vout: Any) -> Any:
    """64 bits of an outpoint whose txid stands at `start`; a txid is random already."""
    value = load64(data, start) ^ (load64(data, start + 8) * _K2) ^ ((vout + np.uint64(1)) * _K1)
    return value if value != np.uint64(0) else np.uint64(1)


@njit(nogil=True, cache=True)
def contains(prints: Any, bits: Any, value: Any) -> Any:
    """Whether a fingerprint is in a table.

    bits: a small map asked first, which fits the processor's cache; one bit per slot of 16.
    """
    hashed = value * _K2
    size = np.uint64(len(bits)) * np.uint64(64)
    place = hashed >> np.uint64(20) & (size - np.uint64(1))
    if bits[np.int64(place >> np.uint64(6))] >> (place & np.uint64(63)) & np.uint64(1) == 0:
        return False
    last = np.uint64(len(prints) - 1)
    slot = (hashed >> np.uint64(24)) & last
    while True:
        found = prints[np.int64(slot)]
        if found == value:
            return True
        if found == np.uint64(0):
            return False
        slot = (slot + np.uint64(1)) & last


@njit(nogil=True, cache=True)
def insert(prints: Any, bits: Any, value: Any) -> Any:
    """Put a fingerprint into a table with room; whether it is new."""
    hashed = value * _K2
    size = np.uint64(len(bits)) * np.uint64(64)
    place = hashed >> np.uint64(20) & (size - np.uint64(1))
    bits[np.int64(place >> np.uint64(6))] |= np.uint64(1) << (place & np.uint64(63))
    last = np.uint64(len(prints) - 1)
    slot = (hashed >> np.uint64(24)) & last
    while True:
        found = prints[np.int64(slot)]
        if found == value:
            return False
        if found == np.uint64(0):
            prints[np.int64(slot)] = value
            return True
        slot = (slot + np.uint64(1)) & last


@njit(nogil=True, cache=True)
def insert_scripts(data: Any, starts: Any, prints: Any, bits: Any, lengths: Any) -> Any:
    """Put scripts into a table: script i is data[starts[i]:starts[i + 1]]. How many are new."""
    new = 0
    for i in range(len(starts) - 1):
        size = starts[i + 1] - starts[i]
        lengths[min(size, LONG)] = np.uint8(1)
        if insert(prints, bits, script_print(data, starts[i], size)):
            new += 1
    return new


@njit(nogil=True, cache=True)
def insert_coins(data: Any, vouts: Any, prints: Any, bits: Any) -> Any:
    """Put outpoints into a table: txid i is data[32 * i:32 * i + 32]. How many are new."""
    new = 0
    for i in range(len(vouts)):
        if insert(prints, bits, coin_print(data, np.int64(32 * i), np.uint64(vouts[i]))):
            new += 1
    return new


@njit(nogil=True, cache=True)
def insert_all(old: Any, prints: Any, bits: Any) -> None:
    """Move a table's fingerprints into a larger one."""
    for value in old:
        if value != np.uint64(0):
            insert(prints, bits, value)


@njit(nogil=True, cache=True)
def unmask(data: Any, start: Any, end: Any, key: Any) -> None:
    """Take the obfuscation off. key: as it applies at `start`, eight bytes as one number."""
    at = start
    while at + 8 <= end:
        store64(data, at, load64(data, at) ^ key)
        at += 8
    shift = np.uint64(0)
    while at < end:
        data[at] ^= np.uint8(key >> shift)
        shift += np.uint64(8)
        at += 1
