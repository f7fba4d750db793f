"""Who may spend, how many together and after how long: the meaning of a descriptor as a tree."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from khazana.bitcoin.base_encodings import base58check_decode
from khazana.bitcoin.descriptor import Descriptor, KeyExpression
from khazana.bitcoin.descriptor_grammar import Expression
from khazana.errors import KhazanaError

NUMS_X = bytes.fromhex("50929b74c1a04954b78b4b6035e97a5e078a5a0f28ec96d547bfee9ace803ac0")
"""A point whose private key nobody can know (BIP-341): as internal key it closes the key path."""

_TIME_BIT = 1 << 22
_OLDER_VALUE = 0xFFFF
_FIRST_UNIX_TIME = 500_000_000


class LockKind(Enum):
    """What a timelock counts."""

    BLOCKS = "blocks"
    """Blocks since the coin was received (BIP-68)."""
    SECONDS = "seconds"
    """Seconds since the coin was received, in steps of 512 (BIP-68)."""
    HEIGHT = "height"
    """A block height (BIP-65)."""
    TIME = "time"
    """Seconds since 1970, compared with the median time past (BIP-65, BIP-113)."""


@dataclass(frozen=True, slots=True)
class SignedBy:
    """A signature by one key of the descriptor."""

    key: KeyExpression


@dataclass(frozen=True, slots=True)
class Lock:
    """Waiting: `value` in the unit of `kind`."""

    kind: LockKind
    value: int


@dataclass(frozen=True, slots=True)
class Preimage:
    """Knowing what hashes to `digest_hex`. function: sha256, hash256, ripemd160 or hash160."""

    function: str
    digest_hex: str


@dataclass(frozen=True, slots=True)
class Some:
    """At least `required` of the parts. Of one part: that part; of none required: always."""

    required: int
    parts: tuple["Policy", ...]

    def __post_init__(self) -> None:
        if not 0 <= self.required <= len(self.parts) + 1:
            raise ValueError(f"{self.required} of {len(self.parts)} parts cannot be required")


Policy = SignedBy | Lock | Preimage | Some

ALWAYS = Some(0, ())
NEVER = Some(1, ())


@dataclass(eq=False, kw_only=True)
class NoPolicyStated(KhazanaError):
    """addr() and raw() say where coins lie, not who may spend them."""

    function: str
    code = "no_policy_stated"
    words = (
        "{function}() names a script and not its keys, so nobody can read from it who may spend. "
        "Declare the wallet by the descriptor that its signers use."
    )


def policy_of(descriptor: Descriptor) -> Policy:
    """What must be met to spend, whatever script says it (rule K1).

    Branches and indexes do not matter: every address of a wallet has the same policy.
    """
    if descriptor.tree is None:
        raise NoPolicyStated(function=descriptor.body.partition("(")[0])
    return _policy(descriptor.tree)


def is_nobodys(key: KeyExpression) -> bool:
    """Whether the key is BIP-341's point without a known private key, or derived from it."""
    raw = base58check_decode(key.key)[45:] if key.extended else bytes.fromhex(key.key)
    return raw[-32:] == NUMS_X and len(raw) in (32, 33)


def keys_in(policy: Policy) -> Iterator[KeyExpression]:
    """Every key of the tree in the order written, as often as it stands there."""
    if isinstance(policy, SignedBy):
        yield policy.key
    elif isinstance(policy, Some):
        for part in policy.parts:
            yield from keys_in(part)


def locks_in(policy: Policy) -> Iterator[Lock]:
    """Every timelock of the tree in the order written."""
    if isinstance(policy, Lock):
        yield policy
    elif isinstance(policy, Some):
        for part in policy.parts:
            yield from locks_in(part)


def every(*parts: Policy) -> Policy:
    """All of the parts; parts that are themselves an "all of" are taken apart."""
    return some(len(flat := _flattened(parts, joined=True)), flat)


def either(*parts: Policy) -> Policy:
    """One of the parts; parts that are themselves a "one of" are taken apart."""
    return some(1, _flattened(parts, joined=False))


