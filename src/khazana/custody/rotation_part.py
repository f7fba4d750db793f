"""A rotation in a statement: what the part says, held to the entries it must follow from (K15)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from khazana.bitcoin.chain import BlockRef
from khazana.custody.rotation import RotationLink, lines_of_rotation, rotation
from khazana.custody.rotation_story import rotation_part, story_of
from khazana.ledger.entries import ChainEntry
from khazana.ledger.findings import Finding
from khazana.statement import patterns
from khazana.statement.errors import StatementMalformed
from khazana.statement.parts import Part
from khazana.units import BlockHash, Height

KIND = "x-custody"
_ROTATION = f"{KIND}/rotation/"

_Hash = Annotated[str, msgspec.Meta(pattern=patterns.HASH256)]


class _Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    height: Annotated[int, msgspec.Meta(ge=0, le=0xFFFF_FFFF)]
    hash: _Hash

    @property
    def ref(self) -> BlockRef:
        return BlockRef(Height(self.height), BlockHash(self.hash))


class _Said(msgspec.Struct, frozen=True):
    """What only the office can say about a rotation; every other field follows."""

    format: Literal["khazana.custody.rotation/1"]
    critical: Literal[False]
    old: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    new: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    since: _Block
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


def rotation_parts(
    links: Sequence[RotationLink], entries: Sequence[ChainEntry], *, until: BlockRef
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The part of every link that stands at the end of `until`, line after line of succession.

    entries: all of the wallets from their first coin on.
    """
    for line in lines_of_rotation(links):
        for link in line:
            if link.since.height <= until.height:
                yield rotation_part(rotation(link, entries, until=until))


def stories(
    links: Sequence[RotationLink], entries: Sequence[ChainEntry], *, until: BlockRef
) -> Iterator[str]:
    """Each line of succession as one text, rotation after rotation."""
    for line in lines_of_rotation(links):
        told = (rotation(link, entries, until=until) for link in line)
        yield "\n".join(story_of(one) for one in told)


def links_in(parts: Iterable[Part]) -> tuple[tuple[Part, RotationLink], ...]:
    """The rotations that a statement discloses; StatementMalformed for one of another shape."""
    found = []
    for part in parts:
        if not part.name.startswith(_ROTATION):
            continue
        try:
            said = msgspec.convert(dict(part.body), _Said, strict=True)
            link = RotationLink(
                old=said.old, new=said.new, since=said.since.ref, reason=said.reason
            )
        except (msgspec.ValidationError, ValueError) as error:
            problem, _, place = str(error).partition(" - at ")
            path = f"part {part.name}{place.strip('`').lstrip('$')}"
            raise StatementMalformed(path=path, problem=problem) from error
        found.append((part, link))
    return tuple(found)


def rotations_follow(
    stated: Sequence[tuple[Part, RotationLink]],
    entries: Sequence[ChainEntry],
    *,
    until: BlockRef,
    wallets: Iterable[str],
) -> Iterator[Finding]:
    """Rule K15: each stated rotation is, field by field, what the chain's entries give.

    entries: of the chain, from the wallets' first coin on. wallets: those the statement declares.
    """
    known = set(wallets)
    try:
        lines_of_rotation([link for _, link in stated])
    except ValueError as wrong:
        yield Finding("K15", f"the rotations are no lines: {wrong}", f"parts {_ROTATION}")
        return
    for part, link in stated:
        where = f"part {part.name}"
        if part.name != f"{_ROTATION}{link.old}":
            yield Finding("K15", f"its body is about {link.old}", where)
        missing = [wallet for wallet in (link.old, link.new) if wallet not in known]
        if missing:
            yield Finding("K15", f"the statement has no wallet {missing[0]}", where)
            continue
        if link.since.height > until.height:
            text = f"it begins at block {link.since.height}, after the closing block"
            yield Finding("K15", text, where)
            continue
        _, due = rotation_part(rotation(link, entries, until=until))
        for field in sorted(due.keys() | part.body.keys()):
            if part.body.get(field) != due.get(field):
                yield Finding("K15", _differs(field, part.body, due), where)


def _differs(field: str, stated: Mapping[str, Any], due: Mapping[str, Any]) -> str:
    if field not in due:
        return f"{field} is no field of a rotation"
    if isinstance(due[field], list):
        said = stated.get(field)
        count = len(said) if isinstance(said, list) else "no"
        return f"{field}: {count} stated, not those that the chain shows ({len(due[field])})"
    return f"{field} is stated as {stated.get(field)}; the chain gives {due[field]}"
