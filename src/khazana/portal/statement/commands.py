"""The exact commands by which a stranger checks a statement of this portal."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from khazana.portal.statement.models import FileKind, FileRow, StatementRow


@dataclass(frozen=True)
class Commands:
    """fetch: get the files. verify: check them. pinned: whose fingerprint the command expects."""

    fetch: str
    verify: str
    pinned: str


def commands_for(request: HttpRequest, statement: StatementRow, source: str) -> Commands:
    """For this statement and the chain source that the portal is configured to name."""
    address = reverse("statement-file", args=[statement.root])
    fetch = [f"curl -o statement.json {request.build_absolute_uri(address)}"]
    options = f"--chain {source}"
    if statement.office.fingerprint:
        options += f" --office {statement.office.fingerprint}"
    valuation = FileRow.objects.filter(statement=statement, kind=FileKind.VALUATION).first()
    if valuation is not None:
        address = reverse("other-file", args=[statement.office.slug, valuation.path])
        fetch.append(f"curl -o valuation.json {request.build_absolute_uri(address)}")
        options += " --valuation valuation.json"
    return Commands(
        fetch="\n".join(fetch),
        verify=f"khazana verify statement.json {options}",
        pinned=statement.office.fingerprint,
    )
