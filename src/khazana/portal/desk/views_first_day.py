"""The first day's pages: an office is described, screen by screen."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from khazana.bitcoin.network import NETWORKS
from khazana.bitcoin.secrets import SecretRefused
from khazana.errors import KhazanaError
from khazana.ledger.problems import OfficeFileRefused
from khazana.portal.accounts.roles import PREPARES
from khazana.portal.accounts.sessions import person_of
from khazana.portal.audit.record import record
from khazana.portal.desk.office_store import (
    OFFICE_JSON,
    OFFICE_TOML,
    Stored,
    read_file,
    save,
    save_identity,
    stored,
)
from khazana.portal.desk.screens import (
    LANGUAGES,
    MOST_FIELD,
    SECTIONS,
    DeviceDisagrees,
    changed,
)
from khazana.portal.desk.uploads import MOST_OFFICE_BYTES, UploadRefused, uploaded
from khazana.statement.errors import OfficeConflict
from khazana.statement.identity import grouped, require_no_rollback
from khazana.statement.keys import key_id
from khazana.statement.office_file import read_office

SCREENS = ("office", "identity", "entities", "perimeters", "wallets", "custodians")


def steps(now: Stored) -> list[tuple[str, bool]]:
    """Each screen with whether something stands there; wallets and custodians may stay empty."""
    filled = {
        "office": bool(now.values),
        "identity": read_file(OFFICE_JSON) is not None,
        **{screen: bool(now.values.get(section)) for screen, section in SECTIONS.items()},
    }
    return [(screen, filled[screen]) for screen in SCREENS]


def first_day(request: HttpRequest) -> HttpResponse:
    """The list of screens."""
    return redirect("first-day-screen", "office")


def screen(request: HttpRequest, name: str) -> HttpResponse:
    """One screen: what stands there, and a form for who prepares."""
    if name not in SCREENS:
        raise Http404
    problems: list[str] = []
    given: dict[str, str] = {}
    if request.method == "POST":
        given = {key: str(value)[:MOST_FIELD] for key, value in request.POST.items()}
        problems = _saved(request, name, given)
        if not problems:
            return redirect("first-day-screen", name)
    now = stored()
    context = {
        **_context(now, name),
        "problems": problems,
        "given": given or (_present(now) if name == "office" else {}),
        "prepares": person_of(request).role in PREPARES,
    }
    return render(request, f"desk/screen_{name}.html", context, status=422 if problems else 200)


def _present(now: Stored) -> dict[str, str]:
    """The office's fields as they stand, as a form has them."""
    office, rules = now.values.get("office", {}), now.values.get("rules", {})
    fields = {key: str(office.get(key, "")) for key in ("id", "timezone")}
    fields |= {f"name_{code}": text for code, text in office.get("name", {}).items()}
    fields["network"] = str(office.get("network", "mainnet"))
    fields["currency"] = str(rules.get("currency", "USD"))
    return fields


def _context(now: Stored, name: str) -> dict[str, Any]:
    identity = read_file(OFFICE_JSON)
    return {
        "screen": name,
        "steps": steps(now),
        "values": now.values,
        "seen": now.sha256,
        "rows": now.values.get(SECTIONS.get(name, ""), []),
        "entities": now.values.get("entity", []),
        "keys": now.values.get("key", []),
        "threshold": next((role["threshold"] for role in now.values.get("role", [])), 1),
        "networks": sorted(NETWORKS),
        "name_languages": LANGUAGES,
        "fingerprint": grouped(read_office(identity).fingerprint) if identity else "",
    }


def _saved(request: HttpRequest, name: str, given: dict[str, str]) -> list[str]:
    """Save what was given; else what is wrong. A secret is forgotten before the page is drawn."""
    form = {key: value for key, value in given.items() if key not in ("csrfmiddlewaretoken",)}
    by = person_of(request).username
    try:
        save(
            lambda values: changed(name, form, values), seen=form.get("seen", ""), by=by, what=name
        )
    except OfficeFileRefused as error:
        if any(problem.place.field == "(text)" for problem in error.problems):
            given.clear()
        return [f"{problem.place.field}: {problem.text}" for problem in error.problems]
    except DeviceDisagrees as error:
        return [str(error), *(str(finding) for finding in error.findings)]
    except SecretRefused as error:
        given.clear()
        return [str(error)]
    except KhazanaError as error:
        return [str(error)]
    return []


def office_file(request: HttpRequest) -> HttpResponse:
    """office.toml to take to the offline machine; that it was taken is an act."""
    raw = read_file(OFFICE_TOML)
    if raw is None:
        raise Http404
    record("office file taken", actor=person_of(request).username, subject=OFFICE_TOML)
    answer = HttpResponse(raw, content_type="application/octet-stream")
    answer.headers["Content-Disposition"] = f'attachment; filename="{OFFICE_TOML}"'
    return answer


def identity_in(request: HttpRequest) -> HttpResponse:
    """office.json as the offline machine signed it: of this office, with the keys named here."""
    now = stored()
    problems = []
    try:
        raw = uploaded(request, "identity", most=MOST_OFFICE_BYTES)
        problems = _identity_problems(raw, now)
        if not problems:
            save_identity(raw, by=person_of(request).username)
            return redirect("first-day-screen", "identity")
    except (KhazanaError, UploadRefused) as error:
        problems = [str(error)]
    context = {**_context(now, "identity"), "problems": problems, "given": {}, "prepares": True}
    return render(request, "desk/screen_identity.html", context, status=422)


def _identity_problems(raw: bytes, now: Stored) -> list[str]:
    identity, office = read_office(raw), now.office
    newest = identity.newest
    if office is None:
        return ["office.toml is missing"]
    keys = {key_id(bytes.fromhex(key.public_hex)) for key in office.keys}
    found = []
    if (newest.id, newest.network.genesis) != (office.id, office.network.genesis):
        found.append(f"it is of {newest.id} on {newest.network.name}")
    if set(newest.keys) != keys:
        found.append("its keys are not those of office.toml")
    if not newest.valid_from <= timezone.now() <= newest.valid_until:
        found.append("it is not valid now")
    present = read_file(OFFICE_JSON)
    if present is not None:
        try:
            # An older or forked file would bring keys back that were revoked since.
            require_no_rollback(read_office(present), identity)
        except OfficeConflict as error:
            found.append(str(error))
    return found
