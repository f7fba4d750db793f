"""The accord's tables: logs, their entries, and verdicts on them."""

from django.http import HttpRequest
from ninja import Schema

from khazana.portal.api.logs import (
    EntryFilter,
    VerdictFilter,
    entries_asked,
    log_item,
    logs_asked,
    verdict_item,
    verdicts_asked,
)
from khazana.portal.api.tables.contents import Content, Rows, names_of
from khazana.portal.api.tables.table import instant

MOST_AT_ONCE = 2000
MOST_CELL = 30_000
"""No sheet holds a longer text; the API has all of it."""


class Anything(Schema):
    """Nothing can be asked beside the table."""


def logs_rows(request: HttpRequest, asked: Anything, language: str) -> Rows:
    for log in map(log_item, logs_asked()):
        seen = [f"{each.witness} {each.entries} {instant(each.at)}" for each in log.cosigned]
        yield (
            log.office,
            names_of(log.name, language),
            log.own,
            log.entries,
            log.root,
            "; ".join(seen),
        )


def entries_rows(request: HttpRequest, asked: EntryFilter, language: str) -> Rows:
    for row in entries_asked(asked).iterator(MOST_AT_ONCE):
        issued = instant(row.issued)
        yield row.feed.fingerprint, row.index, issued, row.kind, row.root or None


def verdicts_rows(request: HttpRequest, asked: VerdictFilter, language: str) -> Rows:
    for each in map(verdict_item, verdicts_asked(asked).iterator(MOST_AT_ONCE)):
        failed = "; ".join(f"{one.check}: {one.text} ({one.where})" for one in each.failed)
        yield (
            each.by,
            each.by_entry,
            each.office,
            each.entry,
            each.finding,
            each.basis,
            each.reason,
            failed[:MOST_CELL],
            None if each.block is None else each.block.height,
            None if each.block is None else each.block.hash,
            instant(each.signed_at),
            each.statement,
        )


def _columns(text: str) -> tuple[str, ...]:
    return tuple(text.split())


LOGS: dict[str, Content] = {
    "logs": Content(
        Anything, _columns("office name own entries root cosigned"), logs_rows, several=True
    ),
    "log-entries": Content(
        EntryFilter, _columns("office entry issued kind statement_root"), entries_rows, several=True
    ),
    "verdicts": Content(
        VerdictFilter,
        _columns(
            "by by_entry office entry finding basis reason failed block_height block_hash "
            "signed_at statement_root"
        ),
        verdicts_rows,
        several=True,
    ),
}
