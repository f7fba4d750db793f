from datetime import date
from decimal import Decimal

import pytest

from khazana.conditions.memorandum import Direction, Kind, Mark, Sign, Trigger
from khazana.conditions.memorandum_file import load_memorandum, read_memorandum
from khazana.conditions.problems import MemorandumRefused
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import Reason
from tests.conditions.memoranda import RIGHT, changed, memorandum


def problems_of(text: str) -> list[str]:
    with pytest.raises(MemorandumRefused) as refused:
        read_memorandum("drill.toml", text.encode())
    return [str(problem) for problem in refused.value.problems]


def test_every_field_of_a_condition_is_read():
    condition = memorandum().condition("net-reserves")
    assert condition.kind is Kind.PERIODIC
    assert condition.kind.needs_waiver
    assert (condition.sign, condition.direction) == (Sign.NEGATIVE, Direction.FLOOR)
    assert not condition.continuous
    assert [t.value for t in condition.targets] == [Decimal(-12150), Decimal("-8650.5")]
    assert condition.target_at(date(2026, 6, 30)) == condition.targets[0]
    assert condition.target_at(date(2026, 6, 29)) is None
    assert condition.source.page == "6-7"
    assert condition.source.mark is Mark.STATED
    (adjuster,) = condition.adjusters
    assert adjuster.trigger is Trigger.SHORTFALL
    assert adjuster.cap == 500
    assert adjuster.baseline_at(date(2026, 12, 31)) == 3000
    assert adjuster.baseline_at(date(2027, 12, 31)) is None


def test_how_coins_are_counted_is_read():
    condition = memorandum().condition("no-accumulation")
    assert condition.continuous
    assert condition.ledger is not None
    assert condition.ledger.counts == (Reason.ACQUISITION, Reason.MINED)
    assert condition.ledger.excluded_reasons == (Reason.SEIZURE, Reason.DUST)
    assert condition.ledger.excluded_lanes == (Lane.SEIZED,)
    assert condition.ledger.net_of_clients
    assert condition.target_at(date(2026, 5, 5)) == condition.targets[0]
    assert condition.target_at(date(2025, 12, 31)) is None


def test_rates_references_effects_and_perimeters_are_read():
    read = memorandum()
    assert [(r.currency, r.per_usd) for r in read.rates] == [("PKR", 280)]
    assert [(r.value, r.unit) for r in read.references] == [(11710, "USD m")]
    assert [(e.paid_from, e.factor) for e in read.effects] == [("central_bank", -1)]
    found = read.perimeter("central-bank")
    assert found is not None
    assert found.office == "central-bank"
    assert read.perimeter("nobody") is None
    assert read.perimeter(None) is None


def test_a_perimeter_may_stand_for_one_that_the_office_calls_otherwise():
    read = memorandum(('id = "public-sector"', 'id = "public-sector"\noffice_perimeter = "state"'))
    found = read.perimeter("public-sector")
    assert found is not None
    assert found.office == "state"


def test_a_condition_of_another_name_is_a_key_error():
    with pytest.raises(KeyError):
        memorandum().condition("nothing")


