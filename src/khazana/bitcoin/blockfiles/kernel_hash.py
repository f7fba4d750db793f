"""SHA-256 twice, inside compiled kernels: OpenSSL's compression function where it can be had.

OpenSSL uses the processor's own SHA instructions (58 ns for 64 bytes). Where its library is absent,
or gives another answer than hashlib, a compiled function of our own takes its place.
"""

import ctypes
import ctypes.util
import hashlib
from typing import Any

import llvmlite.binding
import numpy as np
from numba import carray, cfunc, njit, types
from numba.core import cgutils
from numba.extending import intrinsic

_SYMBOL = "khazana_sha256_compress"
# First 32 bits of the fractional parts of square and cube roots of primes (FIPS 180-4, 4.2.2, 5.3).
_INITIAL = np.array(
    [
        0x6A09E667,
        0xBB67AE85,
        0x3C6EF372,
        0xA54FF53A,
        0x510E527F,
        0x9B05688C,
        0x1F83D9AB,
        0x5BE0CD19,
    ],
    dtype=np.uint32,
)


def _cube_root_fractions() -> list[int]:
    """The round constants, from their definition in FIPS 180-4."""
    primes: list[int] = []
    candidate = 2
    while len(primes) < 64:
        if all(candidate % prime for prime in primes):
            primes.append(candidate)
        candidate += 1
    constants = []
    for prime in primes:
        wanted = prime << 96  # the cube root of prime × 2^96 is the root × 2^32
        low, high = 0, 1 << 40
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if middle**3 <= wanted else (low, middle)
        constants.append(low & 0xFFFF_FFFF)
    return constants


_ROUNDS = np.array(_cube_root_fractions(), dtype=np.uint32)


def _openssl_address() -> int | None:
    """Where OpenSSL's SHA256_Transform lies, if this system has it and it computes SHA-256."""
    name = ctypes.util.find_library("crypto")
    if name is None:
        return None
    try:
        transform = ctypes.CDLL(name).SHA256_Transform
    except (OSError, AttributeError):
        return None
    # SHA256_CTX is 112 bytes; the chaining value stands first.
    state = (ctypes.c_uint32 * 40)(*(int(word) for word in _INITIAL))
    block = (ctypes.c_uint8 * 64)(*b"abc", 0x80, *bytes(59), 24)
    transform.restype = None
    transform.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    transform(ctypes.addressof(state), ctypes.addressof(block))
    answer = b"".join(int(word).to_bytes(4, "big") for word in state[:8])
    if answer != hashlib.sha256(b"abc").digest():
        return None
    return ctypes.cast(transform, ctypes.c_void_p).value


def own_compress() -> Any:
    """A compression function in plain numba, for systems without OpenSSL's."""
    rounds = _ROUNDS

    @cfunc(types.void(types.CPointer(types.uint32), types.CPointer(types.uint8)))
    def compress(state_at: Any, block_at: Any) -> None:
        state = carray(state_at, 8)
        block = carray(block_at, 64)
        w = np.empty(64, np.uint32)
        for i in range(16):
            w[i] = (
                (np.uint32(block[4 * i]) << np.uint32(24))
                | (np.uint32(block[4 * i + 1]) << np.uint32(16))
                | (np.uint32(block[4 * i + 2]) << np.uint32(8))
                | np.uint32(block[4 * i + 3])
            )
        for i in range(16, 64):
            x, y = w[i - 15], w[i - 2]
            s0 = _turn(x, 7) ^ _turn(x, 18) ^ (x >> np.uint32(3))
            s1 = _turn(y, 17) ^ _turn(y, 19) ^ (y >> np.uint32(10))
            w[i] = np.uint32(w[i - 16] + s0 + w[i - 7] + s1)
        a, b, c, d = state[0], state[1], state[2], state[3]
        e, f, g, h = state[4], state[5], state[6], state[7]
        for i in range(64):
            s1 = _turn(e, 6) ^ _turn(e, 11) ^ _turn(e, 25)
            t1 = np.uint32(h + s1 + ((e & f) ^ (~e & g)) + rounds[i] + w[i])
            s0 = _turn(a, 2) ^ _turn(a, 13) ^ _turn(a, 22)
            t2 = np.uint32(s0 + ((a & b) ^ (a & c) ^ (b & c)))
            h, g, f, e = g, f, e, np.uint32(d + t1)
            d, c, b, a = c, b, a, np.uint32(t1 + t2)
        state[0] = np.uint32(state[0] + a)
        state[1] = np.uint32(state[1] + b)
        state[2] = np.uint32(state[2] + c)
        state[3] = np.uint32(state[3] + d)
        state[4] = np.uint32(state[4] + e)
        state[5] = np.uint32(state[5] + f)
        state[6] = np.uint32(state[6] + g)
        state[7] = np.uint32(state[7] + h)

    return compress


