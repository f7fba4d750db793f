"""What the API answers when it cannot give what was asked: a stable code, and what to do."""

from dataclasses import dataclass
from typing import ClassVar

from khazana.errors import KhazanaError


@dataclass(eq=False, kw_only=True)
class NotGiven(KhazanaError):
    """The API has no answer to what was asked. `status`: of the HTTP answer."""

    code = "not_given"
    words = "This cannot be given."
    status: ClassVar[int] = 404


@dataclass(eq=False, kw_only=True)
class NothingPublished(NotGiven):
    """No statement stands here yet."""

    code = "nothing_published"
    words = "This office has published no statement yet. Ask again later."


@dataclass(eq=False, kw_only=True)
class NoSuchThing(NotGiven):
    """Something was named that is not published here. kind: such as statement, set, movement."""

    kind: str
    named: str
    code = "no_such_thing"
    words = "The {kind} {named} is not published here; the lists below /api/v1/ have all that is."


@dataclass(eq=False, kw_only=True)
class Withheld(NotGiven):
    """The published view of the statement does not show what the answer needs."""

    root: str
    kind: str
    code = "withheld"
    words = "The published view of statement {root} shows no {kind}. Ask the office for more of it."


@dataclass(eq=False, kw_only=True)
class NotCovered(NotGiven):
    """No published statement says anything about that day."""

    day: str
    part: str
    code = "not_covered"
    words = "No published statement says what {part} held on {day}. /api/v1/statements has periods."


@dataclass(eq=False, kw_only=True)
class WrongParameters(NotGiven):
    """What was asked cannot be understood. wrong: (where, what is wrong) pairs."""

    wrong: tuple[tuple[str, str], ...]
    code = "wrong_parameters"
    words = "What was asked cannot be understood; `wrong` names each parameter and its problem."
    status = 422


@dataclass(eq=False, kw_only=True)
class TooManyRequests(NotGiven):
    """The reader asked more often than the portal allows."""

    rate: str
    code = "too_many_requests"
    words = "More than {rate} requests came from this address. Ask again after Retry-After seconds."
    status = 429


@dataclass(eq=False, kw_only=True)
class TooManyRows(NotGiven):
    """A spreadsheet cannot hold the whole table."""

    table: str
    most: int
    code = "too_many_rows"
    words = "A sheet holds {most} rows and {table} has more. Take the CSV, or ask for less of it."
    status = 422


@dataclass(eq=False, kw_only=True)
class OnlyRead(NotGiven):
    """Something else than reading was asked."""

    method: str
    code = "only_read"
    words = "{method} is not possible here: this portal is only read. Use GET or HEAD."
    status = 405


@dataclass(eq=False, kw_only=True)
class NoSuchAddress(NotGiven):
    """There is nothing at the address."""

    code = "no_such_address"
    words = "Nothing is at this address. /api/v1/openapi.json lists every address."
