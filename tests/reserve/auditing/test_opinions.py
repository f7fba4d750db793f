"""Opinions: what holds, what is refused, and what `verify` says of them."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from khazana.ledger.canonical import canonical_bytes, parse_strict
from khazana.reserve.reading import read_reserve_statement
from khazana.statement.checks import Verdict
from khazana.statement.dsse import sign
from khazana.statement.envelope import with_evidence, write_statement
from khazana.statement.errors import SignatureRefused
from khazana.statement.evidence import evidence_of
from khazana.statement.keys import public_bytes
from khazana.statement.opinions import (
    OPINION_TYPE,
    PAYLOAD_TYPE,
    Opinion,
    OpinionVerifier,
    opinion_evidence,
    opinions_in,
    read_opinion,
    read_signed_opinion,
    require_about,
    sign_opinion,
    write_opinion,
)
from khazana.statement.times import write_instant
from tests.reserve.simulator import NOW, keys
from tests.reserve.world import story

AUDITOR, STRANGER = keys("auditor", 2)
STATEMENT = read_reserve_statement(story().second).envelope


def opinion(**changes):
    fields = {
        "root": STATEMENT.root, "auditor": "Examiners", "public": public_bytes(AUDITOR).hex(),
        "opinion": "qualified", "scope": {"en": "the period", "ur": "مدت"},
        "excluded": {"en": "wallets that nobody declared"},
        "qualifications": [{"en": "one receipt has no document"}], "materiality": 100_000,
        "dated": write_instant(NOW),
    }  # fmt: skip
    return msgspec.convert({"type": OPINION_TYPE, **fields, **changes}, Opinion)


def judged(envelope=None, *, pinned=(), now=NOW, statement=STATEMENT, **fields):
    body = {"envelope": envelope.to_json(), **fields}
    item = evidence_of(OPINION_TYPE, statement, **body)
    return OpinionVerifier(now, frozenset(pinned)).verify(item, statement, where="here")


def signed(made, key=AUDITOR):
    return sign(PAYLOAD_TYPE, write_opinion(made), key)


def test_a_signed_opinion_reads_back_and_counts_as_known_only_when_it_is_pinned():
    made = opinion()
    read, envelope = read_signed_opinion(sign_opinion(made, AUDITOR))
    assert read == made == read_opinion(write_opinion(made) + b"\n")
    unknown = judged(envelope)
    assert unknown.verdict is Verdict.NOT_CHECKABLE
    assert f"--auditor {made.key}" in unknown.summary
    known = judged(envelope, pinned=[made.key])
    assert known.verdict is Verdict.PASSED
    assert known.summary == "qualified opinion of Examiners, 1 qualification(s)"
    carried = with_evidence(STATEMENT, opinion_evidence(STATEMENT, envelope))
    back = read_reserve_statement(write_statement(carried)).envelope
    assert [each.opinion for each in opinions_in(back)] == [made]


def test_an_adverse_opinion_is_genuine_and_says_what_it_is():
    made = opinion(opinion="adverse")
    assert judged(signed(made), pinned=[made.key]).summary.startswith("adverse opinion")


@pytest.mark.parametrize(
    ("kind", "reasons"), [("unqualified", 1), ("qualified", 0), ("adverse", 0), ("disclaimer", 0)]
)
def test_every_opinion_but_an_unqualified_one_says_its_reasons(kind, reasons):
    with pytest.raises(msgspec.ValidationError, match="says its reasons"):
        opinion(opinion=kind, qualifications=[{"en": "a reason"}] * reasons)


def test_another_key_cannot_sign_in_the_auditors_name():
    with pytest.raises(SignatureRefused, match="this one is another"):
        sign_opinion(opinion(), STRANGER)
    forged = sign(PAYLOAD_TYPE, write_opinion(opinion()), STRANGER)
    assert "not signed by the one key that it names" in judged(forged).summary
    claimed = replace(forged, signatures=(replace(forged.signatures[0], key=opinion().key),))
    result = judged(claimed, pinned=[opinion().key])
    assert result.verdict is Verdict.FAILED
    assert "was not made by that key" in result.summary


def test_words_changed_after_signing_fail():
    envelope = signed(opinion())
    other = replace(envelope, payload=write_opinion(opinion(materiality=1)))
    assert judged(other).verdict is Verdict.FAILED


def test_an_opinion_on_another_root_is_refused():
    other = opinion(root="ab" * 32)
    with pytest.raises(SignatureRefused, match="another root"):
        opinion_evidence(STATEMENT, signed(other))
    assert "another root" in judged(signed(other), pinned=[other.key]).summary
    carried = with_evidence(
        STATEMENT, evidence_of(OPINION_TYPE, STATEMENT, envelope=signed(other).to_json())
    )
    assert opinions_in(carried) == []


@pytest.mark.parametrize(
    ("dated", "problem"),
    [(write_instant(NOW + timedelta(days=1)), "in the future"),
     ("2001-01-01T00:00:00Z", "before the closing block"),
     ("2026-02-31T00:00:00Z", "is no time")],
)  # fmt: skip
def test_its_date_has_to_be_possible(dated, problem):
    assert problem in judged(signed(opinion(dated=dated))).summary


def test_the_office_cannot_audit_itself():
    own = story().world.keys[0]
    made = opinion(public=public_bytes(own).hex())
    with pytest.raises(SignatureRefused, match="a key of the office itself"):
        require_about(made, STATEMENT)


def test_strange_fields_and_spellings_are_refused():
    envelope = signed(opinion())
    assert "unknown field" in judged(envelope, extra=1).summary
    spaced = sign(PAYLOAD_TYPE, write_opinion(opinion()) + b" ", AUDITOR)
    assert "canonical" in judged(spaced).summary
    document = {**parse_strict(write_opinion(opinion())), "grade": "A"}
    assert "malformed" in judged(sign(PAYLOAD_TYPE, canonical_bytes(document), AUDITOR)).summary
    wrong = sign("application/json", write_opinion(opinion()), AUDITOR)
    assert "not an opinion" in judged(wrong).summary
