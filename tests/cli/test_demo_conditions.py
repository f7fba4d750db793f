"""The lender's example conditions in the demo: all verdicts appear, the wrong only at the drill."""

from collections import Counter

import pytest

from khazana.cli.demo import pakistan
from khazana.cli.main import main
from khazana.conditions.accumulation import Accumulation, Origin
from khazana.conditions.evaluate import evaluate
from khazana.conditions.lint import lint
from khazana.conditions.memorandum_file import load_memorandum
from khazana.conditions.parts import conditions_of
from khazana.conditions.statistics import Figures
from khazana.conditions.verdicts import Inputs, Verdict
from khazana.statement.checks import TEST_NOTICE
from khazana.units import SATS_PER_BTC
from tests.cli.played import STATES, TIMELINE

LAST = TIMELINE.periods
OFFICES = (*STATES, "drill-office")


def all_tests(played):
    return [
        (office, test)
        for office in OFFICES
        for listed in played.listed(office)
        for body in conditions_of(played.statement(f"{office}/{listed['statement']}"))
        for test in body.accumulation
    ]


def test_all_four_verdicts_stand_in_published_statements(played):
    assert {test.verdict for _, test in all_tests(played)} == set(Accumulation)
    for verdict in Accumulation:
        assert f"  {verdict.value} (" in played.output


def test_only_the_fictional_office_is_contradicted_and_a_transaction_says_why(played):
    wrong = [(o, t) for o, t in all_tests(played) if t.verdict is Accumulation.CONTRADICTED]
    assert [office for office, _ in wrong] == ["drill-office"]
    test = wrong[0][1]
    assert [a.amount for a in test.transactions] == [5 * SATS_PER_BTC] * 2
    assert all(a.origin is Origin.OUTSIDE for a in test.transactions)
    assert test.transactions[0].txid in played.output or test.transactions[1].txid in played.output


def test_no_state_breaches_anything(played):
    for state in STATES:
        for listed in played.listed(state):
            for body in conditions_of(played.statement(f"{state}/{listed['statement']}")):
                verdicts = Counter(one.verdict for one in body.evaluated)
                assert verdicts[Verdict.BREACHED] == 0
                assert verdicts[Verdict.MET] > 0


def test_the_drill_breaches_what_it_promised(played):
    (body,) = conditions_of(played.statement("drill-office/statement.json"))
    assert Verdict.BREACHED in {one.verdict for one in body.evaluated}


def test_the_quarter_of_the_rise_is_shown(played):
    test = played.verdicts("el-salvador", LAST)
    assert test.verdict is Accumulation.SHOWN
    assert test.after.height < TIMELINE.within(LAST, 60) < test.until.height
    known = sum(a.amount for a in test.arrivals if a.origin is Origin.KNOWN)
    assert known >= 109 * SATS_PER_BTC  # the sealed wallet's coins among them
    assert test.late == ()


def test_a_wallet_declared_late_with_a_paper_is_asserted_only(played):
    test = played.verdicts("pakistan", LAST)
    assert test.verdict is Accumulation.ASSERTED
    (late,) = test.late
    assert (late.wallet, late.entity) == ("customs-evidence", "customs")
    assert late.declared.height == TIMELINE.within(LAST, 10)
    paper = played.directory / "pakistan" / "documents" / f"{late.document}.txt"
    assert TEST_NOTICE in paper.read_text("utf-8")
    assert 0 < pakistan.IN_LATE_WALLET - late.paid < 1_000  # all of it but the fee
    for period in range(2, LAST):
        assert played.verdicts("pakistan", period).verdict is Accumulation.SHOWN


def test_a_quarter_whose_letter_came_late_is_not_assessable_and_the_next_one_is(played):
    test = played.verdicts("el-salvador", LAST - 1)
    assert test.verdict is Accumulation.NOT_ASSESSABLE
    assert f"not attested at block {TIMELINE.close(LAST - 1)}" in test.why
    after = played.verdicts("el-salvador", LAST)
    assert after.liabilities_before is not None
    (body,) = played.conditions("el-salvador", LAST)
    late = next(o for o in body.liabilities if o.block.height == TIMELINE.close(LAST - 1))
    assert late.entered > TIMELINE.instant(TIMELINE.signing(LAST - 1))


def test_statements_before_the_arrangement_carry_no_verdicts(played):
    for period in range(1, LAST + 1):
        wanted = 1 if period > TIMELINE.approved else 0
        assert len(played.conditions("el-salvador", period)) == wanted
        assert len(played.conditions("pakistan", period)) == (1 if period > 1 else 0)


def test_pakistans_ceiling_leaves_some_room_and_says_how_much(played):
    (body,) = played.conditions("pakistan", LAST)
    last = [one for one in body.evaluated if one.condition == "purchase-ceiling"][-1]
    assert last.verdict is Verdict.MET
    assert last.headroom is not None
    assert 0 < last.headroom < 5


@pytest.mark.parametrize("office", OFFICES)
def test_memoranda_are_examples_pass_the_lint_and_are_named_in_four_languages(
    played, office, capsys
):
    folder = played.directory / office
    paths = [*sorted((folder / "memoranda").iterdir()), folder / "memorandum.toml"]
    for path in paths:
        memorandum = load_memorandum(path)
        assert lint(memorandum) == ()
        assert memorandum.notice == TEST_NOTICE
        assert "example" in memorandum.id
        for named in (memorandum, *memorandum.perimeters, *memorandum.conditions):
            assert set(named.name) == {"en", "ur", "ar", "es"}
    assert main(["conditions", "lint", str(paths[-1])]) == 0
    assert "0 errors" in capsys.readouterr().out


def test_what_stands_in_a_statement_is_what_the_rules_give(played):
    (body,) = played.conditions("pakistan", LAST)
    floor = [one for one in body.evaluated if one.condition == "net-reserves"]
    again = evaluate(
        body.memorandum,
        Inputs(
            figures=Figures(tuple(body.statistics), tuple(body.liabilities)),
            closings={},
            today=body.today,
        ),
    )
    assert floor == [one for one in again if one.condition == "net-reserves"]
    assert {one.verdict for one in floor[:-1]} == {Verdict.MET}
    assert (floor[-1].verdict, "lies ahead" in floor[-1].why) == (Verdict.NOT_ASSESSABLE, True)
    assert all(one.target is not None and one.target < 0 for one in floor)
