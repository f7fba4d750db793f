"""`khazana statement value`: a file, a small table, findings beside it, refusals in words."""

import pytest

from khazana.cli.main import main
from khazana.ledger.document_file import write_document_file
from khazana.reserve.reading import typed
from khazana.reserve.valuation_check import check_valuation
from khazana.reserve.valuation_document import read_valuation
from khazana.statement.envelope import write_statement
from tests.reserve.valued import TABLE, given, valued

OFFICE = "shipped:el_salvador_claimed"
"""Any office that keeps cost in dollars by the weighted average; unpaid coins cost nothing."""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("valued")
    made = valued().first()
    (folder / "statement.json").write_bytes(write_statement(made.statement))
    (folder / "documents.json").write_bytes(write_document_file(made.documents))
    return folder


def value(files, out, *words) -> int:
    given_words = ["statement", "value", files / "statement.json", "--prices", TABLE, *words]
    return main([str(word) for word in [*given_words, "--out", out]])


def test_the_file_follows_from_the_statement_and_the_table_is_small(files, tmp_path, capsys):
    out = tmp_path / "valuation.json"
    assert value(files, out, "--currency", "USD", "--currency", "PKR") == 0
    document = read_valuation(out.read_bytes())
    assert check_valuation(typed(valued().first().statement), document) == ()
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith("test network, invented figures\n")
    assert "BTC 40000.00 USD at Test Venue (invented for tests)" in shown.out
    assert "14.00000000 BTC  560000.00 USD  157360000.00 PKR" in shown.out
    assert "apart: seized" in shown.out
    assert document.subject_root in shown.out


def test_costs_come_from_the_documents_by_the_rules_of_the_office(files, tmp_path, capsys):
    out = tmp_path / "valuation.json"
    documents = ("--documents", files / "documents.json", "--office", OFFICE)
    assert value(files, out, "--currency", "PKR", *documents) == 0
    shown = capsys.readouterr()
    assert "perimeter/fund-only: cost 150416.67, impaired cost 100000.00" in shown.out
    assert shown.err == ""
    document = read_valuation(out.read_bytes())
    made = valued().first()
    assert check_valuation(typed(made.statement), document, documents=given(made)) == ()


def test_a_missing_price_is_said_on_the_error_stream_and_in_the_file(files, tmp_path, capsys):
    out = tmp_path / "valuation.json"
    assert value(files, out, "--currency", "EUR") == 0
    shown = capsys.readouterr()
    assert "not known EUR" in shown.out
    assert "2 findings stand in it" in shown.err
    assert len(read_valuation(out.read_bytes()).findings) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--currency", "XXQ"], "XXQ is not a currency of ISO 4217"),
        (["--currency", "USD", "--at", "noon"], "--at:"),
        (["--currency", "USD", "--at", "2011-02-01T00:00:00Z"], "before the closing block"),
        (["--currency", "USD", "--max-age", "-1"], "--max-age"),
        (["--currency", "USD", "--quote", "BTCUSD", "a", "b"], "BASE/CURRENCY"),
        (["--currency", "USD", "--office", OFFICE], "costs need both"),
        (["--currency", "USD", "--previous", "x.json"], "need --documents"),
        (["--currency", "USD", "--prices", "absent.csv"], "absent.csv"),
        (["--currency", "USD", "--prices", __file__], "refused"),
    ],
)
def test_wrong_arguments_are_answered_in_words_and_nothing_is_written(
    files, tmp_path, capsys, words, said
):
    out = tmp_path / "valuation.json"
    assert value(files, out, *words) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


def test_a_valuation_that_is_none_stops_the_verification(files, capsys):
    words = ["verify", str(files / "statement.json"), "--chain", "esplora:http://127.0.0.1:1"]
    assert main([*words, "--valuation", str(TABLE)]) == 2
    assert "refused" in capsys.readouterr().err
    assert main([*words, "--prices", str(TABLE)]) == 2
    assert "--prices needs --valuation" in capsys.readouterr().err
