"""What every adapter does with answers: remember what cannot change, refuse the unanswerable."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from typing import Generic, TypeVar

from khazana.bitcoin.chain import ChainSourceError
from khazana.bitcoin.script import is_unspendable

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """The most recently used values up to a total size. For facts that a hash fixes, only."""

    def __init__(self, capacity: int, size: Callable[[V], int] = lambda _: 1) -> None:
        self._capacity = capacity
        self._size = size
        self._total = 0
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key]

    def put(self, key: K, value: V) -> V:
        with self._lock:
            if key not in self._values:
                self._values[key] = value
                self._total += self._size(value)
                while self._total > self._capacity and len(self._values) > 1:
                    _, dropped = self._values.popitem(last=False)
                    self._total -= self._size(dropped)
        return value


def answerable(scripts: Collection[bytes], *, source: str) -> tuple[bytes, ...]:
    """The scripts without repetitions, in a fixed order.

    Servers and block filters (BIP-158) leave out empty scripts and those that can never be spent,
    so "nothing found" would be no answer about them.
    """
    wanted = sorted(frozenset(scripts))
    for script in wanted:
        if not script or is_unspendable(script):
            raise ChainSourceError(
                source=source,
                asked=f"the history of script {script[:40].hex() or '(empty)'}",
                problem="scripts that are empty or can never be spent are in no index. "
                "Leave it out, or read the blocks themselves (blocks:DIR)",
            )
    return tuple(wanted)
