"""The demo's invented providers: two are honest, and the check of a slip catches the third."""

import json
import re
import shlex

import pytest

from khazana.cli.demo.providers.cast import DRILL, EVERYBODY, HONEST
from khazana.cli.demo.providers.customers import OWN_WORDS, balances, extract_csv
from khazana.cli.demo.providers.provider import EPOCHS, PKR
from khazana.cli.main import main
from khazana.statement.dsse import read_envelope
from khazana.statement.office_file import read_office
from khazana.supervision.coverage.countersign import signers_in
from khazana.supervision.coverage.reading import read_coverage
from khazana.supervision.coverage.snapshot import Draw, draw_block
from khazana.supervision.solvency.epoch import read_epoch

NUMBERS = [f"{number:04}" for number in range(1, EPOCHS + 1)]


def epochs_of(played, slug):
    home = played.directory / "providers" / slug
    return [
        read_epoch(read_envelope(json.loads((home / n / "epoch.json").read_bytes())).payload)
        for n in NUMBERS
    ]


def coverage_of(played, slug, number):
    path = played.directory / "providers" / slug / number / "coverage.json"
    return read_coverage(path.read_bytes())


@pytest.mark.parametrize("licensed", EVERYBODY, ids=lambda each: each.slug)
def test_each_epoch_continues_the_last_and_stands_at_its_reserves_block(played, licensed):
    before = root = None
    for number, epoch in zip(NUMBERS, epochs_of(played, licensed.slug), strict=True):
        coverage = coverage_of(played, licensed.slug, number)
        assert coverage.epoch == epoch
        drawn = coverage.header.snapshot
        block = draw_block(played.chain, Draw(announced=drawn.announced, window=drawn.window))
        assert (epoch.block.height, epoch.block.hash) == (block.height, block.hash)
        assert epoch.previous == (None if before is None else before.digest)
        assert coverage.header.previous == root
        assert epoch.test
        before, root = epoch, coverage.root


@pytest.mark.parametrize("licensed", HONEST, ids=lambda each: each.slug)
def test_honest_providers_keep_what_they_owe_and_the_regulator_signs(played, licensed):
    home = played.directory / "providers" / licensed.slug
    regulator = read_office((home / "regulator.json").read_bytes())
    for number, epoch in zip(NUMBERS, epochs_of(played, licensed.slug), strict=True):
        bitcoin = coverage_of(played, licensed.slug, number).assets["BTC"]
        assert bitcoin.proved * 100 // bitcoin.owed in (102, 103)
        envelope = read_envelope(json.loads((home / number / "recomputed.json").read_bytes()))
        keys, threshold = signers_in(envelope, regulator, since=regulator.newest.valid_from)
        assert len(keys) == threshold == 1
        assert json.loads(envelope.payload)["statement"] == epoch.digest


def test_every_asset_is_listed_as_proved_attested_or_not_covered(played):
    for licensed in EVERYBODY:
        for number in NUMBERS:
            assets = coverage_of(played, licensed.slug, number).assets
            short = (licensed.slug, number) == (DRILL.slug, NUMBERS[1])
            assert {name: body.status for name, body in assets.items()} == {
                "BTC": "not_covered" if short else "proved",
                licensed.money.name: "attested",
                "USDT": "not_covered",
            }


def test_the_liar_keeps_less_than_it_owes_and_signs_a_smaller_total(played):
    owed, _money = epochs_of(played, DRILL.slug)[-1].trees
    really = sum(row.amount for row in balances(DRILL.slug, EPOCHS))
    held = coverage_of(played, DRILL.slug, NUMBERS[-1]).assets["BTC"].proved
    assert owed.sum < held < really
    home = played.directory / "providers" / DRILL.slug
    assert (home / NUMBERS[0] / "recomputed.json").exists()
    assert not (home / NUMBERS[-1] / "recomputed.json").exists()
    assert "REJECTED total_differs" in played.output
    assert "exactly one check failed, coverage_levels" in played.output


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
                "epoch.json", "coverage.json", "recomputed.json", "letter-of-the-bank.txt",
                "liabilities-BTC.level.bin", f"liabilities-{licensed.money.name}.level.bin",
            }  # fmt: skip
            coverage = read_coverage((shown / number / "coverage.json").read_bytes())
            assert coverage.withheld("descriptor") == 1
        private = played.directory / "providers" / licensed.slug / NUMBERS[0]
        for name in ("extract.csv", "tree-keys.txt"):
            assert (private / name).stat().st_mode & 0o077 == 0


def test_balances_are_the_same_in_every_run_and_skewed_as_peoples_are():
    first, again = balances("a", 3), balances("a", 3)
    assert first == again
    assert len(first) == 2_000
    amounts = sorted((row.amount for row in first), reverse=True)
    assert 3 * sum(amounts[:200]) > sum(amounts)
    assert extract_csv(first, PKR).splitlines()[-1].endswith(b",200")
