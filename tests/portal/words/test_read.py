import re
from pathlib import Path

import pytest

from khazana.accord.agreement.model import AssetClass, Field, PartyKind
from khazana.accord.agreement.model import Kind as AgreementKind
from khazana.accord.agreement.read import PROOF_KINDS
from khazana.accord.agreement.status import Finding
from khazana.accord.agreement.status import Status as CommitmentStatus
from khazana.accord.comparator.provisions import Standing, State
from khazana.cli.demo.bodies import BODIES
from khazana.conditions.accumulation import Accumulation, Origin
from khazana.conditions.memorandum import Direction, Kind, Mark
from khazana.conditions.verdicts import Verdict as ConditionVerdict
from khazana.custody.coverage import ControlGrade
from khazana.ledger.accounts import Lane
from khazana.ledger.documents import Reason
from khazana.ledger.entries import BookKind, Fact
from khazana.ledger.grades import EvidenceGrade
from khazana.ledger.shipped import SHIPPED_OFFICES, shipped_office
from khazana.portal.words.read import (
    LANGUAGES,
    keys_of,
    kinds,
    read_words,
    word,
    word_or_text,
)
from khazana.reserve.claims.check import check_claim
from khazana.reserve.claims.claim import (
    PLAN_KINDS,
    UNITS,
    ClaimVerdict,
    Perimeter,
    Qualifier,
    Relation,
    Subject,
)
from khazana.reserve.claims.claim import Mark as ClaimMark
from khazana.reserve.claims.read import shipped_inputs
from khazana.reserve.verify import ORDER
from khazana.statement.checks import Profile
from khazana.statement.checks import Verdict as CheckStatus
from khazana.supervision.coverage.verify import ORDER as OF_COVERAGE

ROOT = Path(__file__).resolve().parents[3]
CHECKS = (ROOT / "docs" / "spec" / "checks.md").read_text(encoding="utf-8")

ENUMS = {
    "reason": Reason,
    "lane": Lane,
    "grade": EvidenceGrade,
    "grade_long": EvidenceGrade,
    "check_status": CheckStatus,
    "profile": Profile,
    "accumulation": Accumulation,
    "accumulation_long": Accumulation,
    "arrival": Origin,
    "condition_verdict": ConditionVerdict,
    "condition_kind": Kind,
    "direction": Direction,
    "control_grade": ControlGrade,
    "fact": Fact,
    "book": BookKind,
    "mark": Mark,
    "claim_subject": Subject,
    "claim_verdict": ClaimVerdict,
    "claim_perimeter": Perimeter,
    "claim_qualifier": Qualifier,
    "claim_relation": Relation,
    "agreement_kind": AgreementKind,
    "asset_class": AssetClass,
    "party_kind": PartyKind,
    "accord_field": Field,
    "commitment_status": CommitmentStatus,
    "state": State,
    "rule_standing": Standing,
    "finding": Finding,
}
SYMBOLS = {"BTC", "USD", "SDR", "PKR", "MW"}
"""Units that are written alike in every language."""
NAMES = {"El Salvador"}
"""Names that are spelt alike in English and in Spanish."""


@pytest.mark.parametrize("kind", ENUMS)
def test_every_member_has_words_and_nothing_else_has(kind):
    assert sorted(keys_of(kind)) == sorted(member.value for member in ENUMS[kind])


def test_entries_that_can_prove_something_have_words():
    assert keys_of("log_entry") == PROOF_KINDS
    assert keys_of("language") == LANGUAGES


def test_claims_find_words_for_their_kinds_units_marks_and_figures():
    assert keys_of("claim_kind") == PLAN_KINDS
    assert set(keys_of("claim_unit")) == set(UNITS) - SYMBOLS
    assert {mark.value for mark in ClaimMark} == set(keys_of("mark"))
    inputs = shipped_inputs()
    names = {
        figure.name for c in inputs.claims.values() for figure in check_claim(c, inputs).figures
    }
    assert len(names) >= 8
    assert names <= set(keys_of("claim_figure"))


def test_every_check_says_what_it_asks_in_the_order_of_the_report():
    own = [name for name in OF_COVERAGE if name.startswith("coverage_")]
    mining = ("mining", *re.findall(r"^\| \*(mining_\w+)\*", CHECKS, re.M))
    assert len(mining) > 8
    expected = (*ORDER, "conditions", "log", *own, *mining)
    assert keys_of("check") == keys_of("check_title") == expected
    marks = {"en": "?", "ur": "؟", "ar": "؟", "es": "?"}
    for name in keys_of("check"):
        for language, mark in marks.items():
            assert word("check", name, language).endswith(mark), (name, language)
        assert word("check", name, "es").startswith("¿")


def sectors_in_use() -> set[str]:
    said = {entity.sector for name in SHIPPED_OFFICES for entity in shipped_office(name).entities}
    return said | {body.sector for bodies in BODIES.values() for body in bodies}


def test_every_sector_that_our_offices_use_has_words():
    in_use = sectors_in_use()
    assert len(in_use) >= 3
    assert in_use <= set(keys_of("sector"))


