"""docs/methods/orders.md and docs/orders.md say what the program does."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from khazana.bitcoin.network import REGTEST
from khazana.conditions.as_if_booked import LenderConditions
from khazana.custody.orders.machine import AFTER
from khazana.custody.orders.request_file import read_request
from khazana.custody.orders.rules_file import read_spending
from khazana.units import btc_from_sats, sats_from_btc
from tests.conditions.memoranda import memorandum
from tests.conditions.test_as_if_booked import books
from tests.conditions.test_evaluate import STOCK
from tests.custody.orders.desk import HOUR, MONDAY, order, purchase, rules
from tests.custody.orders.test_checks import HOURS, outcome
from tests.custody.orders.test_files import DRAFTER

ROOT = Path(__file__).parents[3]
METHODS = (ROOT / "docs/methods/orders.md").read_text(encoding="utf-8")
HOW_TO = (ROOT / "docs/orders.md").read_text(encoding="utf-8")
TESTS = "".join(
    path.read_text(encoding="utf-8")
    for path in sorted(Path(__file__).parent.glob("test_*.py"))
    if path.name != Path(__file__).name
)


def table(first: str) -> list[list[str]]:
    """The cells of the table whose first heading is `first`."""
    lines = METHODS.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def test_the_table_of_events_is_the_programs():
    """Rule O2."""
    told = {event: tuple(follows.split(", ")) for event, follows in table("Event")}
    assert told == {event: tuple(s.value for s in after) for event, after in AFTER.items()}


def every_result():
    """What the rules answer to a payment and a purchase, refused and passed."""
    books_, _ = books()
    lender = LenderConditions((memorandum(*STOCK),), books_)
    wrong = order(drafter="bibi", account="warm")
    for ordered, more in (
        (wrong, {"drafter": "bibi"}),
        (order(), {}),
        (purchase(), {"conditions": lender}),
        (purchase(), {"at": MONDAY + 30 * HOUR}),
    ):
        yield from outcome(ordered, HOURS, **more).results


def test_the_table_of_rules_names_every_rule_and_who_may_override_it():
    """Rules O10 to O23."""
    told = {}
    for _, names, override in table("Rule"):
        for name in names.replace("`", "").split(", "):
            told[name.split(":")[0]] = override == "yes"
    found = {each.rule.split(":")[0]: each for each in every_result()}
    assert set(found) == set(told)
    for each in every_result():
        if not each.passed:
            assert each.overridable is told[each.rule.split(":")[0]], each.rule


BOOKS, _ = books()


@pytest.mark.parametrize("row", table("Limits on the order"), ids=" ".join)
def test_the_worked_table(row):
    """Rule O24."""
    limit, room, ordered, refused, largest = row
    limited = f'[[limit]]\nid = "x"\non = "purchase"\nper = "order"\nmost_btc = "{limit}"\n\n'
    given = rules(
        ('conditions = "none"', 'conditions = "required"'), ("[[payee]]", limited + "[[payee]]")
    )
    stock = [*STOCK[:2], (STOCK[2][0], STOCK[2][1].replace("81", f'"{80 + Decimal(room)}"'))]
    lender = LenderConditions((memorandum(*stock),), BOOKS)
    found = outcome(purchase(sats_from_btc(Decimal(ordered))), rules_=given, conditions=lender)
    names = ", ".join(each.rule.split(":")[0] for each in found.refusals) or "-"
    assert found.largest is not None
    assert (names, Decimal(btc_from_sats(found.largest))) == (refused, Decimal(largest))


@pytest.mark.parametrize("number", range(1, 38))
def test_every_rule_stands_on_the_page_and_has_a_test(number):
    assert re.search(rf"\*\*O{number}\.|O{number}\. |\| O{number} \|", METHODS)
    worked = Path(__file__).read_text(encoding="utf-8")
    named = re.compile(rf"Rules? O{number}\b")
    between = 10 <= number <= 23
    assert named.search(TESTS) or (between and "Rules O10 to O23" in worked)


def examples(kind: str) -> list[str]:
    return [
        text
        for text in re.findall(r"```toml\n(.*?)```", HOW_TO, re.DOTALL)
        if f'format = "{kind}' in text
    ]


def test_the_examples_of_the_how_to_page_are_read():
    (spending,) = examples("khazana.spending/1")
    read = read_spending("spending.toml", spending.encode(), network=REGTEST)
    assert (read.override.role, len(read.limits)) == ("minister", 1)
    payment, buy = examples("khazana.order-request/1")
    assert read_request("r.toml", payment.encode(), DRAFTER).sats == 50_000_000
    assert read_request("b.toml", buy.encode(), DRAFTER).cost.minor == 50_000_500
