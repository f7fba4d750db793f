"""The register of public claims: who said what, when, and what our check makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from functools import cache

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.mining.claims import mined_range
from khazana.mining.difficulty_table import shipped_difficulty
from khazana.mining.machines import shipped_machines
from khazana.portal.reserve.asking import statement_asked
from khazana.reserve.claims.check import ClaimCheck, MinedRange, check_claim
from khazana.reserve.claims.claim import Claim, Subject
from khazana.reserve.claims.read import read_claims, shipped_inputs


@dataclass(frozen=True)
class Row:
    """A claim with its check."""

    claim: Claim
    check: ClaimCheck


class MiningRoom:
    """The mining room as the register asks it: shipped difficulty and machines."""

    def mined(self, *, power_mw: Fraction, first: date, last: date) -> MinedRange:
        low, high = mined_range(
            power_mw=power_mw,
            first=first,
            last=last,
            series=shipped_difficulty(),
            machines=shipped_machines(),
        )
        return MinedRange(low, high)


@cache
def checked() -> tuple[Row, ...]:
    """Every shipped claim with its check: both rest on the package alone, so once is enough."""
    inputs = replace(shipped_inputs(), mining=MiningRoom())
    return tuple(Row(claim, check_claim(claim, inputs)) for claim in read_claims())


def claims(request: HttpRequest) -> HttpResponse:
    """Every claim, by subject."""
    return render(
        request,
        "reserve/claims.html",
        {"subjects": list(_by_subject()), "statement": statement_asked(request)},
    )


def _by_subject() -> Iterator[tuple[Subject, list[Row]]]:
    for subject in Subject:
        rows = [row for row in checked() if row.claim.subject is subject]
        if rows:
            yield subject, rows
