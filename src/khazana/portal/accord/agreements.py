"""Signed agreements in the feeds that a portal has: their rows, and where each promise stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from khazana.accord.agreement.evidence import shown_by
from khazana.accord.agreement.model import Agreement, Party
from khazana.accord.agreement.published import Published, published_in
from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.signed import minutes_digest
from khazana.accord.agreement.status import Finding, Shown, Standing, standings
from khazana.accord.feed.view import FeedView
from khazana.portal.accord.models import AgreementRow, LogEntryRow
from khazana.portal.statement.models import OfficeRow
from khazana.statement.log.files import LogFolder
from khazana.statement.times import read_instant, write_instant


def derive_agreements(
    office: OfficeRow,
    views: Mapping[str, FeedView],
    stored: Mapping[str, LogFolder],
    *,
    now: datetime,
) -> None:
    """Make the rows of every agreement in these feeds again, each version once."""
    AgreementRow.objects.filter(office=office).delete()
    found: dict[str, list[Published]] = {}
    for folder, view in views.items():
        for each in published_in(stored[folder], view.log, view.office, now=now):
            found.setdefault(each.signed.agreement.digest, []).append(each)
    AgreementRow.objects.bulk_create(
        _row(office, published, tuple(views.values())) for published in found.values()
    )


def _row(
    office: OfficeRow, published: list[Published], views: tuple[FeedView, ...]
) -> AgreementRow:
    first = published[0].signed
    minutes = {minutes_digest(text): text for each in published for text in each.signed.minutes}
    return AgreementRow(
        office=office,
        ident=first.agreement.id,
        version=first.agreement.version,
        digest=first.agreement.digest,
        text=first.text,
        minutes=minutes,
        signed=[
            {
                "party": each.by.party,
                "at": write_instant(each.by.at),
                "keys": len(each.by.keys),
                "entry": each.index,
            }
            for each in published
        ],
        shown=[
            {
                "by": each.by,
                "kind": each.kind,
                "index": each.index,
                "at": write_instant(each.at),
                "finding": None if each.finding is None else each.finding.value,
            }
            for each in shown_by(first.agreement, views)
        ],
    )


def agreement_of(row: AgreementRow) -> Agreement:
    """The text of a row, as the room reads it."""
    return read_agreement(f"{row.ident}.toml", row.text.encode())


@dataclass(frozen=True)
class Signature:
    """A party with its signature in the log; None where none is there."""

    party: Party
    signed: dict[str, object] | None
    at: datetime | None


def signatures(agreement: Agreement, row: AgreementRow) -> list[Signature]:
    """Every party, signed or not."""
    by = {each["party"]: each for each in row.signed}
    return [
        Signature(
            party=party,
            signed=by.get(party.id),
            at=read_instant(by[party.id]["at"]) if party.id in by else None,
        )
        for party in agreement.parties
    ]


@dataclass(frozen=True)
class Kept:
    """A promise with its status and the entries it rests on, each with its statement's root."""

    standing: Standing
    owner: Party
    evidence: tuple[tuple[Shown, str], ...]


def kept(agreement: Agreement, row: AgreementRow, *, now: datetime) -> Iterator[Kept]:
    """Where each promise stands now, by the entries as they were when the feeds came in."""
    shown = [
        Shown(
            by=each["by"],
            kind=each["kind"],
            index=each["index"],
            at=read_instant(each["at"]),
            finding=None if each["finding"] is None else Finding(each["finding"]),
        )
        for each in row.shown
    ]
    roots = _roots(agreement, row)
    for standing in standings(agreement, shown, now=now):
        yield Kept(
            standing=standing,
            owner=agreement.party(standing.commitment.owner),
            evidence=tuple(
                (each, roots.get((each.by, each.index), "")) for each in standing.rests_on
            ),
        )


def _roots(agreement: Agreement, row: AgreementRow) -> dict[tuple[str, int], str]:
    """Party and entry -> the statement that the entry is about, if it is about one."""
    parties = {each.office: each.id for each in agreement.parties if each.office is not None}
    entries = LogEntryRow.objects.filter(
        feed__office=row.office, feed__fingerprint__in=list(parties)
    ).exclude(root="")
    return {
        (parties[fingerprint], index): root
        for fingerprint, index, root in entries.values_list("feed__fingerprint", "index", "root")
    }