def some(required: int, parts: tuple[Policy, ...]) -> Policy:
    """At least `required` of the parts, in the shortest form of the same meaning."""
    always = sum(part == ALWAYS for part in parts)
    kept = tuple(part for part in parts if part not in (ALWAYS, NEVER))
    required -= always
    if required <= 0:
        return ALWAYS
    if required > len(kept):
        return NEVER
    return kept[0] if len(kept) == 1 else Some(required, kept)


def _flattened(parts: tuple[Policy, ...], *, joined: bool) -> tuple[Policy, ...]:
    flat: list[Policy] = []
    for part in parts:
        same = isinstance(part, Some) and len(part.parts) > 1
        if same and isinstance(part, Some) and part.required == (len(part.parts) if joined else 1):
            flat += part.parts
        else:
            flat.append(part)
    return tuple(flat)


def _policy(part: Expression) -> Policy:
    inner = [_policy(a) for a in part.arguments if isinstance(a, Expression)]
    keys = tuple(SignedBy(a) for a in part.arguments if isinstance(a, KeyExpression))
    first = part.arguments[0] if part.arguments else None
    match part.name:
        case "0":
            return NEVER
        case "1":
            return ALWAYS
        case "sh" | "wsh":
            return inner[0]
        case "tr":
            return either(*(key for key in keys if not is_nobodys(key.key)), *inner)
        case "{}" | "or_b" | "or_c" | "or_d" | "or_i":
            return either(*inner)
        case "and_v" | "and_b" | "and_n":
            return every(*inner)
        case "andor":
            # The first part met calls for the second; the third is the way without the first.
            return either(every(inner[0], inner[1]), inner[2])
        case "older" | "after" if isinstance(first, int):
            return _lock(part.name, first)
        case "sha256" | "hash256" | "ripemd160" | "hash160" if isinstance(first, bytes):
            return Preimage(part.name, first.hex())
        case "thresh" if isinstance(first, int):
            joined = first == len(inner)
            return every(*inner) if joined else some(first, tuple(inner))
        case "multi" | "sortedmulti" | "multi_a" | "sortedmulti_a" if isinstance(first, int):
            return some(first, keys)
    return keys[0]


def _lock(name: str, value: int) -> Policy:
    """A timelock as consensus reads it: older() counts in 16 bits, so older(65536) is no wait."""
    if name == "older" and not value & _OLDER_VALUE:
        return ALWAYS
    if name == "after":
        return Lock(LockKind.HEIGHT if value < _FIRST_UNIX_TIME else LockKind.TIME, value)
    if value & _TIME_BIT:
        return Lock(LockKind.SECONDS, (value & _OLDER_VALUE) * 512)
    return Lock(LockKind.BLOCKS, value & _OLDER_VALUE)


def is_met(
    policy: Policy, *, by: frozenset[str], locks_open: bool, preimages_known: bool = True
) -> bool:
    """Whether the holders of these keys could spend together. by: texts of keys (`key_id`).

    Preimages count as known where a safeguard is asked for: what a hash hides is no key, and must
    not look like one. Where a proof is asked for they do not: perhaps nobody knows them.
    """
    match policy:
        case SignedBy(key):
            return key_id(key) in by
        case Lock():
            return locks_open
        case Preimage():
            return preimages_known
        case Some(required, parts):
            met = (
                is_met(p, by=by, locks_open=locks_open, preimages_known=preimages_known)
                for p in parts
            )
            return sum(met) >= required


def key_id(key: KeyExpression) -> str:
    """What a key is known by here: the extended or plain public key itself, not its origin.

    A fingerprint is four bytes that anybody can search for; BIP-129 has signers compare keys.
    """
    return key.key


def fingerprints_of(descriptor: Descriptor) -> Mapping[str, str | None]:
    """Each key's fingerprint as its origin states it, by `key_id`, in the order written."""
    return {key_id(key): key.fingerprint for key in descriptor.keys}
