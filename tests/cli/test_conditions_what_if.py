"""`khazana conditions what-if`: one supposed booking, and nothing written."""

import json

import pytest

from khazana.cli.main import main

NAME = "shipped:pakistan_2024_27"


def asked(capsys, *words):
    base = ["conditions", "what-if", NAME, "--account", "cold", "--day", "2026-11-01"]
    status = main([*base, *words])
    return status, capsys.readouterr()


def test_a_purchase_from_reserves_is_unknown_without_figures_and_so_does_not_pass(capsys):
    money = ("--cost", "1000000", "--currency", "USD", "--paid-from", "central_bank")
    status, said = asked(capsys, "--reason", "acquisition", "--btc", "10", *money, "--json")
    document = json.loads(said.out)
    assert document["format"] == "khazana.what-if/1"
    (line,) = document["lines"]
    assert (line["verdict"], line["before"]) == ("NOT_ASSESSABLE", "not known")
    assert (status, document["passes"]) == (1, False)


def test_what_touches_no_condition_says_so(capsys):
    status, said = asked(capsys, "--reason", "donation", "--btc", "0.00000001")
    assert status == 0
    assert said.out.splitlines()[-1] == "no condition is touched"


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--btc", "0"), "above zero"),
        (("--btc", "NaN"), "conditions what-if"),
        (("--btc", "1.123456789"), "conditions what-if"),
        (("--btc", "1", "--cost", "5"), "together"),
        (("--btc", "1", "--cost", "-5", "--currency", "USD"), "above zero"),
    ],
)
def test_wrong_arguments_are_said_and_end_with_2(capsys, words, problem):
    status, said = asked(capsys, "--reason", "acquisition", *words)
    assert status == 2
    assert problem in said.err
