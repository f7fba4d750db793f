"""Miniscript soundness (BIP-379): types fit, a signature is always needed, timelocks can meet.

Engines differ in what they let pass, so these rules stand in front of each of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from khazana.bitcoin.descriptor_errors import DescriptorRefused
from khazana.bitcoin.descriptor_grammar import Expression

_TIME_BASED = 1 << 22
"""older(): this bit counts in 512 seconds instead of blocks (BIP-68)."""
_FIRST_UNIX_TIME = 500_000_000
"""after(): from here on a time, below a height (Bitcoin Core, LOCKTIME_THRESHOLD)."""
_CLASHES = (frozenset("gh"), frozenset("ij"))
_UNTYPED = ("wpkh", "rawtr")


@dataclass(frozen=True, slots=True)
class _Type:
    """What a fragment does: base (B, V, K or W of BIP-379) and its properties by letter.

    z zero arguments, o one, n nonzero top, d dissatisfiable, u leaves 1; s needs a signature,
    f cannot be dissatisfied without one, e has a unique dissatisfaction, m not malleable.
    locks: g older by time, h by blocks, i after a time, j a height. k: all of them can meet.
    """

    base: str
    has: frozenset[str]
    locks: frozenset[str] = frozenset()
    k: bool = True

    def all(self, letters: str) -> bool:
        return self.has.issuperset(letters)


_FALSE = _Type("B", frozenset("zudsem"))
_TRUE = _Type("B", frozenset("zufm"))


def check_soundness(script: Expression, *, tapscript: bool) -> None:
    """Refuse a script that BIP-379 calls ill-typed or not sane; its limits are the engine's."""
    if script.name in _UNTYPED:
        return
    kind = _type_of(script, tapscript)
    if kind.base != "B":
        raise _wrong(script, f"the script as a whole must be of type B, this is {kind.base}")
    if "s" not in kind.has:
        raise _wrong(script, "it can be spent without any signature")
    if "m" not in kind.has:
        raise _wrong(script, "outsiders can change its witness (it is malleable)")
    if not _can_be_met(script):
        raise _wrong(script, "nobody can ever meet it: what it needs contains 0, the never true")
    if not kind.k:
        raise _wrong(script, "it needs a lock in blocks and one in time together, never both met")


def _can_be_met(part: Expression) -> bool:
    """Whether some witness satisfies it, given every key and preimage and time enough."""
    inner = [
        _can_be_met(argument) for argument in part.arguments if isinstance(argument, Expression)
    ]
    match part.name:
        case "0":
            return False
        case "and_v" | "and_b" | "and_n":
            return all(inner)
        case "or_b" | "or_c" | "or_d" | "or_i":
            return any(inner)
        case "andor":
            return (inner[0] and inner[1]) or inner[2]
        case "thresh":
            first = part.arguments[0]
            return isinstance(first, int) and sum(inner) >= first
    return True


def _type_of(part: Expression, tapscript: bool) -> _Type:
    inner = [
        _type_of(argument, tapscript)
        for argument in part.arguments
        if isinstance(argument, Expression)
    ]
    first = part.arguments[0] if part.arguments else None
    number = first if isinstance(first, int) else 0
    kind = _bare_type(part, inner, number)
    for wrapper in reversed(part.wrappers):
        kind = _wrapped(part, wrapper, kind, tapscript)
    return kind


