import pytest

from khazana.conditions.lint import errors_of, lint
from khazana.conditions.memorandum import Memorandum
from khazana.conditions.shipped import SHIPPED_MEMORANDA, shipped_bytes, shipped_memorandum
from tests.conditions.memoranda import RIGHT, memorandum


def said(read: Memorandum) -> list[tuple[str, bool]]:
    return [(finding.rule, finding.error) for finding in lint(read)]


def test_a_memorandum_that_is_right_passes():
    assert lint(memorandum()) == ()


TWIN = (
    '[[condition]]\nid = "report"',
    """[[condition]]
id = "net-reserves-again"
name = { en = "The same" }
kind = "indicative_target"
quantity = "net_international_reserves"
perimeter = "central-bank"
unit = "USD m"
sign = "negative"
direction = "floor"
source = { document = "drill paper", page = 6, mark = "S" }

[[condition.target]]
date = 2026-12-31
value = -9000

[[condition]]
id = "report\"""",
)
NEGATIVE = ('sign = "negative"', 'sign = "positive"')
TRIPS = {
    "a floor above gross reserves": (
        "K1",
        True,
        [NEGATIVE, ('"-12150"', '"12150"'), ('"-8650.5"', '"8650"')],
    ),
    "a number without its sign": ("K2", True, [('"-8650.5"', '"8650.5"')]),
    "a sign that is zero": (
        "K2",
        True,
        [("since = 2026-01-01\nvalue = 0", "since = 2026-01-01\nvalue = 5")],
    ),
    "bitcoin in dollars": ("K3", True, [('unit = "BTC"', 'unit = "USD m"')]),
    "a unit nobody knows": ("K3", True, [('unit = "BTC"', 'unit = "bitcoin"')]),
    "an adjuster in bitcoin": ("K3", True, [('unit = "USD m"\ntrigger', 'unit = "BTC"\ntrigger')]),
    "a part of a satoshi": (
        "K3",
        True,
        [('sign = "zero"', 'sign = "either"'), ("value = 0\n", 'value = "0.000000001"\n')],
    ),
    "a step done twice": ("K3", True, [("value = 1\n", "value = 2\n")]),
    "a reference in bitcoin": ("K3", True, [('11710\nunit = "USD m"', '11710\nunit = "BTC"')]),
    "one day with two targets": (
        "K4",
        True,
        [("2026-12-31\nvalue = 235", "2026-06-30\nvalue = 235")],
    ),
    "two conditions that test the same": ("K4", True, [TWIN]),
    "no source": (
        "K5",
        True,
        [('source = { document = "drill paper", page = 10, mark = "S" }\n', "")],
    ),
    "no page": ("K5", True, [(', page = 10, mark = "S"', ', mark = "S"')]),
    "no document": ("K5", True, [('document = "drill paper", page = 10,', "page = 10,")]),
    "no mark": ("K5", True, [('page = 10, mark = "S"', "page = 10")]),
    "a target's own source without page": (
        "K5",
        True,
        [("value = 235", 'value = 235\nsource = { document = "x", mark = "S" }')],
    ),
    "a rate without source": (
        "K5",
        True,
        [('source = { document = "drill paper", page = 4, mark = "S" }\n', "")],
    ),
    "a perimeter nobody defined": (
        "K6",
        True,
        [('perimeter = "central-bank"', 'perimeter = "central"')],
    ),
    "no perimeter": ("K6", True, [('perimeter = "central-bank"\n', "")]),
    "a quantity nobody knows": ("K7", True, [('"social_transfers"', '"social_transfer"')]),
    "an adjuster of a quantity nobody knows": ("K7", True, [('"external_financing"', '"finance"')]),
    "an effect on a quantity nobody knows": (
        "K7",
        True,
        [('quantity = "net_international_reserves"\nfactor', 'quantity = "nir"\nfactor')],
    ),
    "a criterion at a date that is continuous": (
        "K8",
        True,
        [("since = 2026-01-01\nvalue = 0", "date = 2026-06-30\nvalue = 0")],
    ),
    "a date where it should be since": (
        "K8",
        True,
        [("date = 2026-12-31\nvalue = 235", "since = 2026-12-31\nvalue = 235")],
    ),
    "no target": ("K8", True, [("[[condition.target]]\ndate = 2026-06-30\nvalue = 1\n", "")]),
    "a duty that is continuous": (
        "K8",
        True,
        [
            ('kind = "reporting_duty"', 'kind = "reporting_duty"\ncontinuous = true'),
            ("date = 2026-06-30\nvalue = 1\n", "since = 2026-06-30\nvalue = 1\n"),
        ],
    ),
    "coins counted nobody says how": (
        "K9",
        True,
        [
            (
                '[condition.ledger]\ncounts = ["acquisition", "mined"]\n'
                'excluded_reasons = ["seizure", "dust"]\nexcluded_lanes = ["seized"]\n'
                "net_of_clients = true\n",
                "",
            )
        ],
    ),
    "acquisitions that count nothing": (
        "K9",
        True,
        [
            ('"bitcoin_accumulation"', '"bitcoin_acquisitions"'),
            ('counts = ["acquisition", "mined"]', "counts = []"),
        ],
    ),
    "accumulation without a base": (
        "K9",
        True,
        [('direction = "ceiling"\ncumulative_from = 2026-01-01\n', 'direction = "ceiling"\n')],
    ),
    "a statistic counted in the ledger": (
        "K9",
        True,
        [
            (
                "date = 2026-06-30\nvalue = 1\n",
                "date = 2026-06-30\nvalue = 1\n\n[condition.ledger]\nnet_of_clients = false\n",
            )
        ],
    ),
    "a test before the base": ("K10", True, [("= 2025-12-31", "= 2026-06-30")]),
    "a date without projection": (
        "K10",
        True,
        [("date = 2026-06-30\nvalue = 2000", "date = 2026-06-29\nvalue = 2000")],
    ),
    "a target left open": ("K11", False, [("value = 235", 'open = "not found"')]),
    "a page left open": ("K11", False, [("page = 10", 'page = "open"')]),
    "a cumulative target that falls": ("K12", False, [("value = 235", "value = 90")]),
    "an adjuster without cap": ("K13", False, [("cap = 500\n", "")]),
    "a floor that cannot be tested": (
        "K13",
        False,
        [
            ('quantity = "gross_international_reserves"', 'quantity = "net_domestic_assets"'),
            NEGATIVE,
            ('"-12150"', '"12150"'),
            ('"-8650.5"', '"8650"'),
        ],
    ),
}


