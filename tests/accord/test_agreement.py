"""Agreements: read whole or refused whole, one hash for every language, status computed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from khazana.accord.agreement.changes import NotTheNextVersion, changes
from khazana.accord.agreement.model import AssetClass, Field, PartyKind, record
from khazana.accord.agreement.read import read_agreement
from khazana.accord.agreement.shipped import (
    SHIPPED_AGREEMENTS,
    shipped_agreement,
    shipped_agreement_bytes,
)
from khazana.accord.agreement.status import Finding, Shown, Status, standings
from khazana.ledger.problems import OfficeFileRefused

LETTER = shipped_agreement("letter_of_intent")
TEXT = shipped_agreement_bytes("letter_of_intent").decode()
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize("name", SHIPPED_AGREEMENTS)
def test_what_ships_is_read_in_four_languages_and_says_what_it_is_not(name):
    found = shipped_agreement(name)
    assert found.languages == ("en", "ur", "ar", "es")
    assert found.notice
    assert "not" in found.notice["en"]
    assert found.source
    assert not found.binding


def test_the_letter_has_the_six_fields_of_the_two_states():
    assert {each.field for each in LETTER.articles} == {
        Field.EDUCATION,
        Field.MINING,
        Field.RESERVES,
        Field.INCLUSION,
        Field.PUBLIC_USE,
        Field.POLICY,
    }


@pytest.mark.parametrize("name", ["company_letter", "stablecoin_memorandum"])
def test_a_company_has_its_owners_named_or_said_to_be_open(name):
    companies = [p for p in shipped_agreement(name).parties if p.kind is PartyKind.COMPANY]
    assert companies
    assert all(each.owners or each.open for each in companies)


def test_a_stablecoin_is_another_class_of_asset():
    assert shipped_agreement("stablecoin_memorandum").asset is AssetClass.STABLECOIN
    assert LETTER.asset is AssetClass.BITCOIN


@pytest.mark.parametrize("language", ["en", "ur", "ar", "es"])
def test_one_word_in_any_language_changes_the_one_hash(language):
    article = LETTER.articles[0]
    words = {**article.sentences, language: (article.sentences[language][0] + " x", "y")}
    other = replace(LETTER, articles=(replace(article, sentences=words), *LETTER.articles[1:]))
    assert other.digest != LETTER.digest


def test_every_field_is_under_the_hash():
    told = record(LETTER)
    assert set(told) == {"format", *LETTER.__dataclass_fields__}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('authentic = "en"', 'authentic = "fr"', "'fr' is not among the languages"),
        ('kind = "letter-of-intent"', 'kind = "treaty"', "'treaty' is no choice here"),
        ("version = 1", "version = 2", "version 1 has no previous version"),
        ('field = "mining"', 'field = "minning"', 'did you mean "mining"?'),
        ('id = "mining"', 'id = "education"', "'education' stands in line"),
        (
            'article = "reserves"\nowner = "pak',
            'article = "gold"\nowner = "pak',
            "'gold' is unknow",
        ),
        ("due = 2026-12-31", "due = 2025-12-31", "is due before it begins"),
        ('kind = "verdict"', 'kind = "promise"', "'promise' is unknown"),
        ("count = 4", "count = 0", "0 is not between 1 and"),
        ("test = false", "test = false\nmood = 1", "is not a known key"),
        (', es = "Minería" }', " }", "is not given in es"),
        (', es = "Minería" }', ', es = "Minería", fr = "x" }', "is no language of the agreement"),
        ('"Un certificado de una oficina', '"x", "Un certificado', "different numbers of sentenc"),
        ("since = 2026-01-01", 'since = "2026-01-01"', "should be a day such as"),
        ('format = "khazana.agreement/1"', 'format = "khazana.agreement/2"', "this program reads"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(before, after, said):
    assert before in TEXT
    with pytest.raises(OfficeFileRefused) as refused:
        read_agreement("letter.toml", TEXT.replace(before, after, 1).encode())
    assert said in str(refused.value)
    assert "letter.toml, line " in str(refused.value)


def test_a_company_without_owners_or_a_word_about_them_is_refused():
    text = shipped_agreement_bytes("company_letter").decode()
    start = text.index("[[party.open]]")
    end = text.index("[[article]]")
    with pytest.raises(OfficeFileRefused, match="beneficial owners"):
        read_agreement("c.toml", (text[:start] + text[end:]).encode())


def amended(*, languages=("en", "ur", "ar", "es")):
    """Version 2, where a sentence on mining changed in these languages."""
    article = next(each for each in LETTER.articles if each.id == "mining")
    words = {
        code: ((text[0], text[1] + " +") if code in languages else text)
        for code, text in article.sentences.items()
    }
    articles = [replace(a, sentences=words) if a.id == article.id else a for a in LETTER.articles]
    return replace(LETTER, version=2, previous=LETTER.digest, articles=tuple(articles))


def test_a_change_in_every_language_leaves_none_behind():
    (change,) = changes(LETTER, amended())
    assert (change.article, change.number, change.stale) == ("mining", 2, ())


def test_translations_that_did_not_follow_are_stale():
    (change,) = changes(LETTER, amended(languages=("en", "es")))
    assert change.stale == ("ur", "ar")


def test_a_translation_alone_can_be_corrected():
    (change,) = changes(LETTER, amended(languages=("ur",)))
    assert change.before == change.after
    assert change.stale == ()


@pytest.mark.parametrize(
    "other",
    [
        replace(amended(), previous="00" * 32),
        replace(amended(), version=3),
        replace(amended(), id="another"),
    ],
)
def test_only_the_next_version_is_compared(other):
    with pytest.raises(NotTheNextVersion):
        changes(LETTER, other)


def entries(count, *, finding=Finding.VERIFIED, first=datetime(2026, 2, 1, tzinfo=UTC), by=None):
    return [
        Shown(
            by=by or "pakistan",
            kind="statement",
            index=number,
            at=first + timedelta(days=60 * number),
            finding=finding,
        )
        for number in range(count)
    ]


def status_of(shown, *, now=NOW):
    (found,) = [
        each
        for each in standings(LETTER, shown, now=now)
        if each.commitment.id == "pakistan-statements"
    ]
    return found


def test_it_is_fulfilled_when_the_evidence_verifies():
    found = status_of(entries(4))
    assert found.status is Status.FULFILLED
    assert found.sentence() == "fulfilled: 4 of 4 statement entries of pakistan verify"


@pytest.mark.parametrize(
    "shown",
    [
        [],
        entries(3),
        entries(4, finding=None),
        entries(4, by="el-salvador"),
        entries(4, first=datetime(2025, 1, 1, tzinfo=UTC)),
        entries(4, first=datetime(2026, 9, 1, tzinfo=UTC)),
    ],
)
def test_it_stays_open_while_anything_is_missing(shown):
    assert status_of(shown).status is Status.OPEN
    assert status_of(shown, now=NOW).missing > 0


def test_after_the_day_it_is_overdue():
    found = status_of(entries(3), now=datetime(2027, 1, 1, tzinfo=UTC))
    assert (found.status, found.missing) == (Status.OVERDUE, 1)
    assert "overdue, due 2026-12-31: 3 of 4" in found.sentence()


def test_late_is_said_to_be_late():
    shown = entries(4, first=datetime(2026, 8, 1, tzinfo=UTC))
    found = status_of(shown, now=datetime(2027, 6, 1, tzinfo=UTC))
    assert found.status is Status.FULFILLED_LATE


def test_a_contradicted_entry_is_named():
    found = status_of([*entries(3), *entries(1, finding=Finding.CONTRADICTED)])
    assert found.status is Status.CONTRADICTED
    assert "entry 0 of pakistan failed the check; 3 of 4" in found.sentence()


def test_a_contradiction_does_not_undo_enough_that_verifies():
    shown = [*entries(4), *entries(1, finding=Finding.CONTRADICTED)]
    assert status_of(shown).status is Status.FULFILLED


def test_what_nobody_could_check_is_not_checkable_once_it_is_due():
    shown = entries(4, finding=Finding.NOT_CHECKABLE)
    assert status_of(shown).status is Status.OPEN
    late = status_of(shown, now=datetime(2027, 1, 1, tzinfo=UTC))
    assert late.status is Status.NOT_CHECKABLE
    assert late.commitment.due == date(2026, 12, 31)