@njit(inline="always")
def _turn(word: Any, by: int) -> Any:
    return np.uint32((word >> np.uint32(by)) | (word << np.uint32(32 - by)))


_own: Any = None  # keeps the machine code alive


def bind(address: int | None) -> None:
    """Say which compression function the kernels call; None for our own."""
    global _own
    if address is None:
        _own = own_compress()
        address = int(_own.address)
    # A name of our own: kernels cached on disk then work with whichever function is there.
    llvmlite.binding.add_symbol(_SYMBOL, address)


OPENSSL = _openssl_address()
bind(OPENSSL)

_compress = types.ExternalFunction(_SYMBOL, types.void(types.voidptr, types.voidptr))


@intrinsic
def _pointer(typing: Any, address: Any) -> Any:
    """An address as a pointer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], cgutils.voidptr_t)

    return types.voidptr(types.uintp), codegen


@njit(nogil=True, cache=True)
def compress_at(state: Any, message: Any, at: Any) -> None:
    """One compression: 64 bytes of `message` from `at` on into `state`, uint32[40]."""
    _compress(
        _pointer(types.uintp(state.ctypes.data)), _pointer(types.uintp(message.ctypes.data + at))
    )


@njit(nogil=True, cache=True)
def start_hash(state: Any) -> None:
    """SHA-256's first chaining value into `state`."""
    for i in range(8):
        state[i] = _INITIAL[i]


@njit(nogil=True, cache=True)
def hash_twice(message: Any, size: Any, state: Any, out: Any, row: Any) -> None:
    """SHA-256d of the first `size` bytes of `message` into `out[row]`.

    message: uint8, with at least 128 bytes of room after `size` for the padding; its beginning is
    overwritten by the second hash. state: uint32[40], scratch.
    """
    end = _pad(message, np.int64(0), size)
    at = message.ctypes.data
    _start(state)
    for block in range(0, end, 64):
        _compress(_pointer(types.uintp(state.ctypes.data)), _pointer(types.uintp(at + block)))
    for i in range(8):
        word = state[i]
        message[4 * i] = word >> np.uint32(24)
        message[4 * i + 1] = word >> np.uint32(16)
        message[4 * i + 2] = word >> np.uint32(8)
        message[4 * i + 3] = word
    _pad(message, np.int64(0), np.int64(32))
    _start(state)
    _compress(_pointer(types.uintp(state.ctypes.data)), _pointer(types.uintp(at)))
    for i in range(8):
        word = state[i]
        out[row, 4 * i] = word >> np.uint32(24)
        out[row, 4 * i + 1] = word >> np.uint32(16)
        out[row, 4 * i + 2] = word >> np.uint32(8)
        out[row, 4 * i + 3] = word


@njit(nogil=True, cache=True)
def _start(state: Any) -> None:
    for i in range(8):
        state[i] = _INITIAL[i]


@njit(nogil=True, cache=True)
def _pad(message: Any, start: Any, size: Any) -> Any:
    """Write SHA-256's padding; where the padded message ends."""
    end = start + (size + 8) // 64 * 64 + 64
    message[start + size] = np.uint8(0x80)
    for i in range(start + size + 1, end - 8):
        message[i] = np.uint8(0)
    bits = np.uint64(size) * np.uint64(8)
    for i in range(8):
        message[end - 1 - i] = np.uint8(bits >> np.uint64(8 * i))
    return end
