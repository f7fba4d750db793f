"""The Atom feed (RFC 4287): statements as they are published, and as later ones replace them."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree import ElementTree

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from khazana.portal.api.figures import base_of, notice_of
from khazana.portal.formatting.dates import date_text
from khazana.portal.formatting.languages import LANGUAGES
from khazana.portal.project.frame import in_language
from khazana.portal.statement.models import OfficeRow, StatementRow

ATOM = "http://www.w3.org/2005/Atom"
MOST_ENTRIES = 100
NOTHING_YET = datetime(2009, 1, 3, 18, 15, 5, tzinfo=UTC)
"""When a feed without entries says it was updated: the time in Bitcoin's first block."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML document may hold, not even escaped."""


@dataclass(frozen=True)
class Event:
    """Something that happened to a statement. by: what replaced it, if that is what happened."""

    statement: StatementRow
    by: StatementRow | None

    @property
    def at(self) -> datetime:
        """When it was signed; where nobody signed, the end of its period."""
        row = self.by or self.statement
        return row.signed_at or row.until_mtp


def events() -> list[Event]:
    """Of every office here, the newest first."""
    rows = {
        row.root: row
        for row in StatementRow.objects.select_related("office").defer("raw", "book", "exclusions")
    }
    found = [Event(row, None) for row in rows.values()]
    found += [
        Event(rows[row.supersedes], row)
        for row in rows.values()
        if row.supersedes in rows and rows[row.supersedes].office_id == row.office_id
    ]
    found.sort(key=_order)
    return found[::-1][:MOST_ENTRIES]


def _order(event: Event) -> tuple[datetime, int, str, bool]:
    """Of events at one moment the one about later blocks is the newer."""
    row = event.statement
    return (event.at, row.until_height, row.root, event.by is not None)


@require_safe
def feed(request: HttpRequest, language: str = "en") -> HttpResponse:
    """The feed in a language; without one in English."""
    if language not in LANGUAGES:
        raise Http404
    with translation.override(language):
        raw = atom(base_of(request), request.path, language)
    answer = HttpResponse(raw, content_type="application/atom+xml; charset=utf-8")
    answer.headers["Content-Language"] = language
    return answer


def atom(base: str, path: str, language: str) -> bytes:
    """The feed's XML; the language must be the active one."""
    ElementTree.register_namespace("", ATOM)
    found, office = events(), OfficeRow.objects.filter(own=True).first()
    name = "Khazana" if office is None else in_language(office.name, language)
    root = ElementTree.Element(f"{{{ATOM}}}feed", {"xml:lang": language})
    oldest = StatementRow.objects.order_by("until_mtp", "pk").values_list("until_mtp", flat=True)
    since = oldest.first() or NOTHING_YET
    _text(root, "id", _tag(since, f"{language}/feed"))
    _text(root, "title", _("Statements of %(office)s") % {"office": name})
    notice = _notice(office)
    if notice:
        _text(root, "subtitle", notice)
    _text(root, "updated", _instant(found[0].at if found else NOTHING_YET))
    _text(ElementTree.SubElement(root, f"{{{ATOM}}}author"), "name", name)
    _link(root, base + path, rel="self", type="application/atom+xml")
    _link(root, base + reverse("statements"), rel="alternate", type="text/html")
    for event in found:
        root.append(_entry(base, event, language))
    raw: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return raw


def _entry(base: str, event: Event, language: str) -> ElementTree.Element:
    row, by = event.statement, event.by
    entry = ElementTree.Element(f"{{{ATOM}}}entry")
    name = in_language(row.office.name, language)
    day = date_text(row.until_mtp.date(), language=language)
    said = {"office": name, "day": day}
    if by is None:
        title = _("Reserve statement of %(office)s up to %(day)s") % said
        ident = _tag(row.until_mtp, f"{language}/statement/{row.root}")
    else:
        title = _("Replaced: the reserve statement of %(office)s up to %(day)s") % said
        ident = _tag(row.until_mtp, f"{language}/replaced/{row.root}/{by.root}")
    shown = by or row
    lines = [_notice(row.office), _("Root: %(root)s") % {"root": row.root}]
    if by is not None:
        lines.append(_("Replaced by: %(root)s") % {"root": by.root})
    block = {"height": row.until_height, "hash": row.until_hash}
    lines.append(_("Closing block: %(height)s %(hash)s") % block)
    _text(entry, "id", ident)
    _text(entry, "title", title)
    _text(entry, "updated", _instant(event.at))
    _text(entry, "published", _instant(event.at))
    _text(ElementTree.SubElement(entry, f"{{{ATOM}}}author"), "name", name)
    _text(entry, "summary", "\n".join(line for line in lines if line))
    _link(entry, base + reverse("statement", args=[shown.root]), rel="alternate", type="text/html")
    file = base + reverse("statement-file", args=[shown.root])
    _link(entry, file, rel="enclosure", type="application/json")
    return entry


def _notice(office: OfficeRow | None) -> str:
    """The notice in the reader's language; what an office adds stays in its own words."""
    if office is None:
        return ""
    if office.test:
        own = office.notice if office.notice not in ("", notice_of(office)) else ""
        said = _("test network, invented figures")
        return f"{said}; {own}" if own else said
    return office.notice


def _tag(since: datetime, what: str) -> str:
    """A name that stays when the address changes (RFC 4151)."""
    return f"tag:{settings.AUTHORITY},{since:%Y-%m-%d}:{what}"


def _instant(at: datetime) -> str:
    """As RFC 3339 writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, f"{{{ATOM}}}{name}").text = _NOT_XML.sub("", text)


def _link(parent: ElementTree.Element, href: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, f"{{{ATOM}}}link", {"href": href, **attributes})
