"""The worked table of docs/methods/drafting.md, and that every rule there is one of the code's."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("bdkpython", reason="the office profile brings BDK")

import khazana.custody.drafting
from khazana.custody.drafting.errors import NotEnoughCoins
from khazana.units import Sats
from tests.custody.drafting.safes import KINDS, drafted, funded, safe, to
from tests.ledger.worked_tables import examples_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "methods" / "drafting.md"
ROWS = next(e for e in examples_of(PAGE) if e.title == "Worked table").tables[0].rows


def numbers(cell):
    return [] if cell == "-" else [int(word) for word in cell.split()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['script']} {row['pays']}")
def test_a_row_of_the_worked_table(row):
    wallet = safe(KINDS[row["script"]][0])
    coins, previous = funded(wallet, numbers(row["coins"]))
    cap = {} if row["cap"] == "-" else {"cap_per_address": Sats(int(row["cap"]))}
    order = [to("payee", int(row["pays"]))]
    if row["spends"].startswith("at most"):
        with pytest.raises(NotEnoughCoins) as caught:
            drafted(wallet, order, coins, previous, feerate=Fraction(row["sat/vB"]))
        assert caught.value.largest == int(row["spends"].removeprefix("at most "))
        return
    draft = drafted(wallet, order, coins, previous, feerate=Fraction(row["sat/vB"]), **cap)
    assert sorted((each.amount for each in draft.inputs), reverse=True) == numbers(row["spends"])
    assert [each.amount for each in draft.change] == numbers(row["change"])
    assert (draft.fee_sats, draft.vsize) == (int(row["fee"]), int(row["vB"]))


def test_every_rule_that_the_code_names_stands_on_the_page_and_the_other_way_round():
    stated = set(re.findall(r"\*\*(D\d+)\.", PAGE.read_text(encoding="utf-8")))
    package = Path(khazana.custody.drafting.__file__).parent
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(package.glob("*.py")))
    named = set(re.findall(r"\bD(?:1[0-3]|[1-9])\b", text))
    named |= {
        f"D{n}"
        for first, last in re.findall(r"\bD(\d+) to D(\d+)\b", text)
        for n in range(int(first), int(last) + 1)
    }
    assert named == stated == {f"D{n}" for n in range(1, 14)}
