"""Writing an act down: in the same transaction as what it tells of, behind the newest act."""

import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection, transaction

from khazana.portal.audit.models import ActRow
from khazana.statement.acts import EMPTY, Act, Head, chained, write_acts

_LOCK = 0x6B68617A_61637473
"""PostgreSQL's advisory lock of the chain: "khazacts". SQLite has one writer at a time."""
_MOST = {"actor": 64, "action": 64, "subject": 256}
_MOST_DETAIL = 1000
AT_A_TIME = 2000


def record(
    action: str, *, actor: str, subject: str = "", detail: dict[str, str] | None = None
) -> Act:
    """Append one act. Where the transaction around it fails, neither it nor its cause happened."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        head = newest_head()
        act = Act(
            number=head.number + 1,
            at=datetime.now(UTC).replace(microsecond=0),
            actor=_plain(actor, _MOST["actor"]),
            action=_plain(action, _MOST["action"]),
            subject=_plain(subject, _MOST["subject"]),
            detail={key: _plain(value, _MOST_DETAIL) for key, value in (detail or {}).items()},
            previous=head.digest,
        )
        ActRow(
            number=act.number,
            at=act.at,
            actor=act.actor,
            action=act.action,
            subject=act.subject,
            detail=dict(act.detail),
            previous=act.previous,
            digest=act.digest,
        ).save()
    return act


def newest_head() -> Head:
    """How far the log goes."""
    newest = ActRow.objects.order_by("-number").values_list("number", "digest").first()
    return EMPTY if newest is None else Head(*newest)


def verified() -> Head:
    """Follow the chain through the database; ActsRefused names the first act that is wrong."""
    return chained((row.value(), row.digest) for row in each_row())


def each_row(until: int | None = None) -> Iterator[ActRow]:
    """The acts in order, up to one number, some at a time.

    Not by a cursor of the server: where the chain is broken nobody reads it to its end, and one
    that Python then closes in the middle of another query waits for itself for ever.
    """
    last = 0
    while True:
        rows = ActRow.objects.filter(number__gt=last).order_by("number")
        some = list((rows if until is None else rows.filter(number__lte=until))[:AT_A_TIME])
        yield from some
        if len(some) < AT_A_TIME:
            return
        last = some[-1].number


def exported(until: int | None = None) -> Iterator[bytes]:
    """The log as the lines of its file."""
    yield from write_acts(row.value() for row in each_row(until))


def export_to(path: Path) -> Head:
    """Write the whole log into a file, which appears complete or not at all."""
    head = verified()
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.writelines(exported(head.number))
    part.replace(path)
    return head


def _plain(text: str, most: int) -> str:
    """As canonical JSON takes it: NFC, nothing unprintable, no longer than the column."""
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
    # Surrogates are no text, and NFC can make a string longer.
    clean = shown.encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFC", clean)[:most]
