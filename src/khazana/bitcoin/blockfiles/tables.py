"""Tables of fingerprints for the compiled walk: of scripts, fixed; of coins, growing."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from khazana.bitcoin.blockfiles import kernel_tables
from khazana.bitcoin.hashes import from_displayed
from khazana.bitcoin.transaction import OutPoint

Array = np.ndarray[Any, Any]

_SLOTS_PER_KEY = 4
_MAP_BITS_PER_SLOT = 8
_LENGTHS = 1 << 16


@dataclass(frozen=True, eq=False)
class ScriptTable:
    """The scripts asked for. lengths: whether any script is that long (65,535: or longer)."""

    prints: Array
    bits: Array
    lengths: Array

    @classmethod
    def of(cls, scripts: Collection[bytes]) -> "ScriptTable":
        prints, bits = _room_for(len(scripts))
        lengths = np.zeros(_LENGTHS, np.uint8)
        ordered = list(scripts)
        starts = np.zeros(len(ordered) + 1, np.int64)
        np.cumsum([len(script) for script in ordered], out=starts[1:])
        data = np.frombuffer(b"".join(ordered) + b"\x00", np.uint8)
        kernel_tables.insert_scripts(data, starts, prints, bits, lengths)
        return cls(prints, bits, lengths)


class CoinTable:
    """The outputs that were ever ours, as far as the walk has come."""

    def __init__(self, coins: Iterable[OutPoint]) -> None:
        outpoints = list(coins)
        self.prints, self.bits = _room_for(len(outpoints))
        self._used = len(outpoints)
        txids = b"".join(from_displayed(coin.txid) for coin in outpoints)
        vouts = np.array([coin.vout for coin in outpoints], np.uint64)
        data = np.frombuffer(txids + bytes(32), np.uint8)
        kernel_tables.insert_coins(data, vouts, self.prints, self.bits)

    def make_room(self, more: int) -> None:
        """Grow, if need be, until `more` coins can be added."""
        self._used += more
        if self._used * _SLOTS_PER_KEY > 2 * len(self.prints):
            old = self.prints
            self.prints, self.bits = _room_for(2 * self._used)
            kernel_tables.insert_all(old, self.prints, self.bits)


def _room_for(count: int) -> tuple[Array, Array]:
    slots = 64
    while slots < _SLOTS_PER_KEY * count:
        slots *= 2
    return np.zeros(slots, np.uint64), np.zeros(slots * _MAP_BITS_PER_SLOT // 64, np.uint64)
