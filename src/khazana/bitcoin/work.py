"""Proof of work in whole numbers: compact targets, work, difficulty, retargets, and the subsidy."""

from dataclasses import dataclass
from fractions import Fraction

from khazana.bitcoin.network import RETARGET_INTERVAL, TARGET_SPACING_S, Network
from khazana.errors import KhazanaError
from khazana.units import SATS_PER_BTC, Height, Sats

TARGET_TIMESPAN_S = RETARGET_INTERVAL * TARGET_SPACING_S
"""Two weeks."""

RETARGET_LIMIT = 4
"""A retarget changes the target by at most this factor, either way."""

FIRST_SUBSIDY = Sats(50 * SATS_PER_BTC)

_DIFFICULTY_1_BITS = 0x1D00_FFFF
_TARGET_BITS = 256


@dataclass(eq=False, kw_only=True)
class BadCompactTarget(KhazanaError):
    """The bits of a header stand for no target."""

    bits: int
    problem: str
    code = "bad_compact_target"
    words = "Bits {bits:08x} stand for no target: {problem}."


def target_of(bits: int) -> int:
    """The target that compact bits stand for: a block's hash, as a number, may not exceed it.

        exponent 1 | sign 1 bit, mantissa 23 bits        target = mantissa × 256^(exponent − 3)

    Negative, zero and larger than 256 bits are refused, as Bitcoin Core's `DeriveTarget` does.

    >>> f"{target_of(0x1b0404cb):x}"
    '404cb000000000000000000000000000000000000000000000000'
    """
    if not 0 <= bits <= 0xFFFF_FFFF:
        raise ValueError(f"bits are 32 bits, not {bits}")
    exponent, mantissa = bits >> 24, bits & 0x7F_FFFF
    shift = 8 * (exponent - 3)
    target = mantissa << shift if shift >= 0 else mantissa >> -shift
    # The sign of nothing is ignored, as in Core: 01800000 is zero, not negative.
    if bits & 0x80_0000 and (mantissa >> max(0, -shift)):
        raise BadCompactTarget(bits=bits, problem="it is negative")
    if target == 0:
        raise BadCompactTarget(bits=bits, problem="it is zero")
    if target >> _TARGET_BITS:
        raise BadCompactTarget(bits=bits, problem="it is larger than 256 bits")
    return target


def bits_of(target: int) -> int:
    """The canonical compact form of a target; what does not fit in 23 bits is cut off.

    >>> f"{bits_of(target_of(0x1d00ffff)):08x}"
    '1d00ffff'
    """
    if not 0 < target < 1 << _TARGET_BITS:
        raise ValueError(f"a target lies between 1 and 2**256 - 1, not {target}")
    size = (target.bit_length() + 7) // 8
    mantissa = target >> 8 * (size - 3) if size > 3 else target << 8 * (3 - size)
    if mantissa & 0x80_0000:  # the sign bit: one byte more, one digit less
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def is_canonical(bits: int) -> bool:
    """Whether these are the only bits a retarget could have given for their target."""
    return bits_of(target_of(bits)) == bits


def work_of(bits: int) -> int:
    """The average number of hashes to find a block under this target (Core's `GetBlockProof`).

    work = ⌊2²⁵⁶ / (target + 1)⌋
    """
    return (1 << _TARGET_BITS) // (target_of(bits) + 1)


def difficulty_of(bits: int) -> Fraction:
    """How many times harder than the first block: the target of 1d00ffff over this one, exact."""
    return Fraction(target_of(_DIFFICULTY_1_BITS), target_of(bits))


def meets_target(hash_le: bytes, bits: int) -> bool:
    """Whether a block hash is proof of the work its bits ask for."""
    return int.from_bytes(hash_le, "little") <= target_of(bits)


def retargeted_bits(*, base_bits: int, first_time: int, last_time: int, network: Network) -> int:
    """The bits of the next 2,016 blocks.

        new target = old target × time taken / two weeks, within a factor of 4 and the network's
        easiest target

    first_time, last_time: header times of the period's first and last block, so that 2,015
    intervals are measured as 2,016: Bitcoin's famous off-by-one, kept by consensus.
    base_bits: the period's last bits; on a BIP-94 network its first (see `headers`).
    """
    if not network.retargets:
        return base_bits
    taken = min(
        max(last_time - first_time, TARGET_TIMESPAN_S // RETARGET_LIMIT),
        TARGET_TIMESPAN_S * RETARGET_LIMIT,
    )
    easiest = target_of(network.pow_limit_bits)
    return bits_of(min(target_of(base_bits) * taken // TARGET_TIMESPAN_S, easiest))


def block_subsidy(height: Height, network: Network) -> Sats:
    """New bitcoin that the block at this height may create, without fees.

    >>> from khazana.bitcoin.network import MAINNET
    >>> block_subsidy(Height(840_000), MAINNET)
    312500000
    """
    if height < 0:
        raise ValueError(f"no block has height {height}")
    return Sats(FIRST_SUBSIDY >> height // network.halving_interval)
