"""A sample that nobody picks: announced first, drawn by the hash of a block found later.

    seed = SHA-256("khazana.audit-sample/1" || 0x0a || SHA-256(announcement) || block hash)
    number k = SHA-256(seed || k as 8 bytes, most significant first), k = 0, 1, 2 ...

Hashes of blocks are taken as they are displayed. Numbers below n are taken modulo n, after those
from the largest multiple of n on are passed over, so that each is equally likely.
Source of the two methods: International Standard on Auditing 530, appendices 1 and 4.
Rules U3 to U5 in docs/methods/audit-sampling.md.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from khazana.reserve.auditing.population import Item

Method = Literal["monetary-unit", "simple-random"]
METHODS: tuple[Method, ...] = ("monetary-unit", "simple-random")
_DOMAIN = b"khazana.audit-sample/1\n"
_NUMBERS = 1 << 256


class Drawn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An item of the sample. hits: how many selected satoshis lie in it; 1 for simple random."""

    id: str
    sats: int
    hits: int


def seed_of(*, announcement_sha256: str, block_hash: str) -> bytes:
    """What the whole sample follows from."""
    both = bytes.fromhex(announcement_sha256) + bytes.fromhex(block_hash)
    return hashlib.sha256(_DOMAIN + both).digest()


def draw(method: Method, items: Sequence[Item], *, size: int, seed: bytes) -> tuple[Drawn, ...]:
    """The sample, in the order of the population. Sizes that cannot be drawn are ValueErrors."""
    _require(size, largest_size(method, count=len(items), total=_total(items)))
    if method == "monetary-unit":
        hits = monetary_unit(items, size, _below(_total(items), _numbers(seed)))
    else:
        hits = simple_random(len(items), size, _numbers(seed))
    return tuple(
        Drawn(id=item.id, sats=item.sats, hits=hits[place])
        for place, item in enumerate(items)
        if hits[place]
    )


def largest_size(method: Method, *, count: int, total: int) -> int:
    """How many can be drawn: every item, or every satoshi."""
    return total if method == "monetary-unit" else count


def simple_random(count: int, size: int, numbers: Iterator[int]) -> Counter[int]:
    """Each set of `size` items is equally likely: the first places of a Fisher-Yates shuffle."""
    _require(size, count)
    places = list(range(count))
    for turn in range(size):
        other = turn + _below(count - turn, numbers)
        places[turn], places[other] = places[other], places[turn]
    return Counter(places[:size])


def monetary_unit(items: Sequence[Item], size: int, start: int) -> Counter[int]:
    """A random start r from 0 to T - 1, T the total, and then every T/size-th satoshi, exactly:

        satoshi selected i = floor((r + i * T) / size), i = 0 .. size - 1

    Each satoshi has the chance size/T. An item of T/size satoshis or more is always selected.
    """
    total = _total(items)
    _require(size, total)
    hits: Counter[int] = Counter()
    place, end = 0, items[0].sats
    for turn in range(size):
        satoshi = (start + turn * total) // size
        while satoshi >= end:
            place += 1
            end += items[place].sats
        hits[place] += 1
    return hits


def _total(items: Sequence[Item]) -> int:
    return sum(item.sats for item in items)


def _require(size: int, most: int) -> None:
    if not 1 <= size <= most:
        raise ValueError(f"a sample of {size} cannot be drawn from {most}")


def _numbers(seed: bytes) -> Iterator[int]:
    turn = 0
    while True:
        yield int.from_bytes(hashlib.sha256(seed + turn.to_bytes(8, "big")).digest(), "big")
        turn += 1


def _below(limit: int, numbers: Iterator[int]) -> int:
    fair = _NUMBERS - _NUMBERS % limit
    return next(number for number in numbers if number < fair) % limit