def _bare_type(part: Expression, inner: Sequence[_Type], number: int) -> _Type:
    match part.name:
        case "0":
            return _FALSE
        case "1":
            return _TRUE
        case "pk_k":
            return _Type("K", frozenset("ondusem"))
        case "pk_h":
            return _Type("K", frozenset("ndusem"))
        case "pk":
            return _Type("B", frozenset("ondusem"))
        case "pkh" | "multi" | "sortedmulti":
            return _Type("B", frozenset("ndusem"))
        case "multi_a" | "sortedmulti_a":
            return _Type("B", frozenset("dusem"))
        case "older":
            unit = "g" if number & _TIME_BASED else "h"
            return _Type("B", frozenset("zfm"), frozenset(unit))
        case "after":
            unit = "i" if number >= _FIRST_UNIX_TIME else "j"
            return _Type("B", frozenset("zfm"), frozenset(unit))
        case "sha256" | "hash256" | "ripemd160" | "hash160":
            return _Type("B", frozenset("ondum"))
        case "andor":
            return _andor(part, inner[0], inner[1], inner[2])
        case "and_n":
            return _andor(part, inner[0], inner[1], _FALSE)
        case "and_v" | "and_b":
            return _and(part, *inner)
        case "or_b" | "or_c" | "or_d":
            return _or(part, *inner)
        case "or_i":
            return _or_i(part, *inner)
        case "thresh":
            return _thresh(part, inner, number)
    raise ValueError(f"no miniscript fragment {part.name}")


def _andor(part: Expression, x: _Type, y: _Type, z: _Type) -> _Type:
    _need(part, x, "Bdu", "the first argument")
    if y.base not in "BKV" or y.base != z.base:
        raise _wrong(part, "its second and third arguments must be of one type, B, K or V")
    has = set(x.has & y.has & z.has & {"z"}) | (y.has & z.has & {"u"})
    if (x.all("z") and y.all("o") and z.all("o")) or (x.all("o") and y.all("z") and z.all("z")):
        has.add("o")
    if z.all("d"):
        has.add("d")
    if z.all("s") and (x.all("s") or y.all("s")):
        has.add("s")
    has |= {letter for letter in "fe" if z.all(letter) and (x.all("s") or y.all("f"))}
    signed = x.all("s") or y.all("s") or z.all("s")
    if x.all("em") and y.all("m") and z.all("m") and signed:
        has.add("m")
    k = _meet(x, y) and z.k
    return _Type(y.base, frozenset(has), x.locks | y.locks | z.locks, k)


def _and(part: Expression, x: _Type, y: _Type) -> _Type:
    has = {letter for letter in "zm" if x.all(letter) and y.all(letter)}
    has |= _one_of_two(x, y)
    if x.all("n") or (x.all("z") and y.all("n")):
        has.add("n")
    if x.all("s") or y.all("s"):
        has.add("s")
    if part.name == "and_v":
        _need(part, x, "V", "the first argument")
        if y.base not in "BKV":
            raise _wrong(part, "its second argument must be of type B, K or V")
        has |= {"u"} & y.has
        if x.all("s") or y.all("f"):
            has.add("f")
        return _Type(y.base, frozenset(has), x.locks | y.locks, _meet(x, y))
    _need(part, x, "B", "the first argument")
    _need(part, y, "W", "the second argument")
    has.add("u")
    has |= {"d"} & x.has & y.has
    if (x.all("f") and y.all("f")) or x.all("sf") or y.all("sf"):
        has.add("f")
    if x.all("es") and y.all("es"):
        has.add("e")
    return _Type("B", frozenset(has), x.locks | y.locks, _meet(x, y))


def _or(part: Expression, x: _Type, z: _Type) -> _Type:
    _need(part, x, "Bd" if part.name == "or_b" else "Bdu", "the first argument")
    _need(part, z, {"or_b": "Wd", "or_c": "V", "or_d": "B"}[part.name], "the second argument")
    has = {letter for letter in "zs" if x.all(letter) and z.all(letter)}
    if part.name == "or_b":
        has |= _one_of_two(x, z) | set("due")
    elif x.all("o") and z.all("z"):
        has.add("o")
    if part.name == "or_c":
        has.add("f")
    if part.name == "or_d":
        has |= z.has & set("dufe")
    unique = x.all("e") and (part.name != "or_b" or z.all("e"))
    if unique and (x.all("s") or z.all("s")) and x.all("m") and z.all("m"):
        has.add("m")
    base = "V" if part.name == "or_c" else "B"
    return _Type(base, frozenset(has), x.locks | z.locks, x.k and z.k)


