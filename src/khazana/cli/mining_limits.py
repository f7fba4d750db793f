"""What stands beside verdicts on mining: missing files, questions, and what shows nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from khazana.errors import KhazanaError
from khazana.mining.arrivals import MinedPosting
from khazana.mining.checks_metering import place
from khazana.mining.checks_paid import proved_j_per_th
from khazana.mining.evidence.metering import OUTAGES, Metering
from khazana.mining.expected import QUESTION_BELOW
from khazana.mining.month_body import MonthBody
from khazana.mining.parts import MiningBody


@dataclass(eq=False, kw_only=True)
class FilesNotGiven(KhazanaError):
    """A part names files that the reader was not given."""

    what: str
    missing: int
    months: int
    code = "mining_files_not_given"
    words = (
        "the {what} of {missing} of {months} months that name them were not given "
        "(--metering FOLDER)"
    )


def require_files(
    what: str, stated: Sequence[object], shown: Sequence[object], *, found: bool
) -> tuple[str, ...]:
    """Not checkable where months name files and none is here; a limit where some are not.

    found: whether the reader brought such a file at all.
    """
    missing = len(stated) - len(shown)
    if not shown and (missing or not found):
        raise FilesNotGiven(what=what, missing=max(1, missing), months=max(1, len(stated)))
    if not missing:
        return ()
    return (f"The {what} of {missing} of {len(stated)} months that name them were not given.",)


def implied_questions(found: Sequence[tuple[MiningBody, MonthBody]]) -> Iterator[str]:
    """Rule MI9 by receipts: more work than any machine makes of the energy is asked about."""
    for body, month in found:
        implied, best = proved_j_per_th(body, month), month.best_j_per_th
        if implied is not None and best is not None and implied < QUESTION_BELOW * Fraction(best):
            yield (
                f"Question: {place(body, month)}: its receipts take {float(implied):.2f} J/TH of "
                f"the energy; the best nameplate has {best}. Is energy not metered?"
            )


def of_no_site(bodies: Sequence[MiningBody], postings: Sequence[MinedPosting]) -> Iterator[str]:
    """What is booked as mined where no site's bitcoin arrives: no energy stands behind it."""
    own = {account for body in bodies for account in body.accounts}
    stray = [posting for posting in postings if posting.account not in own]
    if stray:
        accounts = ", ".join(sorted({posting.account for posting in stray}))
        yield (
            f"{sum(posting.amount for posting in stray)} sat are booked as mined in accounts of no "
            f"site ({accounts}): no energy is stated for them."
        )


def no_outages(bodies: Sequence[MiningBody], metering: Sequence[Metering]) -> Iterator[str]:
    """A company misspelt, or that publishes nothing, has no outages either."""
    known = {one.off.company for given in metering for one in given.outages or ()}
    if any(OUTAGES in given.files for given in metering):
        for company in sorted({body.company for body in bodies if body.company} - known):
            yield f"The tables name no outage of {company}: 0 hours there say nothing."
