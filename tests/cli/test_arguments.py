"""Wrong arguments: a sentence that says what is wrong, status 2, nothing written, no traceback."""

import subprocess
import sys

import pytest

from khazana.cli.main import build_parser, main

COMMANDS = [
    ["verify"],
    ["statement"],
    ["statement", "make"],
    ["statement", "sign"],
    ["statement", "show"],
    ["statement", "disclose"],
    ["statement", "value"],
    ["office"],
    ["office", "keygen"],
    ["office", "identity"],
    ["office", "fingerprint"],
    ["office", "check"],
    ["custody"],
    ["custody", "describe"],
    ["custody", "keys"],
    ["custody", "labels"],
    ["custody", "import"],
    ["ledger", "journal"],
    ["devnet", "run"],
    ["demo"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help(words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*words, "--help"])
    assert stopped.value.code == 0
    assert "usage: khazana" in capsys.readouterr().out


def test_no_command_is_missing_from_this_list():
    known = {words[0] for words in COMMANDS}
    actions = build_parser()._subparsers._group_actions[0].choices
    assert known <= set(actions)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["verify", "absent.json", "--chain", "esplora:http://127.0.0.1:1"], "absent.json"),
        (["verify", __file__, "--chain", "guess"], "no kind of chain source"),
        (["verify", __file__, "--chain", "core:"], "no kind of chain source"),
        (
            ["verify", __file__, "--chain", "esplora:http://127.0.0.1:1", "--accept-opening"],
            "--accept-opening needs --previous",
        ),
        (
            ["verify", __file__, "--chain", "esplora:http://127.0.0.1:1", "--office", "abc"],
            "is no fingerprint",
        ),
        (["office", "check", "absent.toml"], "there is no such file"),
        (["office", "check", "shipped:atlantis"], "el_salvador_claimed"),
        (["office", "fingerprint", __file__], "refused"),
        (["statement", "show", __file__], "refused"),
    ],
)
def test_wrong_arguments_are_answered_in_words(words, said, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert error.startswith("khazana: ")
    assert said in error
    assert "Traceback" not in error


def test_a_file_that_is_no_statement_fails_verification(capsys):
    assert main(["verify", __file__, "--chain", "esplora:http://127.0.0.1:1"]) == 1
    assert "schema" in capsys.readouterr().out


def test_the_shipped_claim_says_whose_claim_it_is(capsys):
    assert main(["office", "check", "shipped:el_salvador_claimed"]) == 0
    assert "claimed by a third party, not confirmed by the office" in capsys.readouterr().out


def test_output_cut_off_by_its_reader_is_no_traceback():
    command = [sys.executable, "-m", "khazana.cli.main", "verify", "--help"]
    made = subprocess.run(
        f"{' '.join(command)} | head -1", shell=True, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in made.stderr
