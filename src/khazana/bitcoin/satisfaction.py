"""Miniscript satisfaction (BIP-379): the witness that spends a script, the smallest that is sound.

The same rules with placeholder signatures tell beforehand how large a witness will be.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from khazana.bitcoin.descriptor_grammar import Expression
from khazana.bitcoin.descriptor_keys import KeyExpression
from khazana.bitcoin.reader import compact_size

_DISABLED = 1 << 31
_TIME_BASED = 1 << 22
_RELATIVE_MASK = 0xFFFF
_FIRST_UNIX_TIME = 500_000_000
_FINAL = 0xFFFF_FFFF

_EMPTY = b""
_ONE = b"\x01"


@dataclass(frozen=True)
class Means:
    """What there is to satisfy a script with.

    signatures: by public key, 33 bytes or 32 in tapscript. preimages: by what they hash to.
    sequence, lock_time: of the spending input and transaction, which open timelocks.
    """

    signatures: Mapping[bytes, bytes]
    preimages: Mapping[bytes, bytes] = field(default_factory=dict)
    sequence: int = _FINAL
    lock_time: int = 0
    version: int = 2


@dataclass(frozen=True, slots=True)
class Stack:
    """Witness items, the first one deepest. signed: whether a signature is among them."""

    items: tuple[bytes, ...] = ()
    signed: bool = False

    @property
    def size(self) -> int:
        """Bytes in a witness, each item with its length."""
        return sum(len(compact_size(len(item))) + len(item) for item in self.items)

    def __add__(self, other: "Stack") -> "Stack":
        return Stack(self.items + other.items, self.signed or other.signed)


_Found = Stack | None
"""A stack, or None where nothing does it."""


@dataclass(frozen=True, slots=True)
class _Both:
    """How a fragment is satisfied and dissatisfied."""

    met: _Found
    unmet: _Found


def satisfied(
    script: Expression, means: Means, *, branch: int, index: int, tapscript: bool
) -> Stack | None:
    """The smallest sound stack that meets the script with these means; None if none does.

    Between two ways of which one needs no signature that one is taken: anybody could put it in
    the other's place (BIP-379, malleability).
    """
    return _Satisfier(means, branch, index, tapscript).of(script).met


@dataclass(frozen=True)
class _Satisfier:
    means: Means
    branch: int
    index: int
    tapscript: bool

    def of(self, part: Expression) -> _Both:
        found = self._bare(part)
        for wrapper in reversed(part.wrappers):
            found = _wrapped(wrapper, found)
        return found

    def _bare(self, part: Expression) -> _Both:
        inner = [self.of(a) for a in part.arguments if isinstance(a, Expression)]
        keys = [self._key(a) for a in part.arguments if isinstance(a, KeyExpression)]
        first = part.arguments[0] if part.arguments else None
        match part.name:
            case "0":
                return _Both(None, Stack())
            case "1":
                return _Both(Stack(), None)
            case "pk" | "pk_k":
                return _Both(self._signature(keys[0]), Stack((_EMPTY,)))
            case "pkh" | "pk_h":
                key = Stack((keys[0],))
                return _Both(_joined(self._signature(keys[0]), key), Stack((_EMPTY,)) + key)
            case "older" if isinstance(first, int):
                return _Both(Stack() if self._old_enough(first) else None, None)
            case "after" if isinstance(first, int):
                return _Both(Stack() if self._late_enough(first) else None, None)
            case "sha256" | "hash256" | "ripemd160" | "hash160" if isinstance(first, bytes):
                known = self.means.preimages.get(first)
                # Any other 32 bytes dissatisfy it, so no sound script relies on that.
                return _Both(None if known is None else Stack((known,)), None)
            case "multi" | "sortedmulti" if isinstance(first, int):
                ordered = sorted(keys) if part.name == "sortedmulti" else keys
                return self._multi(first, ordered)
            case "multi_a" | "sortedmulti_a" if isinstance(first, int):
                ordered = sorted(keys) if part.name == "sortedmulti_a" else keys
                return self._multi_a(first, ordered)
            case "thresh" if isinstance(first, int):
                return _thresh(first, inner)
        return _joint(part.name, inner)

    def _key(self, key: KeyExpression) -> bytes:
        public = key.public_key(self.branch, self.index)
        return public[-32:] if self.tapscript else public

    def _signature(self, key: bytes) -> _Found:
        made = self.means.signatures.get(key)
        return None if made is None else Stack((made,), signed=True)

    def _multi(self, required: int, keys: Sequence[bytes]) -> _Both:
        # The empty item feeds OP_CHECKMULTISIG's extra pop (BIP-147).
        held = [key for key in keys if key in self.means.signatures]
        held = sorted(held, key=lambda key: len(self.means.signatures[key]))[:required]
        items = tuple(self.means.signatures[key] for key in keys if key in held)
        met = Stack((_EMPTY, *items), signed=True) if len(held) == required else None
        return _Both(met, Stack((_EMPTY,) * (required + 1)))

    def _multi_a(self, required: int, keys: Sequence[bytes]) -> _Both:
        signing = [key for key in keys if key in self.means.signatures][:required]
        items = [self.means.signatures[key] if key in signing else _EMPTY for key in reversed(keys)]
        met = Stack(tuple(items), signed=True) if len(signing) == required else None
        return _Both(met, Stack((_EMPTY,) * len(keys)))

    def _old_enough(self, value: int) -> bool:
        """BIP-112: the input's sequence has waited at least as long, in the same unit."""
        sequence = self.means.sequence
        if sequence & _DISABLED or self.means.version < 2:
            return False
        same_unit = (sequence & _TIME_BASED) == (value & _TIME_BASED)
        return same_unit and sequence & _RELATIVE_MASK >= value & _RELATIVE_MASK

    def _late_enough(self, value: int) -> bool:
        """BIP-65: the transaction's lock time is at least as late, in the same unit."""
        lock_time = self.means.lock_time
        same_unit = (lock_time < _FIRST_UNIX_TIME) == (value < _FIRST_UNIX_TIME)
        return same_unit and lock_time >= value and self.means.sequence != _FINAL


