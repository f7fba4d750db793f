"""Signatures over an agreement: which party they bind, and every way in which they bind none."""

from dataclasses import replace
from datetime import timedelta

import pytest

from khazana.accord.agreement.shipped import shipped_agreement
from khazana.accord.agreement.signing import (
    judge_agreement_signature,
    sign_agreement,
    unsigned_parties,
)
from khazana.statement.dsse import Envelope, joined, read_envelope, sign
from khazana.statement.errors import SignatureRefused
from khazana.statement.identity import succeeded
from tests.statement.drill import (
    NOW,
    ROOT_KEYS,
    SIGNED_AT,
    STATEMENT_KEYS,
    STRANGERS,
    drill_office,
    first_version,
    next_version,
    strangers_office,
)

OFFICE = drill_office()
SHIPPED = shipped_agreement("letter_of_intent")
AGREEMENT = replace(
    SHIPPED,
    test=True,
    parties=(
        replace(SHIPPED.parties[0], office=OFFICE.fingerprint),
        replace(SHIPPED.parties[1], office=strangers_office().fingerprint),
    ),
)
PARTY = AGREEMENT.parties[0]


def signed(*, agreement=AGREEMENT, keys=STATEMENT_KEYS[:2], at=SIGNED_AT, office=OFFICE):
    party = agreement.parties[0]
    return joined([sign_agreement(agreement, party, office, key, at=at) for key in keys])


def judged(envelope, *, agreement=AGREEMENT, offices=(OFFICE,), now=NOW):
    return judge_agreement_signature(agreement, envelope, offices, now=now)


def test_enough_keys_of_its_statement_role_bind_a_party():
    found = judged(signed())
    assert (found.party, found.at, len(found.keys)) == ("pakistan", SIGNED_AT, 2)
    assert [each.id for each in unsigned_parties(AGREEMENT, [found])] == ["el-salvador"]


def test_an_envelope_survives_the_file():
    assert judged(read_envelope(signed().to_json())) == judged(signed())


@pytest.mark.parametrize(
    ("envelope", "options", "said"),
    [
        (signed(keys=STATEMENT_KEYS[:1]), {}, "1 key(s) of drill-office signed it, and it takes 2"),
        (signed(), {"agreement": replace(AGREEMENT, binding=True)}, "it is over another text"),
        (signed(), {"offices": ()}, "the identity of pakistan was not given"),
        (signed(), {"now": SIGNED_AT - timedelta(hours=1)}, "which is still to come"),
        (signed(), {"offices": (strangers_office(),)}, "the identity of pakistan was not given"),
    ],
)
def test_what_binds_nobody_says_why(envelope, options, said):
    with pytest.raises(SignatureRefused) as refused:
        judged(envelope, **options)
    assert said in str(refused.value)


def test_one_language_changed_after_signing_frees_every_party():
    article = AGREEMENT.articles[0]
    words = {**article.sentences, "ur": ("کچھ اور", article.sentences["ur"][1])}
    other = replace(
        AGREEMENT, articles=(replace(article, sentences=words), *AGREEMENT.articles[1:])
    )
    with pytest.raises(SignatureRefused, match="another text"):
        judged(signed(), agreement=other)


def test_a_revoked_key_no_longer_counts():
    lost = frozenset(signed(keys=STATEMENT_KEYS[:1]).signatures[0].key for _ in range(1))
    left = first_version(statement=STATEMENT_KEYS[1:])
    version = next_version(first_version(), keys=left.keys, roles=left.roles, revoked=lost)
    later = succeeded(OFFICE, version, ROOT_KEYS[:2])
    with pytest.raises(SignatureRefused, match="1 key"):
        judged(signed(at=version.valid_from - timedelta(days=1)), offices=(later,))


def test_strangers_and_other_offices_cannot_sign_for_a_party():
    with pytest.raises(SignatureRefused, match="may not sign for"):
        sign_agreement(AGREEMENT, PARTY, OFFICE, STRANGERS[0], at=SIGNED_AT)
    with pytest.raises(SignatureRefused, match="is not the office"):
        sign_agreement(AGREEMENT, PARTY, strangers_office(), STRANGERS[0], at=SIGNED_AT)
    paper = replace(PARTY, office=None)
    with pytest.raises(SignatureRefused, match="signs on paper"):
        sign_agreement(AGREEMENT, paper, OFFICE, STATEMENT_KEYS[0], at=SIGNED_AT)
    with pytest.raises(SignatureRefused, match="no version"):
        sign_agreement(
            AGREEMENT, PARTY, OFFICE, STATEMENT_KEYS[0], at=SIGNED_AT - timedelta(days=900)
        )


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b'{"type":1}', b"\xff", b"{} "])
def test_hostile_payloads_are_refused_in_words(payload):
    made = signed()
    with pytest.raises(SignatureRefused):
        judged(sign(made.payload_type, payload, STATEMENT_KEYS[0]))


def test_another_type_of_document_is_no_signature_of_an_agreement():
    made = signed()
    with pytest.raises(SignatureRefused, match="not an agreement"):
        judged(Envelope("application/json", made.payload, made.signatures))


def test_a_party_signs_in_its_own_name_only():
    swapped = replace(
        AGREEMENT, parties=(replace(PARTY, id="el-salvador"), replace(AGREEMENT.parties[1], id="x"))
    )
    with pytest.raises(SignatureRefused):
        judged(signed(agreement=swapped))