@pytest.mark.parametrize(("rule", "error", "changes"), TRIPS.values(), ids=TRIPS)
def test_each_rule_has_a_memorandum_that_trips_it_and_nothing_else(rule, error, changes):
    assert set(said(memorandum(*changes))) == {(rule, error)}


def test_every_rule_of_the_lint_is_tripped():
    assert {rule for rule, _, _ in TRIPS.values()} == {f"K{n}" for n in range(1, 14)}


def test_the_sign_trap_names_the_floor_and_what_it_can_never_exceed():
    (finding,) = lint(memorandum(NEGATIVE, ('"-12150"', '"12150"'), ('"-8650.5"', '"8650"')))
    assert finding.rule == "K1"
    assert "12,150 USD m" in finding.text
    assert "11,710 USD m" in finding.text
    assert "without their sign" in finding.text
    assert finding.where == "condition net-reserves"


def test_a_finding_names_the_line_of_its_condition():
    (finding,) = lint(memorandum(("value = 235", "value = 90")))
    assert RIGHT.splitlines()[finding.line - 1] == "[[condition]]"
    assert RIGHT.splitlines()[finding.line] == 'id = "transfers"'
    assert str(finding).startswith("K12 note: the cumulative target falls from 100 to 90")


FIELDS = {
    "a floor above gross reserves": "condition[1].target[1].value",
    "a sign that is zero": "condition[3].target[1].value",
    "an adjuster in bitcoin": "condition[1].adjuster[1].unit",
    "one day with two targets": "condition[2].target[2]",
    "two conditions that test the same": "condition[4]",
    "no page": "condition[4].source.page",
    "a target's own source without page": "condition[2].target[2].source.page",
    "a rate without source": "rate[1].source.document",
    "no perimeter": "condition[1].perimeter",
    "an effect on a quantity nobody knows": "effect[1].quantity",
    "a date where it should be since": "condition[2].target[2].since",
    "no target": "condition[4].target",
    "a duty that is continuous": "condition[4].continuous",
    "acquisitions that count nothing": "condition[3].ledger.counts",
    "accumulation without a base": "condition[3].cumulative_from",
    "a test before the base": "condition[2].target[1].date",
    "a date without projection": "condition[1].adjuster[1].projection",
    "an adjuster without cap": "condition[1].adjuster[1].cap",
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_finding_names_the_field_that_it_is_about(name):
    assert FIELDS[name] in {finding.field for finding in lint(memorandum(*TRIPS[name][2]))}


@pytest.mark.parametrize("name", SHIPPED_MEMORANDA)
def test_the_memoranda_that_ship_pass(name):
    assert errors_of(lint(shipped_memorandum(name))) == ()


def test_the_memoranda_that_ship_have_all_that_was_promised():
    assert len(shipped_memorandum("el_salvador_2025").conditions) >= 8
    pakistan = shipped_memorandum("pakistan_2024_27")
    assert len(pakistan.conditions) >= 12
    falls = [f for f in lint(pakistan) if f.rule == "K12"]
    assert [f.where for f in falls] == ["condition primary-balance"]


def test_pakistans_floors_read_without_their_sign_are_caught():
    from khazana.conditions.memorandum_file import read_memorandum

    text = shipped_bytes("pakistan_2024_27").decode()
    as_printed = text.replace('"-12150"', '"12150"').replace('"-8650"', '"8650"')
    assert as_printed != text
    rules = {f.rule for f in errors_of(lint(read_memorandum("press.toml", as_printed.encode())))}
    assert rules == {"K1", "K2"}


def test_a_memorandum_that_does_not_ship_is_our_mistake():
    with pytest.raises(ValueError, match="no shipped memorandum"):
        shipped_memorandum("atlantis")