def _joint(name: str, inner: Sequence[_Both]) -> _Both:
    """The fragments that join others; stacks of what runs first lie on top."""
    x, rest = inner[0], inner[1:]
    match name:
        case "andor":
            y, z = rest
            met = _better(_joined(y.met, x.met), _joined(z.met, x.unmet))
            return _Both(met, _joined(z.unmet, x.unmet))
        case "and_n":
            return _Both(_joined(rest[0].met, x.met), x.unmet)
        case "and_v":
            return _Both(_joined(rest[0].met, x.met), None)
        case "and_b":
            return _Both(_joined(rest[0].met, x.met), _joined(rest[0].unmet, x.unmet))
        case "or_b":
            z = rest[0]
            met = _better(_joined(z.unmet, x.met), _joined(z.met, x.unmet))
            return _Both(met, _joined(z.unmet, x.unmet))
        case "or_c":
            return _Both(_better(x.met, _joined(rest[0].met, x.unmet)), None)
        case "or_d":
            z = rest[0]
            return _Both(_better(x.met, _joined(z.met, x.unmet)), _joined(z.unmet, x.unmet))
        case "or_i":
            return _chosen(x, rest[0])
    raise ValueError(f"no miniscript fragment {name}")


def _chosen(x: _Both, z: _Both) -> _Both:
    """or_i: a 1 on top takes the first, nothing the second."""
    one, zero = Stack((_ONE,)), Stack((_EMPTY,))
    met = _better(_joined(x.met, one), _joined(z.met, zero))
    return _Both(met, _better(_joined(x.unmet, one), _joined(z.unmet, zero)))


def _thresh(required: int, inner: Sequence[_Both]) -> _Both:
    """The best stack for each number of met parts, part after part; the first part runs first."""
    best: dict[int, Stack] = {0: Stack()}
    for part in inner:
        following: dict[int, Stack] = {}
        for count, below in best.items():
            for more, found in ((0, part.unmet), (1, part.met)):
                stack = _joined(found, below)
                if stack is not None:
                    kept = _better(following.get(count + more), stack)
                    if kept is not None:
                        following[count + more] = kept
        best = following
    unmet: _Found = Stack()
    for part in inner:
        unmet = _joined(part.unmet, unmet)
    return _Both(best.get(required), unmet)


_WRAPPED: Mapping[str, Callable[[_Both], _Both]] = {
    "a": lambda x: x,
    "s": lambda x: x,
    "c": lambda x: x,
    "n": lambda x: x,
    "v": lambda x: _Both(x.met, None),
    "t": lambda x: _Both(x.met, None),
    "d": lambda x: _Both(_joined(x.met, Stack((_ONE,))), Stack((_EMPTY,))),
    "j": lambda x: _Both(x.met, Stack((_EMPTY,))),
    "l": lambda x: _chosen(_Both(None, Stack()), x),
    "u": lambda x: _chosen(x, _Both(None, Stack())),
}


def _wrapped(wrapper: str, x: _Both) -> _Both:
    return _WRAPPED[wrapper](x)


def _joined(below: _Found, above: _Found) -> _Found:
    return None if below is None or above is None else below + above


def _better(one: _Found, other: _Found) -> _Found:
    """The one that outsiders could put in the other's place, else the smaller."""
    if one is None or other is None:
        return other if one is None else one
    if one.signed != other.signed:
        return other if one.signed else one
    return other if other.size < one.size else one
