"""What may be asked of the API: each list's filters, and the statement that an answer is about."""

import inspect
import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Schema
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from khazana.ledger.documents import Reason
from khazana.portal.api.problems import NoSuchThing, NothingPublished, WrongParameters
from khazana.portal.reserve.models import FiguresRow, SetKind
from khazana.portal.statement.choosing import newest_statement, statement_named
from khazana.portal.statement.models import StatementRow

MOST_ITEMS = 500
"""Of one answer; a reader follows `next` for more."""
MOST_HEIGHT = 2**31 - 1

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WHOLE = re.compile(r"-?[0-9]{1,19}")


def _iso(value: object) -> object:
    """A day is written one way: pydantic would also take seconds since 1970."""
    if isinstance(value, str) and not _DAY.fullmatch(value):
        raise ValueError("a day is written YYYY-MM-DD")
    return value


def _whole(value: object) -> object:
    """A whole number is written in digits: pydantic would also take 1.0 and 1_000."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise ValueError("a whole number is written in digits")
    return value


Root = Annotated[str, StringConstraints(pattern="^[0-9a-f]{8,64}$")]
"""A statement's root, which may be shortened to eight digits."""
Ident = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Txid = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
OutPoint = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}:(0|[1-9][0-9]{0,9})$")]
SetName = Annotated[
    str,
    StringConstraints(
        pattern="^(perimeter|entity|wallet|account)/[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
    ),
]
Day = Annotated[date, BeforeValidator(_iso)]
Height = Annotated[int, Field(ge=0, le=MOST_HEIGHT), BeforeValidator(_whole)]
YesNo = Literal["true", "false"]


class Nothing(Schema):
    """Nothing may be asked beside the address."""


class Paged(Schema):
    """Which part of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST_ITEMS), BeforeValidator(_whole)] = 100
    offset: Annotated[int, Field(ge=0, le=1_000_000_000), BeforeValidator(_whole)] = 0


class OfStatement(Schema):
    """About which statement; without one the newest that stands."""

    statement: Root | None = None


class StatementFilter(Schema):
    """office: by its id. standing: whether nothing replaced it."""

    office: Ident | None = None
    standing: YesNo | None = None


class FiguresFilter(OfStatement):
    """Which sets of a statement: all of a kind, or one as `kind/id`."""

    kind: SetKind | None = None
    set: SetName | None = None


class MovementFilter(Schema):
    """Without a statement: of every standing statement of the portal's own office.

    from_day, until_day: by the median time past of the block, in UTC, both included.
    """

    statement: Root | None = None
    wallet: Ident | None = None
    reason: Reason | None = None
    unexplained: YesNo | None = None
    from_height: Height | None = None
    until_height: Height | None = None
    from_day: Day | None = None
    until_day: Day | None = None


class LinesFilter(MovementFilter):
    """Lines of which movements, and of which one."""

    txid: Txid | None = None


class HistoryFilter(Schema):
    """Of which set."""

    set: SetName


class SeriesFilter(OfStatement):
    """set: without one every perimeter. Without a statement: over all that stand."""

    set: SetName | None = None


class WalletFilter(OfStatement):
    """Of which wallet; without one of all."""

    wallet: Ident | None = None


class ClaimsFilter(Schema):
    """About which subject; without one about all."""

    subject: Ident | None = None


class StatementsAsked(Paged, StatementFilter):
    """A part of the list of statements."""


class FiguresAsked(Paged, FiguresFilter):
    """A part of the list of sets."""


class MovementsAsked(Paged, MovementFilter):
    """A part of the list of movements."""


class OfWallet(Paged, WalletFilter):
    """A part of a list of coins or addresses."""


class PagedOfStatement(Paged, OfStatement):
    """A part of a list of one statement's."""


class SeriesAsked(Paged):
    """Without a statement: over every standing statement of the portal's own office."""

    statement: Root | None = None


class ClaimsAsked(Paged, ClaimsFilter):
    """A part of the register."""


class HoldingsAsked(Schema):
    """at: the day. set: without one the newest statement's headline."""

    at: Day
    set: SetName | None = None


class TwoBarsAsked(OfStatement):
    """watched, stock: without one the statement's own pair. block: that block's height alone."""

    watched: SetName | None = None
    stock: SetName | None = None
    block: Height | None = None


def statement_of(root: str | None) -> StatementRow:
    """The statement that was named, else the newest of the portal's own office that stands."""
    if root is None:
        newest = newest_statement()
        if newest is None:
            raise NothingPublished()
        return newest
    found = statement_named(root)
    if found is None:
        raise NoSuchThing(kind="statement", named=root)
    return found


def require_set(statement: StatementRow, part: str) -> FiguresRow:
    """The set of a statement that was named as `kind/id`."""
    kind, _slash, ident = part.partition("/")
    found = FiguresRow.objects.filter(statement=statement, kind=kind, ident=ident).first()
    if found is None:
        raise NoSuchThing(kind="set", named=part)
    return found


def names_asked(view: Callable[..., Any]) -> frozenset[str]:
    """The parameters that a view takes from the query: the fields of its schemas."""
    found: set[str] = set()
    for parameter in inspect.signature(view).parameters.values():
        kind = parameter.annotation
        kind = getattr(kind, "__origin__", kind)  # Query[Asked] is Annotated
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= set(kind.model_fields)
    return frozenset(found)


def refuse_others(request: HttpRequest, allowed: frozenset[str]) -> None:
    """A parameter that nobody knows, or one given twice, is refused: a misspelt filter would
    otherwise give everything, and look like an answer.
    """
    wrong = [
        (
            f"query.{name}",
            "it stands twice" if name in allowed else "there is no such parameter",
        )
        for name, values in request.GET.lists()
        if name not in allowed or len(values) > 1
    ]
    if wrong:
        raise WrongParameters(wrong=tuple(wrong))
