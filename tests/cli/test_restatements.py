"""`khazana conditions restatements`: what was certified beside what is known today."""

import json

import pytest

from khazana.cli.main import main
from tests.cli.test_conditions import STATISTICS
from tests.conditions.memoranda import changed

CERTIFIED = "2026-08-01T00:00:00Z"


@pytest.fixture
def words(tmp_path):
    (tmp_path / "drill.toml").write_text(changed())
    (tmp_path / "statistics.csv").write_text(STATISTICS)
    return [
        str(tmp_path / "drill.toml"),
        "--statistics",
        str(tmp_path / "statistics.csv"),
        "--today",
        "2026-10-01",
    ]


def restated(capsys, *words):
    status = main(["conditions", "restatements", *words, "--json"])
    return status, json.loads(capsys.readouterr().out)


def test_a_corrected_figure_stands_beside_the_certified_one(words, capsys):
    assert main(["conditions", "restatements", *words, "--certified-at", CERTIFIED]) == 1
    said = capsys.readouterr().out
    assert "verdict changed, certified 2026-08-01T00:00:00+00:00" in said
    assert "certified: net-reserves 2026-06-30: met" in said
    assert "today: net-reserves 2026-06-30: breached" in said
    assert "net_international_reserves on 2026-06-30: -12,300 USD m" in said
    assert "entered 2026-09-10T00:00:00+00:00" in said


def test_after_the_correction_nothing_is_restated(words, capsys):
    since = ["--certified-at", "2026-09-11T00:00:00Z"]
    assert main(["conditions", "restatements", *words, *since]) == 0
    assert "nothing is restated" in capsys.readouterr().out


def published(tmp_path, words, capsys, **lies):
    """What an office published on the day of the certificate."""
    evaluated = ["conditions", "evaluate", *words[:-1], "2026-08-01", "--known-at", CERTIFIED]
    assert main([*evaluated, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    for one in document["evaluated"]:
        if one["measured"] is not None:
            one.update(lies)
    path = tmp_path / "published.json"
    path.write_text(json.dumps(document))
    return ["--certified-at", CERTIFIED, "--certified", str(path)]


def test_what_was_published_is_compared_itself(tmp_path, words, capsys):
    status, document = restated(capsys, *words, *published(tmp_path, words, capsys))
    assert status == 1
    [one] = [r for r in document["restatements"] if r["certified"] and r["certified"]["measured"]]
    assert (one["certified"]["measured"], one["today"]["measured"]) == ("-12000", "-12300")
    assert document["not_from_these_figures"] == []
    assert [news["entered"] for news in one["news"]] == ["2026-09-10T00:00:00Z"]


def test_a_published_verdict_that_the_figures_of_then_do_not_give_is_named(tmp_path, words, capsys):
    given = published(tmp_path, words, capsys, measured="-11000", headroom="1150")
    status, document = restated(capsys, *words, *given)
    assert status == 1
    [odd] = document["not_from_these_figures"]
    assert odd["measured"] == "-11000"


def test_a_certificate_of_the_future_and_a_file_that_is_none_are_refused(tmp_path, words, capsys):
    ahead = ["--certified-at", "2027-01-01T00:00:00Z"]
    assert main(["conditions", "restatements", *words, *ahead]) == 2
    assert "lies after today" in capsys.readouterr().err
    other = tmp_path / "other.json"
    for text in ("{}", "[]", "no", '{"format": "khazana.evaluation/1", "memorandum": "x"}'):
        other.write_text(text)
        given = ["--certified-at", CERTIFIED, "--certified", str(other)]
        assert main(["conditions", "restatements", *words, *given]) == 2
        assert "holds no evaluation" in capsys.readouterr().err
