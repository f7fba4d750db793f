"""Addresses of the tables: /tables/NAME.csv and /tables/NAME.xlsx, with the filters of the page."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from pydantic import BaseModel, ValidationError

import khazana
from khazana.portal.api.answers import problem_answer
from khazana.portal.api.asking import refuse_others, statement_of
from khazana.portal.api.feed import NOTHING_YET
from khazana.portal.api.figures import base_of, notice_of
from khazana.portal.api.problems import (
    NoSuchAddress,
    NotGiven,
    NothingPublished,
    TooManyRequests,
    WrongParameters,
)
from khazana.portal.api.tables.contents import CONTENTS
from khazana.portal.api.tables.contents_beside import BESIDE
from khazana.portal.api.tables.contents_logs import LOGS
from khazana.portal.api.tables.contents_mining import MINING
from khazana.portal.api.tables.table import Table
from khazana.portal.api.tables.writing import csv_bytes, xlsx_bytes
from khazana.portal.api.throttle import Rate
from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.statement.models import StatementRow

TABLES = CONTENTS | BESIDE | LOGS | MINING
FORMS = {
    "csv": (csv_bytes, "text/csv; charset=utf-8"),
    "xlsx": (xlsx_bytes, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def table(request: HttpRequest, name: str, form: str) -> HttpResponse:
    """A table as a file; what cannot be given is said as the API says it."""
    throttle = Rate()
    try:
        if name not in TABLES or form not in FORMS:
            raise NoSuchAddress()
        if not throttle.allow_request(request):
            raise TooManyRequests(rate=settings.API_RATE)
        made = _table(request, name)
        write, kind = FORMS[form]
        answer = HttpResponse(write(made), content_type=kind)
    except NotGiven as problem:
        refused = problem_answer(problem)
        if isinstance(problem, TooManyRequests):
            refused.headers["Retry-After"] = str(int(throttle.wait() or 1))
        return refused
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return answer


def _table(request: HttpRequest, name: str) -> Table:
    content = TABLES[name]
    refuse_others(request, frozenset({*content.filter.model_fields, "language"}))
    # Forms send what was left empty; that asks for nothing.
    given = {key: str(value) for key, value in request.GET.items() if value}
    language = given.pop("language", "en")
    if language not in LANGUAGES:
        raise WrongParameters(wrong=(("query.language", f"one of {', '.join(LANGUAGES)}"),))
    asked = _asked(content.filter, given)
    statement = _statement(getattr(asked, "statement", None))
    return Table(
        name=name,
        head=_head(request, statement, several=content.several),
        columns=content.columns,
        rows=content.rows(request, asked, language),
        made_at=_made_at(statement),
    )


def _asked(filter_: type[BaseModel], given: dict[str, str]) -> Any:
    try:
        return filter_.model_validate(given)
    except ValidationError as error:
        wrong = tuple(
            (f"query.{each['loc'][0]}", each["msg"].removeprefix("Value error, "))
            for each in error.errors()
        )
        raise WrongParameters(wrong=wrong) from error


def _statement(root: str | None) -> StatementRow | None:
    """The statement a table is about; None where nothing is published yet."""
    try:
        return statement_of(root)
    except NothingPublished:
        return None


def _head(
    request: HttpRequest, statement: StatementRow | None, *, several: bool
) -> Sequence[tuple[str, str | int]]:
    """What must stand on every copy: the notice, the root, the block, where it came from."""
    source = ("source", f"{base_of(request)}{request.get_full_path()}")
    version = ("made_by", f"khazana {khazana.__version__}")
    if statement is None:
        return (source, version)
    newest = "newest_statement" if several else "statement"
    notice = notice_of(statement.office)
    return (
        *((("notice", notice),) if notice else ()),
        ("office", statement.office.slug),
        (f"{newest}_root", statement.root),
        (f"{newest}_block_height", statement.until_height),
        (f"{newest}_block_hash", statement.until_hash),
        source,
        version,
    )


def _made_at(statement: StatementRow | None) -> datetime:
    return NOTHING_YET if statement is None else statement.signed_at or statement.until_mtp
