"""The published files, byte for byte, each with its hash as its ETag."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from khazana.portal.statement.choosing import statement_named
from khazana.portal.statement.models import FileRow

TYPES = {"json": "application/json", "toml": "application/toml", "csv": "text/csv; charset=utf-8"}


@require_safe
def statement_file(request: HttpRequest, root: str) -> HttpResponse:
    """The signed statement as it was published."""
    row = statement_named(root)
    if row is None:
        raise Http404
    name = f"{row.office.slug}-{row.until_mtp:%Y-%m-%d}-{row.root[:8]}.json"
    return download(bytes(row.raw), name=name, sha256=row.sha256)


@require_safe
def other_file(request: HttpRequest, office: str, path: str) -> HttpResponse:
    """A file that was published beside the statements."""
    row = get_object_or_404(FileRow, office__slug=office, path=path)
    return download(bytes(row.raw), name=path.rpartition("/")[2], sha256=row.sha256)


def download(raw: bytes, *, name: str, sha256: str) -> HttpResponse:
    """An answer that a browser saves, and never shows as a page of ours."""
    kind = TYPES.get(name.rpartition(".")[2], "application/octet-stream")
    answer = HttpResponse(raw, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["ETag"] = f'"{sha256}"'
    return answer
