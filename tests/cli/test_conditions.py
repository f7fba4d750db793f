"""`khazana conditions`: lint, show, evaluate, draft; verdicts in a statement made by commands."""

import json

import pytest

from khazana.cli.main import main
from tests.conditions.memoranda import changed
from tests.conditions.test_mona import ROWS, table

STATISTICS = """\
quantity,perimeter,date,value,unit,source,grade,entered
net_international_reserves,,2026-06-30,-12000,USD m,central bank,C,2026-07-10T00:00:00Z
net_international_reserves,,2026-06-30,-12300,USD m,central bank,C,2026-09-10T00:00:00Z
external_financing,,2026-06-30,2000,USD m,treasury,C,2026-07-10T00:00:00Z
"""


@pytest.fixture
def memorandum(tmp_path):
    path = tmp_path / "drill.toml"
    path.write_text(changed())
    return str(path)


def test_lint_ends_with_nought_for_what_ships_and_one_for_the_sign_trap(tmp_path, capsys):
    assert main(["conditions", "lint", "shipped:pakistan_2024_27"]) == 0
    assert "K12 note" in capsys.readouterr().out
    wrong = tmp_path / "press.toml"
    wrong.write_text(changed(('"-12150"', '"12150"')))
    assert main(["conditions", "lint", str(wrong)]) == 1
    out = capsys.readouterr().out
    assert "K1 error" in out
    assert "2 errors, 0 notes" in out


def test_show_prints_targets_sources_and_what_is_open(capsys):
    assert main(["conditions", "show", "shipped:el_salvador_2025"]) == 0
    out = capsys.readouterr().out
    assert "from press reports about the lender's papers" in out
    assert "since 2025-02-26: 0" in out
    assert "Left open:" in out


def test_evaluate_says_what_is_breached_and_what_was_known_then(tmp_path, memorandum, capsys):
    figures = tmp_path / "statistics.csv"
    figures.write_text(STATISTICS)
    words = ["conditions", "evaluate", memorandum, "--statistics", str(figures)]
    words += ["--today", "2026-10-01"]
    assert main(words) == 1
    assert "floor passed by 150 USD m" in capsys.readouterr().out
    assert main([*words, "--known-at", "2026-08-01T00:00:00Z", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == "khazana.evaluation/1"
    (one,) = [e for e in document["evaluated"] if e["measured"] is not None]
    assert (one["condition"], one["verdict"], one["headroom"]) == ("net-reserves", "met", "150")


def test_nothing_is_measured_by_a_memorandum_with_errors(tmp_path, capsys):
    wrong = tmp_path / "press.toml"
    wrong.write_text(changed(('"-12150"', '"12150"')))
    assert main(["conditions", "evaluate", str(wrong)]) == 2
    assert "2 errors, and nothing is measured by it" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lint", "absent.toml"], "absent.toml"),
        (["lint", "shipped:atlantis"], "no memorandum 'atlantis' is shipped"),
        (["evaluate", "shipped:el_salvador_2025", "--from", "1"], "need --office, --chain"),
        (
            ["evaluate", "shipped:el_salvador_2025", "--liabilities", "x.csv"],
            "--liabilities needs --chain",
        ),
    ],
)
def test_wrong_arguments_are_a_sentence(words, said, capsys):
    assert main(["conditions", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_draft_is_written_once_and_can_be_shown(tmp_path, capsys):
    source, out = tmp_path / "mona.csv", tmp_path / "draft.toml"
    source.write_bytes(table(ROWS))
    words = ["conditions", "draft", str(source), "--out", str(out)]
    assert main(words) == 0
    assert main(["conditions", "show", str(out)]) == 0
    assert "Publish the wallet report" in capsys.readouterr().out
    assert main(words) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["conditions", "lint", str(out)]) == 1


def test_a_table_of_several_arrangements_asks_which(tmp_path, capsys):
    source = tmp_path / "mona.csv"
    source.write_bytes(table([*ROWS, ["800", *ROWS[0][1:-2], "z-9", ""]]))
    words = ["conditions", "draft", str(source), "--out", str(tmp_path / "draft.toml")]
    assert main(words) == 2
    assert "742, 800" in capsys.readouterr().err
    assert main([*words, "--arrangement", "800"]) == 0


@pytest.mark.parametrize("action", ["lint", "show", "evaluate", "draft"])
def test_every_action_has_help(action, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["conditions", action, "--help"])
    assert stopped.value.code == 0
    assert "usage: khazana conditions" in capsys.readouterr().out
