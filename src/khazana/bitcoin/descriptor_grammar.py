"""The grammar of descriptors (BIP-380 to 390) and miniscript (BIP-379), with plain diagnostics."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from khazana.bitcoin.descriptor_errors import DescriptorRefused
from khazana.bitcoin.descriptor_keys import KeyExpression, KeyForm, read_key
from khazana.bitcoin.network import Network

MAX_NESTING = 100
"""Deeper descriptors are refused. BIP-341 would let a tree have 128 levels."""

_NAME = re.compile(r"([a-z]{1,10}:)?([a-z][a-z0-9_]{0,15})(?=\()")
_CONSTANT = re.compile(r"([a-z]{1,10}:)?([01])(?=[,)}]|$)")
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,9})(?=[,)])")
_KEY = re.compile(r"[^(),{}]*")
_HEX = re.compile(r"[0-9a-fA-F]*")
_WRAPPERS = "asctdvjnlu"


class Place(Enum):
    """Where in a descriptor a function stands, which decides what is allowed."""

    TOP = "at the top"
    SH = "in sh()"
    WSH = "in wsh()"
    TAP = "in a leaf of tr()"


@dataclass(frozen=True, slots=True)
class Expression:
    """A function with its arguments; `{}` joins two branches of a taproot tree.

    wrappers: the letters before a colon, outermost first. start, end: in the text, from 0.
    """

    name: str
    wrappers: str
    arguments: tuple["Argument", ...]
    start: int
    end: int

    def walk(self) -> Iterator["Expression"]:
        """This expression and every one inside it, in the order written."""
        yield self
        for argument in self.arguments:
            if isinstance(argument, Expression):
                yield from argument.walk()

    def keys(self) -> Iterator[KeyExpression]:
        """The keys in it, in the order written."""
        for argument in self.arguments:
            if isinstance(argument, KeyExpression):
                yield argument
            elif isinstance(argument, Expression):
                yield from argument.keys()


Argument = Expression | KeyExpression | int | bytes

# Arguments by letter: X expression, K key, N number, 3 = 32 bytes and 2 = 20 bytes of hash.
# A + repeats the last one as often as needed.
_MINISCRIPT = {
    "pk": "K", "pkh": "K", "pk_k": "K", "pk_h": "K", "older": "N", "after": "N",
    "sha256": "3", "hash256": "3", "ripemd160": "2", "hash160": "2",
    "andor": "XXX", "and_v": "XX", "and_b": "XX", "and_n": "XX",
    "or_b": "XX", "or_c": "XX", "or_d": "XX", "or_i": "XX", "thresh": "NX+",
}  # fmt: skip
_MULTI = {"multi": "NK+", "sortedmulti": "NK+"}
_MULTI_A = {"multi_a": "NK+", "sortedmulti_a": "NK+"}
_SINGLE = {"pk": "K", "pkh": "K"}
_FUNCTIONS = {
    Place.TOP: {**_SINGLE, **_MULTI, "wpkh": "K", "rawtr": "K"},
    Place.SH: {**_SINGLE, **_MULTI, "wpkh": "K"},
    Place.WSH: {**_MINISCRIPT, **_MULTI},
    Place.TAP: {**_MINISCRIPT, **_MULTI_A},
}
_MOST_KEYS = {Place.TOP: 3, Place.SH: 15, Place.WSH: 20, Place.TAP: 999}
"""Bare multisig beyond three keys is not relayed, sh() is bounded by a 520-byte push, wsh() by
OP_CHECKMULTISIG, a leaf by the stack (BIP-387)."""

_EXPLAINED = {
    "combo": "combo() stands for up to four scripts of one key; declare pkh(), wpkh() and "
    "sh(wpkh()) as wallets of their own, so that every script is stated once",
    "musig": "musig() is not supported; no engine here derives it",
    "unspend": "unspend() is not supported; no engine here derives it",
}
_ALL_NAMES = {"sh", "wsh", "tr", "addr", "raw"}.union(*_FUNCTIONS.values())


class Reader:
    """Reads a descriptor without its checksum from left to right."""

    def __init__(self, text: str, network: Network) -> None:
        self._text = text
        self._network = network
        self._at = 0

    def read(self) -> Expression:
        """The whole descriptor but for addr() and raw(), which hold no keys."""
        expression = self._top()
        if self._at != len(self._text):
            raise self._wrong("nothing may follow the closing parenthesis")
        return expression

    def _top(self) -> Expression:
        start, name = self._at, self._peek_name()
        if name == "sh":
            return self._enclosing("sh", start, Place.SH)
        if name == "wsh":
            return self._enclosing("wsh", start, Place.WSH)
        if name == "tr":
            return self._taproot(start)
        return self._function(Place.TOP, depth=0, first=True)

    def _enclosing(self, name: str, start: int, place: Place) -> Expression:
        self._at += len(name) + 1
        if place is Place.SH and self._peek_name() == "wsh":
            inner = self._enclosing("wsh", self._at, Place.WSH)
        else:
            inner = self._function(place, depth=0, first=True)
        self._expect(")")
        return Expression(name, "", (inner,), start, self._at)

    def _taproot(self, start: int) -> Expression:
        self._at += len("tr(")
        arguments: list[Argument] = [self._key(KeyForm.TAPROOT)]
        if self._take(","):
            arguments.append(self._tree(0))
        self._expect(")")
        return Expression("tr", "", tuple(arguments), start, self._at)

    def _tree(self, depth: int) -> Expression:
        self._check_depth(depth)
        start = self._at
        if not self._take("{"):
            return self._function(Place.TAP, depth=depth, first=True)
        left = self._tree(depth + 1)
        self._expect(",")
        right = self._tree(depth + 1)
        self._expect("}")
        return Expression("{}", "", (left, right), start, self._at)

    def _function(self, place: Place, *, depth: int, first: bool = False) -> Expression:
        self._check_depth(depth)
        start = self._at
        miniscript = place in (Place.WSH, Place.TAP)
        constant = _CONSTANT.match(self._text, self._at) if miniscript else None
        head = constant or _NAME.match(self._text, self._at)
        if head is None:
            raise self._wrong("a function such as wpkh( or wsh( belongs here")
        wrappers, name = (head[1] or "").rstrip(":"), head[2]
        if wrappers and not miniscript:
            raise self._wrong("wrappers belong to miniscript, in wsh() and tr()")
        if unknown := set(wrappers) - set(_WRAPPERS):
            raise self._wrong(f"no miniscript wrapper {min(unknown)!r} exists")
        if constant:
            self._at = constant.end()
            return Expression(name, wrappers, (), start, self._at)
        kinds = _FUNCTIONS[place].get(name)
        if kinds is None or (name.startswith("sortedmulti") and (wrappers or not first)):
            self._at = head.start(2)
            raise self._wrong(_why_not(name, place))
        self._at = head.end() + 1
        arguments = self._arguments(name, kinds, place, depth)
        self._expect(")")
        expression = Expression(name, wrappers, arguments, start, self._at)
        self._check_numbers(expression, place)
        return expression

    def _arguments(self, name: str, kinds: str, place: Place, depth: int) -> tuple[Argument, ...]:
        repeats = kinds.endswith("+")
        kinds = kinds.rstrip("+")
        arguments: list[Argument] = []
        while True:
            kind = kinds[min(len(arguments), len(kinds) - 1)]
            if kind == "K":
                arguments.append(self._key(_key_form(name, place)))
            elif kind == "N":
                arguments.append(self._number())
            elif kind == "X":
                arguments.append(self._function(place, depth=depth + 1))
            else:
                arguments.append(self._hash(32 if kind == "3" else 20))
            more = repeats or len(arguments) < len(kinds)
            if len(arguments) < len(kinds):
                self._expect(",")
            elif not more or not self._take(","):
                return tuple(arguments)

    def _check_numbers(self, expression: Expression, place: Place) -> None:
        first, count = expression.arguments[0], len(expression.arguments) - 1
        if not isinstance(first, int):
            return
        self._at = expression.start
        if expression.name in ("older", "after"):
            if not 1 <= first < 0x8000_0000:
                raise self._wrong(f"{expression.name}() takes 1 to 2147483647")
        elif not 1 <= first <= count:
            raise self._wrong(f"{first} of {count} cannot be required")
        elif expression.name != "thresh" and count > _MOST_KEYS[place]:
            raise self._wrong(f"{expression.name}() {place.value} takes {_MOST_KEYS[place]} keys")
        self._at = expression.end

    def _key(self, form: KeyForm) -> KeyExpression:
        found = _KEY.match(self._text, self._at)
        text = found[0] if found else ""
        if self._text[self._at + len(text) : self._at + len(text) + 1] == "(":
            name = self._peek_name()
            raise self._wrong(_EXPLAINED.get(name, "a public key belongs here, not a function"))
        key = read_key(text, place=self._at + 1, network=self._network, form=form)
        self._at += len(text)
        return key

    def _number(self) -> int:
        found = _NUMBER.match(self._text, self._at)
        if found is None:
            raise self._wrong("a whole number without leading zeros belongs here")
        self._at = found.end()
        return int(found[0])

    def _hash(self, size: int) -> bytes:
        found = _HEX.match(self._text, self._at)
        digits = found[0] if found else ""
        if len(digits) != 2 * size:
            raise self._wrong(f"a hash of {2 * size} hex digits belongs here")
        self._at += len(digits)
        return bytes.fromhex(digits)

    def _peek_name(self) -> str:
        found = _NAME.match(self._text, self._at)
        return found[2] if found and not found[1] else ""

    def _take(self, character: str) -> bool:
        found = self._text[self._at : self._at + 1] == character
        self._at += found
        return found

    def _expect(self, character: str) -> None:
        if not self._take(character):
            raise self._wrong(f"a {character} belongs here")

    def _check_depth(self, depth: int) -> None:
        if depth > MAX_NESTING:
            raise self._wrong(f"functions are nested more than {MAX_NESTING} deep")

    def _wrong(self, problem: str) -> DescriptorRefused:
        return DescriptorRefused(place=self._at + 1, problem=problem)


def _key_form(name: str, place: Place) -> KeyForm:
    if place is Place.TAP or name == "rawtr":
        return KeyForm.TAPROOT
    return KeyForm.SEGWIT if place is Place.WSH or name == "wpkh" else KeyForm.LEGACY


def _why_not(name: str, place: Place) -> str:
    if name in _EXPLAINED:
        return _EXPLAINED[name]
    if name not in _ALL_NAMES:
        # A short lower-case word before a parenthesis: no key is shaped like this.
        return f"no function {name}() exists"
    if place is Place.SH and name in _MINISCRIPT:
        return f"{name}() is miniscript, which stands in wsh() or tr() only (BIP-379)"
    if name.startswith("sortedmulti") and name in _FUNCTIONS[place]:
        return f"{name}() stands alone, not inside other functions"
    return f"{name}() is not allowed {place.value}"
