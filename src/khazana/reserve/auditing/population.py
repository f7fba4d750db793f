"""The population of an audit sample: what there is to choose from, as one list with one hash.

Items stand in the order of their ids, each with the satoshis that weigh it (Rule U1):

    movements   transactions; the larger of what declared wallets spent and what they received
    postings    coins spent and received, one by one; the coin's amount
    coins       coins at the closing block; the coin's amount
    documents   business records; the sum of the lines that they explain, without their signs
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from khazana.errors import KhazanaError
from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.parts import EntryBody, Hash, Sum
from khazana.reserve.reading import ReserveStatement

POPULATION_FORMAT: Final = "khazana.audit-population/1"
Kind = Literal["movements", "postings", "coins", "documents"]
KINDS: tuple[Kind, ...] = ("movements", "postings", "coins", "documents")
_RESTS_ON: Mapping[str, tuple[str, ...]] = {
    "movements": ("entry",),
    "postings": ("entry",),
    "coins": ("coins",),
    "documents": ("document", "explanation", "account"),
}


@dataclass(eq=False, kw_only=True)
class PopulationRefused(KhazanaError):
    """No population can be made of this, or it is not the one that was announced."""

    problem: str
    code = "population_refused"
    words = "This is no population to draw from: {problem}."


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One thing that may be drawn. sats: its weight, never negative."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=2100)]
    sats: Sum


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything of one kind in one statement. root: the statement's."""

    format: Literal["khazana.audit-population/1"] = POPULATION_FORMAT
    root: Hash
    kind: Kind
    items: list[Item]

    def __post_init__(self) -> None:
        names = [item.id for item in self.items]
        if names != sorted(set(names)):
            raise ValueError("the items of a population stand in the order of their ids, each once")

    @property
    def total(self) -> int:
        """The satoshis of all items together."""
        return sum(item.sats for item in self.items)

    @property
    def sha256(self) -> str:
        """The hash that an announcement names: of the canonical bytes of the list."""
        return hashlib.sha256(write_population(self)).hexdigest()


def population_of(statement: ReserveStatement, kind: Kind) -> Population:
    """The population that a statement's disclosed parts give; refused where some are withheld."""
    for part in _RESTS_ON[kind]:
        missing = statement.withheld(part)
        if missing:
            problem = f"{missing} parts of kind {part} are withheld here; ask for the whole file"
            raise PopulationRefused(problem=problem)
    weights = _OF[kind](statement)
    items = [Item(id=name, sats=sats) for name, sats in sorted(weights.items())]
    return Population(root=statement.root, kind=kind, items=items)


def write_population(population: Population) -> bytes:
    """The bytes of the file: RFC 8785 JSON and one newline."""
    return canonical_bytes(msgspec.to_builtins(population)) + b"\n"


def read_population(raw: bytes) -> Population:
    """The population in a file, in its one spelling."""
    try:
        population = msgspec.convert(parse_strict(raw), Population)
    except msgspec.ValidationError as error:
        raise PopulationRefused(problem=str(error)) from error
    if write_population(population) != raw:
        raise PopulationRefused(problem="the list is not in canonical form")
    return population


def _entries(statement: ReserveStatement) -> Iterable[EntryBody]:
    return (body for body in statement.bodies.get("entry", ()) if isinstance(body, EntryBody))


def _movements(statement: ReserveStatement) -> Mapping[str, int]:
    return {
        entry.txid: max(
            sum(each.amount for each in entry.spent), sum(each.amount for each in entry.received)
        )
        for entry in _entries(statement)
    }


def _postings(statement: ReserveStatement) -> Mapping[str, int]:
    weights: dict[str, int] = {}
    for entry in _entries(statement):
        for what, postings in (("spent", entry.spent), ("received", entry.received)):
            weights |= {f"{what} {each.outpoint}": each.amount for each in postings}
    return weights


def _coins(statement: ReserveStatement) -> Mapping[str, int]:
    return {
        coin.outpoint: coin.amount for body in statement.coins.values() for coin in body.closing
    }


def _documents(statement: ReserveStatement) -> Mapping[str, int]:
    weights: Counter[str] = Counter(dict.fromkeys(statement.documents, 0))
    lines = [line for body in statement.explanations.values() for line in body.lines]
    lines += [line for account in statement.accounts.values() for line in account.lines]
    for line in lines:
        if line.document is not None and line.document in weights:
            weights[line.document] += abs(line.amount)
    return weights


_OF: Mapping[str, Callable[[ReserveStatement], Mapping[str, int]]] = {
    "movements": _movements,
    "postings": _postings,
    "coins": _coins,
    "documents": _documents,
}
