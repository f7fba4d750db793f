"""`khazana mining audit-claim` as a reader uses it."""

import json

import pytest

from khazana.cli.main import main

SV = ["--btc", "474", "--mw", "1.5", "--from", "2021-10-01", "--to", "2024-05-13"]


def audit(*words):
    return main(["mining", "audit-claim", *words])


def test_a_claim_that_does_not_fit_fails_and_says_by_how_much(capsys):
    assert audit(*SV) == 1
    out = capsys.readouterr().out
    assert "Verdict: does not fit: too much bitcoin for this power." in out
    assert "148 PH/s" in out
    assert "10.1 J/TH" in out
    assert "planning figure" in out


def test_a_claim_that_fits_passes(capsys):
    words = ["--btc", "217", "--mw", "100", "--from", "2023-09-01", "--to", "2023-09-30"]
    assert audit(*words, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "fits"
    assert found["claimed_sat"] == 21_700_000_000
    assert found["low_sat"] < found["claimed_sat"] < found["high_sat"]


def test_fees_are_entered_with_their_source(capsys):
    assert audit(*SV, "--fees", "4", "--fees-source", "a node") == 1
    assert "Fees: 4 % of the subsidy (a node)." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"--btc": "0"}, "--btc must be above 0"),
        ({"--btc": "-1"}, "--btc must be above 0"),
        ({"--btc": "many"}, "--btc 'many' is not a number"),
        ({"--btc": "NaN"}, "--btc 'NaN' is not a number"),
        ({"--btc": "0.000000001"}, "whole number of satoshis"),
        ({"--btc": "22000000"}, "more than will ever exist"),
        ({"--mw": "0"}, "--mw must be above 0"),
        ({"--mw": "1e999999"}, "--mw '1e999999' is not a number"),
        ({"--from": "2021-13-01"}, "not a day"),
        ({"--from": "2024-05-14"}, "--to is before --from"),
        ({"--to": "2026-12-31"}, "is not known"),
        ({"--from": "2012-01-01"}, "No machine in the table"),
        ({"--fees": "-1"}, "--fees must be above 0"),
        ({"--fees-source": "x"}, "--fees-source needs --fees"),
        ({"--machines": "absent.csv"}, "absent.csv"),
    ],
)
def test_what_makes_no_sense_decides_nothing(capsys, changed, problem):
    given = dict(zip(SV[::2], SV[1::2], strict=True)) | changed
    assert audit(*(word for pair in given.items() for word in pair)) == 2
    captured = capsys.readouterr()
    assert problem in captured.err
    assert captured.out == ""


def test_own_tables_are_read_and_refused_whole(tmp_path, capsys):
    machines = tmp_path / "machines.csv"
    machines.write_text("model\n")
    assert audit(*SV, "--machines", str(machines)) == 2
    assert "machines.csv is refused whole" in capsys.readouterr().err
    epochs = tmp_path / "epochs.csv"
    epochs.write_text("epoch\n")
    assert audit(*SV, "--epochs", str(epochs)) == 2
    assert "epochs.csv, line 1" in capsys.readouterr().err
