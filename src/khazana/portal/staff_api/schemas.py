"""The shapes of the staff API's answers, and of what an operator asks for."""

from datetime import datetime
from typing import Annotated

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

from khazana.portal.api.schemas import HASH, Answer

BlockName = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9][A-Za-z0-9:.-]{0,79}$")]
"""A block by its height, its hash or a time, as `khazana statement make` takes it."""


class Tip(Answer):
    """replaced_from: the height from which earlier blocks left the best chain, if any did."""

    network: str
    height: int
    hash: str = Field(pattern=HASH)
    seen_at: datetime
    replaced_from: int | None


class Chain(Answer):
    """tip: null where no worker has seen the chain yet."""

    tip: Tip | None


class Draft(Answer):
    """A statement on its way. root: "" until a worker made it."""

    number: int
    state: str
    after: str
    until: str
    made_by: str
    made_at: datetime
    root: str
    signed_by: str
    published_by: str


class DraftFull(Draft):
    """With what a person reads before it is signed. findings: what the maker said."""

    summary: str
    findings: str


class DraftAsked(Schema):
    """after: the block before the period. until: the block at its end."""

    model_config = ConfigDict(extra="forbid")

    after: BlockName
    until: BlockName


class Task(Answer):
    """state: waiting, running, again, given_up, done. due: null: as soon as a worker is free."""

    id: str
    name: str
    state: str
    attempts: int
    since: datetime
    due: datetime | None
    reason: str


class Schedule(Answer):
    """What comes again and again, and when next."""

    name: str
    next_at: datetime


class Background(Answer):
    """The work in the background."""

    tasks: list[Task]
    schedules: list[Schedule]


class AuditAct(Answer):
    """One act; its digest is SHA-256 over it and the digest before (docs: The audit log)."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, str]
    previous: str
    digest: str = Field(pattern=HASH)


class Member(Answer):
    """unconfirmed_by: who made or changed the account, until a second person confirmed that."""

    username: str
    name: str
    role: str
    active: bool
    unconfirmed_by: str
