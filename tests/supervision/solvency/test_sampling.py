"""How many checks catch an omission: the published table, and its formula the other way round."""

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.supervision.solvency.sampling import (
    USUAL_OMISSIONS,
    USUAL_SURENESS,
    checks_needed,
    smallest_omission,
)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "solvency.md"
SHARES = st.fractions(Fraction(1, 100_000), Fraction(99, 100))


def test_the_table_of_the_page_is_computed():
    for omitted in USUAL_OMISSIONS:
        needed = (checks_needed(omitted=omitted, sureness=each) for each in USUAL_SURENESS)
        line = " | ".join([f"| {float(100 * omitted):g} %", *(f"{each:,}" for each in needed)])
        assert f"{line} |" in PAGE.read_text(encoding="utf-8")
    assert len(re.findall(r"^\| [\d.]+ % \|", PAGE.read_text(encoding="utf-8"), re.M)) == 4


@given(SHARES, SHARES)
def test_so_many_checks_are_enough_and_one_less_is_not(omitted, sureness):
    """1 - (1 - f)^v, in exact fractions."""
    needed = checks_needed(omitted=omitted, sureness=sureness)
    if needed < 300:
        assert 1 - (1 - omitted) ** needed >= sureness
        assert 1 - (1 - omitted) ** (needed - 1) < sureness
    smallest = Fraction(smallest_omission(checks=needed, sureness=sureness))
    assert smallest <= omitted + Fraction(1, 10**20)


@pytest.mark.parametrize("share", [Fraction(0), Fraction(1), Fraction(-1, 2), Fraction(3, 2)])
def test_a_share_lies_between_nothing_and_everything(share):
    with pytest.raises(ValueError, match="between 0 and 1"):
        checks_needed(omitted=share, sureness=Fraction(1, 2))
    with pytest.raises(ValueError, match="between 0 and 1"):
        checks_needed(omitted=Fraction(1, 2), sureness=share)


def test_nobody_checks_nothing_is_caught():
    with pytest.raises(ValueError, match="at least one check"):
        smallest_omission(checks=0, sureness=Fraction(1, 2))
