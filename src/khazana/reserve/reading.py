"""A reserve statement read into typed parts: what is disclosed, what is withheld, by kind."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import msgspec

from khazana.bitcoin.secrets import find_secret
from khazana.ledger.entries import BookEntry, ChainEntry
from khazana.reserve.bodies import book_of, coin_of, entry_of, perimeter_of, wallet_of
from khazana.reserve.consistency import contradictions
from khazana.reserve.parts import (
    BODIES,
    AccountBody,
    Body,
    BookBody,
    CoinsBody,
    DescriptorBody,
    DocumentBody,
    EntityBody,
    EntryBody,
    ExclusionBody,
    ExplanationBody,
    HeaderBody,
    PerimeterBody,
    ScriptsBody,
    SealedBody,
    WalletBody,
)
from khazana.statement.envelope import Statement, read_statement
from khazana.statement.errors import StatementMalformed
from khazana.statement.parts import HEADER, Part

BodyT = TypeVar("BodyT", bound=Body)

# How a part's id follows from its body. Kinds that are absent here are numbered 1, 2, 3 ...
_ID_OF: Mapping[str, Callable[[Any], str]] = {
    "entity": lambda body: body.id,
    "wallet": lambda body: body.id,
    "scripts": lambda body: body.wallet,
    "descriptor": lambda body: body.wallet,
    "coins": lambda body: body.wallet,
    "entry": lambda body: body.txid,
    "explanation": lambda body: body.txid,
    "document": lambda body: body.id,
    "account": lambda body: body.id,
    "perimeter": lambda body: body.id,
}
NUMBERED = ("book", "sealed", "exclusion")


@dataclass(frozen=True)
class ReserveStatement:
    """A statement or disclosure whose disclosed parts all have the shape of their kind."""

    envelope: Statement
    bodies: Mapping[str, Sequence[Body]]

    def _all(self, kind: str, body_type: type[BodyT]) -> tuple[BodyT, ...]:
        return cast(tuple[BodyT, ...], tuple(self.bodies.get(kind, ())))

    @property
    def root(self) -> str:
        return self.envelope.root

    @cached_property
    def header(self) -> HeaderBody:
        return self._all("header", HeaderBody)[0]

    @cached_property
    def entities(self) -> Mapping[str, EntityBody]:
        return {body.id: body for body in self._all("entity", EntityBody)}

    @cached_property
    def wallets(self) -> Mapping[str, WalletBody]:
        return {body.id: body for body in self._all("wallet", WalletBody)}

    @cached_property
    def scripts(self) -> Mapping[str, ScriptsBody]:
        return {body.wallet: body for body in self._all("scripts", ScriptsBody)}

    @cached_property
    def descriptors(self) -> Mapping[str, DescriptorBody]:
        return {body.wallet: body for body in self._all("descriptor", DescriptorBody)}

    @cached_property
    def coins(self) -> Mapping[str, CoinsBody]:
        return {body.wallet: body for body in self._all("coins", CoinsBody)}

    @cached_property
    def entries(self) -> tuple[ChainEntry, ...]:
        """The stated entries as the ledger's values, in the file's order."""
        return tuple(entry_of(body) for body in self._all("entry", EntryBody))

    @cached_property
    def explanations(self) -> Mapping[str, ExplanationBody]:
        return {body.txid: body for body in self._all("explanation", ExplanationBody)}

    @cached_property
    def documents(self) -> Mapping[str, DocumentBody]:
        return {body.id: body for body in self._all("document", DocumentBody)}

    @cached_property
    def accounts(self) -> Mapping[str, AccountBody]:
        return {body.id: body for body in self._all("account", AccountBody)}

    @cached_property
    def perimeters(self) -> Mapping[str, PerimeterBody]:
        return {body.id: body for body in self._all("perimeter", PerimeterBody)}

    @cached_property
    def book(self) -> tuple[BookEntry, ...]:
        return tuple(map(book_of, self.book_bodies))

    @cached_property
    def book_bodies(self) -> tuple[BookBody, ...]:
        return self._all("book", BookBody)

    @cached_property
    def sealed(self) -> tuple[SealedBody, ...]:
        return self._all("sealed", SealedBody)

    @cached_property
    def exclusions(self) -> tuple[ExclusionBody, ...]:
        return self._all("exclusion", ExclusionBody)

    def withheld(self, kind: str) -> int:
        """How many parts of a kind exist but are not disclosed here."""
        return self.header.parts.get(kind, 0) - len(self.bodies.get(kind, ()))


def read_reserve_statement(raw: bytes) -> ReserveStatement:
    """Read a statement file strictly; whatever is not exactly a reserve statement is refused."""
    return typed(read_statement(raw, kinds=frozenset(BODIES)))


def typed(envelope: Statement) -> ReserveStatement:
    """Give each disclosed part the type of its kind, or say which part is malformed and how."""
    bodies: dict[str, list[Body]] = {}
    for part in envelope.parts:
        body_type = BODIES.get(part.kind)
        if body_type is None:
            continue  # an extension that says it may be passed over
        try:
            body = msgspec.convert(part.body, body_type, strict=True)
        except msgspec.ValidationError as error:
            problem, _, place = str(error).partition(" - at ")
            raise StatementMalformed(
                path=f"part {part.name}{place.strip('`').lstrip('$')}", problem=problem
            ) from error
        if isinstance(body, DescriptorBody) and (found := find_secret(body.descriptor)):
            problem = f"{found.kind} stands here, which could spend; it is not repeated"
            raise StatementMalformed(path=f"part {part.name}.descriptor", problem=problem)
        bodies.setdefault(part.kind, []).append(body)
        _require_name(part, body, len(bodies[part.kind]))
    statement = ReserveStatement(envelope, bodies)
    _require_counts(statement)
    _require_values(statement)
    for finding in contradictions(statement):
        raise StatementMalformed(path=finding.where, problem=f"{finding.text} (Rule R17)")
    return statement


def _require_name(part: Part, body: Body, number: int) -> None:
    """A part is called what it is about, so that two parts cannot speak of one thing."""
    if (part.kind == HEADER) != (part.name == HEADER):
        raise StatementMalformed(path=f"part {part.name}", problem="there is one header")
    name_id = _ID_OF.get(part.kind)
    if name_id is not None and part.name != f"{part.kind}/{name_id(body)}":
        raise StatementMalformed(
            path=f"part {part.name}", problem=f"its body is about {name_id(body)}"
        )
    if part.kind in NUMBERED and not part.id.isdecimal():
        raise StatementMalformed(
            path=f"part {part.name}", problem=f"parts of kind {part.kind} are numbered from 1"
        )


def _require_counts(statement: ReserveStatement) -> None:
    """The header counts every part, so a reader knows how much of each kind is withheld."""
    stated = statement.header.parts
    known = {kind for kind in BODIES if kind != HEADER}
    for kind, count in stated.items():
        if kind not in known and not kind.startswith("x-"):
            raise StatementMalformed(path=f"part header.parts.{kind}", problem="unknown kind")
        if count < 0 or (statement.withheld(kind) < 0 and kind in known):
            raise StatementMalformed(
                path=f"part header.parts.{kind}",
                problem=f"{len(statement.bodies.get(kind, ()))} are disclosed, {count} counted",
            )
    disclosed = Counter(part.kind for part in statement.envelope.parts if part.name != HEADER)
    for kind, count in disclosed.items():
        # Extensions too: one that is not counted would make room for a part that is not there.
        if stated.get(kind, 0) < count:
            raise StatementMalformed(
                path="part header.parts", problem=f"parts of kind {kind} are not all counted"
            )
    if sum(stated.values()) + 1 != statement.envelope.size:
        raise StatementMalformed(
            path="part header.parts",
            problem=f"{sum(stated.values())} parts are counted, "
            f"{statement.envelope.size - 1} are under the root",
        )


def _require_values(statement: ReserveStatement) -> None:
    """Bodies of the right shape may still be impossible, such as a coinbase that spends a coin."""
    for kind, build in _VALUES.items():
        for body in statement.bodies.get(kind, ()):
            try:
                build(body)
            except ValueError as error:
                raise StatementMalformed(
                    path=f"a part of kind {kind}", problem=str(error)
                ) from error


_VALUES: Mapping[str, Callable[[Any], object]] = {
    "wallet": lambda body: _wallet(body),
    "coins": lambda body: [coin_of(coin) for coin in (*body.opening, *body.closing)],
    "entry": entry_of,
    "perimeter": perimeter_of,
    "book": book_of,
}


def _wallet(body: WalletBody) -> None:
    if not body.lanes:
        raise ValueError(f"wallet {body.id} has no legal lane")
    wallet_of(body, ())
