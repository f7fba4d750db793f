"""The demo's invented providers: two are honest, and the check of a slip catches the third."""

import json
import re
import shlex

import pytest

from khazana.cli.demo.providers.cast import DRILL, EVERYBODY, HONEST
from khazana.cli.demo.providers.customers import OWN_WORDS, balances, extract_csv
from khazana.cli.demo.providers.provider import EPOCHS
from khazana.cli.main import main
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.dsse import read_envelope, valid_signers
from khazana.statement.office_file import read_office
from khazana.supervision.solvency.epoch import read_epoch

NUMBERS = [f"{number:04}" for number in range(1, EPOCHS + 1)]


def epochs_of(played, slug):
    home = played.directory / "providers" / slug
    return [
        read_epoch(read_envelope(json.loads((home / n / "epoch.json").read_bytes())).payload)
        for n in NUMBERS
    ]


def reserves_of(played, slug, number):
    path = played.directory / "providers" / slug / number / "statement.json"
    return read_reserve_statement(path.read_bytes())


@pytest.mark.parametrize("licensed", EVERYBODY, ids=lambda each: each.slug)
def test_each_epoch_continues_the_last_and_stands_at_its_reserves_block(played, licensed):
    before = None
    for number, epoch in zip(NUMBERS, epochs_of(played, licensed.slug), strict=True):
        reserves = reserves_of(played, licensed.slug, number)
        until = reserves.header.period.until
        assert epoch.reserves.root == reserves.root
        assert (epoch.block.height, epoch.block.hash) == (until.height, until.hash)
        assert played.chain.block_at(until.height).hash == until.hash
        assert epoch.previous == (None if before is None else before.digest)
        assert epoch.test
        before = epoch


@pytest.mark.parametrize("licensed", HONEST, ids=lambda each: each.slug)
def test_honest_providers_keep_what_they_owe_and_the_regulator_signs(played, licensed):
    identity = read_office((played.directory / licensed.state / "office.json").read_bytes())
    register = identity.newest.role_keys("register")
    for number, epoch in zip(NUMBERS, epochs_of(played, licensed.slug), strict=True):
        held = reserves_of(played, licensed.slug, number).perimeters["all"].figures.closing
        assert held * 100 // epoch.trees[0].sum in (102, 103)
        place = played.directory / "providers" / licensed.slug / number
        envelope = read_envelope(json.loads((place / "recomputed.json").read_bytes()))
        assert valid_signers(envelope, register) == set(register)
        assert json.loads(envelope.payload)["statement"] == epoch.digest


def test_the_liar_keeps_less_than_it_owes_and_signs_a_smaller_total(played):
    (owed,) = epochs_of(played, DRILL.slug)[-1].trees
    really = sum(row.amount for row in balances(DRILL.slug, EPOCHS))
    held = reserves_of(played, DRILL.slug, NUMBERS[-1]).perimeters["all"].figures.closing
    assert owed.sum < held < really
    home = played.directory / "providers" / DRILL.slug
    assert (home / NUMBERS[0] / "recomputed.json").exists()
    assert not (home / NUMBERS[-1] / "recomputed.json").exists()
    assert "REJECTED total_differs" in played.output


def test_the_printed_command_checks_a_slip(played, capsys):
    (line,) = re.findall(r"^  khazana (solvency check .*)$", played.output, re.M)
    assert main(shlex.split(line)) == 0
    assert "your balance is in the total" in capsys.readouterr().out
    other = shlex.split(line.replace(OWN_WORDS, "three goats"))
    assert main(other) == 1
    assert "not_in_tree" in capsys.readouterr().out


def test_the_public_is_given_no_balance_and_no_key(played):
    for licensed in EVERYBODY:
        shown = played.directory / licensed.state / "providers" / licensed.slug
        for number in NUMBERS:
            names = {path.name for path in (shown / number).iterdir()}
            assert names <= {
                "epoch.json", "liabilities-BTC.level.bin", "statement.json", "recomputed.json"
            }  # fmt: skip
        private = played.directory / "providers" / licensed.slug / NUMBERS[0]
        for name in ("extract.csv", "tree-keys.txt"):
            assert (private / name).stat().st_mode & 0o077 == 0


def test_balances_are_the_same_in_every_run_and_skewed_as_peoples_are():
    first, again = balances("a", 3), balances("a", 3)
    assert first == again
    assert len(first) == 3_000
    amounts = sorted((row.amount for row in first), reverse=True)
    assert 3 * sum(amounts[:300]) > sum(amounts)
    assert extract_csv(first).splitlines()[-1].endswith(b",3000")
