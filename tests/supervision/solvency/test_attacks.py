"""Every dishonest provider of the corpus is rejected, by name."""

import json

import pytest

from khazana.supervision.solvency.check import check_slip, check_statement, read_level
from khazana.supervision.solvency.encoding import contribution_of
from khazana.supervision.solvency.epoch import read_epoch
from khazana.supervision.solvency.errors import ProofRejected, Reason
from khazana.supervision.solvency.slip import read_slip
from tests.supervision.solvency.attacks import FILE, document

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
