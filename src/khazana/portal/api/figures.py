"""Figures as the API gives them: the amount with block, grades, root, permanent link and notice."""

from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from khazana.bitcoin.chain import BlockRef
from khazana.portal.api.schemas import Block, Figure, Grades
from khazana.portal.statement.models import OfficeRow, StatementRow
from khazana.reserve.parts import GradesBody
from khazana.statement.checks import TEST_NOTICE
from khazana.units import Sats, btc_from_sats

CITED = (
    "opening",
    "inflow",
    "coinbase",
    "outflow",
    "fee",
    "internal",
    "perimeter_change",
    "off_chain",
    "closing",
    "immature",
)
"""Figures of a set, as a statement calls them; each has a page to cite it by."""


def notice_of(office: OfficeRow) -> str | None:
    """What every output about an office must repeat; None where nothing must be said."""
    said = [TEST_NOTICE] if office.test else []
    if office.notice and office.notice not in said:
        said.append(office.notice)
    return "; ".join(said) or None


def block_of(block: BlockRef) -> Block:
    return Block(height=block.height, hash=block.hash)


def grades_of(grades: GradesBody) -> Grades:
    return Grades(A=grades.a, B=grades.b, C=grades.c, D=grades.d)


def all_of_grade(grade: str, amount: int) -> Grades:
    """One piece of evidence carries the whole amount."""
    return Grades(**{each: amount if each == grade else 0 for each in "ABCD"})


@dataclass(frozen=True)
class Source:
    """A statement as the source of figures. base: scheme and host of the portal, as asked."""

    base: str
    statement: StatementRow
    test: bool
    notice: str | None

    @classmethod
    def of(cls, request: HttpRequest, statement: StatementRow) -> "Source":
        office = statement.office
        return cls(base_of(request), statement, office.test, notice_of(office))

    def figure(
        self, amount: int, *, link: str, block: Block | None = None, grades: Grades | None = None
    ) -> Figure:
        """An amount at the statement's closing block, or at another one. link: without the host."""
        return Figure(
            sats=amount,
            btc=btc_from_sats(Sats(amount)),
            block=block or block_of(self.statement.until),
            grades=grades,
            statement=self.statement.root,
            link=self.base + link,
            test=self.test,
            notice=self.notice,
        )

    def cited(
        self, kind: str, ident: str, name: str, amount: int, *, grades: Grades | None = None
    ) -> Figure:
        """A figure of a set, with the page that says how to cite it."""
        return self.figure(
            amount,
            link=_citation(self.statement.root, kind, ident, name),
            block=block_of(self.statement.after) if name == "opening" else None,
            grades=grades,
        )


@lru_cache(maxsize=4096)
def _citation(root: str, kind: str, ident: str, name: str) -> str:
    # Called inside the API's own language (answers.py), so that the address is the same for all.
    return reverse("cite", args=[root, kind, ident, name])


def base_of(request: HttpRequest) -> str:
    """Scheme and host, as the reader named them."""
    return f"{request.scheme}://{request.get_host()}"


def api_link(name: str, *args: str, **asked: str | int | None) -> str:
    """An address of the API, without the host; what is None is not asked."""
    query = urlencode({key: value for key, value in asked.items() if value is not None})
    return reverse(f"api-1:{name}", args=args) + (f"?{query}" if query else "")
