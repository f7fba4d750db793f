"""What a reader asked for in the address: a statement by its root, a day."""

from datetime import date

from django.http import Http404, HttpRequest

from khazana.portal.statement.choosing import newest_statement, statement_named
from khazana.portal.statement.models import StatementRow


def statement_asked(request: HttpRequest) -> StatementRow | None:
    """The statement named by `?statement=ROOT`, else the newest that stands."""
    root = request.GET.get("statement")
    if not root:
        return newest_statement()
    found = statement_named(root)
    if found is None:
        raise Http404
    return found


def text_asked(request: HttpRequest, name: str) -> str:
    """A text to look for; without NUL, which PostgreSQL takes for no text at all."""
    return request.GET.get(name, "").replace("\0", "\N{REPLACEMENT CHARACTER}")


def date_asked(request: HttpRequest) -> date | None:
    """The day named by `?at=YYYY-MM-DD`; None without one or where it is no day."""
    try:
        return date.fromisoformat(request.GET.get("at", ""))
    except ValueError:
        return None
