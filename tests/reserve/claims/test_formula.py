from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from khazana.reserve.claims.formula import compute, names_in

AMOUNTS = {"stock": Fraction(5968), "rate": Fraction(1), "none": Fraction(0)}


def amount(name: str) -> Fraction:
    if name not in AMOUNTS:
        raise ValueError(f"no claim is called {name!r}")
    return AMOUNTS[name]


def value(formula: str) -> Fraction:
    return compute(formula, amount=amount, days=lambda first, last: 133)


@pytest.mark.parametrize(
    ("formula", "result"),
    [
        ("7", 7),
        ("stock", 5968),
        ("stock + rate * 2", 5970),
        ("(stock + rate) * 2", 11938),
        ("stock - 5000 - 968", 0),
        ("stock / 3", Fraction(5968, 3)),
        ("stock + rate * days(stock, rate)", 6101),
        ("0.08 * 281.5", Fraction("22.52")),
        ("0.1 + 0.2", Fraction("0.3")),
    ],
)
def test_a_formula_has_its_exact_value(formula, result):
    assert value(formula) == result


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.sampled_from("+-*/"))
def test_arithmetic_is_that_of_fractions(one, two, sign):
    python = {"+": one + two, "-": one - two, "*": one * two, "/": Fraction(one, two)}
    assert value(f"{one} {sign} {two}") == python[sign]


@pytest.mark.parametrize(
    ("formula", "wrong"),
    [
        ("", "not a formula"),
        ("1 +", "not a formula"),
        ("stock; rate", "not a formula"),
        ("(" * 200 + "1" + ")" * 200, "at most"),
        ("(" * 120 + "1" + ")" * 120, ""),
        ("1 ** 9", "the signs"),
        ("1 // 2", "the signs"),
        ("-1", "claims, numbers"),
        ("1 < 2", "claims, numbers"),
        ("open('x')", "claims, numbers"),
        ("stock.real", "claims, numbers"),
        ("days(1, 2)", "claims, numbers"),
        ("days(stock)", "claims, numbers"),
        ("days(stock, rate, none)", "claims, numbers"),
        ("days(stock, last=rate)", "claims, numbers"),
        ("[stock][0]", "claims, numbers"),
        ("'text'", "plain decimal"),
        ("True", "plain decimal"),
        ("1e5", "plain decimal"),
        ("0x10", "plain decimal"),
        ("1_000", "plain decimal"),
        ("1j", "plain decimal"),
        ("stock / none", "divides by zero"),
        ("stocks", "'stocks'"),
    ],
)
def test_anything_else_is_refused(formula, wrong):
    if wrong:
        with pytest.raises(ValueError, match=wrong):
            value(formula)
    else:
        assert value(formula) == 1


def test_the_claims_of_a_formula_are_named_once_in_order():
    assert names_in("(stock - rate) / days(rate, stock) + 2 * none") == ("stock", "rate", "none")
