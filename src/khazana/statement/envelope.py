"""The statement file: parts under one root, made, disclosed in part, written and read strictly."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import msgspec

from khazana.bitcoin.network import NETWORKS, network_of_genesis
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.statement.errors import (
    StatementMalformed,
    StatementNotCanonical,
    StatementTooLarge,
    UnknownPart,
)
from khazana.statement.parts import (
    HEADER,
    Leaf,
    Part,
    Withheld,
    part_leaf_hash,
    part_salt,
    require_part_name,
)
from khazana.statement.tree import root_of
from khazana.statement.wire import MAX_PARTS, STATEMENT_FORMAT, StatementFile


@dataclass(frozen=True, slots=True)
class NetworkName:
    """A network as documents name it: the name for people, the genesis hash for programs."""

    name: str
    genesis: str

    def __str__(self) -> str:
        return self.name

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, "genesis": self.genesis}


@dataclass(frozen=True, slots=True)
class Evidence:
    """A piece of evidence as found in the file: its fields depend on its type."""

    type: str
    subject_root: str
    fields: Mapping[str, Any]
    """All fields, `type` and `subject_root` included."""


@dataclass(frozen=True)
class Statement:
    """A statement or a disclosure of it: all leaves in order, each disclosed or withheld.

    The root is what the file claims; `computed_root` is what its leaves give. Reading does not
    compare the two: that is the check called "root".
    """

    network: NetworkName
    test: bool
    root: str
    leaves: tuple[Leaf, ...]
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        if not self.leaves or any(leaf.index != i for i, leaf in enumerate(self.leaves)):
            raise ValueError("the leaves of a statement are numbered 0, 1, 2 … without gaps")
        if not isinstance(self.leaves[0], Part) or self.leaves[0].name != HEADER:
            raise ValueError("the first leaf of a statement is its header, disclosed")
        if len(self.parts_by_name) != len(self.parts):
            raise ValueError("the names of a statement's parts differ from one another")

    @property
    def size(self) -> int:
        """The number of leaves, withheld ones included."""
        return len(self.leaves)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The disclosed parts, in order."""
        return tuple(leaf for leaf in self.leaves if isinstance(leaf, Part))

    @cached_property
    def withheld(self) -> tuple[Withheld, ...]:
        """The parts that only their digests stand for, in order."""
        return tuple(leaf for leaf in self.leaves if isinstance(leaf, Withheld))

    @cached_property
    def parts_by_name(self) -> Mapping[str, Part]:
        return {part.name: part for part in self.parts}

    @property
    def header(self) -> Part:
        """The first part, which is in every disclosure."""
        return self.parts[0]

    @property
    def is_full(self) -> bool:
        """Whether nothing is withheld."""
        return not self.withheld

    def part(self, name: str) -> Part | None:
        """The disclosed part with this name."""
        return self.parts_by_name.get(name)

    def parts_of(self, kind: str) -> tuple[Part, ...]:
        """The disclosed parts of one kind, in order."""
        return tuple(part for part in self.parts if part.kind == kind)

    @cached_property
    def computed_root(self) -> str:
        """The root that the disclosed parts and the digests of the others give."""
        return root_of([part_leaf_hash(leaf) for leaf in self.leaves]).hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a file may be before it is refused unread. max_bytes: of the whole file.

    How deeply it may be nested is fixed by the canonical form (khazana.ledger.canonical).
    """

    max_bytes: int = 1 << 31
    max_parts: int = MAX_PARTS


DEFAULT_LIMITS = Limits()


def make_statement(
    *,
    network: NetworkName,
    test: bool,
    header: Mapping[str, Any],
    parts: Sequence[tuple[str, Mapping[str, Any]]],
    salt_seed: bytes,
    evidence: Sequence[Evidence] = (),
) -> Statement:
    """A full statement: `header` first, then `parts` in the order given, as (name, body).

    Network and test flag are put into the header's body, where the root covers them. The same
    input and seed give the same bytes. test: true on every test network, and when the office says
    that this is a demo. salt_seed: secret random bytes, new for each statement.
    """
    bound: dict[str, Any] = {"network": network.to_json(), "test": test}
    for field, value in bound.items():
        if field in header and header[field] != value:
            raise ValueError(f"the header says {header[field]!r} for {field}, not {value!r}")
    critical = sorted(
        name for name, body in parts if name.startswith("x-") and body.get("critical") is True
    )
    if critical:
        bound["critical"] = critical
    named = [(HEADER, {**header, **bound}), *parts]
    for name, _ in named:
        require_part_name(name)
    leaves = tuple(
        Part(index, name, part_salt(salt_seed, name), body)
        for index, (name, body) in enumerate(named)
    )
    statement = Statement(network, test, "", leaves, tuple(evidence))
    for path, problem in _disagreements(statement):
        raise ValueError(f"at {path}, {problem}")
    return replace(statement, root=statement.computed_root)


def disclose(statement: Statement, keep: Callable[[str], bool]) -> Statement:
    """The same statement, showing only parts whose name `keep` accepts; the root stays.

    The header and critical extensions are always shown. What is withheld already stays withheld.
    Evidence stays, because it speaks about the root.
    """
    return replace(
        statement,
        leaves=tuple(
            Withheld(leaf.index, leaf.digest)
            if isinstance(leaf, Part)
            and not (leaf.name == HEADER or leaf.is_critical or keep(leaf.name))
            else leaf
            for leaf in statement.leaves
        ),
    )


def with_evidence(statement: Statement, *added: Evidence) -> Statement:
    """The statement with more evidence attached; evidence is detached, so the root stays."""
    return replace(statement, evidence=(*statement.evidence, *added))


def write_statement(statement: Statement) -> bytes:
    """The bytes of the file: RFC 8785 JSON and one newline."""
    document: dict[str, Any] = {
        "format": STATEMENT_FORMAT,
        "network": statement.network.to_json(),
        "test": statement.test,
        "root": statement.root,
        "parts": [
            {"index": p.index, "name": p.name, "salt": p.salt.hex(), "body": p.body}
            for p in statement.parts
        ],
        "withheld": [{"index": w.index, "digest": w.digest.hex()} for w in statement.withheld],
        "evidence": [dict(item.fields) for item in statement.evidence],
    }
    return canonical_bytes(document) + b"\n"


def read_statement(
    raw: bytes, *, kinds: Collection[str], limits: Limits = DEFAULT_LIMITS
) -> Statement:
    """The statement in a file, or a refusal that names the place and what is wrong there.

    kinds: the kinds of part that the caller understands, beside the header. Another kind is
    refused, unless it is an extension ("x-…") that says it is not critical. Canonical form is
    required to the byte, so that one statement is one file.
    """
    if len(raw) > limits.max_bytes:
        raise StatementTooLarge(what="bytes", found=len(raw), limit=limits.max_bytes)
    document = parse_strict(raw)
    try:
        file = msgspec.convert(document, StatementFile)
    except msgspec.ValidationError as error:
        raise _malformed(error) from error
    count = len(file.parts) + len(file.withheld)
    if count > limits.max_parts:
        raise StatementTooLarge(what="parts", found=count, limit=limits.max_parts)
    statement = Statement(
        NetworkName(file.network.name, file.network.genesis),
        file.test,
        file.root,
        _leaves(file),
        tuple(
            Evidence(item["type"], item["subject_root"], item)
            for item in cast(dict[str, Any], document)["evidence"]
        ),
    )
    for path, problem in _disagreements(statement):
        raise StatementMalformed(path=path, problem=problem)
    _require_known_kinds(statement, kinds)
    _require_canonical(raw, write_statement(statement))
    return statement


def _leaves(file: StatementFile) -> tuple[Leaf, ...]:
    leaves: dict[int, Leaf] = {}
    names: dict[str, int] = {}
    for row, part in enumerate(file.parts):
        path = f"$.parts[{row}]"
        if part.index in leaves:
            raise StatementMalformed(path=path, problem=f"index {part.index} occurs twice")
        if part.name in names:
            raise StatementMalformed(path=path, problem=f"the name {part.name} occurs twice")
        if (part.index == 0) != (part.name == HEADER):
            raise StatementMalformed(path=path, problem="the header, and only it, has index 0")
        names[part.name] = row
        leaves[part.index] = Part(part.index, part.name, bytes.fromhex(part.salt), part.body)
    for row, hidden in enumerate(file.withheld):
        path = f"$.withheld[{row}]"
        if hidden.index in leaves:
            raise StatementMalformed(path=path, problem=f"index {hidden.index} occurs twice")
        leaves[hidden.index] = Withheld(hidden.index, bytes.fromhex(hidden.digest))
    if HEADER not in names:
        raise StatementMalformed(path="$.parts", problem="there is no part called header")
    gap = next((index for index in range(len(leaves)) if index not in leaves), None)
    if gap is not None:
        raise StatementMalformed(path="$", problem=f"part {gap} is neither disclosed nor withheld")
    for field, indexes in (
        ("parts", [part.index for part in file.parts]),
        ("withheld", [hidden.index for hidden in file.withheld]),
    ):
        if indexes != sorted(indexes):
            raise StatementMalformed(path=f"$.{field}", problem="the indexes do not ascend")
    return tuple(leaves[index] for index in range(len(leaves)))


def network_problems(network: NetworkName, *, test: bool) -> list[tuple[str, str]]:
    """What is wrong with a network's name and test flag, as (path, problem).

    A network we know has one name and one genesis block; a test network is always marked as one.
    On a network without test coins `test` is the office's word that this is a demo.
    """
    found: list[tuple[str, str]] = []
    known = network_of_genesis(network.genesis) or NETWORKS.get(network.name)
    if known and (known.name, known.genesis) != (network.name, network.genesis):
        found.append(("$.network", f"{known.name} is the network with genesis {known.genesis}"))
    if known and known.test and not test:
        found.append(("$.test", f"{known.name} is a test network, so this must be true"))
    return found


def _disagreements(statement: Statement) -> list[tuple[str, str]]:
    """Where the statement contradicts itself, as (path, problem).

    What stands outside the parts is not under the root, so the header must repeat it. A critical
    extension could be hidden by withholding it, so the header lists them too.
    """
    found: list[tuple[str, str]] = []
    body = statement.header.body
    if body.get("network") != statement.network.to_json():
        found.append(("$.network", "the header part names another network"))
    if body.get("test") is not statement.test:
        found.append(("$.test", "the header part says otherwise"))
    found.extend(network_problems(statement.network, test=statement.test))
    for row, part in enumerate(statement.parts):
        if part.is_extension and type(part.body.get("critical")) is not bool:
            where = f"$.parts[{row}].body.critical"
            found.append((where, f"the extension {part.name} must say true or false"))
    critical = sorted(part.name for part in statement.parts if part.is_critical)
    if body.get("critical", []) != critical:
        where = "$.parts[0].body.critical"
        found.append((where, "it is not the sorted list of the critical extensions disclosed"))
    return found


def _require_known_kinds(statement: Statement, kinds: Collection[str]) -> None:
    for row, part in enumerate(statement.parts):
        if part.name == HEADER or part.kind in kinds:
            continue
        if part.is_critical or not part.is_extension:
            raise UnknownPart(name=part.name, path=f"$.parts[{row}]")


def _require_canonical(raw: bytes, expected: bytes) -> None:
    if raw == expected:
        return
    differing = (i for i, (a, b) in enumerate(zip(raw, expected, strict=False)) if a != b)
    raise StatementNotCanonical(offset=next(differing, min(len(raw), len(expected))))


def _malformed(error: msgspec.ValidationError) -> StatementMalformed:
    """msgspec says "Expected `int`, got `str` - at `$.parts[0].index`"; we say where first."""
    problem, _, place = str(error).partition(" - at ")
    return StatementMalformed(path=place.strip("`") or "$", problem=problem)
