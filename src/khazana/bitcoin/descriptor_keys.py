"""Key expressions: the public keys in a descriptor, where they come from, where they lead."""

import re
from dataclasses import dataclass
from enum import Enum

import wallycore

from khazana.bitcoin.base_encodings import BASE58_ALPHABET, BadEncoding, base58check_decode
from khazana.bitcoin.descriptor_errors import DescriptorRefused, SecretInDescriptor
from khazana.bitcoin.network import Network

HARDENED = 0x8000_0000
"""Added to a step that only the private key can take (BIP-32)."""

_XPUB = bytes.fromhex("0488b21e")
_TPUB = bytes.fromhex("043587cf")
_PRIVATE_VERSIONS = (bytes.fromhex("0488ade4"), bytes.fromhex("04358394"))

# SLIP-132's letters: y and z on mainnet, u and v on test networks, capitals for multisig.
_EXTENDED_PRIVATE = re.compile(r"[A-Za-z]prv[0-9A-Za-z]{8,}")
_WALLET_IMPORT_FORMAT = re.compile(rf"[5KL9c][{BASE58_ALPHABET}]{{50,51}}")
_SLIP132 = re.compile(rf"[yzuvYZUV]pub[{BASE58_ALPHABET}]{{100,}}")
_WORD = re.compile(r"[0-9A-Za-z]+")
_ORIGIN = re.compile(r"\[([0-9a-fA-F]{8})((?:/[0-9]+[h']?)*)\]")
_STEP = re.compile(r"([0-9]{1,10})([h']?)")
_HEX = re.compile(r"[0-9a-fA-F]+")


@dataclass(frozen=True, slots=True)
class KeyExpression:
    """A public key as a descriptor writes it (BIP-380).

    fingerprint, origin_path: the master key (8 hex digits) and the steps from it to `key`, with
    HARDENED added to hardened ones; None and () where the descriptor does not say.
    key: an xpub or tpub, or a plain public key in hex.
    steps: the way on from `key`; a step has one index, or one per branch (BIP-389's <0;1>).
    wildcard: whether a running index follows. place: in the descriptor, from 1.
    """

    fingerprint: str | None
    origin_path: tuple[int, ...]
    key: str
    steps: tuple[tuple[int, ...], ...]
    wildcard: bool
    place: int

    @property
    def extended(self) -> bool:
        return self.key[1:4] == "pub"

    @property
    def branches(self) -> int:
        """How many branches the key has: 1 without <...>."""
        return max((len(step) for step in self.steps), default=1)

    def path_of(self, branch: int) -> tuple[int, ...]:
        """The steps from `key` in one branch, without the running index."""
        return tuple(step[branch] if len(step) > 1 else step[0] for step in self.steps)

    def public_key(self, branch: int, index: int) -> bytes:
        """The public key at an index, as SEC 1 or x-only bytes."""
        if not self.extended:
            return bytes.fromhex(self.key)
        path = [*self.path_of(branch), *([index] if self.wildcard else [])]
        parent = wallycore.bip32_key_from_base58(self.key)
        if not path:
            return bytes(wallycore.bip32_key_get_pub_key(parent))
        flags = wallycore.BIP32_FLAG_KEY_PUBLIC | wallycore.BIP32_FLAG_SKIP_HASH
        child = wallycore.bip32_key_from_parent_path(parent, path, flags)
        return bytes(wallycore.bip32_key_get_pub_key(child))


class KeyForm(Enum):
    """How many bytes a plain public key may have, by where it stands (BIP-380, BIP-386)."""

    LEGACY = (33, 65)
    SEGWIT = (33,)
    TAPROOT = (32, 33)


def refuse_secrets(text: str) -> None:
    """Refuse a text with anything in it that is shaped like a private key."""
    for word in _WORD.finditer(text):
        shape = word.group()
        if _HEX.fullmatch(shape):
            continue
        if _EXTENDED_PRIVATE.fullmatch(shape) or _WALLET_IMPORT_FORMAT.fullmatch(shape):
            raise SecretInDescriptor(place=word.start() + 1)


def read_key(text: str, *, place: int, network: Network, form: KeyForm) -> KeyExpression:
    """Read one key expression. place: of its first character."""
    at = place
    fingerprint: str | None = None
    origin_path: tuple[int, ...] = ()
    if text.startswith("["):
        origin = _ORIGIN.match(text)
        if origin is None:
            raise DescriptorRefused(
                place=place,
                problem="a key origin is written [fingerprint/steps], the fingerprint in 8 hex "
                "digits and each step as a number, hardened ones with h or '",
            )
        fingerprint = origin[1].lower()
        origin_path = tuple(_number_of(step, place) for step in origin[2].split("/") if step)
        at += origin.end()
        text = text[origin.end() :]
    key, *rest = text.split("/")
    wildcard = bool(rest) and rest[-1].startswith("*")
    if wildcard and rest[-1] != "*":
        raise DescriptorRefused(
            place=at + len(text) - len(rest[-1]),
            problem="a hardened running index cannot be derived from a public key; write /*"
            if rest[-1] in ("*h", "*'")
            else "nothing may follow the running index /*",
        )
    steps: list[tuple[int, ...]] = []
    step_at = at + len(key) + 1
    for step in rest[:-1] if wildcard else rest:
        steps.append(_step(step, step_at))
        step_at += len(step) + 1
    if sum(len(step) > 1 for step in steps) > 1:
        raise DescriptorRefused(place=at, problem="a key has at most one <...> (BIP-389)")
    expression = KeyExpression(fingerprint, origin_path, key, tuple(steps), wildcard, place)
    _check_key(key, at, network, form=form, leads_on=bool(rest), steps=len(rest))
    return expression


