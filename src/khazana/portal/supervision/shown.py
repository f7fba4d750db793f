"""Amounts of any asset, and shares, as the pages of providers show them."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from django.utils.translation import get_language, gettext

from khazana.portal.formatting.bidi import SafeText, ltr_html
from khazana.portal.formatting.numbers import decimal_text, percent_text
from khazana.portal.supervision.deriving import COVERAGE_WRONG
from khazana.portal.supervision.models import EpochRow
from khazana.supervision.solvency.page.build import page_words
from khazana.supervision.solvency.sampling import USUAL_OMISSIONS, USUAL_SURENESS, checks_needed

BITCOIN = "liabilities/BTC"


def units_html(amount: int, *, asset: str, scale: int) -> SafeText:
    """Smallest units of an asset with its decimals and its name."""
    return ltr_html(f"{decimal_text(amount, places=scale)} {asset}", css="amount")


def owed_of(epoch: EpochRow) -> int | None:
    """What customers are owed in bitcoin; None where the statement has no such tree."""
    return next((tree["sum"] for tree in epoch.trees if tree["name"] == BITCOIN), None)


@dataclass(frozen=True, kw_only=True)
class Line:
    """An asset with what is owed in it and what covers that, as a table shows it."""

    asset: str
    owed: SafeText | None
    debts: SafeText | None
    proved: SafeText | None
    attested: SafeText | None
    status: str


def lines_of(epoch: EpochRow) -> list[Line]:
    """Every asset that the provider offers; without a coverage statement, those with a tree."""
    assets = epoch.coverage or [
        {**tree, "owed": tree["sum"], "debts": None, "proved": 0, "attested": 0, "status": ""}
        for tree in epoch.trees
        if tree["kind"] == "liabilities"
    ]
    return [
        Line(
            asset=each["asset"],
            owed=_units_or_none(each["owed"], each),
            debts=_units_or_none(each["debts"], each),
            proved=_units_or_none(each["proved"], each),
            attested=_units_or_none(each["attested"], each),
            status=each["status"] or "not_covered",
        )
        for each in assets
    ]


def _units_or_none(amount: int | None, asset: dict[str, Any]) -> SafeText | None:
    return units_html(amount, asset=asset["asset"], scale=asset["scale"]) if amount else None


def covered_html(epoch: EpochRow) -> SafeText | None:
    """Coins as a share of bitcoin owed; None where one of them is not stated, or nothing owed."""
    owed = owed_of(epoch)
    if not owed or epoch.kept is None:
        return None
    return _percent(Fraction(epoch.kept, owed))


def rejected_text(reason: str) -> str:
    """Why a reader rejects the published files, in the reader's language; "" where nobody does."""
    if reason == COVERAGE_WRONG:
        return gettext("The coverage statement is not what it says: a check of it fails.")
    return page_words()["reason"][reason][_language()] if reason else ""


def standing_of(epoch: EpochRow) -> str:
    """What the portal's own check says of the coins: passed, failed, or open (nothing yet)."""
    if epoch.rejected:
        return "failed"
    report = epoch.report
    if report is None:
        return "open"
    if report.exit_status == 1:
        return "failed"
    wanted = ("coverage_snapshot", "coverage_coins", "coverage_borrowed")
    return "passed" if all(report.checks.get(name) == "passed" for name in wanted) else "open"


def omissions() -> list[tuple[SafeText, list[int]]]:
    """Shares of customers left out, and how many checks catch each with the usual sureness."""
    return [
        (
            _percent(omitted, places=2),
            [checks_needed(omitted=omitted, sureness=sureness) for sureness in USUAL_SURENESS],
        )
        for omitted in USUAL_OMISSIONS
    ]


def _percent(share: Fraction, *, places: int = 1) -> SafeText:
    return ltr_html(percent_text(share, language=_language(), places=places), css="amount")


def _language() -> str:
    return (get_language() or "en").partition("-")[0]
