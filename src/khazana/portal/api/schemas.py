"""The shapes of the API's answers: figures with their proof, offices, statements, sets."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from ninja import Schema
from pydantic import ConfigDict, Field

from khazana.portal.reserve.models import SetKind

Item = TypeVar("Item")
HASH = "^[0-9a-f]{64}$"


class Answer(Schema):
    """An answer has exactly the fields that its schema names."""

    model_config = ConfigDict(extra="forbid")


class Wrong(Answer):
    """One parameter, and what is wrong with it."""

    where: str
    problem: str


class Problem(Answer):
    """Why an answer cannot be given. `code` is stable; `message` says what to do."""

    code: str
    message: str
    wrong: list[Wrong] = []


class Block(Answer):
    """A block: a height never stands without its hash."""

    height: int
    hash: str = Field(pattern=HASH)


class Grades(Answer):
    """How much of an amount each evidence grade carries, in satoshis."""

    A: int
    B: int
    C: int
    D: int


class Figure(Answer):
    """An amount of bitcoin with all that a citation needs.

    sats: exact. btc: the same as a decimal. block: at whose end it held. grades: null where the
    statement grades no such figure. link: permanent, because it names the statement by its root.
    """

    sats: int
    btc: str = Field(pattern=r"^-?[0-9]+\.[0-9]{8}$")
    block: Block
    grades: Grades | None
    statement: str = Field(pattern=HASH)
    link: str
    test: bool
    notice: str | None


class Page(Answer, Generic[Item]):
    """A part of a list. count: of the whole list. next: the address of what follows."""

    count: int
    limit: int
    offset: int
    next: str | None
    items: list[Item]


class Office(Answer):
    """An office whose statements are here. own: the portal's own, else a partner's."""

    id: str
    name: dict[str, str]
    own: bool
    fingerprint: str | None
    network: str
    genesis: str
    test: bool
    notice: str | None
    identity: str | None
    """Address of its office.json, which carries its keys."""


class Start(Answer):
    """Where a program begins."""

    software: str
    version: str
    test: bool
    notice: str | None
    offices: list[Office]
    newest_statement: str | None
    openapi: str
    feed: str


class File(Answer):
    """A published file, byte for byte."""

    kind: str
    name: str
    sha256: str = Field(pattern=HASH)
    link: str


class Period(Answer):
    """From the end of block `after` to the end of block `until`; times are median times past."""

    after: Block
    after_time: datetime
    until: Block
    until_time: datetime
    timezone: str


class Statement(Answer):
    """A published statement. standing: nothing replaced it. signed_at: null where nobody signed."""

    root: str = Field(pattern=HASH)
    office: str
    period: Period
    previous: str | None
    supersedes: str | None
    superseded_by: str | None
    standing: bool
    signed_at: datetime | None
    sha256: str = Field(pattern=HASH)
    parts: int
    withheld: int
    headline: str | None
    watched: str | None
    test: bool
    notice: str | None
    link: str
    file: str


class Exclusion(Answer):
    """Something the office knows of and leaves out, and why."""

    name: str
    reason: str


class Check(Answer):
    """What `khazana verify` said when this portal ran it; worth no more than the portal's word."""

    source: str
    checked_at: datetime
    exit_status: int
    report: dict[str, Any]


class StatementFull(Statement):
    """A statement with its files and its check. verify: what a stranger runs."""

    files: list[File]
    exclusions: list[Exclusion]
    fetch: str
    verify: str
    check: Check | None


class ReasonTotal(Answer):
    """What one reason adds (positive) or takes away in a period."""

    reason: str
    figure: Figure


class SetFigures(Answer):
    """The account of a period for a set of accounts.

    opening + inflow + coinbase - outflow - fee + perimeter_change + off_chain = closing
    """

    kind: SetKind
    id: str
    name: dict[str, str]
    entity: str | None
    lane: str | None
    statement: str
    opening: Figure
    inflow: Figure
    coinbase: Figure
    outflow: Figure
    fee: Figure
    internal: Figure
    perimeter_change: Figure
    off_chain: Figure
    closing: Figure
    immature: Figure
    reasons: list[ReasonTotal]
    link: str