def _step(text: str, place: int) -> tuple[int, ...]:
    if not text.startswith("<"):
        return (_public_step(text, place),)
    if not text.endswith(">"):
        raise DescriptorRefused(place=place, problem="the branches <...> are not closed")
    indexes = tuple(_public_step(part, place) for part in text[1:-1].split(";"))
    if len(indexes) < 2:
        raise DescriptorRefused(place=place, problem="<...> names at least two branches")
    if len(set(indexes)) != len(indexes):
        raise DescriptorRefused(place=place, problem="<...> names a branch twice")
    return indexes


def _public_step(text: str, place: int) -> int:
    if text == "*":
        raise DescriptorRefused(place=place, problem="only the last step may be the index *")
    number = _number_of(text, place)
    if number >= HARDENED:
        raise DescriptorRefused(
            place=place,
            problem="a hardened step cannot be derived from a public key; give the public key "
            "after that step and write the step into the key origin",
        )
    return number


def _number_of(text: str, place: int) -> int:
    step = _STEP.fullmatch(text)
    if step is None:
        raise DescriptorRefused(place=place, problem="a step of a path is a number, h or ' after")
    number = int(step[1])
    if number >= HARDENED:
        raise DescriptorRefused(
            place=place, problem="a step of a path is below 2147483648; write h for hardened ones"
        )
    return number + (HARDENED if step[2] else 0)


def _check_key(
    key: str, place: int, network: Network, *, form: KeyForm, leads_on: bool, steps: int
) -> None:
    if key[1:4] == "pub":
        _check_extended(key, place, network, steps=steps)
        return
    if not key:
        raise DescriptorRefused(place=place, problem="a public key is missing")
    if not _HEX.fullmatch(key) or len(key) % 2:
        raise DescriptorRefused(
            place=place, problem="this is neither an extended public key nor one in hex digits"
        )
    if leads_on:
        raise DescriptorRefused(
            place=place, problem="no steps can follow a plain public key, only an extended one"
        )
    raw = bytes.fromhex(key)
    if len(raw) not in form.value:
        raise DescriptorRefused(place=place, problem=_wrong_size(len(raw), form))
    raw = b"\x02" + raw if len(raw) == 32 else raw
    try:
        wallycore.ec_public_key_verify(raw)
    except ValueError:
        raise DescriptorRefused(
            place=place, problem="this is not a public key: no such point exists"
        ) from None


def _wrong_size(size: int, form: KeyForm) -> str:
    if size == 32:
        return "keys of 32 bytes stand in tr() only"
    if size == 65:
        return "segregated witness takes no uncompressed keys"
    return f"a public key of {size} bytes does not belong here, but one of {form.value[0]}"


def _check_extended(key: str, place: int, network: Network, *, steps: int) -> None:
    if _SLIP132.fullmatch(key):
        raise DescriptorRefused(
            place=place,
            problem=f"keys that begin with {key[0]}pub are not used in descriptors; the function "
            "around a key says its script. Export the key as xpub (or tpub)",
        )
    try:
        raw = base58check_decode(key)
    except BadEncoding as problem:
        raise DescriptorRefused(
            place=place, problem=f"the extended public key is damaged: {problem}"
        ) from None
    if raw[:4] in _PRIVATE_VERSIONS:
        raise SecretInDescriptor(place=place)
    expected, home = (_TPUB, "a test network") if network.test else (_XPUB, "mainnet")
    if raw[:4] in (_XPUB, _TPUB) and raw[:4] != expected:
        other = "mainnet" if network.test else "a test network"
        raise DescriptorRefused(
            place=place, problem=f"the key belongs to {other}, the office is on {network.name}"
        )
    depth, parent = raw[4], raw[5:9]
    bad_root = depth == 0 and (parent != bytes(4) or raw[9:13] != bytes(4))
    if raw[:4] != expected or len(raw) != 78 or bad_root:
        raise DescriptorRefused(
            place=place, problem=f"this is not an extended public key of {home}"
        )
    try:
        wallycore.ec_public_key_verify(raw[45:])
    except ValueError:
        raise DescriptorRefused(
            place=place, problem="the extended public key holds no point of the curve"
        ) from None
    if depth + steps > 255:
        raise DescriptorRefused(place=place, problem="a path has at most 255 steps (BIP-32)")
