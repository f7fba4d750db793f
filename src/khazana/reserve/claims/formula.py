"""Arithmetic over claims: names of claims, whole and decimal numbers, + - * / and days(a, b)."""

import ast
from collections.abc import Callable, Iterator
from fractions import Fraction

from khazana.ledger.valuation import decimal_fraction

MOST_FORMULA = 300

Amounts = Callable[[str], Fraction]
"""The figure of the claim with this id; ValueError when it has none."""
Days = Callable[[str, str], int]
"""Days from what one claim speaks of to what another speaks of; ValueError when not to the day."""


def compute(formula: str, *, amount: Amounts, days: Days) -> Fraction:
    """The formula's value, exactly; ValueError says what is wrong with it.

    >>> compute("first + 2 * days(first, second)",
    ...     amount={"first": Fraction(10)}.__getitem__, days=lambda a, b: 30)
    Fraction(70, 1)
    """
    return _value(_parsed(formula), formula, amount, days)


def names_in(formula: str) -> tuple[str, ...]:
    """The claims that a formula uses, each once, in the order written."""
    return tuple(dict.fromkeys(_names(_parsed(formula))))


def _parsed(formula: str) -> ast.expr:
    if len(formula) > MOST_FORMULA:
        raise ValueError(f"a formula has at most {MOST_FORMULA} characters")
    try:
        return ast.parse(formula, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as wrong:
        raise ValueError(f"{formula!r} is not a formula") from wrong


def _names(node: ast.expr) -> Iterator[str]:
    match node:
        case ast.Name(id=name):
            yield name
        case ast.BinOp(left=left, right=right):
            yield from _names(left)
            yield from _names(right)
        case ast.Call(args=arguments):
            for argument in arguments:
                yield from _names(argument)


def _value(node: ast.expr, formula: str, amount: Amounts, days: Days) -> Fraction:
    match node:
        case ast.Constant():
            # The digits as written: Python's own fractions are binary and would round.
            return decimal_fraction(ast.get_source_segment(formula, node) or "")
        case ast.Name(id=name):
            return amount(name)
        case ast.Call(
            func=ast.Name(id="days"), args=[ast.Name(id=first), ast.Name(id=last)], keywords=[]
        ):
            return Fraction(days(first, last))
        case ast.BinOp(left=left, op=sign, right=right):
            one = _value(left, formula, amount, days)
            two = _value(right, formula, amount, days)
            return _joined(sign, one, two)
    raise ValueError("a formula has claims, numbers, + - * / and days(claim, claim) only")


def _joined(sign: ast.operator, one: Fraction, two: Fraction) -> Fraction:
    match sign:
        case ast.Add():
            return one + two
        case ast.Sub():
            return one - two
        case ast.Mult():
            return one * two
        case ast.Div():
            if not two:
                raise ValueError("a formula divides by zero")
            return one / two
    raise ValueError("a formula has the signs + - * / only")