def _or_i(part: Expression, x: _Type, z: _Type) -> _Type:
    if x.base not in "BKV" or x.base != z.base:
        raise _wrong(part, "its arguments must be of one type, B, K or V")
    has = set(x.has & z.has & set("usf"))
    if x.all("z") and z.all("z"):
        has.add("o")
    has |= {"d"} & (x.has | z.has)
    if (x.all("e") and z.all("f")) or (z.all("e") and x.all("f")):
        has.add("e")
    if (x.all("s") or z.all("s")) and x.all("m") and z.all("m"):
        has.add("m")
    return _Type(x.base, frozenset(has), x.locks | z.locks, x.k and z.k)


def _thresh(part: Expression, inner: Sequence[_Type], required: int) -> _Type:
    for place, kind in enumerate(inner, 1):
        _need(part, kind, "Bdu" if place == 1 else "Wdu", f"script {place}")
    has = set("du")
    others = [kind for kind in inner if not kind.all("z")]
    if not others:
        has.add("z")
    if len(others) == 1 and others[0].all("o"):
        has.add("o")
    unsigned = sum(not kind.all("s") for kind in inner)
    if unsigned < required:
        has.add("s")
    if not unsigned:
        has.add("e")
    if unsigned <= required and all(kind.all("em") for kind in inner):
        has.add("m")
    locks = frozenset().union(*(kind.locks for kind in inner))
    k = all(kind.k for kind in inner)
    if required > 1:
        k = k and not any(clash <= locks for clash in _CLASHES)
    return _Type("B", frozenset(has), locks, k)


def _wrapped(part: Expression, wrapper: str, x: _Type, tapscript: bool) -> _Type:
    base, keeps, adds = x.base, x.has, set[str]()
    match wrapper:
        case "a":
            _need(part, x, "B", "a:")
            base, keeps = "W", x.has & set("dufesm")
        case "s":
            _need(part, x, "Bo", "s:")
            base, keeps = "W", x.has & set("dufesm")
        case "c":
            _need(part, x, "K", "c:")
            base, keeps, adds = "B", x.has & set("ondfem"), set("us")
        case "d":
            _need(part, x, "Vz", "d:")
            base, keeps = "B", x.has & set("ms")
            # MINIMALIF is consensus in tapscript only (BIP-342), so only there u is sure.
            adds = set("ond") | set("u" if tapscript else "") | set("e" if x.all("f") else "")
        case "v":
            _need(part, x, "B", "v:")
            base, keeps, adds = "V", x.has & set("zonms"), {"f"}
        case "j":
            _need(part, x, "Bn", "j:")
            keeps, adds = x.has & set("oums"), set("nd") | set("e" if x.all("f") else "")
        case "n":
            _need(part, x, "B", "n:")
            adds = {"u"}
        case "t":
            return _and(_named(part, "and_v"), x, _TRUE)
        case "l":
            return _or_i(_named(part, "or_i"), _FALSE, x)
        case "u":
            return _or_i(_named(part, "or_i"), x, _FALSE)
    return _Type(base, keeps | adds, x.locks, x.k)


def _named(part: Expression, name: str) -> Expression:
    return Expression(name, "", (), part.start, part.end)


def _one_of_two(x: _Type, y: _Type) -> set[str]:
    exactly = (x.all("z") and y.all("o")) or (x.all("o") and y.all("z"))
    return {"o"} if exactly else set()


def _meet(x: _Type, y: _Type) -> bool:
    """Whether the locks of two parts that are both needed can be met together."""
    clash = any(
        (a in x.locks and b in y.locks) or (b in x.locks and a in y.locks)
        for a, b in map(sorted, _CLASHES)
    )
    return x.k and y.k and not clash


def _need(part: Expression, kind: _Type, wanted: str, which: str) -> None:
    if kind.base != wanted[0] or not kind.all(wanted[1:]):
        under = "wrapper " + which if which.endswith(":") else f"{which} of {part.name}()"
        raise _wrong(
            part,
            f"{under} needs a part of type {wanted} (BIP-379), this one is "
            + kind.base
            + "".join(letter for letter in "zondu" if letter in kind.has),
        )


def _wrong(part: Expression, problem: str) -> DescriptorRefused:
    return DescriptorRefused(place=part.start + 1, problem=problem)
