"""Every dishonest provider of the corpus is rejected, by name."""

import json
from pathlib import Path

import pytest

from khazana.supervision.solvency.check import check_slip, check_statement, read_level
from khazana.supervision.solvency.encoding import contribution_of
from khazana.supervision.solvency.epoch import read_epoch
from khazana.supervision.solvency.errors import ProofRejected, Reason
from khazana.supervision.solvency.slip import read_slip
from tests.supervision.solvency.attacks import FILE, document
from tests.supervision.solvency.peer_attacks import (
    attacks,
    honest_bitmex,
    okx_other_epoch,
    plain_with,
    table,
)

CASES = json.loads(FILE.read_bytes())["cases"]


def judged(case):
    try:
        epoch = read_epoch(case["statement"].encode())
        check_statement(epoch, pinned=case.get("pinned"), newest=case.get("newest"))
        slip = read_slip(bytes.fromhex(case["slip"]))
        raw = bytes.fromhex(case["level"])
        level = read_level(raw, epoch=epoch, tree=0) if raw else None
        check_slip(
            slip,
            epoch=epoch,
            contribution=contribution_of(case["words"]),
            level=level,
            balance=case.get("balance"),
        )
    except ProofRejected as rejected:
        return rejected.reason.value
    return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_each_is_judged_by_name(case):
    assert judged(case) == case["reason"]


def test_the_corpus_is_the_one_that_the_program_makes():
    assert FILE.read_bytes() == document()


def test_every_reason_has_a_case():
    seen = {case["reason"] for case in CASES} - {None}
    assert seen == set(Reason)


REASONS = {case["name"]: case["reason"] for case in CASES}
PAGE = Path(__file__).resolve().parents[3] / "docs" / "spec" / "solvency.md"


def test_the_table_of_attacks_is_the_one_that_was_run():
    assert table(REASONS) in PAGE.read_text(encoding="utf-8")


def test_each_rule_accepts_an_honest_proof():
    """A rule that rejected everything would withstand every attack."""
    assert okx_other_epoch()
    assert honest_bitmex(840_000)
    assert plain_with("1")


def test_every_attack_of_the_corpus_is_in_the_table_or_about_our_own_files():
    told = {case for each in attacks() for case in each.cases}
    assert told <= set(REASONS)
    assert set(REASONS) - told >= {name for name, reason in REASONS.items() if reason is None}
