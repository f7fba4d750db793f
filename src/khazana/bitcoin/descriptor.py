"""Output descriptors: checked values, the indexes of a range, and the port that derives scripts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from khazana.bitcoin.address import BadAddress, SecretInsteadOfAddress, script_of
from khazana.bitcoin.descriptor_checksum import CHARACTERS, descriptor_checksum
from khazana.bitcoin.descriptor_errors import (
    DescriptorNotDerivable,
    DescriptorRangeRefused,
    DescriptorRefused,
    SecretInDescriptor,
)
from khazana.bitcoin.descriptor_grammar import Expression, Reader
from khazana.bitcoin.descriptor_keys import HARDENED, KeyExpression, refuse_secrets
from khazana.bitcoin.miniscript import check_soundness
from khazana.bitcoin.network import Network
from khazana.bitcoin.script import MAX_SCRIPT_SIZE

__all__ = [
    "Descriptor",
    "DescriptorEngine",
    "DescriptorNotDerivable",
    "DescriptorRangeRefused",
    "DescriptorRefused",
    "KeyExpression",
    "SecretInDescriptor",
    "parse_descriptor",
]

MAX_LENGTH = 20_000
"""Characters; longer descriptors are refused."""

_FIXED = re.compile(r"(addr|raw)\(([^()]*)\)")
_HEX = re.compile(r"([0-9a-fA-F]{2})+")


@dataclass(frozen=True)
class Descriptor:
    """A descriptor that passed every check that needs no engine; made by `parse_descriptor`.

    body: the text without its checksum. tree: None for addr() and raw(), whose script is `fixed`.
    """

    body: str
    network: Network
    tree: Expression | None
    fixed: bytes | None = None

    @property
    def text(self) -> str:
        """The descriptor with its checksum, as it is published."""
        return f"{self.body}#{descriptor_checksum(self.body)}"

    @cached_property
    def keys(self) -> tuple[KeyExpression, ...]:
        """The public keys in the order written, with origins, paths and branches."""
        return tuple(self.tree.keys()) if self.tree else ()

    @property
    def branches(self) -> int:
        """How many branches it has: 2 for <0;1>, 1 without <...>."""
        return max((key.branches for key in self.keys), default=1)

    @property
    def ranged(self) -> bool:
        """Whether a running index makes it many scripts per branch."""
        return any(key.wildcard for key in self.keys)

    @property
    def functions(self) -> tuple[str, ...]:
        """The names of its functions from the outside inwards."""
        return tuple(part.name for part in self.tree.walk()) if self.tree else ()

    @property
    def outline(self) -> str:
        """Its functions from the outside inwards, without keys: fit for any message."""
        return " ".join(self.functions[:6])

    def check_range(self, *, branch: int, start: int, stop: int) -> None:
        """Refuse a branch or indexes that the descriptor does not have."""
        if not 0 <= branch < self.branches:
            raise DescriptorRangeRefused(
                problem=f"there is no branch {branch}; it has {self.branches}, counted from 0"
            )
        if not 0 <= start < stop <= HARDENED:
            raise DescriptorRangeRefused(
                problem=f"indexes run from 0 to 2147483647, first to last, not {start} to {stop}"
            )
        if not self.ranged and (start, stop) != (0, 1):
            raise DescriptorRangeRefused(
                problem="it has no running index /* and stands for one script per branch; state "
                f"the range 0 to 1 instead of {start} to {stop}"
            )


class DescriptorEngine(Protocol):
    """Turns descriptors into output scripts. Engines agree wherever each gives an answer."""

    @property
    def name(self) -> str: ...

    def derive(self, descriptor: Descriptor, *, branch: int, start: int, stop: int) -> list[bytes]:
        """The output scripts at the indexes start to stop (not included) of one branch.

        DescriptorNotDerivable where the engine does not know a function; DescriptorRangeRefused
        where the descriptor has no such branch or index. A descriptor without a running index has
        one script per branch, at 0.
        """
        ...


def parse_descriptor(text: str, network: Network, *, checksum_required: bool = False) -> Descriptor:
    """Check a descriptor in every way that needs no engine, and give it as a value.

    Refused: private keys, keys of another network, damaged keys, steps that a public key cannot
    take, a key that stands twice in one script, branches that do not match (BIP-389), a wrong
    checksum, and miniscript that is not sound (BIP-379).
    """
    if len(text) > MAX_LENGTH:
        raise DescriptorRefused(place=MAX_LENGTH + 1, problem=f"more than {MAX_LENGTH} characters")
    refuse_secrets(text)
    body = _without_checksum(text, required=checksum_required)
    if fixed := _FIXED.fullmatch(body):
        read = _script_of_addr if fixed[1] == "addr" else _script_of_raw
        return Descriptor(body, network, None, read(fixed[2], len(fixed[1]) + 2, network))
    tree = Reader(body, network).read()
    descriptor = Descriptor(body, network, tree)
    _check_branches(descriptor.keys)
    for script in _scripts_in(tree):
        check_soundness(script, tapscript=tree.name == "tr")
        for branch in range(descriptor.branches):
            _check_repetition(tuple(script.keys()), branch)
    return descriptor


def _without_checksum(text: str, *, required: bool) -> str:
    for place, character in enumerate(text, 1):
        if character not in CHARACTERS or character == " ":
            raise DescriptorRefused(
                place=place, problem="this character or blank may not stand in a descriptor"
            )
    body, separator, stated = text.partition("#")
    if not body:
        raise DescriptorRefused(place=1, problem="it is empty")
    place = len(body) + 1
    if not separator:
        if required:
            raise DescriptorRefused(place=place, problem="its checksum #........ is missing")
        return body
    if len(stated) != 8:
        raise DescriptorRefused(place=place, problem="a checksum has 8 characters after the #")
    if stated != descriptor_checksum(body):
        raise DescriptorRefused(
            place=place,
            problem="the checksum does not fit; a character of the descriptor was mistyped or lost",
        )
    return body


def _script_of_addr(address: str, place: int, network: Network) -> bytes:
    try:
        return script_of(address, network)
    except SecretInsteadOfAddress:
        raise SecretInDescriptor(place=place) from None
    except BadAddress as bad:
        raise DescriptorRefused(place=place, problem=f"the address: {bad.problem}") from None


def _script_of_raw(digits: str, place: int, network: Network) -> bytes:
    if not _HEX.fullmatch(digits):
        raise DescriptorRefused(place=place, problem="raw() holds the hex digits of whole bytes")
    script = bytes.fromhex(digits)
    if len(script) > MAX_SCRIPT_SIZE:
        raise DescriptorRefused(
            place=place, problem=f"a script of more than {MAX_SCRIPT_SIZE} bytes is unspendable"
        )
    return script


def _scripts_in(tree: Expression) -> list[Expression]:
    """The separate scripts of a descriptor: each leaf of a taproot tree, or the whole."""
    if tree.name not in ("tr", "{}", "sh", "wsh"):
        return [tree]
    parts = [part for part in tree.arguments if isinstance(part, Expression)]
    return [script for part in parts for script in _scripts_in(part)]


def _check_branches(keys: Sequence[KeyExpression]) -> None:
    several = [key for key in keys if key.branches > 1]
    for key in several:
        if key.branches != several[0].branches:
            raise DescriptorRefused(
                place=key.place,
                problem=f"this key has {key.branches} branches, an earlier one "
                f"{several[0].branches}; all <...> must have equally many (BIP-389)",
            )


def _check_repetition(keys: Sequence[KeyExpression], branch: int) -> None:
    """Refuse a key that stands twice in one script, however differently it is written."""
    seen: dict[bytes, KeyExpression] = {}
    for key in keys:
        public = key.public_key(branch, 0)
        public = public if len(public) == 32 else public[1:33]
        if public in seen:
            raise DescriptorRefused(
                place=key.place,
                problem="this is the same key as at character "
                f"{seen[public].place}; no key may stand twice in one script",
            )
        seen[public] = key
