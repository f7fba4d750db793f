"""Which statement tells which month: each tells a stretch of a site's time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from khazana.mining.month_body import MonthBody
from khazana.mining.parts import MiningBody
from khazana.portal.mining.models import SiteRow
from khazana.portal.statement.choosing import standing_statements, statement_named
from khazana.portal.statement.models import StatementRow


@dataclass(frozen=True)
class Told:
    """What one statement tells of one site; its body without months that a newer one tells."""

    statement: StatementRow
    body: MiningBody


@dataclass(frozen=True)
class Telling:
    """What is told of all sites, the oldest first. repeated: (site, month) that two tell."""

    told: Sequence[Told]
    repeated: Sequence[tuple[str, str]]

    @property
    def bodies(self) -> list[MiningBody]:
        return [each.body for each in self.told]

    @property
    def statements(self) -> list[StatementRow]:
        """Those that tell anything, the newest first."""
        return list(dict.fromkeys(each.statement for each in self.told))[::-1]

    def of_site(self, site: str) -> list[Told]:
        return [each for each in self.told if each.body.site == site]

    def of_month(self, site: str, month: str) -> tuple[Told, MonthBody] | None:
        """Who tells this month of a site."""
        for each in self.of_site(site):
            for stated in each.body.months:
                if stated.month == month:
                    return each, stated
        return None


def told_by(statements: Iterable[StatementRow], *, site: str | None = None) -> Telling:
    """What these statements tell, given the newest first; nothing is added up twice."""
    order = {statement.pk: place for place, statement in enumerate(statements)}
    rows = SiteRow.objects.filter(statement__in=list(order)).select_related("statement__office")
    rows = rows.defer("statement__raw", "statement__book", "statement__exclusions")
    if site is not None:
        rows = rows.filter(site=site)
    told: list[Told] = []
    repeated: list[tuple[str, str]] = []
    seen: set[tuple[str, str]] = set()
    for row in sorted(rows, key=lambda row: (order[row.statement_id], row.position)):
        body = row.value()
        kept = [month for month in body.months if (body.site, month.month) not in seen]
        repeated += [(body.site, m.month) for m in body.months if (body.site, m.month) in seen]
        seen |= {(body.site, month.month) for month in kept}
        if kept:
            told.append(Told(row.statement, msgspec.structs.replace(body, months=kept)))
    told.sort(key=lambda each: -order[each.statement.pk])
    return Telling(told, repeated)


def statements_telling(root: str | None) -> list[StatementRow]:
    """The statement that was named, else all of the portal's own office that stand."""
    if not root:
        return list(standing_statements())
    found = statement_named(root)
    return [] if found is None else [found]
