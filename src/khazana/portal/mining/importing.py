"""The mining parts of a statement become rows, as they came."""

import msgspec

from khazana.mining.parts import mining_bodies
from khazana.portal.mining.models import SiteRow
from khazana.portal.statement.models import StatementRow
from khazana.reserve.reading import ReserveStatement


def derive_sites(row: StatementRow, statement: ReserveStatement) -> None:
    """Write a row for every site that the statement discloses; those there were before go."""
    SiteRow.objects.filter(statement=row).delete()
    SiteRow.objects.bulk_create(
        SiteRow(
            statement=row,
            site=body.site,
            position=position,
            body=msgspec.to_builtins(body),
        )
        for position, body in enumerate(mining_bodies(statement.envelope.parts))
    )
