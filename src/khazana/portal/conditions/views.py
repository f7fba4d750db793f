"""Every condition with its verdict, and the accumulation test with what it rests on."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from khazana.conditions.parts import conditions_of
from khazana.conditions.standing import standing_of
from khazana.portal.reserve.asking import statement_asked
from khazana.portal.reserve.pair import cached_value
from khazana.portal.reserve.views_movements import wallet_names


def conditions(request: HttpRequest) -> HttpResponse:
    """The lender's conditions as the statement carries them; anyone computes them again."""
    statement = statement_asked(request)
    bodies = (
        () if statement is None else conditions_of(cached_value(statement.root, statement.sha256))
    )
    return render(
        request,
        "conditions/conditions.html",
        {
            "statement": statement,
            "memoranda": [(body, standing_of(body)) for body in bodies],
            "names": wallet_names(statement),
        },
    )
