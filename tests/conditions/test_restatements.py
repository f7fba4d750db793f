"""A late document changes today's figure and stands beside the certified one."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from khazana.conditions.evaluate import evaluate
from khazana.conditions.restatements import as_certified, restatements
from khazana.conditions.statistics import Figures
from khazana.conditions.verdicts import Inputs, Verdict
from khazana.ledger.documents import Reason
from tests.conditions.memoranda import memorandum
from tests.conditions.test_evaluate import BASE, FINANCED, GROSS, JUNE, LATER, figure
from tests.conditions.worlds import books, inputs, public_world
from tests.reserve.simulator import BTC, script

JULY = datetime(2026, 7, 5, tzinfo=UTC)
AUGUST = datetime(2026, 8, 1, tzinfo=UTC)
FIRST = figure("net_international_reserves", JUNE, "-12000")
CORRECTED = figure("net_international_reserves", JUNE, "-12300", entered=AUGUST)


def test_the_newest_figure_counts_today_and_the_one_known_then_counted_then():
    now = Inputs(figures=Figures((FIRST, CORRECTED, FINANCED)), closings={}, today=LATER)
    read = memorandum()
    then = {(e.condition, e.day): e for e in as_certified(read, now, JULY)}
    today = {(e.condition, e.day): e for e in evaluate(read, now)}
    assert then["net-reserves", JUNE].verdict is Verdict.MET
    assert today["net-reserves", JUNE].verdict is Verdict.BREACHED


def test_a_corrected_statistic_stands_beside_the_certified_verdict():
    read = memorandum()
    now = Inputs(figures=Figures((FIRST, CORRECTED, FINANCED)), closings={}, today=LATER)
    before = replace(now, figures=now.figures.known_at(JULY), today=JULY.date())
    certified = evaluate(read, before)
    found = restatements(read, certified=certified, certified_at=JULY, before=before, now=now)
    (one,) = [
        r
        for r in found
        if r.certified and r.certified.condition == "net-reserves" and r.certified.day == JUNE
    ]
    assert one.certified is not None
    assert one.today is not None
    assert (one.certified.measured, one.today.measured) == (-12000, -12300)
    assert one.verdict_changed
    assert one.certified_at == JULY
    assert [(n.what, n.entered) for n in one.news] == [("statistic", AUGUST)]
    assert "-12,300 USD m" in one.news[0].text


def test_without_news_nothing_is_restated():
    read = memorandum()
    now = Inputs(figures=Figures((FIRST, FINANCED)), closings={}, today=LATER)
    certified = evaluate(read, now)
    assert restatements(read, certified=certified, certified_at=JULY, before=now, now=now) == ()


def test_a_late_document_changes_todays_acquisitions():
    """Certified as not assessable; the invoice that came later shows a purchase."""
    read = memorandum(GROSS)
    world = public_world()
    start = world.mine()
    bought = world.fund(script("fund"), 3 * BTC)
    end = world.mine()
    before = inputs(world, start, end, closings={BASE: start}, today=JULY.date())
    certified = evaluate(read, before)
    world.document("invoice", Reason.ACQUISITION, "fund", 3 * BTC, bought)
    now = replace(before, books=books(world, start, end), today=LATER)
    found = restatements(read, certified=certified, certified_at=JULY, before=before, now=now)
    (one,) = [r for r in found if r.certified and r.certified.block == end]
    assert one.certified is not None
    assert one.today is not None
    assert one.certified.verdict is Verdict.NOT_ASSESSABLE
    assert one.today.verdict is Verdict.BREACHED
    assert one.today.measured == Decimal(3)
    assert one.verdict_changed
    assert ("document", "invoice") in [(n.what, n.name) for n in one.news]