@pytest.mark.parametrize("kind", kinds())
def test_no_translation_is_the_english_and_scripts_are_their_own(kind):
    arabic = re.compile(r"[\u0600-\u06ff]")
    for key in keys_of(kind):
        english = word(kind, key, "en")
        for language in ("ur", "ar", "es"):
            assert word(kind, key, language) != english or english in NAMES, (key, language)
        for language in ("ur", "ar"):
            assert arabic.search(word(kind, key, language)), (key, language)
        for language in ("en", "es"):
            assert not arabic.search(word(kind, key, language)), (key, language)
        # Urdu has letters of its own for k, y and h; Arabic ones in their place are a slip.
        assert not re.search("[\u0643\u064a\u0649\u0629]", word(kind, key, "ur")), key
        assert not re.search("[\u06a9\u06cc\u06c1\u06d2\u06ba]", word(kind, key, "ar")), key


@pytest.mark.parametrize("kind", kinds())
@pytest.mark.parametrize("language", LANGUAGES)
def test_two_values_of_a_kind_are_never_called_alike(kind, language):
    said = [word(kind, key, language) for key in keys_of(kind)]
    assert len(set(said)) == len(said)


def glossary() -> dict[str, list[str]]:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    table = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    return {row[0]: row for row in table if len(row) == 4}


GLOSSED = {
    "passed / failed / not checkable": ("check_status", ["passed", "failed", "not checkable"]),
    "seized / forfeited": ("lane", ["seized", "forfeited"]),
    "purchase / sale": ("reason", ["acquisition", "disposal"]),
    "owned / pledged / held for clients": ("lane", ["owned", "pledged", "held_for_clients"]),
    "shown / asserted / contradicted / not assessable": (
        "accumulation",
        ["shown", "asserted", "contradicted", "not assessable"],
    ),
    "met / met with adjuster / breached": (
        "condition_verdict",
        ["met", "met with adjuster", "breached"],
    ),
}


@pytest.mark.parametrize("row", GLOSSED)
def test_terms_of_the_glossary_are_used_exactly(row):
    kind, keys = GLOSSED[row]
    for place, language in enumerate(LANGUAGES):
        terms = [term.strip() for term in glossary()[row][place].split("/")]
        assert [word(kind, key, language) for key in keys] == terms


@pytest.mark.parametrize(
    ("row", "kind", "key"),
    [
        ("internal transfer", "reason", "transfer"),
        ("unexplained", "reason", "unexplained"),
        ("proof of control", "check_title", "control"),
    ],
)
def test_single_terms_of_the_glossary_are_used_exactly(row, kind, key):
    said = [word(kind, key, language).lower() for language in LANGUAGES]
    assert said == glossary()[row]


def test_ceiling_and_floor_are_the_glossarys():
    row = glossary()["ceiling / floor / headroom"]
    for place, language in enumerate(LANGUAGES):
        terms = [term.strip() for term in row[place].split("/")]
        assert [word("direction", key, language) for key in ("ceiling", "floor")] == terms[:2]


def test_hoarding_is_never_said():
    for kind in kinds():
        for key in keys_of(kind):
            assert "ذخیرہ اندوزی" not in word(kind, key, "ur")


def test_what_has_no_words_is_refused_by_name():
    with pytest.raises(ValueError, match="reason 'gift'"):
        word("reason", "gift", "en")
    with pytest.raises(ValueError, match="'mood'"):
        word("mood", "good", "en")
    with pytest.raises(ValueError, match="'fr'"):
        word("reason", "fee", "fr")


def test_a_sector_of_an_offices_own_is_left_as_it_is():
    assert word_or_text("sector", "ministry of tides", "ur") == "ministry of tides"
    assert word_or_text("sector", "central bank", "es") == "banco central"


HEAD = 'format = "khazana.words/1"\n[direction]\n'


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "format"),
        ('format = "khazana.words/2"', "format"),
        ('format = "khazana.words/1"\n[direction]', "no words"),
        ('format = "khazana.words/1"\ndirection = "up"', "no words"),
        (HEAD + 'floor = "f"', "floor"),
        (HEAD + 'floor = { en = "a", ur = "b", ar = "c" }', "en, ur, ar, es"),
        (HEAD + 'floor = { en = "a", ur = "b", ar = "c", es = "d", fr = "e" }', "en, ur, ar, es"),
        (HEAD + 'floor = { en = "a", ur = " ", ar = "c", es = "d" }', "direction.floor.ur"),
        (HEAD + 'floor = { en = "a", ur = 1, ar = "c", es = "d" }', "direction.floor.ur"),
        (HEAD + 'floor = { en = "a", ur = "b", ar = "\\u202Ec", es = "d" }', "control"),
        (HEAD + 'floor = { en = "a", ur = "b", ar = "c", es = "o\\u0301" }', "NFC"),
    ],
)
def test_a_table_with_a_gap_is_refused(text, wrong):
    with pytest.raises(ValueError, match=wrong):
        read_words(text)
