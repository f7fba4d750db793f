"""What feeds show of an agreement's parties, as evidence for its commitments."""

from collections.abc import Iterable, Iterator, Sequence

from khazana.accord.agreement.model import Agreement
from khazana.accord.agreement.status import Finding, Shown
from khazana.accord.feed.view import FeedView, VerdictShown

VERDICT = "verdict"


def shown_by(agreement: Agreement, views: Sequence[FeedView]) -> tuple[Shown, ...]:
    """Entries of the parties' logs with what somebody else found of them.

    A verdict was held to its signer's key when the feed was read, and there is none on it: it
    counts as verified where it is on the log of another party. Every other entry counts as the
    newest verdict on it says that is not its publisher's own.
    """
    parties = {each.office: each.id for each in agreement.parties if each.office is not None}
    origins = {view.origin: view for view in views}
    said = _newest(views)
    return tuple(
        shown
        for view in views
        if (party := parties.get(view.office.fingerprint)) is not None
        for shown in _of(view, party, said, others=set(origins) - {view.origin})
    )


def _of(
    view: FeedView, party: str, said: dict[tuple[str, int, str], str], *, others: set[str]
) -> Iterator[Shown]:
    signed = {each.index for each in view.verdicts if each.log in others}
    for entry in view.entries:
        if entry.kind == VERDICT:
            finding = Finding.VERIFIED if entry.index in signed else None
        else:
            word = said.get((view.origin, entry.index, entry.leaf))
            finding = None if word is None else Finding(word)
        yield Shown(by=party, kind=entry.kind, index=entry.index, at=entry.issued, finding=finding)


def _newest(views: Iterable[FeedView]) -> dict[tuple[str, int, str], str]:
    """log, number and leaf of an entry -> the newest finding of anybody but the log's own office.

    One who contradicts is not outvoted by a later one who verifies: both stand, and the
    contradiction is what a reader has to see.
    """
    found: dict[tuple[str, int, str], VerdictShown] = {}
    for view in views:
        latest: dict[tuple[str, int, str], VerdictShown] = {}
        for each in view.verdicts:
            if each.log != view.origin:
                latest[each.log, each.on, each.entry] = each
        for key, each in latest.items():
            known = found.get(key)
            if known is None or known.finding != Finding.CONTRADICTED.value:
                found[key] = each
    return {key: each.finding for key, each in found.items()}