WRONG = [
    (('value = "-12150"', "value = -12150.5"), "decimal in quotes"),
    (('value = "-12150"', 'value = "-12,150"'), "is not a decimal number"),
    (('value = "-12150"', 'value = "1e5"'), "is not a decimal number"),
    (('value = "-12150"', "value = true"), "decimal in quotes"),
    (('value = "-12150"', 'value = "' + "9" * 31 + '"'), "more than 30 digits"),
    (('value = "-12150"\n', ""), "needs either value, or open"),
    (('value = "-12150"', 'value = "-12150"\nopen = "why"'), "needs either value, or open"),
    (('date = 2026-06-30\nvalue = "-12150"', "value = 5"), "needs either date"),
    (
        ("date = 2026-06-30\nvalue = 1\n", "date = 2026-06-30\nsince = 2026-06-30\nvalue = 1\n"),
        "needs either date",
    ),
    (("date = 2026-06-30", "date = 2026-06-30T00:00:00Z"), "should be a day such as"),
    (("date = 2026-06-30", 'date = "2026-06-30"'), "should be a day such as"),
    (("cap = 500", "cap = -500"), "zero or more"),
    (("cap = 500", "capp = 500"), 'did you mean "cap"?'),
    (("factor = 1\n", "factor = 0\n"), "adjust nothing"),
    (("factor = 1\n", ""), "is missing"),
    (('kind = "reporting_duty"', 'kind = "duty"'), "is no choice here"),
    (('direction = "ceiling"', 'direction = "celing"'), 'did you mean "ceiling"?'),
    (('sign = "zero"', "sign = 0"), "should be text in quotes"),
    (('id = "report"', 'id = "net-reserves"'), "stands in line"),
    (('id = "central-bank"', 'id = "public-sector"'), "stands in line"),
    (('counts = ["acquisition", "mined"]', 'counts = ["disposal"]'), "brings nothing in"),
    (('counts = ["acquisition", "mined"]', 'counts = ["bought"]'), "is no choice here"),
    (('["seizure", "dust"]', '["seizure", "seizure"]'), "stands here twice"),
    (('["seizure", "dust"]', '["mined"]'), "both counted and excluded"),
    (("net_of_clients = true\n", ""), "is missing"),
    (('currency = "PKR"', 'currency = "USD"'), "no other currency"),
    (('per_usd = "280"', "per_usd = 0"), "more than zero"),
    (('mark = "I"', 'mark = "X"'), "is no choice here"),
    (("page = 4", "pge = 4"), 'did you mean "page"?'),
    (("[memorandum]", "[memorandom]"), 'did you mean "memorandum"?'),
    (
        ("approved = 2026-01-01", "approved = 2026-01-01\nends = 2026-01-01"),
        "before it is approved",
    ),
    (('format = "khazana.memorandum/1"', 'format = "khazana.memorandum/2"'), "this program reads"),
    (('reason = "acquisition"', 'reason = "transfer"'), "no order is made"),
    (
        (
            'unit = "USD m"\nsource = { document = "drill paper", page = 5',
            'unit = "USD mio"\nsource = { document = "drill paper", page = 5',
        ),
        "is no unit",
    ),
    (
        (
            'kind = "continuous_performance_criterion"',
            'kind = "continuous_performance_criterion"\ncontinuous = false',
        ),
        "contradicts kind",
    ),
    (("reporting_lag_days = 10", "reporting_lag_days = -1"), "is not between"),
]


@pytest.mark.parametrize(("change", "said"), WRONG, ids=lambda v: v if isinstance(v, str) else "")
def test_what_is_wrong_is_named_with_its_line(change, said):
    found = problems_of(changed(change))
    assert any(said in problem for problem in found), found
    assert all("drill.toml, line " in problem for problem in found)


def test_all_problems_are_listed_at_once_with_their_lines():
    text = changed(('value = "-12150"', "value = 1.5"), ('id = "report"', 'id = "a report"'))
    lines = text.splitlines()
    wrong = 'id = "a report"'
    found = problems_of(text)
    assert len(found) == 2
    assert f"line {lines.index('value = 1.5') + 1}, condition[1].target[1].value" in found[0]
    assert f"line {lines.index(wrong) + 1}, condition[4].id" in found[1]


def test_a_known_quantity_cannot_be_defined_again():
    more = '[[quantity]]\nid = "tax_revenue"\nname = { en = "x" }\ndimension = "money"\n\n[[rate]]'
    assert "known quantity already" in problems_of(changed(("[[rate]]", more)))[0]


def test_two_references_for_one_day_are_refused():
    start = RIGHT.index("[[reference]]")
    twice = RIGHT[start : RIGHT.index("[[effect]]")]
    assert (
        "has a figure for that day" in problems_of(changed(("[[effect]]", twice + "[[effect]]")))[0]
    )


def test_what_is_not_toml_is_refused_with_its_line():
    (problem,) = problems_of(changed(("[memorandum]", "[memorandum")))
    assert problem.startswith("drill.toml, line 3, (text): is not TOML")


def test_a_file_that_is_empty_is_refused_and_says_what_is_missing():
    found = " ".join(problems_of(""))
    assert "format: is missing" in found
    assert "[[condition]]" in found


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MemorandumRefused, match="there is no such file"):
        load_memorandum(tmp_path / "none.toml")


def test_a_file_is_read_from_the_disk(tmp_path):
    path = tmp_path / "drill.toml"
    path.write_text(RIGHT)
    assert load_memorandum(path) == memorandum()


def test_a_target_whose_day_is_not_known_is_open():
    read = memorandum(("date = 2026-06-30\nvalue = 1\n", 'open = "day not found"\n'))
    condition = read.condition("report")
    assert condition.dated == ()
    with pytest.raises(ValueError, match="no day"):
        _ = condition.targets[0].begins
